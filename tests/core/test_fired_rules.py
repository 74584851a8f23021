"""The rule that is told of a row is the kind of its finding, on any day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.core import buckets, candidates, findings, fired_rules, rule_texts, rules
from recon.core.absence_doubts import Denials
from recon.core.buckets import Case
from recon.core.case_rows import RowOfCase, ids_of, is_owned
from recon.core.fired_rules import FiredRule
from recon.core.policy import Policy
from recon.core.rule_texts import Rule
from recon.model import Kind, Span
from tests.core.test_judge import (
    DAYS,
    REJECTS,
    SPANS,
    messages_strategy,
    records_strategy,
)
from tests.factories import EVER, Record, Reject, Sent, at, local_side, provider_side

NEAR = timedelta(hours=1)


def fired(case: Case, policy: Policy, local: int, provider: int) -> tuple[FiredRule, ...]:
    return fired_rules.of_row(case, rules.rows_by_kind(case, policy), policy, local, provider)


def classified(
    records: Sequence[Record],
    messages: Sequence[Sent],
    spans: Sequence[Span] = EVER,
    unread_records: Sequence[Reject] = (),
    unread_items: Sequence[Reject] = (),
    *,
    policy: Policy = Policy(),  # noqa: B008 - frozen
    denied: Sequence[int] = (),
    first_contact: Span | None = None,
) -> Case:
    bounds = np.iinfo(np.int64)
    ids = np.array(sorted(denied), dtype=np.int64)
    denials = Denials(ids, np.full(len(ids), bounds.min), np.full(len(ids), bounds.max))
    return buckets.classify(
        DAYS,
        local_side(records, unread_records),
        provider_side(messages, unread_items),
        spans,
        policy,
        denials,
        first_contact,
    )


@pytest.mark.thorough
@settings(max_examples=35)
@given(
    records_strategy,
    messages_strategy,
    st.sampled_from(SPANS),
    st.sampled_from(["compatible", "strict"]),
    REJECTS,
    REJECTS,
    st.lists(st.integers(1, 7), max_size=2, unique=True),
    st.none() | st.just(Span(None, at(30))),
)
def test_on_any_day_the_rules_of_a_row_are_its_findings(
    records: list[Record],
    messages: list[Sent],
    spans: Sequence[Span],
    status_policy: str,
    unread_records: list[Reject],
    unread_items: list[Reject],
    denied: list[int],
    first_contact: Span | None,
) -> None:
    policy = Policy(status_policy=status_policy)  # type: ignore[arg-type]
    case = classified(
        records,
        messages,
        spans,
        unread_records,
        unread_items,
        policy=policy,
        denied=denied,
        first_contact=first_contact,
    )
    kinds = rules.rows_by_kind(case, policy)
    found = findings.with_positions("main", case, kinds)
    told = []
    partner = case.links.partner_of_local
    rows = [RowOfCase(local, int(partner[local])) for local in range(len(partner))]
    alone = np.flatnonzero(case.links.partner_of_provider < 0)
    rows += [RowOfCase(-1, provider) for provider in alone.tolist()]
    for row in rows:
        if not is_owned(case, row):
            continue
        made = fired_rules.of_row(case, kinds, policy, row.local, row.provider)
        assert made, "nothing decides about a row"
        ids = ids_of(found, row)
        own = found.set_index("discrepancy_id").loc[ids]
        of_kind = {one.kind.value: one.detail for one in made if one.kind is not None}
        assert of_kind == dict(zip(own["kind"], own["detail"], strict=True))
        if row.local >= 0 and row.provider >= 0:
            assert made[0].rule in {Rule.SAME_ID, Rule.SAME_NUMBER}
        elif not ids:
            assert made[0].rule in {Rule.NOT_SENT, Rule.FAILED_WITHOUT_ID}
        told += ids
        assert_alternatives_are_told(case, policy, row)
    of_rows = found.loc[~found["kind"].isin(["invalid_local", "invalid_provider"])]
    assert sorted(told) == sorted(of_rows["discrepancy_id"])


def assert_alternatives_are_told(case: Case, policy: Policy, row: RowOfCase) -> None:
    """Check that each candidate is another row, with a reason that is true of it."""
    sides = (candidates.of_record, row.local), (candidates.of_message, row.provider)
    for of_side, at_ in sides:
        if at_ < 0:
            continue
        for one in of_side(case, policy, at_, NEAR)[0]:
            assert one.why
            if not one.is_readable:
                continue
            pair = (at_, one.position) if one.side == "provider" else (one.position, at_)
            assert case.links.partner_of_local[pair[0]] != pair[1]
            distance = abs(case.local_time[pair[0]] - case.provider_time[pair[1]]) / 1e6
            if "tolerance_seconds" in one.why:
                assert distance > policy.tolerance.total_seconds()
            if "no reading" in one.why:
                # Two that nothing else keeps apart would have been paired.
                assert case.links.partner_of_local[pair[0]] >= 0


@pytest.mark.parametrize(
    ("case", "rule", "detail"),
    [
        (classified([Record(1, 11)], [], denied=[11]), Rule.ID_DENIED, "Octopods was asked for it"),
        (classified([Record(1, 11)], []), Rule.ABSENT, "Octopods has no such message"),
        (classified([Record(1, 11)], [], ()), Rule.IN_A_GAP, "no collected answer proves"),
        (
            classified([Record(1, 11)], [], unread_items=[Reject(message_id=11)]),
            Rule.ID_UNREADABLE,
            "Octopods lists this id",
        ),
        (
            classified([Record(1, 11)], [], first_contact=Span(None, at(9))),
            Rule.BEFORE_FIRST_LISTED,
            "before the oldest message",
        ),
        (
            classified([Record(1)], [], unread_items=[Reject(sent_at=60)]),
            Rule.MAY_BE_AN_UNREADABLE_ITEM,
            "may be this one",
        ),
        (
            classified([Record(1)], [Sent(11, phone_number=None)]),
            Rule.NOT_COMPARABLE,
            "their numbers cannot be compared",
        ),
        (classified([Record(1, status="not_sent")], []), Rule.NOT_SENT, "recorded as not_sent"),
        (
            classified([Record(1, status="failed")], []),
            Rule.FAILED_WITHOUT_ID,
            "recorded as failed",
        ),
        (
            classified([Record(1, 11), Record(2, 11, 5)], [Sent(11, 5)]),
            Rule.DUPLICATE_LOCAL,
            "record 2 is nearer in time",
        ),
    ],
)
def test_each_rule_about_a_record_is_told_apart(case: Case, rule: Rule, detail: str) -> None:
    [one] = fired(case, Policy(), 0, -1)
    assert one.rule is rule
    assert detail in one.detail


def test_each_rule_about_a_message_is_told_apart() -> None:
    late = [Record(n, n, 60 * n) for n in range(1, 5)]
    sent = [Sent(n, 60 * n) for n in range(1, 5)]
    cases = {
        Rule.UNRECORDED: classified([], [Sent(9)]),
        Rule.REPEATED: classified([Record(1, 11)], [Sent(9, 5), Sent(11)]),
        Rule.MAY_BE_AN_UNREADABLE_RECORD: classified([], [Sent(9)], unread_records=[Reject()]),
        Rule.AFTER_THE_RECORDS: classified(late, [Sent(9, 30_000), *sent]),
        Rule.MAY_BE_OF_ANOTHER_ID: classified([Record(1, 21)], [Sent(11)], ()),
        Rule.NOT_COMPARABLE: classified([Record(1)], [Sent(9, phone_number="IE.1349")]),
    }
    for rule, case in cases.items():
        assert [one.rule for one in fired(case, Policy(), -1, 0)] == [rule]


def test_rows_that_share_nothing_but_their_time_are_told_of_each_other() -> None:
    case = classified([Record(1)], [Sent(11, 30, phone_number=None), Sent(12, 500)])
    [message, far], _ = candidates.of_record(case, Policy(), 0, NEAR)
    [record], _ = candidates.of_message(case, Policy(), 0, NEAR)
    assert (
        message.why
        == record.why
        == ("the record holds no id, and the two numbers cannot be compared")
    )
    assert (message.same_number, message.seconds) == (False, 30)
    assert "tolerance_seconds" in far.why


def test_a_record_with_another_id_says_why_it_is_no_pair() -> None:
    case = classified([Record(1, 21)], [Sent(11)], ())
    [message], _ = candidates.of_record(case, Policy(), 0, NEAR)
    [record], _ = candidates.of_message(case, Policy(), 0, NEAR)
    assert message.why == record.why
    assert message.why.startswith("the record holds another id")


def test_a_pair_that_is_right_says_how_it_was_found_and_that_nothing_contradicts() -> None:
    case = classified([Record(1, 11), Record(2, None, 900)], [Sent(11, 2), Sent(12, 880)])
    [by_id] = fired(case, Policy(), 0, 0)
    assert by_id.rule is Rule.SAME_ID
    assert by_id.detail == (
        "the same id; recorded 2 s before Octopods' time; "
        "numbers, statuses and times do not contradict each other"
    )
    [by_number] = fired(case, Policy(), 1, 1)
    assert by_number.rule is Rule.SAME_NUMBER
    assert "at most 120 s apart (tolerance_seconds)" in by_number.statement


def test_every_kind_has_a_rule_and_every_rule_its_texts() -> None:
    assert {rule.kind for rule in Rule} == {*Kind, None}
    for rule in Rule:
        assert rule_texts.statement(rule, Policy()).endswith(".")
        assert "{" not in rule_texts.statement(rule, Policy())
        assert rule_texts.change(rule).endswith(".")


@pytest.mark.parametrize(
    ("status", "detail"),
    [
        ("sent", "the records say this went out as message 11; Octopods has no such message"),
        (None, "the records say this went out as message 11; Octopods has no such message"),
        (
            "queued",
            (
                "the records say 'queued', which maps to no status of Octopods: map it under "
                "[accounts.….local.statuses]; Octopods has no such message"
            ),
        ),
    ],
)
def test_the_detail_of_an_absence_names_a_status_word_that_is_not_mapped(
    status: str | None, detail: str
) -> None:
    case = classified([Record(1, 11, status=status), Record(2, 12, status="sent")], [])
    [one] = fired(case, Policy(), 0, -1)
    assert one.detail == detail
