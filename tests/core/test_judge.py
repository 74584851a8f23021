"""Judging against an obvious oracle that goes row by row, and what each kind looks like."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from statistics import median
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.core import buckets, calendar, judge, link_by_number, rules, statuses
from recon.core.absence_doubts import NO_DENIALS, Denials
from recon.core.coverage import microseconds
from recon.core.policy import Policy
from recon.model import Kind, Span, Verdict, VerdictKind
from tests.core import oracles
from tests.factories import (
    EVER,
    NUMBER,
    Record,
    Reject,
    Sent,
    at,
    local_side,
    provider_side,
)

DAYS = calendar.windows(date(2026, 4, 23), date(2026, 4, 24), "UTC")
ONE_DAY = DAYS[:1]
BRAZIL = ("+5511987654321", "+551187654321")
HALF_DAY = 43_200  # seconds from noon to midnight


def judge_one(
    records: Sequence[Record] = (),
    messages: Sequence[Sent] = (),
    *,
    spans: Sequence[Span] = EVER,
    policy: Policy = Policy(),  # noqa: B008 - frozen
    local_rejects: Sequence[Reject] = (),
    provider_rejects: Sequence[Reject] = (),
    first_contact: Span | None = None,
    denials: Denials = NO_DENIALS,
) -> Verdict:
    """Judge one day."""
    [verdict] = judge.judge(
        "main",
        ONE_DAY,
        local_side(records, local_rejects),
        provider_side(messages, provider_rejects),
        spans=spans,
        policy=policy,
        denials=denials,
        first_contact=first_contact,
    )
    return verdict


def test_before_the_first_listed_message_nothing_is_missing_and_agreement_counts() -> None:
    records = [Record(1, 11), Record(2, status="not_sent"), Record(3, 13, sent_at=900)]
    before = Span(None, at(600))
    verdict = judge_one(records, [Sent(99, 600)], first_contact=before)
    assert (verdict.local.unverifiable, verdict.local.not_sent) == (1, 1)
    assert verdict.local.missing_at_provider == 1
    assert "before the oldest message" in verdict.findings["detail"].to_string()


@pytest.mark.parametrize(("count", "kind"), [(9, "incomplete"), (10, "suspect")])
def test_many_records_of_a_key_for_which_nothing_was_ever_listed_are_suspect(
    count: int, kind: str
) -> None:
    records = [Record(n, 100 + n) for n in range(count)]
    verdict = judge_one(records, first_contact=Span(None, None))
    assert verdict.kind == kind
    assert judge_one(records, first_contact=Span(None, at(9999))).kind == "incomplete"
    # A record in a gap is open anyway.
    in_gap = [*records[1:], Record(0, 100, sent_at=600)]
    until = [Span(None, at(60))]
    assert judge_one(in_gap, spans=until, first_contact=Span(None, None)).kind == "incomplete"


def kinds(verdict: Verdict) -> list[tuple[str, str | None, str | None]]:
    """Return the findings as (kind, local_id, message_id)."""
    found = verdict.findings[["kind", "local_id", "message_id"]].astype(object)
    rows = found.where(found.notna(), None).itertuples(index=False, name=None)
    return [(str(kind), local, message) for kind, local, message in rows]


# --- each kind ---------------------------------------------------------------------------------


def test_a_record_whose_message_is_there_is_matched_and_no_finding() -> None:
    verdict = judge_one([Record(1, 11)], [Sent(11, sent_at=3)])
    assert (verdict.kind, kinds(verdict)) == (VerdictKind.CLEAN, [])
    assert (verdict.local.matched, verdict.provider.matched) == (1, 1)


def test_a_record_without_a_message_where_coverage_is_complete_is_missing() -> None:
    verdict = judge_one([Record(1, 11), Record(2, sent_at=5)], [Sent(12, 600)])
    assert kinds(verdict) == [
        ("missing_at_provider", "1", "11"),
        ("missing_at_provider", "2", None),
        ("missing_locally", None, "12"),
    ]


def test_a_record_without_a_message_where_nothing_is_proven_is_unverifiable() -> None:
    spans = [Span(at(1), at(100))]
    verdict = judge_one([Record(1, 11), Record(2, 12, sent_at=1)], spans=spans)
    assert kinds(verdict) == [("missing_at_provider", "2", "12"), ("unverifiable", "1", "11")]
    assert verdict.gaps == (Span(at(-HALF_DAY), at(1)), Span(at(100), at(HALF_DAY)))


def test_the_records_word_for_not_sent_is_only_believed_where_coverage_proves_it() -> None:
    records = [Record(1, status="not_sent"), Record(2, status="failed")]
    verdict = judge_one(records)
    assert (verdict.local.not_sent, verdict.kind) == (2, VerdictKind.CLEAN)
    verdict = judge_one(records, spans=[])
    assert (verdict.local.not_sent, verdict.local.unverifiable) == (0, 2)


def test_a_failed_record_with_an_id_says_that_octopods_had_it() -> None:
    assert kinds(judge_one([Record(1, 11, status="failed")])) == [
        ("missing_at_provider", "1", "11")
    ]
    odd = Record(1, odd_message_id="wamid.x", status="failed")
    assert kinds(judge_one([odd])) == [("missing_at_provider", "1", "wamid.x")]


def test_a_record_called_not_sent_that_octopods_has_would_be_sent_twice() -> None:
    verdict = judge_one([Record(1, status="not_sent")], [Sent(11)])
    assert kinds(verdict) == [("status_mismatch", "1", "11")]
    assert "a retry would send twice" in verdict.findings["detail"].iloc[0]


def test_a_message_without_a_record_soon_after_a_recorded_one_is_a_duplicate_send() -> None:
    verdict = judge_one([Record(1, 11)], [Sent(11), Sent(12, 60), Sent(13, 61), Sent(14, -60)])
    assert kinds(verdict) == [
        ("duplicate_send", None, "14"),
        ("duplicate_send", None, "12"),
        ("missing_locally", None, "13"),
    ]


def test_of_two_recorded_messages_as_near_the_earlier_is_the_one_repeated() -> None:
    messages = [Sent(11, 30), Sent(12), Sent(13, -30)]
    for turn in (1, -1):
        verdict = judge_one([Record(1, 11, 30), Record(2, 13, -30)], messages[::turn])
        assert kinds(verdict) == [("duplicate_send", None, "12")]
        assert "30 s after message 13" in verdict.findings["detail"].iloc[0]


def test_a_message_to_another_number_repeats_nothing() -> None:
    verdict = judge_one([Record(1, 11)], [Sent(11), Sent(12, 5, phone_number="+353870000000")])
    assert kinds(verdict) == [("missing_locally", None, "12")]


def test_of_two_records_of_one_message_the_farther_is_the_duplicate() -> None:
    verdict = judge_one([Record(1, 11, sent_at=9), Record(2, 11, sent_at=2)], [Sent(11)])
    assert kinds(verdict) == [("duplicate_local", "1", "11")]
    assert "record 2" in verdict.findings["detail"].iloc[0]


@pytest.mark.parametrize("ids", [(9, 10), ("a", "b")])
def test_on_a_tie_the_smaller_id_accounts_for_the_message(ids: tuple[int | str, int | str]) -> None:
    for first, second in (ids, ids[::-1]):
        verdict = judge_one([Record(first, 11, -5), Record(second, 11, 5)], [Sent(11)])
        assert kinds(verdict) == [("duplicate_local", str(max(ids)), "11")]
        assert f"record {min(ids)} is as near in time" in verdict.findings["detail"].iloc[0]


def test_a_second_record_of_one_message_gets_no_other_message() -> None:
    verdict = judge_one([Record(1, 11), Record(2, 11, 400)], [Sent(11), Sent(12, 400)])
    assert kinds(verdict) == [("duplicate_local", "2", "11"), ("missing_locally", None, "12")]


def test_a_pair_by_number_and_time_with_another_id_is_a_mismatch_of_ids() -> None:
    verdict = judge_one(
        [Record(1, 99), Record(2, odd_message_id="x", sent_at=900)], [Sent(11), Sent(12, 901)]
    )
    assert kinds(verdict) == [
        ("message_id_mismatch", "1", "11"),
        ("message_id_mismatch", "2", "12"),
    ]


def test_ids_differ_for_certain_only_where_the_records_own_message_is_proven_absent() -> None:
    """The record's message may be one that no answer showed, and the listed one not recorded."""
    for gap in (Span(at(0), None), Span(None, at(-5))):
        verdict = judge_one([Record(1, 21, sent_at=-1)], [Sent(11)], spans=[gap])
        assert kinds(verdict) == [("unverifiable", "1", "21"), ("unverifiable", None, "11")]
    assert "holds another id" in verdict.findings["detail"].iloc[1]
    before = Span(None, at(0))
    verdict = judge_one([Record(1, 21, sent_at=-1)], [Sent(11)], first_contact=before)
    assert kinds(verdict) == [("unverifiable", "1", "21"), ("unverifiable", None, "11")]


