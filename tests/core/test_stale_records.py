"""Whether records may have ended is seen before anything is linked."""

from __future__ import annotations

import pytest

from recon.core import stale_records
from tests.factories import Record, Sent, at, local_side, provider_side

HOUR = 3600


@pytest.mark.parametrize(
    ("ahead", "recorded", "ended"),
    [
        (0, 20, False),
        (0, 10, True),
        (5 * HOUR, 20, False),
        (5 * HOUR, 10, True),
        (-5 * HOUR, 20, True),  # by the records' own clock: `records_end` knows better
    ],
)
def test_records_may_have_ended_by_the_clock_of_the_messages(
    ahead: int, recorded: int, *, ended: bool
) -> None:
    messages = provider_side([Sent(n, 600 * n) for n in range(20)]).frame
    records = local_side([Record(n, n, 600 * n + ahead) for n in range(recorded)]).frame
    assert stale_records.may_have_ended(records, messages) is ended


def test_records_without_ids_end_by_their_own_clock() -> None:
    messages = provider_side([Sent(n, 600 * n) for n in range(20)]).frame
    records = local_side([Record(n, None, 600 * n + 2 * HOUR) for n in range(10)]).frame
    assert not stale_records.may_have_ended(records, messages)


@pytest.mark.parametrize(("ahead", "too_few"), [(0, True), (3 * HOUR, True)])
def test_two_records_are_too_few_where_messages_go_on(ahead: int, *, too_few: bool) -> None:
    messages = provider_side([Sent(n, 600 * n) for n in range(20)]).frame
    records = local_side([Record(n, n, 600 * n + ahead) for n in range(2)]).frame
    assert stale_records.are_too_few(records, messages, at(0)) is too_few
    assert not stale_records.are_too_few(records, messages.iloc[:3], at(0))
    assert stale_records.are_too_few(records.iloc[:0], messages, at(0))
    assert not stale_records.are_too_few(records.iloc[:0], messages, at(600 * 19))
