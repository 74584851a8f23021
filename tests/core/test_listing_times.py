"""By how much an answer moves messages, and what can be known of those that only it shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from recon.core.listing_times import (
    TimeDispute,
    as_listed_before,
    common,
    doubtful,
    is_same,
    moved,
)
from recon.model import Message
from tests.factories import at, listing, message

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def test_only_messages_that_were_listed_before_have_moved() -> None:
    answer = listing(message(1, 60), message(2, 61), message(3, 99), answered=600)
    assert moved(answer, {1: at(0), 2: at(0)}) == {2: 61 * SECOND}
    assert moved(answer, {1: at(121)}) == {1: -61 * SECOND}


def test_all_have_moved_by_one_length_or_by_several() -> None:
    assert common([HOUR, HOUR + SECOND, HOUR]) == HOUR
    assert common([HOUR, HOUR + 61 * SECOND]) is None
    assert common([]) is None
    assert is_same(HOUR, HOUR + 60 * SECOND)
    assert not is_same(HOUR, -HOUR)
    assert not is_same(None, None)


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_a_doubtful_message_lies_between_both_times(by: timedelta) -> None:
    item = doubtful(message(7, 3_600), by)
    assert item.earliest is not None
    assert item.latest is not None
    assert sorted((at(3_600), at(3_600) - by)) == [item.earliest, item.latest]
    assert as_listed_before(item.earliest, item.latest, by) == at(3_600) - by
    assert as_listed_before(item.earliest, item.latest, 2 * by) is None
    assert as_listed_before(item.earliest, item.latest, None) is None


@pytest.mark.parametrize("year", [1, 2026, 9999])
def test_without_a_known_length_it_may_be_off_by_any_zone(year: int) -> None:
    time = datetime(year, 12 if year > 1 else 1, 31, 23, tzinfo=UTC)
    item = doubtful(Message(7, "", time, "sent"), None)
    assert item.earliest is not None
    assert item.latest is not None
    assert item.earliest <= time <= item.latest


def test_later_times_count_after_three_answers_over_a_day() -> None:
    dispute = TimeDispute(at(0), at(60), 2, at(-60), HOUR)
    assert dispute.is_lost_at(at(86_400))
    assert not dispute.is_lost_at(at(86_399))
    assert not TimeDispute(at(0), at(0), 1, at(-60), HOUR).is_lost_at(at(86_400))