def test_an_item_that_cannot_be_read_may_be_the_one_that_the_record_names() -> None:
    def found(unread: Reject) -> set[tuple[str, str | None, str | None]]:
        verdict = judge_one([Record(1, 21)], [Sent(11)], provider_rejects=[unread])
        return {one for one in kinds(verdict) if one[0] != "invalid_provider"}

    assert found(Reject(sent_at=-1)) == {
        ("unverifiable", "1", "21"),
        ("unverifiable", None, "11"),
    }
    # With its id it is the record's, so that the other message has no record.
    assert found(Reject(message_id=21)) == {
        ("unverifiable", "1", "21"),
        ("missing_locally", None, "11"),
    }


def test_a_message_that_a_record_with_another_id_gives_up_is_another_records() -> None:
    records = [Record(1, 21, sent_at=1), Record(2, sent_at=30)]
    spans = [Span(None, at(1)), Span(at(2), None)]
    verdict = judge_one(records, [Sent(11)], spans=spans)
    assert kinds(verdict) == [("unverifiable", "1", "21")]
    assert (verdict.local.matched, verdict.provider.matched) == (1, 1)
    # Of several records with other ids none takes it.
    records = [Record(1, 21, sent_at=1), Record(2, 22, sent_at=1.5)]
    verdict = judge_one(records, [Sent(11)], spans=spans)
    assert (verdict.local.unverifiable, verdict.provider.unverifiable) == (2, 1)


def test_a_record_without_an_id_is_a_pair_in_a_gap_too() -> None:
    verdict = judge_one([Record(1)], [Sent(11)], spans=[])
    assert (verdict.local.matched, kinds(verdict)) == (1, [])
    # An id that is none of Octopods' cannot be the one of a message that was not shown.
    verdict = judge_one([Record(1, odd_message_id="wamid.x")], [Sent(11)], spans=[])
    assert kinds(verdict) == [("message_id_mismatch", "1", "11")]


def test_a_denied_id_differs_for_certain_in_a_gap_too() -> None:
    ever = np.iinfo(np.int64)
    denied = Denials(np.array([21]), np.array([ever.min]), np.array([ever.max]))
    verdict = judge_one([Record(1, 21)], [Sent(11)], spans=[], denials=denied)
    assert kinds(verdict) == [("message_id_mismatch", "1", "11")]


def test_one_id_with_two_numbers_is_a_mismatch_of_recipients_but_two_spellings_are_not() -> None:
    verdict = judge_one(
        [Record(1, 11), Record(2, 12, phone_number=BRAZIL[0])],
        [Sent(11, phone_number="+353870000000"), Sent(12, phone_number=BRAZIL[1])],
    )
    assert kinds(verdict) == [("recipient_mismatch", "1", "11")]
    assert NUMBER in verdict.findings["detail"].iloc[0]
    assert verdict.findings["phone_number"].tolist() == ["+353870000000"]


def test_digits_alone_begin_with_a_country_code_at_octopods_whatever_the_region() -> None:
    danish, home = "+4512345678", "087 123 4567"
    records = [Record(1, 11, phone_number=danish), Record(2, phone_number=home)]
    messages = [Sent(11, phone_number=danish[1:]), Sent(12, phone_number=home)]
    assert kinds(judge_one(records, messages, policy=Policy(region="IE"))) == []


def test_a_pair_may_carry_several_findings_and_is_still_one_pair() -> None:
    verdict = judge_one(
        [Record(1, 11, sent_at=-301, status="read")],
        [Sent(11, status="failed", phone_number="+353870000000")],
    )
    assert [kind for kind, *_ in kinds(verdict)] == [
        "recipient_mismatch",
        "status_mismatch",
        "sent_at_drift",
    ]
    assert verdict.local.matched == verdict.provider.matched == 1


