"""Days as windows, also where clocks change."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from recon.core import calendar, coverage
from recon.model import Span


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        ("2026-04-23", "Europe/Dublin", 24),
        ("2026-03-29", "Europe/Dublin", 23),
        ("2026-10-25", "Europe/Dublin", 25),
        ("2026-04-05", "Australia/Lord_Howe", 24.5),
        ("2026-10-04", "Australia/Lord_Howe", 23.5),
        ("2018-11-04", "America/Sao_Paulo", 23),  # midnight does not exist that day
        ("2026-11-01", "America/Havana", 25),  # midnight comes twice that day
        ("2011-12-30", "Pacific/Apia", 0),  # the day does not exist
    ],
)
def test_a_day_lasts_from_its_first_instant_to_the_next_days(
    day: str, zone: str, hours: float
) -> None:
    window = calendar.window(date.fromisoformat(day), zone)
    assert window.start is not None
    assert window.end is not None
    assert window.end - window.start == timedelta(hours=hours)
    assert window.label == day


def test_a_window_is_reported_in_utc() -> None:
    window = calendar.window(date(2026, 4, 23), "Europe/Dublin")
    assert window.start == datetime(2026, 4, 22, 23, tzinfo=UTC)
    assert window.start.tzinfo is UTC


def test_the_hours_of_a_day_go_from_midnight_to_midnight_by_the_clock() -> None:
    hours = dict(calendar.hours(date(2026, 4, 23), "Asia/Kuwait"))
    assert list(hours) == list(range(24))
    midnight = datetime(2026, 4, 22, 21, tzinfo=UTC)
    assert all(
        hours[hour] == Span(midnight + timedelta(hours=hour), midnight + timedelta(hours=hour + 1))
        for hour in range(24)
    )


def test_an_hour_that_comes_twice_is_long_and_a_skipped_one_is_left_out() -> None:
    hours = dict(calendar.hours(date(2026, 10, 25), "Europe/Berlin"))
    lengths = {
        hour: span.end - span.start for hour, span in hours.items() if span.start and span.end
    }
    assert {hour for hour, length in lengths.items() if length == timedelta(hours=2)} == {2}
    assert 2 not in dict(calendar.hours(date(2026, 3, 29), "Europe/Berlin"))
    # Here midnight itself is skipped.
    assert list(dict(calendar.hours(date(2026, 4, 24), "Africa/Cairo"))) == list(range(1, 24))


def test_of_clocks_that_jump_by_two_hours_both_are_left_out() -> None:
    hours = dict(calendar.hours(date(2026, 3, 29), "Antarctica/Troll"))
    assert list(hours) == [0, *range(3, 24)]
    one = datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert hours[3] == Span(one, one + timedelta(hours=1))
    assert calendar.hours(date(2011, 12, 30), "Pacific/Apia") == ()


def test_yesterday_is_the_zones_and_not_utcs() -> None:
    now = datetime(2026, 4, 23, 23, 30, tzinfo=UTC)
    assert calendar.yesterday(now, "Europe/Dublin") == date(2026, 4, 23)
    assert calendar.yesterday(now, "UTC") == date(2026, 4, 22)


def test_the_windows_of_a_range_stand_in_order_and_without_holes() -> None:
    days = calendar.windows(date(2026, 3, 27), date(2026, 3, 31), "Europe/Dublin")
    assert [day.label for day in days] == [f"2026-03-{n}" for n in range(27, 32)]
    for left, right in itertools.pairwise(days):
        assert left.end == right.start


def test_each_time_belongs_to_the_day_it_lies_in() -> None:
    days = calendar.windows(date(2026, 3, 28), date(2026, 3, 29), "Europe/Dublin")
    bounds = [days[0].start, days[1].start, days[1].end]
    instants = [
        coverage.microseconds(bound) + step
        for bound in bounds
        if bound is not None
        for step in (-1, 0)
    ]
    owners = calendar.window_positions(np.array(instants), days)
    assert owners.tolist() == [-1, 0, 0, 1, 1, -1]


def test_the_window_of_two_whole_files_owns_every_time() -> None:
    times = np.array([-(2**62), 0, 2**62])
    assert calendar.window_positions(times, [calendar.unbounded("UTC")]).tolist() == [0, 0, 0]
