"""A row with two readings links under either, and is accused only if both fail."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.core import calendar, judge
from recon.core.policy import Policy
from recon.model import Span, Verdict
from tests.factories import EVER, NUMBER, Record, Reject, Sent, at, local_side, provider_side

DAY = calendar.windows(date(2026, 4, 23), date(2026, 4, 23), "UTC")
HOUR = 3600


def judged(
    records: Sequence[Record],
    messages: Sequence[Sent],
    *,
    spans: Sequence[Span] = EVER,
    policy: Policy = Policy(),  # noqa: B008 - frozen
    unread: Sequence[Reject] = (),
) -> Verdict:
    [verdict] = judge.judge(
        "main",
        DAY,
        local_side(records),
        provider_side(messages, unread),
        spans=spans,
        policy=policy,
    )
    return verdict


def twice(local_id: int, sent_at: float = 0, message_id: int | None = None) -> Record:
    """Return a record whose time may also be an hour later."""
    return Record(local_id, message_id, sent_at, other_minutes=60)


# --- times -------------------------------------------------------------------------------------


def test_a_record_links_at_either_reading_of_its_time_with_an_id_and_without() -> None:
    verdict = judged([twice(1), twice(2, 600)], [Sent(11, 5), Sent(12, 600 + HOUR)])
    assert (verdict.local.matched, len(verdict.findings)) == (2, 0)
    verdict = judged([twice(1, 0, 11)], [Sent(11, HOUR)])
    assert len(verdict.findings) == 0


def test_a_drift_is_measured_from_the_nearer_reading() -> None:
    verdict = judged([twice(1, 0, 11)], [Sent(11, HOUR + 400)])
    assert verdict.findings["detail"].tolist() == ["recorded 6 min 40 s before Octopods' time"]
    assert verdict.findings["local_sent_at"].tolist() == [at(HOUR)]


def test_of_two_records_of_one_message_the_nearer_reading_counts() -> None:
    verdict = judged([Record(1, 11, HOUR - 60), twice(2, 0, 11)], [Sent(11, HOUR)])
    assert verdict.findings[["kind", "local_id"]].to_numpy().tolist() == [["duplicate_local", "1"]]


def test_a_record_that_fits_neither_reading_is_missing_and_so_is_the_message() -> None:
    verdict = judged([twice(1)], [Sent(11, HOUR // 2)])
    assert (verdict.local.missing_at_provider, verdict.provider.missing_locally) == (1, 1)


def test_a_record_is_missing_only_where_both_readings_are_covered() -> None:
    for covered in ((-10, 10), (HOUR - 10, HOUR + 10)):
        spans = [Span(at(covered[0]), at(covered[1]))]
        assert judged([twice(1)], [], spans=spans).local.unverifiable == 1
    both = [Span(at(-10), at(10)), Span(at(HOUR - 10), at(HOUR + 10))]
    assert judged([twice(1)], [], spans=both).local.missing_at_provider == 1


def test_an_unreadable_item_at_either_reading_shields() -> None:
    others = [Record(9, 99, 9000)], [Sent(99, 9000)]
    for seconds, expected in ((0, 1), (HOUR, 1), (HOUR // 2, 0)):
        item = Reject(sent_at=seconds, phone_number=NUMBER)
        verdict = judged([twice(1), *others[0]], others[1], unread=[item])
        assert verdict.local.unverifiable == expected


def test_the_identity_of_a_record_without_an_id_does_not_depend_on_the_reading_taken() -> None:
    alone = judged([Record(None, None, 0, status="read", other_minutes=60)], [Sent(11, 0)])
    later = judged([Record(None, None, 0, status="read", other_minutes=60)], [Sent(11, HOUR)])
    assert alone.findings["discrepancy_id"].tolist() == later.findings["discrepancy_id"].tolist()


def most_pairs(records: Sequence[Record], messages: Sequence[Sent], tolerance: float) -> int:
    """Return how many pairs are possible, by trying all."""
    if not records:
        return 0
    first, *rest = records
    best = most_pairs(rest, messages, tolerance)
    times = {first.sent_at, first.sent_at + 60 * first.other_minutes}
    for place, message in enumerate(messages):
        if any(abs(message.sent_at - time) <= tolerance for time in times):
            others = [*messages[:place], *messages[place + 1 :]]
            best = max(best, 1 + most_pairs(rest, others, tolerance))
    return best


MOMENTS = st.sampled_from([0, 30, 60, 90, 120, 150, HOUR, HOUR + 30, HOUR + 60, HOUR + 120])


@pytest.mark.thorough
@settings(max_examples=40)
@given(
    st.lists(st.tuples(MOMENTS, st.sampled_from([0, 60])), max_size=5),
    st.lists(MOMENTS, max_size=5),
    st.sampled_from([30, 60]),
)
def test_as_many_pairs_are_made_as_the_readings_allow(
    recorded: list[tuple[int, int]], sent: list[int], tolerance: int
) -> None:
    records = [
        Record(n, None, seconds, other_minutes=minutes)
        for n, (seconds, minutes) in enumerate(recorded)
    ]
    messages = [Sent(n + 1, seconds) for n, seconds in enumerate(sent)]
    policy = Policy(tolerance=timedelta(seconds=tolerance), trust_input=True)
    expected = most_pairs(records, messages, tolerance)
    for turn in (1, -1):
        verdict = judged(records[::turn], messages[::turn], policy=policy)
        assert verdict.local.matched == verdict.provider.matched == expected


@dataclass(frozen=True, slots=True)
class Customer:
    """A record with two readings, and what Octopods may have of it; nobody else has its number."""

    sent_at: float
    other_minutes: int
    has_id: bool
    message: float | None
    """When it was sent."""
    other_id: bool
    """Whether the message has another id than the record."""
    item: float | None
    """When an item of its number, without an id, was sent that cannot be read."""

    @property
    def times(self) -> tuple[float, float]:
        return self.sent_at, self.sent_at + 60 * self.other_minutes


def findings_of(customer: Customer, spans: Sequence[Span], tolerance: float) -> set[str]:
    """Judge one customer by the rules; give the kinds of findings."""
    apart = math.inf
    if customer.message is not None:
        apart = min(abs(customer.message - time) for time in customer.times)
    same_id = customer.has_id and not customer.other_id
    proven = all(
        any((s.start or at(time)) <= at(time) < (s.end or at(time + 1)) for s in spans)
        for time in customer.times
    )
    shielded = customer.item is not None and any(
        abs(customer.item - time) <= tolerance for time in customer.times
    )
    is_absent = proven and not shielded
    if customer.message is not None and (same_id or apart <= tolerance):
        if customer.has_id and customer.other_id:
            return {"message_id_mismatch" if is_absent else "unverifiable"}
        return {"sent_at_drift"} if apart > 300 else set()
    found = set[str]() if customer.message is None else {"missing_locally"}
    return found | {"missing_at_provider" if is_absent else "unverifiable"}


CUSTOMERS = st.builds(
    Customer,
    sent_at=st.sampled_from([0, 100, HOUR]),
    other_minutes=st.sampled_from([0, 30, 60, -60]),
    has_id=st.booleans(),
    message=st.none() | st.sampled_from([-HOUR, 0, 60, 200, 500, HOUR // 2, HOUR, HOUR + 350]),
    other_id=st.booleans(),
    item=st.none() | st.sampled_from([0, 160, HOUR, HOUR // 2, -HOUR]),
)


@pytest.mark.thorough
@settings(max_examples=40)
@given(
    st.lists(CUSTOMERS, max_size=6),
    st.sampled_from(
        [EVER, (Span(at(-60), at(700)),), (Span(None, at(50)), Span(at(HOUR - 60), None))]
    ),
)
def test_customers_with_two_readings_are_judged_as_the_rules_read(
    customers: list[Customer], spans: Sequence[Span]
) -> None:
    # Of most pairs the clocks agree, so that no constant offset is assumed.
    records = [Record(900 + n, 900 + n, 9 * HOUR + 600 * n, "+353860000009") for n in range(9)]
    messages = [Sent(900 + n, 9 * HOUR + 600 * n, "+353860000009") for n in range(9)]
    unread, expected = [], set[tuple[str, str]]()
    for n, one in enumerate(customers):
        number = f"+35386100000{n}"
        own = 10 + n if one.has_id else None
        records.append(Record(n, own, one.sent_at, number, other_minutes=one.other_minutes))
        if one.message is not None:
            messages.append(Sent(50 + n if one.other_id else 10 + n, one.message, number))
        if one.item is not None:
            unread.append(Reject(sent_at=one.item, phone_number=number, key=str(n)))
        expected |= {(kind, number) for kind in findings_of(one, spans, 120)}
    verdict = judged(records, messages, spans=spans, policy=Policy(trust_input=True), unread=unread)
    found = verdict.findings[["kind", "phone_number"]].itertuples(index=False, name=None)
    assert {pair for pair in found if pair[0] != "invalid_provider"} == expected


# --- numbers -----------------------------------------------------------------------------------


def test_digits_that_may_be_national_or_international_link_and_agree_as_either() -> None:
    american, irish = "+13531234567", "+3531234567"
    for number in (american, irish):
        for message_id in (11, None):
            verdict = judged(
                [Record(1, message_id, 0, "3531234567")],
                [Sent(11, 5, number)],
                policy=Policy(region="US"),
            )
            assert len(verdict.findings) == 0
    verdict = judged(
        [Record(1, 11, 0, "3531234567")], [Sent(11, 5, "+443531234567")], policy=Policy(region="US")
    )
    assert verdict.counts["recipient_mismatch"] == 1


@pytest.mark.parametrize(
    ("recorded", "region"), [("0871234567", None), ("(415) 555-2600", None), ("3531234567", "US")]
)
def test_an_unreadable_item_may_belong_to_either_reading_of_a_number(
    recorded: str, region: str | None
) -> None:
    others = [Record(9, 99, 9000)], [Sent(99, 9000)]
    for number, seconds, unverifiable in (
        ("+353871234567", 60, 1),
        ("+14155552600", 60, 1),
        ("+13531234567", 60, 1),
        ("+353871234567", 3600, 0),
    ):
        item = Reject(sent_at=seconds, phone_number=number)
        records = [Record(1, None, 0, recorded), *others[0]]
        verdict = judged(records, others[1], policy=Policy(region=region), unread=[item])
        assert verdict.local.unverifiable == unverifiable
        # And likewise a message beside an unreadable record.
        message = Sent(11, seconds, number)
        unread = Reject(sent_at=0, phone_number=recorded)
        [verdict] = judge.judge(
            "main",
            DAY,
            local_side(others[0], [unread]),
            provider_side([message, *others[1]]),
            spans=EVER,
            policy=Policy(region=region),
        )
        assert verdict.provider.unverifiable == unverifiable


@pytest.mark.parametrize("number", ["+13531234567", "+3531234567"])
def test_a_second_record_of_one_message_gets_no_other_however_near(number: str) -> None:
    records = [Record(1, 11), Record(2, 11, 95, number), Record(3, None, 100, "3531234567")]
    verdict = judged(records, [Sent(11), Sent(12, 90, number)], policy=Policy(region="US"))
    assert verdict.findings[["kind", "local_id"]].to_numpy().tolist() == [["duplicate_local", "2"]]


def test_a_user_id_and_a_number_are_not_compared_but_two_user_ids_are() -> None:
    ids = "IE.13491208655302741918", "IE.13491208655302741919"
    verdict = judged(
        [Record(1, 11, 0, ids[0]), Record(2, 12, 600, ids[0]), Record(3, 13, 1200)],
        [Sent(11, 0), Sent(12, 600, ids[1]), Sent(13, 1200, "")],
    )
    assert verdict.findings[["kind", "local_id"]].to_numpy().tolist() == [
        ["recipient_mismatch", "2"]
    ]


def test_a_record_with_a_user_id_and_no_message_id_is_unreadable() -> None:
    user = "IE.13491208655302741918"
    verdict = judged([Record(1, None, 0, user), Record(2, 12)], [Sent(11, 0, user), Sent(12)])
    assert (verdict.local.invalid_local, verdict.provider.unverifiable) == (1, 1)
