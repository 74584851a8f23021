"""What is worth a status call, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recon.core import absence_doubts, buckets, calendar, lookup_priority
from recon.core.coverage import microseconds
from recon.core.lookup_priority import Candidates
from recon.core.policy import Policy
from recon.model import Span
from tests.factories import Record, Sent, at, local_side, provider_side

DAYS = calendar.windows(date(2026, 4, 23), date(2026, 4, 23), "UTC")
COVERED = (Span(at(0), None),)


def wanted(
    records: Sequence[Record],
    messages: Sequence[Sent] = (),
    *,
    most: int = 99,
    skip: Sequence[int] = (),
    open_ones: bool = False,
    policy: Policy = Policy(),  # noqa: B008 - frozen
) -> Candidates:
    case = buckets.classify(DAYS, local_side(records), provider_side(messages), COVERED, Policy())
    found = lookup_priority.accused(case, DAYS, policy)
    if open_ones:
        found = lookup_priority.left_open(case, DAYS)
    among = lookup_priority.joined([found])
    return lookup_priority.choose(among, most=most, skip=np.array(skip, dtype=np.int64))


def ids(found: Candidates) -> list[int]:
    return [int(n) for n in found.message_ids]


def test_only_records_with_an_id_and_without_a_message_are_asked_for() -> None:
    records = [
        Record(1, 11, -50),
        Record(2, 12, -20),
        Record(3, 13, 20),
        Record(4, None, 30),
        Record(5, 14, 40),
        Record(6, 15, 50),
    ]
    assert ids(wanted(records, [Sent(15, 50)])) == [13, 14]
    assert ids(wanted(records, [Sent(15, 50)], open_ones=True)) == [11, 12]


def test_no_more_is_asked_than_may_be_and_nothing_twice() -> None:
    records = [Record(1, 11, 10), Record(2, 11, 20), Record(3, 12, 30), Record(4, 13, 40)]
    assert ids(wanted(records)) == [11, 12, 13]
    assert ids(wanted(records, most=2)) == [11, 12]
    assert ids(wanted(records, most=2, skip=[13, 11])) == [12]
    assert ids(wanted(records, most=0)) == []


def test_with_few_calls_the_ids_are_spread_over_the_time_and_not_the_newest() -> None:
    records = [Record(n, 100 + n, 10 * n) for n in range(1, 1001)]
    asked = ids(wanted(records, most=10, policy=Policy(trust_input=True)))
    assert len(asked) == 10
    gaps = np.diff([100, *asked, 1101])
    assert (gaps <= 105).all()


def test_a_burst_does_not_hide_the_quiet_hours_around_it() -> None:
    quiet = [Record(n, 100 + n, 3600 * n) for n in range(8)]
    burst = [Record(1000 + n, 1000 + n, 4000 + n / 10) for n in range(1000)]
    asked = ids(wanted([*quiet, *burst], most=20, policy=Policy(trust_input=True)))
    assert set(range(100, 108)) <= set(asked)
    assert len(asked) == 20


@given(st.lists(st.integers(0, 10**15), max_size=60), st.integers(-1, 70))
def test_as_many_times_are_taken_as_may_be_each_once_in_order(times: list[int], most: int) -> None:
    moments = np.array(times, dtype=np.int64)
    at_ = lookup_priority.spread(moments, most)
    assert len(set(at_.tolist())) == len(at_) == min(len(times), max(most, 0))
    assert (np.diff(moments[at_]) >= 0).all()


def test_what_is_known_of_an_id_comes_with_it() -> None:
    found = wanted([Record(1, 11, 50)])
    assert wanted([Record(1, 11, 50, phone_number="IE.4f7Q2")]).keys.tolist() == [-1]
    assert found.keys.tolist() == [353871234567]
    assert (found.times == [microseconds(at(50))]).all()
    assert found.dates.tolist() == [date(2026, 4, 23).toordinal()]


def test_a_denial_settles_a_record_unless_another_key_may_have_sent_it() -> None:
    records = [Record(n, n, -60 + 10 * n) for n in range(1, 5)]
    since, until = microseconds(at(-40)), microseconds(at(-20))
    denials = absence_doubts.Denials(
        np.array([1, 2, 3, 4, 4]),
        np.array([since] * 4 + [until]),
        np.array([until] * 4 + [np.iinfo(np.int64).max]),
    )
    sides = local_side(records), provider_side([])
    case = buckets.classify(DAYS, *sides, COVERED, Policy(), denials)
    assert case.local_in("missing_at_provider").tolist() == [1, 2, 3]
    assert case.local_in("unverifiable").tolist() == [0]


def test_a_day_on_which_nothing_links_is_not_asked_about() -> None:
    records = [Record(n, n, 200 * n) for n in range(1, 12)]
    assert ids(wanted(records)) == []
    assert len(wanted(records[:9])) == 9
    assert len(wanted([*records, Record(99, 99, 5_000)], [Sent(99, 5_000)])) == 11
    assert len(wanted(records, policy=Policy(trust_input=True))) == 11