def test_a_pair_drifts_only_beyond_the_limit() -> None:
    assert kinds(judge_one([Record(1, 11, 300)], [Sent(11)])) == []
    assert kinds(judge_one([Record(1, 11, 300.000001)], [Sent(11)])) == [
        ("sent_at_drift", "1", "11")
    ]


@pytest.mark.parametrize("status", ["sent", "unknown"])
def test_a_message_is_stuck_when_it_was_seen_waiting_for_so_long(status: str) -> None:
    day = 86_400
    messages = [
        Sent(11, status=status, observed_at=day),
        Sent(12, 9, status=status, observed_at=day),
    ]
    verdict = judge_one([Record(1, 11), Record(2, 12, 9)], messages)
    assert kinds(verdict) == [("stuck", "1", "11")]
    assert verdict.findings["detail"].iloc[0] == f"status still {status} 1 d after the send"


def test_a_message_without_a_record_can_be_stuck_too() -> None:
    verdict = judge_one([], [Sent(11, status="sent", observed_at=90_000)])
    assert kinds(verdict) == [("missing_locally", None, "11"), ("stuck", None, "11")]


def test_rows_that_cannot_be_read_are_counted_and_reported() -> None:
    verdict = judge_one(
        [Record(1, 11), Record(2, 12, 9, phone_number="12")],
        [Sent(11), Sent(13, 500, phone_number="none")],
        local_rejects=[Reject(local_id="3"), Reject(local_id="4", sent_at=10 * HALF_DAY)],
        provider_rejects=[Reject(reason="sent_at is missing", message_id=14)],
    )
    assert kinds(verdict) == [
        ("invalid_local", "2", "12"),
        ("invalid_local", "3", None),
        ("invalid_provider", None, "13"),
        ("invalid_provider", None, "14"),
    ]
    assert (verdict.local.total, verdict.provider.total) == (3, 3)


def test_rows_that_cannot_be_read_belong_to_the_day_of_their_time_and_else_to_the_newest() -> None:
    rejects = [Reject(sent_at=0), Reject(key="1")]
    sides = local_side([], rejects), provider_side([], rejects)
    verdicts = judge.judge("main", DAYS, *sides, spans=EVER, policy=Policy())
    assert [one.local.invalid_local for one in verdicts] == [1, 1]
    assert [one.provider.invalid_provider for one in verdicts] == [1, 1]


def test_an_id_that_octopods_lists_unreadably_is_not_called_missing() -> None:
    verdict = judge_one(
        [Record(1, 11), Record(2, 12)], [Sent(12)], provider_rejects=[Reject(message_id=11)]
    )
    assert kinds(verdict) == [("invalid_provider", None, "11"), ("unverifiable", "1", "11")]


def test_records_that_keep_no_numbers_link_by_id_alone() -> None:
    records = [
        Record(1, 11, phone_number=None),
        Record(2, 12, phone_number=None),
        Record(3, phone_number=None),
        Record(4, phone_number=None, status="not_sent"),
        Record(5, phone_number=None, status="failed"),
    ]
    local = local_side(records, has_numbers=False)
    [verdict] = judge.judge(
        "main", ONE_DAY, local, provider_side([Sent(11)]), spans=EVER, policy=Policy()
    )
    assert kinds(verdict) == [("missing_at_provider", "2", "12"), ("invalid_local", "3", None)]
    assert verdict.findings["detail"].tolist()[1] == (
        "neither a message_id nor a number tells which message it is"
    )
    assert verdict.local.not_sent == 2


def test_records_that_keep_no_statuses_contradict_none() -> None:
    local = local_side([Record(1, 11, status=None)], has_statuses=False)
    [verdict] = judge.judge(
        "main",
        ONE_DAY,
        local,
        provider_side([Sent(11)]),
        spans=EVER,
        policy=Policy(status_policy="strict"),
    )
    assert kinds(verdict) == []


# --- whose day ---------------------------------------------------------------------------------


def test_a_pair_across_midnight_belongs_to_the_day_of_the_message() -> None:
    records = [Record(1, 11, sent_at=HALF_DAY + 1), Record(2, sent_at=-HALF_DAY - 1)]
    messages = [Sent(11, sent_at=HALF_DAY - 1), Sent(12, sent_at=-HALF_DAY + 1)]
    verdict = judge_one(records, messages)
    assert kinds(verdict) == []
    assert (verdict.local.total, verdict.provider.total) == (2, 2)
    [_, next_day] = judge.judge(
        "main", DAYS, local_side(records), provider_side(messages), spans=EVER, policy=Policy()
    )
    assert next_day.kind is VerdictKind.NOTHING_TO_COMPARE


def test_records_kept_in_the_wrong_zone_drift_and_are_never_missing() -> None:
    hour = 3600
    records = [Record(n, n, sent_at=n * 60 + 5 * hour) for n in range(1, 9)]
    messages = [Sent(n, sent_at=n * 60) for n in range(1, 8)]
    # With its clock corrected, the eighth record lies in a gap before the first listed message.
    covered = [Span(at(-60), at(490)), Span(at(hour), None)]
    verdict = judge_one(records, messages, spans=covered)
    assert Counter(kind for kind, *_ in kinds(verdict)) == {
        "sent_at_drift": 7,
        "missing_at_provider": 1,
    }
    verdict = judge_one(records, messages, spans=[Span(at(hour), None)])
    assert Counter(kind for kind, *_ in kinds(verdict)) == {"sent_at_drift": 7, "unverifiable": 1}


def test_only_pairs_by_id_show_whether_the_records_clock_is_off() -> None:
    others = [f"+35386000000{n}" for n in range(3)]
    records = [
        Record(1, 11, 1000),
        *(Record(n, None, 2100, number) for n, number in enumerate(others, start=2)),
        Record(9, None, 50, "+353869999999"),
    ]
    messages = [
        Sent(11, 1000),
        *(Sent(n, 2000, number) for n, number in enumerate(others, start=12)),
    ]
    verdict = judge_one(records, messages, spans=[Span(at(0), None)])
    assert kinds(verdict) == [("missing_at_provider", "9", None)]


@pytest.mark.parametrize("with_ids", [True, False])
def test_a_record_whose_message_may_lie_in_a_gap_beside_it_is_not_missing(
    *, with_ids: bool
) -> None:
    # They are written up to 40 seconds after their messages.
    late = [0, 10, 40]
    records = [
        Record(n, 10 + n if with_ids else None, 500 + 200 * n + lag) for n, lag in enumerate(late)
    ]
    messages = [Sent(10 + n, 500 + 200 * n) for n in range(3)]
    beside = [Record(7, None, 39, "+353861111111"), Record(8, None, 40, "+353862222222")]
    verdict = judge_one([*records, *beside], messages, spans=[Span(at(0), None)])
    assert kinds(verdict) == [("missing_at_provider", "8", None), ("unverifiable", "7", None)]


