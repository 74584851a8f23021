"""What is worth a status call, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from recon.core import buckets, calendar, lookup_priority
from recon.core.coverage import microseconds
from recon.core.lookup_priority import Candidates
from recon.core.policy import Policy
from recon.model import Span
from tests.factories import Record, Sent, at, local_side, provider_side

DAYS = calendar.windows(date(2026, 4, 23), date(2026, 4, 23), "UTC")
NOW = at(90_000)  # a day and an hour after noon
COVERED = (Span(at(0), None),)


def wanted(
    records: Sequence[Record],
    messages: Sequence[Sent] = (),
    *,
    most: int = 99,
    asked: Sequence[int] = (),
) -> Candidates:
    case = buckets.classify(DAYS, local_side(records), provider_side(messages), COVERED, Policy())
    return lookup_priority.candidates(case, NOW, Policy(), most=most, asked=asked)


def ids(found: Candidates) -> list[int]:
    return [int(n) for n in found.message_ids]


def test_recorded_ids_that_nothing_else_can_settle_come_first_the_newest_of_them_first() -> None:
    records = [Record(1, 11, -50), Record(2, 12, -20), Record(3, 13, 20), Record(4, None, -9)]
    messages = [Sent(21, 100, status="sent", observed_at=200)]
    assert ids(wanted(records, messages)) == [12, 11, 21]


def test_the_longest_waiting_messages_follow_and_final_or_fresh_ones_are_left_alone() -> None:
    hour = 3_600
    messages = [
        Sent(21, 20_000, status="sent", observed_at=20_100),
        Sent(22, 100, status="unknown", observed_at=200),
        Sent(23, 50, status="sent", observed_at=200),
        Sent(24, 10, status="delivered", observed_at=200),
        Sent(25, 10, status="failed", observed_at=200),
        Sent(26, 10, status="sent", observed_at=90_000 - hour + 1),
        Sent(27, 10, status="sent", observed_at=90_000 - hour),
        Sent(28, 86_400, status="sent", observed_at=86_500),
    ]
    # 28 belongs to the next day.
    assert ids(wanted([], messages)) == [27, 23, 22, 21]


def test_no_more_is_asked_than_may_be_and_nothing_twice() -> None:
    records = [Record(1, 11, -50), Record(2, 11, -40), Record(3, 12, -30), Record(4, 13, -20)]
    assert ids(wanted(records)) == [13, 12, 11]
    assert ids(wanted(records, most=2)) == [13, 12]
    assert ids(wanted(records, most=2, asked=[13])) == [12, 11]
    assert ids(wanted(records, most=0)) == []


def test_what_is_known_of_an_id_comes_with_it() -> None:
    found = wanted([Record(1, 11, -50)])
    assert found.keys.tolist() == [353871234567]
    assert (found.times == [microseconds(at(-50))]).all()


def test_a_denial_settles_a_record_unless_another_key_may_have_sent_it() -> None:
    records = [Record(1, 11, -50), Record(2, 12, -30), Record(3, 13, -10)]
    since = np.full(2, microseconds(at(-30)))
    denials = buckets.Denials(np.array([12, 11]), since)
    case = buckets.classify(
        DAYS, local_side(records), provider_side([]), COVERED, Policy(), denials
    )
    assert case.local_in("missing_at_provider").tolist() == [1]
    assert case.local_in("unverifiable").tolist() == [0, 2]
