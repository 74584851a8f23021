"""Findings that name one cause by their content become one incident."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from recon.core import calendar, judge
from recon.core.link import Side
from recon.core.policy import Policy
from recon.model import Verdict
from tests.factories import EVER, Record, Sent, at, local_side, provider_side

DAY = calendar.windows(date(2026, 4, 23), date(2026, 4, 23), "UTC")


def judged(
    records: Sequence[Record],
    messages: Sequence[Sent],
    *,
    newest: datetime | None = None,
    policy: Policy = Policy(),  # noqa: B008 - frozen
) -> Verdict:
    local = local_side(records)
    local = Side(local.frame, local.rejects, newest=newest)
    [verdict] = judge.judge("main", DAY, local, provider_side(messages), spans=EVER, policy=policy)
    return verdict


def said(verdict: Verdict) -> list[tuple[str, Mapping[str, int], str]]:
    return [(one.cause, one.kinds, one.summary) for one in verdict.incidents]


def number(n: int) -> str:
    return f"+3538712345{n:02}"


def pairs(count: int, apart: float = 0) -> tuple[list[Record], list[Sent]]:
    """Return so many pairs, ten minutes from one to the next; the records `apart` seconds later."""
    records = [Record(n, n + 1, 600 * n + apart, number(n)) for n in range(count)]
    return records, [Sent(n + 1, 600 * n, number(n)) for n in range(count)]


# --- offsets -----------------------------------------------------------------------------------


def test_a_constant_offset_is_one_sentence_that_names_the_time_zone() -> None:
    verdict = judged(*pairs(20, 4 * 3600))
    assert verdict.counts["sent_at_drift"] == 20
    assert said(verdict) == [
        (
            "timezone",
            {"sent_at_drift": 20},
            "The times of 20 of 20 pairs differ by 4 h 0 min: check `timezone`.",
        )
    ]


def test_an_offset_that_no_zone_has_is_the_senders_clock() -> None:
    [incident] = judged(*pairs(20, -7 * 60)).incidents
    assert incident.cause == "clock"
    assert (
        incident.summary
        == "The times of 20 of 20 pairs differ by 0 h 7 min: check the clock of the sender."
    )


def test_one_pair_that_is_apart_and_pairs_that_are_differently_apart_are_no_constant_offset() -> (
    None
):
    records, messages = pairs(20)
    one_apart = Record(99, 99, 7200, number(99))
    assert judged([*records, one_apart], [*messages, Sent(99, 0)]).incidents == ()
    spread = [Record(n, n, 900.0 * n, number(n)) for n in range(1, 9)]
    assert judged(spread, [Sent(n, 0, number(n)) for n in range(1, 9)]).incidents == ()


def test_an_offset_that_nine_of_ten_pairs_have_is_the_clocks() -> None:
    for right, causes in ((2, ["clock"]), (3, [])):
        records, messages = pairs(20, -7 * 60)
        records[:right] = pairs(right)[0]
        verdict = judged(records, messages)
        assert verdict.counts["sent_at_drift"] == 20 - right
        assert [one.cause for one in verdict.incidents] == causes


def test_an_offset_of_seconds_is_no_zone() -> None:
    strict = Policy(drift=timedelta(seconds=30))
    [incident] = judged(*pairs(20, 45), policy=strict).incidents
    assert (incident.cause, incident.kinds) == ("clock", {"sent_at_drift": 20})
    records, messages = pairs(20)
    half = [replace(one, sent_at=one.sent_at + 45 * (n % 2)) for n, one in enumerate(records)]
    assert judged(half, messages, policy=strict).incidents == ()


def test_offsets_of_zones_are_named_though_other_pairs_are_right_or_otherwise_apart() -> None:
    records, messages = pairs(20)
    one_program = [
        replace(one, sent_at=one.sent_at + 45 * 60 * (n % 2)) for n, one in enumerate(records)
    ]
    assert said(judged(one_program, messages)) == [
        (
            "timezone",
            {"sent_at_drift": 10},
            "The times of 10 of 20 pairs differ by 0 h 45 min: check `timezone`.",
        )
    ]
    clock_change = [
        replace(one, sent_at=one.sent_at - 3600 * (1 + (n >= 12))) for n, one in enumerate(records)
    ]
    assert said(judged(clock_change, messages)) == [
        (
            "timezone",
            {"sent_at_drift": 12},
            "The times of 12 of 20 pairs differ by 1 h 0 min: check `timezone`.",
        ),
        (
            "timezone",
            {"sent_at_drift": 8},
            "The times of 8 of 20 pairs differ by 2 h 0 min: check `timezone`.",
        ),
    ]


def test_offsets_of_a_zone_among_many_others_are_no_cause() -> None:
    records, messages = pairs(20)
    late = [
        replace(one, sent_at=one.sent_at + (3600 if n < 10 else 400 + 37 * n))
        for n, one in enumerate(records)
    ]
    assert judged(late, messages).incidents == ()


# --- records that end --------------------------------------------------------------------------


def later_messages(last_record: float) -> list[Sent]:
    return [Sent(90 + n, last_record + 1800 * n, number(90 + n)) for n in range(1, 5)]


def test_messages_after_records_that_ended_are_unverifiable_and_one_incident_says_so() -> None:
    records, messages = pairs(20)
    verdict = judged(records, [*messages, *later_messages(600 * 19)])
    assert (verdict.provider.unverifiable, verdict.provider.missing_locally) == (4, 0)
    [incident] = verdict.incidents
    assert (incident.cause, incident.kinds) == ("stale_records", {"unverifiable": 4})
    assert incident.summary.startswith(
        "The records end at 2026-04-23 15:10:00; 4 later messages cannot be"
    )
    assert set(verdict.findings["detail"]) == {"the records end before this message was sent"}


def test_a_message_soon_after_the_last_record_or_before_it_is_missing_in_the_records() -> None:
    records, messages = pairs(20)
    soon = Sent(91, 600 * 19 + 3600, number(91))
    assert judged(records, [*messages, soon]).provider.missing_locally == 1
    before = Sent(80, 905, number(80))
    verdict = judged(records, [*messages, before, *later_messages(600 * 19)])
    assert (verdict.provider.unverifiable, verdict.provider.missing_locally) == (4, 1)


def test_records_that_come_every_few_hours_have_not_ended_after_two() -> None:
    hours = [-10, -6, -3, 1, 4]
    records = [Record(n, n + 1, 3600 * hour, number(n)) for n, hour in enumerate(hours)]
    messages = [Sent(n + 1, 3600 * hour, number(n)) for n, hour in enumerate(hours)]
    verdict = judged(records, [*messages, Sent(91, 6 * 3600, number(91))])
    assert verdict.provider.missing_locally == 1


def test_records_known_from_later_days_have_not_ended() -> None:
    records, messages = pairs(20)
    verdict = judged(
        records, [*messages, *later_messages(600 * 19)], newest=at(0) + timedelta(days=1)
    )
    assert verdict.provider.missing_locally == 4
    assert verdict.incidents == ()


def test_where_the_records_clock_is_off_their_end_is_reported_by_octopods_clock() -> None:
    records, messages = pairs(20, -4 * 3600)
    verdict = judged(records, messages)
    assert verdict.provider.unverifiable == 0
    missing = Sent(91, 600 * 19 + 1800, number(91))
    assert judged(records, [*messages, missing]).provider.missing_locally == 1


@pytest.mark.parametrize("ahead", [1800, 2 * 3600, 30 * 3600])
def test_records_whose_clock_is_ahead_end_by_octopods_clock(ahead: float) -> None:
    records, messages = pairs(20, ahead)
    verdict = judged(records, [*messages, *later_messages(600 * 19)])
    assert (verdict.provider.unverifiable, verdict.provider.missing_locally) == (4, 0)
    [summary] = [one.summary for one in verdict.incidents if one.cause == "stale_records"]
    assert summary.startswith("The records end at 2026-04-23 15:10:00; 4 later messages cannot be")


def test_a_recorded_message_shows_that_the_records_have_not_ended() -> None:
    records, messages = pairs(20)
    late = Record(50, 95, 600 * 19 - 5, number(95)), Sent(95, 600 * 19 + 9000, number(95))
    missing = [Sent(91, 600 * 19 + 6000, number(91)), Sent(92, 600 * 19 + 10_000, number(92))]
    verdict = judged([*records, late[0]], [*messages, late[1], *missing])
    assert (verdict.provider.unverifiable, verdict.provider.missing_locally) == (0, 2)


# --- words -------------------------------------------------------------------------------------


def with_status(recorded: str, sent: str, count: int, reason: str | None = None) -> Verdict:
    """Judge twenty pairs, of which so many have these statuses."""
    records = [
        Record(n, n + 1, 60 * n, number(n), status=recorded if n < count else "sent")
        for n in range(20)
    ]
    messages = [
        Sent(
            n + 1,
            60 * n,
            number(n),
            sent if n < count else "delivered",
            reason if n < count else None,
        )
        for n in range(20)
    ]
    return judged(records, messages)


@pytest.mark.parametrize(
    ("recorded", "sent", "summary"),
    [
        ("enviado", "delivered", "7 records have the status 'enviado', which maps to no status"),
        ("sent", "warming", "7 messages have the status 'warming', which this program does not"),
    ],
)
def test_a_status_word_that_maps_to_nothing_is_one_incident(
    recorded: str, sent: str, summary: str
) -> None:
    [incident] = with_status(recorded, sent, 7).incidents
    assert (incident.cause, incident.kinds) == ("status_word", {"status_mismatch": 7})
    assert incident.summary.startswith(summary)


def test_a_word_that_occurs_twice_is_none() -> None:
    assert with_status("enviado", "delivered", 2).incidents == ()


def test_one_failure_reason_for_many_is_one_incident_without_their_numbers() -> None:
    [incident] = with_status("sent", "failed", 12, "Template paused for 353 87 123 4567.").incidents
    assert (incident.cause, incident.kinds) == ("failure_reason", {"status_mismatch": 12})
    assert incident.summary.startswith(
        "12 of 12 failed messages give the same reason: Template paused for …. "
        "It is about the template (the template is paused): check in WhatsApp Manager that"
    )


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("(#131042) Payment issue", "It is about the account (payment problem of the account): "),
        ("Recipient is not on WhatsApp", "It means: the number cannot be reached on WhatsApp. "),
        ("Nobody knows", "If it is about the account or the template, fix that first."),
    ],
)
def test_the_incident_of_one_reason_says_what_to_repair(reason: str, said: str) -> None:
    [incident] = with_status("sent", "failed", 12, reason).incidents
    assert f"give the same reason: {reason}. {said}" in incident.summary


def test_failures_without_a_reason_or_with_several_have_no_common_cause() -> None:
    assert with_status("sent", "failed", 12).incidents == ()
    records = [Record(n, n + 1, 60 * n, number(n)) for n in range(20)]
    messages = [Sent(n + 1, 60 * n, number(n), "failed", "abc"[n % 3]) for n in range(20)]
    assert judged(records, messages).incidents == ()


# --- ids and numbers ---------------------------------------------------------------------------


def test_ids_of_another_system_are_one_incident() -> None:
    records = [Record(n, 900_000 + n, 60 * n, number(n)) for n in range(20)]
    messages = [Sent(n + 1, 60 * n, number(n)) for n in range(20)]
    [incident] = judged(records, messages).incidents
    assert (incident.cause, incident.kinds) == ("foreign_ids", {"message_id_mismatch": 20})
    assert incident.summary.startswith("20 of 20 recorded ids are not ids of Octopods")


def test_one_wrong_id_among_many_is_none() -> None:
    records = [Record(n, 900_000 if n == 3 else n + 1, 60 * n, number(n)) for n in range(20)]
    messages = [Sent(n + 1, 60 * n, number(n)) for n in range(20)]
    verdict = judged(records, messages)
    assert (verdict.counts["message_id_mismatch"], verdict.incidents) == (1, ())


def test_another_number_for_nearly_every_message_is_one_incident() -> None:
    records = [Record(n, n + 1, 60 * n, number(n + 1)) for n in range(20)]
    messages = [Sent(n + 1, 60 * n, number(n)) for n in range(20)]
    [incident] = judged(records, messages).incidents
    assert (incident.cause, incident.kinds) == ("numbers", {"recipient_mismatch": 20})
    assert "`matching.default_region`" in incident.summary