def test_a_pair_far_from_all_others_does_not_widen_gaps() -> None:
    records = [Record(n, 10 + n, 500 + 200 * n) for n in range(4)]
    messages = [Sent(10 + n, 500 + 200 * n - (400 if n == 3 else 0)) for n in range(4)]
    beside = Record(7, None, 1, "+353861111111")
    verdict = judge_one([*records, beside], messages, spans=[Span(at(0), None)])
    assert kinds(verdict) == [("missing_at_provider", "7", None), ("sent_at_drift", "3", "13")]


# --- the verdict's word ------------------------------------------------------------------------


def test_two_empty_sides_are_never_dressed_up_as_success() -> None:
    assert judge_one().kind is VerdictKind.NOTHING_TO_COMPARE


def test_a_gap_without_a_finding_is_incomplete() -> None:
    assert (
        judge_one([Record(1, 11)], [Sent(11)], spans=[Span(at(-9), None)]).kind
        is VerdictKind.INCOMPLETE
    )
    assert judge_one(spans=[]).kind is VerdictKind.INCOMPLETE


def test_unverifiable_alone_is_incomplete_and_with_another_kind_a_discrepancy() -> None:
    assert judge_one([Record(1, 11)], spans=[]).kind is VerdictKind.INCOMPLETE
    verdict = judge_one([Record(1, 11)], [Sent(12, 900)], spans=[])
    assert verdict.kind is VerdictKind.DISCREPANCIES


def test_what_only_a_clock_that_is_off_leaves_open_is_incomplete_though_the_day_has_no_gap() -> (
    None
):
    records = [Record(1, 11, 200), Record(2, None, 100 - HALF_DAY, "+353869999999")]
    verdict = judge_one(records, [Sent(11)], spans=[Span(at(-HALF_DAY), None)])
    assert kinds(verdict) == [("unverifiable", "2", None)]
    assert (verdict.gaps, verdict.kind) == ((), VerdictKind.INCOMPLETE)


def many(count: int, first: int = 0, status: str = "sent") -> list[Record]:
    """Return so many records, half an hour apart, each with an id and a number of its own."""
    return [Record(n, n, n * 60, f"+3538700{n:05}", status) for n in range(first, first + count)]


def sent(count: int, first: int = 0) -> list[Sent]:
    """Return so many messages, likewise."""
    return [Sent(n + 1, n * 60, f"+3538700{n:05}") for n in range(first, first + count)]


def test_ten_records_and_no_message_at_all_is_suspect_and_opens_no_finding() -> None:
    assert judge_one(many(9)).kind is VerdictKind.DISCREPANCIES
    verdict = judge_one(many(10))
    assert verdict.kind is VerdictKind.SUSPECT
    assert len(verdict.findings) == 0
    assert verdict.local.missing_at_provider == verdict.local.total == 10
    assert "The database or file has 10 records" in verdict.suspicions[0]
    assert any("key" in cause for cause in verdict.suspicions[1:])


def test_ten_messages_and_no_record_at_all_is_suspect() -> None:
    assert judge_one([], sent(9)).kind is VerdictKind.DISCREPANCIES
    assert judge_one([], sent(10)).kind is VerdictKind.SUSPECT


def test_ten_of_each_without_one_pair_is_suspect_and_one_pair_is_enough() -> None:
    strangers = sent(10, first=500)
    assert judge_one(many(10), strangers).kind is VerdictKind.SUSPECT
    assert judge_one(many(10), [*strangers, Sent(3, 180)]).kind is VerdictKind.DISCREPANCIES
    assert judge_one(many(9), strangers).kind is VerdictKind.DISCREPANCIES


def test_trusted_input_is_judged_all_the_same_and_the_guard_can_be_moved() -> None:
    trusting = Policy(trust_input=True)
    assert judge_one(many(10), policy=trusting).kind is VerdictKind.DISCREPANCIES
    assert judge_one(many(10), policy=Policy(guard_rows=11)).kind is VerdictKind.DISCREPANCIES


def test_records_that_nobody_accuses_are_no_sign_of_a_wrong_key() -> None:
    assert judge_one(many(40), spans=[]).kind is VerdictKind.INCOMPLETE
    assert judge_one([replace(r, message_id=None) for r in many(40, status="not_sent")]).kind is (
        VerdictKind.CLEAN
    )


# --- identity ----------------------------------------------------------------------------------


#: Kind and record of findings, and their identities: acknowledgements hang on these.
GOLDEN = {
    "missing_at_provider 1": "effb7e3f01395967",
    "missing_at_provider a-7": "1a6f2245176242d4",
    "missing_at_provider ": "bfdba999999aa0f1",
    "missing_locally ": "79e61a8d4ce5e81a",
    "status_mismatch 5": "cbfc59b6ef23e261",
    "invalid_local 4": "88fb2375e1fc4385",
    "invalid_provider ": "d9449b0128940fd6",
}


def test_the_identity_of_a_finding_is_the_same_for_ever() -> None:
    records = [
        Record(1, 11),
        Record("a-7", 12, 600),
        Record(None, None, 1200),
        Record(4, 14, 1800, "12"),
        Record(5, 15, 2400, status="failed"),
    ]
    messages, item = [Sent(13, 5000), Sent(15, 2400)], Reject(message_id=16, sent_at=6000)
    found = judge_one(records, messages, provider_rejects=[item]).findings
    names = found["kind"] + " " + found["local_id"].fillna("")
    assert dict(zip(names, found["discrepancy_id"], strict=True)) == GOLDEN


@pytest.mark.parametrize("other", [3, "x"])
def test_ties_and_identities_do_not_depend_on_the_ids_of_other_records(other: int | str) -> None:
    tied = [Record(9, 11, -5), Record(10, 11, 5)]
    verdict = judge_one([*tied, Record(other, 12, 900)], [Sent(11), Sent(12, 900)])
    assert kinds(verdict) == [("duplicate_local", "10", "11")]
    alone = judge_one(tied, [Sent(11)])
    assert verdict.findings["discrepancy_id"].tolist() == alone.findings["discrepancy_id"].tolist()


def test_a_finding_keeps_its_identity_from_run_to_run_and_another_account_has_another() -> None:
    records, messages = [Record(1, 11), Record(2, 12, 900)], [Sent(12, 905), Sent(13, 5000)]
    first = judge_one(records, messages)
    later = judge_one(
        [*records, Record(9, 19, 7000)], [replace(m, status="read") for m in messages]
    )
    ids = set(first.findings["discrepancy_id"])
    assert len(ids) == 2
    assert ids < set(later.findings["discrepancy_id"])
    [other] = judge.judge(
        "other", ONE_DAY, local_side(records), provider_side(messages), spans=EVER, policy=Policy()
    )
    assert not ids & set(other.findings["discrepancy_id"])


def test_a_stuck_message_stays_the_same_finding_when_the_records_get_their_record() -> None:
    message = Sent(11, status="sent", observed_at=90_000)
    alone, recorded = (
        judge_one([], [message]).findings,
        judge_one([Record(1, 11)], [message]).findings,
    )
    [before], [after] = (
        found.loc[found["kind"] == "stuck", "discrepancy_id"] for found in (alone, recorded)
    )
    assert before == after


def test_a_record_without_an_id_is_the_same_finding_whatever_else_is_found() -> None:
    alone = judge_one([Record(None, sent_at=5)])
    among_others = judge_one([Record(None, sent_at=5), Record(None, sent_at=600.25)])
    assert set(alone.findings["discrepancy_id"]) < set(among_others.findings["discrepancy_id"])


def test_records_without_ids_of_their_own_are_distinguished() -> None:
    verdict = judge_one([Record(None, sent_at=5), Record(None, sent_at=5), Record(None, sent_at=9)])
    assert len(set(verdict.findings["discrepancy_id"])) == 3


def test_records_that_share_an_id_of_their_own_keep_their_identities_in_any_order() -> None:
    records = [Record(7, 14, 20), Record(7, 13, 20), Record(7, 12, 5), Record(7, sent_at=5)]
    first, second = judge_one(records).findings, judge_one(records[::-1]).findings
    assert first["discrepancy_id"].is_unique
    assert first.equals(second)


def test_findings_of_a_kind_stand_in_the_order_of_octopods_times() -> None:
    verdict = judge_one([Record(1, 11, 5000), Record(2, 12, 900)], [Sent(11, 10), Sent(12, 20)])
    assert kinds(verdict) == [("sent_at_drift", "1", "11"), ("sent_at_drift", "2", "12")]


def test_records_that_share_an_id_of_their_own_are_chosen_by_what_else_they_hold() -> None:
    records = [Record(7, status=word) for word in ("sent", "delivered", "read")]
    messages = [Sent(11, 3, status="read"), Sent(12, 3, status="read")]
    left = []
    for chosen in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        verdict = judge_one([records[place] for place in chosen], messages)
        left.append(verdict.findings)
    assert left[0]["local_status"].to_list() == ["sent"]
    assert left[0].equals(left[1])
    assert left[0].equals(left[2])


# --- the oracle --------------------------------------------------------------------------------

IDS = st.none() | st.integers(1, 7)
TIMES = st.sampled_from([-61, -30, 0, 0.5, 30, 59, 61, 150, 400]).flatmap(
    lambda s: st.sampled_from([s, HALF_DAY + s, -HALF_DAY + s, 3 * HALF_DAY + s])
)
NUMBERS = st.sampled_from([NUMBER, "+353860000000", *BRAZIL, "12", None])
STATUSES = st.sampled_from(
    ["sent", "delivered", "read", "failed", "unknown", "not_sent", "odd", None]
)

records_strategy = st.lists(
    st.builds(Record, st.integers(0, 99), IDS, TIMES, NUMBERS, STATUSES),
    max_size=9,
    unique_by=lambda record: record.local_id,
)
messages_strategy = st.lists(
    st.builds(
        Sent,
        st.integers(1, 9),
        TIMES,
        NUMBERS,
        st.sampled_from(["sent", "delivered", "read", "failed", "deleted", "unknown", "new"]),
        st.none(),
        st.sampled_from([0, 200_000]),
    ),
    max_size=7,
    unique_by=lambda message: message.message_id,
)
SPANS = [EVER, (), (Span(at(-1000), at(200)),), (Span(None, at(0)), Span(at(60), at(2 * HALF_DAY)))]


def day_of(seconds: float) -> int | None:
    """Return which of `DAYS` a time belongs to."""
    index = int((seconds + HALF_DAY) // (2 * HALF_DAY))
    return index if index in (0, 1) else None


Found: TypeAlias = set[tuple[int, str, int | None, int | None]]


@cache
def key(number: str | None) -> int:
    return oracles.number_key(number or "", None)


def readable_rows(
    records: Sequence[Record], messages: Sequence[Sent]
) -> tuple[list[Record], list[Sent]]:
    def links(r: Record) -> bool:
        if r.phone_number is None:
            return r.message_id is not None or r.status in ("not_sent", "failed")
        return key(r.phone_number) >= 0

    return (
        [r for r in records if links(r)],
        [m for m in messages if m.phone_number is None or key(m.phone_number) >= 0],
    )


Unread: TypeAlias = Record | Sent | Reject


def may_be(
    unread: Unread,
    row: Record | Sent,
    tolerance: float,
) -> bool:
    """Say whether an unreadable row of one side may be a row of the other."""
    if unread.message_id is not None and row.message_id is not None:
        return unread.message_id == row.message_id
    numbers = [key(one.phone_number) for one in (unread, row)]
    if min(numbers) >= 0 and numbers[0] != numbers[1]:
        return False
    earliest = latest = unread.sent_at
    if isinstance(unread, Reject) and unread.sent_at is None:
        earliest, latest = unread.earliest, unread.latest
    return (earliest is None or row.sent_at >= earliest - tolerance) and (
        latest is None or row.sent_at <= latest + tolerance
    )


def by_id(
    readable: Sequence[Record], there: Sequence[Sent]
) -> tuple[dict[int, Record], list[Record]]:
    """Return the record of each message that one names, and the duplicates."""
    partner: dict[int, Record] = {}
    duplicates = []
    for m in there:
        holders = [r for r in readable if r.message_id == m.message_id]
        holders.sort(key=lambda r, m=m: (abs(r.sent_at - m.sent_at), r.local_id))  # type: ignore[misc]
        if holders:
            partner[m.message_id] = holders[0]
            duplicates += holders[1:]
    return partner, duplicates


def by_number(
    readable: Sequence[Record], there: Sequence[Sent], policy: Policy
) -> dict[int, Record]:
    """Return the record of each message that number and time link, by its id.

    These pairs are proven elsewhere, against a brute-force optimum. Of equally good ones, those
    are taken whose statuses agree.
    """
    mine, theirs = link_by_number.link(
        np.array([key(r.phone_number) for r in readable], dtype=np.int64),
        np.array([microseconds(at(r.sent_at)) for r in readable], dtype=np.int64),
        np.array([r.local_id for r in readable], dtype=np.int64),
        np.array([key(m.phone_number) for m in there], dtype=np.int64),
        np.array([microseconds(at(m.sent_at)) for m in there], dtype=np.int64),
        np.array([m.message_id for m in there], dtype=np.int64),
        policy.tolerance // timedelta(microseconds=1),
    )
    pairs = [(readable[i], there[j]) for i, j in zip(mine.tolist(), theirs.tolist(), strict=True)]
    records = [r for i, r in enumerate(readable) if i not in mine and r.message_id is None]
    messages = [m for j, m in enumerate(there) if j not in theirs]
    reach = policy.tolerance.total_seconds()
    for place, (r, m) in enumerate(pairs):
        equal = [one for one in records if same_moment(one, r) and not differ(one, m)]
        if differ(r, m) and equal:
            pairs[place] = min(equal, key=lambda one: int(one.local_id or 0)), m
            records.remove(pairs[place][0])
    for place, (r, m) in enumerate(pairs):
        same = [one for one in messages if same_moment(one, m) and not differ(r, one)]
        if differ(r, m) and same:
            pairs[place] = r, min(same, key=lambda one: one.message_id)
            messages.remove(pairs[place][1])
    before, crossed = list(pairs), -2
    for place, ((r, m), (s, n)) in enumerate(pairwise(before)):
        lengths = [abs(one.sent_at - other.sent_at) for one, other in ((r, n), (s, m))]
        if (
            place > crossed + 1
            and key(r.phone_number) == key(s.phone_number)
            and max(lengths) <= reach
            and math.isclose(sum(lengths), abs(r.sent_at - m.sent_at) + abs(s.sent_at - n.sent_at))
            and differ(r, n) + differ(s, m) < differ(r, m) + differ(s, n)
        ):
            pairs[place : place + 2] = (r, n), (s, m)
            crossed = place
    return {m.message_id: r for r, m in pairs}


def same_moment(one: Record | Sent, other: Record | Sent) -> bool:
    return key(one.phone_number) == key(other.phone_number) and one.sent_at == other.sent_at


def differ(r: Record, m: Sent) -> bool:
    return statuses.contradict(r.status, m.status, "compatible")


def shifts(records: Sequence[Record], messages: Sequence[Sent]) -> list[float]:
    """Return by how much the records' clock is off in each pair by id."""
    readable, there = readable_rows(records, messages)
    sent_at = {m.message_id: m.sent_at for m in there}
    return [r.sent_at - sent_at[n] for n, r in by_id(readable, there)[0].items()]


def records_end(
    readable: Sequence[Record], there: Sequence[Sent], partner: dict[int, Record], shift: float
) -> float:
    """Return the time after which messages may merely not be recorded yet; else infinity."""
    times = sorted(r.sent_at for r in readable)
    if len(times) < 3 or not partner:
        return math.inf
    last = max(m.sent_at for m in there)
    usual = np.quantile(np.diff(times), 0.95, method="higher")
    end = max(times[-1] - shift, *(m.sent_at for m in there if m.message_id in partner))
    return math.inf if last - end <= max(3600, usual) else end


def usual_lengths(lengths: Sequence[float], tolerance: float) -> tuple[float, float]:
    """Return by how much records are later than their messages, but for those far from the rest."""
    usual = median(lengths)
    near = [one for one in lengths if abs(one - usual) <= tolerance]
    return (min(near), max(near)) if near else (usual, usual)


def oracle(  # noqa: C901, PLR0912, PLR0915 - it reads as the rules do, one after the other
    records: Sequence[Record],
    messages: Sequence[Sent],
    spans: Sequence[Span],
    policy: Policy,
    shift: float,
    apart: tuple[float, float] | None,
    local_rejects: Sequence[Reject] = (),
    provider_rejects: Sequence[Reject] = (),
    *,
    may_end: bool = False,
) -> tuple[Counter[tuple[int, str]], Counter[tuple[int, str]], Found]:
    """Judge row by row, as the rules read; give buckets and findings by day.

    `shift` is by how much records are usually later than the messages that they name, `apart` at
    least and at most; `None` where no record names one.
    """
    readable, there = readable_rows(records, messages)
    local: Counter[tuple[int, str]] = Counter()
    provider: Counter[tuple[int, str]] = Counter()
    found: Found = set()

    def note(counter: Counter[tuple[int, str]], day: int | None, bucket: str) -> None:
        if day is not None:
            counter[day, bucket] += 1

    for r in records:
        if r not in readable:
            note(local, day_of(r.sent_at), "invalid_local")
            found.add((day_of(r.sent_at), "invalid_local", r.local_id, r.message_id))  # type: ignore[arg-type]
    for m in messages:
        if m not in there:
            note(provider, day_of(m.sent_at), "invalid_provider")
            found.add((day_of(m.sent_at), "invalid_provider", None, m.message_id))  # type: ignore[arg-type]

    for counter, rejects, kind in (
        (local, local_rejects, "invalid_local"),
        (provider, provider_rejects, "invalid_provider"),
    ):
        for one in rejects:
            day = len(DAYS) - 1 if one.sent_at is None else day_of(one.sent_at)
            note(counter, day, kind)
            own = int(one.local_id) if counter is local and one.local_id else None
            found.add((day, kind, own, one.message_id))  # type: ignore[arg-type]

    partner, duplicates = by_id(readable, there)
    named = set(partner)
    rest = [r for r in readable if r not in partner.values() and r not in duplicates]
    alone = [m for m in there if m.message_id not in partner]

    def proven(first: float, last: float) -> bool:
        return any(
            (s.start is None or s.start <= at(first)) and (s.end is None or at(last) < s.end)
            for s in spans
        )

    unread_items: list[Unread] = [*(m for m in messages if m not in there), *provider_rejects]
    unread_records: list[Unread] = [*(r for r in records if r not in readable), *local_rejects]
    unread = {one.message_id for one in unread_items} - {None}
    reach = policy.tolerance.total_seconds()

    def is_open(r: Record) -> bool:
        """Say whether a gap, or an item with its id, may hide the message of a record."""
        least, most = apart or of_pairs()
        is_proven = proven(r.sent_at, r.sent_at) and proven(r.sent_at - most, r.sent_at - least)
        return not is_proven or r.message_id in unread

    def of_pairs() -> tuple[float, float]:
        sent_at = {m.message_id: m.sent_at for m in there}
        return usual_lengths([r.sent_at - sent_at[n] for n, r in pairs.items()] or [0], reach)

    pairs = by_number(rest, alone, policy)
    others = [
        r
        for r in rest
        if r.message_id is not None
        and (is_open(r) or any(may_be(one, r, reach) for one in unread_items))
    ]
    if any(r in others for r in pairs.values()):
        pairs = by_number([r for r in rest if r not in others], alone, policy)
    else:
        others = []
    partner |= pairs
    end = records_end(readable, there, partner, shift) if may_end else math.inf
    nameless = [
        r
        for r in readable
        if r not in partner.values() and r.message_id is None and r.status != "not_sent"
    ]
    unrecorded = [m for m in there if m.message_id not in partner]

    def cannot_be_told(r: Record, m: Sent) -> bool:
        """Say whether a record without an id and a message share nothing but their time."""
        is_compared = min(key(r.phone_number), key(m.phone_number)) >= 0
        return not is_compared and abs(r.sent_at - m.sent_at) <= reach

    for r in readable:
        if r in partner.values():
            continue
        if r in duplicates:
            bucket = "duplicate_local"
        elif is_open(r):
            bucket = "unverifiable"
        elif r.status == "not_sent" or (r.status == "failed" and r.message_id is None):
            bucket = "not_sent"
        elif any(may_be(one, r, reach) for one in unread_items) or (
            r in nameless and any(cannot_be_told(r, m) for m in unrecorded)
        ):
            bucket = "unverifiable"
        else:
            bucket = "missing_at_provider"
        note(local, day_of(r.sent_at), bucket)
        if bucket != "not_sent":
            found.add((day_of(r.sent_at), bucket, r.local_id, r.message_id))  # type: ignore[arg-type]

    for m in there:
        day = day_of(m.sent_at)
        if day is None:
            continue
        if m.status in ("sent", "unknown") and m.observed_at - m.sent_at >= 86_400:
            holder = partner.get(m.message_id)
            found.add((day, "stuck", holder.local_id if holder else None, m.message_id))  # type: ignore[arg-type]
        if m.message_id not in partner:
            repeated = any(
                abs(o.sent_at - m.sent_at) <= 60 and key(o.phone_number) == key(m.phone_number) >= 0
                for o in there
                if o.message_id in partner
            )
            bucket = "duplicate_send" if repeated else "missing_locally"
            may_be_others = any(
                key(r.phone_number) == key(m.phone_number) >= 0
                and abs(r.sent_at - m.sent_at) <= reach
                for r in others
                if r.message_id not in unread
            )
            is_shielded = any(may_be(one, m, reach) for one in unread_records) or any(
                cannot_be_told(r, m) for r in nameless
            )
            if m.sent_at > end or is_shielded or may_be_others:
                bucket = "unverifiable"
            note(provider, day, bucket)
            found.add((day, bucket, None, m.message_id))
            continue
        r = partner[m.message_id]
        note(local, day, "matched")
        note(provider, day, "matched")
        wrong = []
        if m.message_id not in named and r.message_id is not None:
            wrong.append("message_id_mismatch")
        if (
            key(r.phone_number) != key(m.phone_number)
            and min(key(r.phone_number), key(m.phone_number)) >= 0
        ):
            wrong.append("recipient_mismatch")
        if statuses.contradict(r.status, m.status, policy.status_policy):
            wrong.append("status_mismatch")
        if abs(r.sent_at - m.sent_at) > 300:
            wrong.append("sent_at_drift")
        found |= {(day, kind, r.local_id, m.message_id) for kind in wrong}  # type: ignore[misc]
    return local, provider, {f for f in found if f[0] is not None}


def judged(verdicts: Sequence[Verdict]) -> Found:
    return {
        (
            day,
            kind,
            None if local is None else int(local),
            None if message is None else int(message),
        )
        for day, verdict in enumerate(verdicts)
        for kind, local, message in kinds(verdict)
    }


def assert_buckets(
    verdicts: Sequence[Verdict],
    local: Counter[tuple[int, str]],
    provider: Counter[tuple[int, str]],
) -> None:
    for day, verdict in enumerate(verdicts):
        for balance, counter in ((verdict.local, local), (verdict.provider, provider)):
            for bucket in type(balance).__dataclass_fields__:
                assert getattr(balance, bucket) == counter[day, bucket], bucket


def a_business(rng: random.Random, nr: int, clock_off: float) -> tuple[list[Record], list[Sent]]:
    """Return a few records and messages with ids and numbers that no other business has.

    Args:
        rng: chooses.
        nr: of the runtime.
        clock_off: how many seconds the records' clock is ahead.
    """
    first = 100 * nr
    numbers = rng.choices(
        [f"+35387{nr:07}", f"+55119{80_000_000 + nr}", f"+5511{80_000_000 + nr}", "12", None],
        [6, 3, 3, 1, 1],
        k=3,
    )
    times = rng.choices([-61, -60, -30, 0, 0, 0.5, 30, 60, 61, 120, 150, 301, 400], k=4)
    days = rng.choices([0, 0, 0, HALF_DAY, -HALF_DAY, 3 * HALF_DAY], k=2)
    words = ["sent", "delivered", "read", "failed", "unknown"]
    records = [
        Record(
            first + local_id,
            rng.choice([None, None, first + rng.randint(1, 6)]),
            rng.choice(times) + rng.choice(days) + clock_off,
            rng.choice(numbers),
            rng.choice([*words, "deleted", "not_sent", "odd", None]),
        )
        for local_id in rng.sample(range(100), rng.randint(0, 6))
    ]
    messages = [
        Sent(
            first + message_id,
            rng.choice(times) + rng.choice(days),
            rng.choice(numbers),
            rng.choice([*words, "deleted", "new"]),
            None,
            rng.choice([0, 86_400, 200_000]),
        )
        for message_id in rng.sample(range(1, 9), rng.randint(0, 5))
    ]
    return [_named(record, first) for record in records], [_far(one, nr) for one in messages]


def _named(record: Record, first: int) -> Record:
    """Let a record that cannot be read have an id, or it might be a message of any business."""
    if record.message_id is None and record.phone_number in (None, "12"):
        return replace(record, message_id=first + 1)
    return record


def _far(message: Sent, nr: int) -> Sent:
    """Let an item without a readable number lie far from records: it might be any business's."""
    is_far = message.phone_number in ("12", None)
    return replace(message, sent_at=1_000 + 30 * nr) if is_far else message


@pytest.mark.parametrize(("status_policy", "clock_off"), [("compatible", 0), ("strict", 40)])
@pytest.mark.parametrize("spans", SPANS)
def test_a_thousand_small_businesses_at_once_are_judged_as_by_the_oracle(
    spans: Sequence[Span],
    status_policy: statuses.Policy,
    clock_off: float,
) -> None:
    rng = random.Random(clock_off)
    businesses = [a_business(rng, nr, clock_off) for nr in range(1000)]
    policy = Policy(status_policy=status_policy, trust_input=True)
    apart = [one for business in businesses for one in shifts(*business)]
    shift, usual = median(apart), usual_lengths(apart, policy.tolerance.total_seconds())
    assert shift == clock_off
    local, provider = Counter[tuple[int, str]](), Counter[tuple[int, str]]()
    expected: Found = set()
    for business in businesses:
        mine, theirs, found = oracle(*business, spans, policy, shift, usual)
        local += mine
        provider += theirs
        expected |= found
    records = [record for records, _ in businesses for record in records]
    messages = [message for _, messages in businesses for message in messages]
    rng.shuffle(records)
    rng.shuffle(messages)
    verdicts = judge.judge(
        "main", DAYS, local_side(records), provider_side(messages), spans=spans, policy=policy
    )
    assert judged(verdicts) == expected
    assert_buckets(verdicts, local, provider)
    case = buckets.classify(
        DAYS, local_side(records), provider_side(messages), spans, policy, NO_DENIALS
    )
    at_once, in_blocks = (rules.rows_by_kind(case, policy, block_rows=n) for n in (10**6, 97))
    assert at_once.keys() == in_blocks.keys()
    for kind, rows in at_once.items():
        np.testing.assert_array_equal(rows, in_blocks[kind])
    # Where nothing is proven, a message of each id may exist.
    never = {Kind.UNVERIFIABLE} if spans else {Kind.MISSING_AT_PROVIDER, Kind.MESSAGE_ID_MISMATCH}
    assert {kind for _, kind, *_ in expected} >= set(map(str, Kind)) - set(map(str, never))


REJECTS = st.lists(
    st.builds(
        Reject,
        reason=st.just("sent_at is missing"),
        local_id=st.integers(100, 199).map(str),
        message_id=IDS,
        sent_at=st.none() | TIMES,
        phone_number=NUMBERS,
        key=st.uuids().map(str),
        earliest=st.none() | st.sampled_from([-200, 0, 100]),
        latest=st.none() | st.sampled_from([-100, 0, 300]),
    ),
    max_size=2,
    unique_by=lambda reject: reject.local_id,
)


@pytest.mark.thorough
@settings(max_examples=40, deadline=None)
@given(
    records_strategy,
    messages_strategy,
    st.sampled_from(SPANS),
    st.sampled_from(["compatible", "strict"]),
    st.randoms(use_true_random=False),
    REJECTS,
    REJECTS,
)
def test_judging_equals_the_oracle_and_does_not_depend_on_the_order_of_rows(
    records: list[Record],
    messages: list[Sent],
    spans: Sequence[Span],
    status_policy: statuses.Policy,
    rng: random.Random,
    unread_records: list[Reject],
    unread_items: list[Reject],
) -> None:
    policy = Policy(status_policy=status_policy, trust_input=True)
    apart = shifts(records, messages)
    usual = usual_lengths(apart, policy.tolerance.total_seconds()) if apart else None
    # A file knows no time of a record that cannot be read, nor an item its record.
    unread_records = [replace(one, earliest=None, latest=None) for one in unread_records]
    expected_local, expected_provider, expected = oracle(
        records,
        messages,
        spans,
        policy,
        median(apart or [0]),
        usual,
        unread_records,
        unread_items,
        may_end=True,
    )

    def judged_once() -> list[Verdict]:
        return judge.judge(
            "main",
            DAYS,
            local_side(records, unread_records),
            provider_side(messages, unread_items),
            spans=spans,
            policy=policy,
        )

    verdicts = judged_once()
    assert_buckets(verdicts, expected_local, expected_provider)
    assert judged(verdicts) == expected

    rng.shuffle(records)
    rng.shuffle(messages)
    for before, after in zip(verdicts, judged_once(), strict=True):
        assert before.findings.equals(after.findings)
        assert (before.local, before.provider) == (after.local, after.provider)


@settings(max_examples=50)
@given(records_strategy, messages_strategy, st.sampled_from(SPANS))
def test_every_row_is_in_exactly_one_bucket_and_the_sums_hold(
    records: list[Record], messages: list[Sent], spans: Sequence[Span]
) -> None:
    [verdict] = judge.judge(
        "diff",
        [calendar.unbounded("UTC")],
        local_side(records),
        provider_side(messages),
        spans=spans,
        policy=Policy(trust_input=True),
    )
    assert verdict.local.total == len(records)
    assert verdict.provider.total == len(messages)
    assert verdict.local.matched == verdict.provider.matched
    assert (
        sum(verdict.statuses.values()) == verdict.provider.total - verdict.provider.invalid_provider
    )
    for bucket in ("missing_at_provider", "duplicate_local", "invalid_local"):
        assert verdict.counts[bucket] == getattr(verdict.local, bucket)
    unverifiable = verdict.local.unverifiable + verdict.provider.unverifiable
    assert verdict.counts["unverifiable"] == unverifiable
    for bucket in ("missing_locally", "duplicate_send", "invalid_provider"):
        assert verdict.counts[bucket] == getattr(verdict.provider, bucket)
    assert verdict.findings["discrepancy_id"].is_unique
    order = verdict.findings.assign(
        time=verdict.findings["provider_sent_at"].fillna(verdict.findings["local_sent_at"])
    )
    keys = ["severity", "kind", "time"]
    assert order[keys].equals(order[keys].sort_values(keys, kind="stable"))
    assert {Kind(kind).severity.value for kind in order["kind"]} == set(order["severity"])
