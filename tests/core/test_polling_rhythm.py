"""What stored polls teach."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.core.polling_rhythm import Forecast, Poll, Rhythm, forecast, learn

MONDAY = datetime(2026, 4, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


def poll(
    hours: float, new: int, *, joined: bool = True, items: int = 100, age: float | None = None
) -> Poll:
    """Return a poll so many hours into Monday, its oldest message so many hours old."""
    at = MONDAY + hours * HOUR
    return Poll(at, new, items, joined, None if age is None else at - age * HOUR)


def rate(rhythm: Rhythm, hours: float) -> float | None:
    learnt = rhythm.rate(MONDAY + hours * HOUR)
    return None if learnt is None else learnt * 3600


def test_an_hour_is_known_from_the_same_hour_of_another_day() -> None:
    rhythm = learn([poll(8, 0), poll(9, 50), poll(10, 20)], "UTC")
    assert rate(rhythm, 8.5) == pytest.approx(50)
    assert rate(rhythm, 24 + 8.5) == pytest.approx(50)
    assert rate(rhythm, 9.5) == pytest.approx(20)
    assert rate(rhythm, 11) is None


def test_what_was_seen_across_midnight_belongs_to_the_hours_of_both_days() -> None:
    rhythm = learn([poll(23, 0), poll(25, 40)], "UTC")
    assert rate(rhythm, 23.5) == pytest.approx(20)
    assert rate(rhythm, 24.5) == pytest.approx(20)


def test_the_highest_of_the_last_seven_days_counts() -> None:
    polls = [
        poll(day * 24 + hour, new)
        for day, seen in enumerate([90, 10, 20, 30, 20, 20, 20, 20])
        for hour, new in ((8, 0), (9, seen))
    ]
    # On the eighth day the first one is forgotten.
    assert rate(learn(polls[:14], "UTC"), 24 * 2 + 8.5) == pytest.approx(90)
    assert rate(learn(polls, "UTC"), 24 * 2 + 8.5) == pytest.approx(30)


def test_a_weekday_that_was_seen_twice_speaks_for_itself() -> None:
    polls = [
        poll(24 * day + hour, new)
        for day, seen in ((0, 80), (6, 5), (7, 60), (13, 5))
        for hour, new in ((8, 0), (9, seen))
    ]
    rhythm = learn(polls, "UTC")
    assert rate(rhythm, 24 * 6 + 8.5) == pytest.approx(5)
    assert rate(rhythm, 8.5) == pytest.approx(80)


def test_the_hours_are_those_of_the_business() -> None:
    rhythm = learn([poll(8, 0), poll(9, 50)], "Asia/Kolkata")
    assert rate(rhythm, 8.25) == pytest.approx(50)
    assert rhythm.rates[13] == pytest.approx(50 / 3600)


def test_a_poll_that_joins_none_before_it_shows_only_its_own_messages() -> None:
    rhythm = learn([poll(0, 0), poll(9, 100, joined=False, age=0.5)], "UTC")
    assert rate(rhythm, 8.5) == pytest.approx(200)
    assert rate(rhythm, 7.5) is None


def test_a_few_seconds_of_an_hour_show_nothing() -> None:
    assert rate(learn([poll(8, 0), poll(8.03, 9)], "UTC"), 8.5) is None


def test_the_steepest_rise_is_learnt_and_never_taken_for_less_than_the_usual() -> None:
    steep = learn([poll(7, 0), poll(8, 100), poll(9, 1000)], "UTC")
    assert steep.rise == pytest.approx(10)
    assert learn([poll(7, 0), poll(8, 100), poll(9, 110)], "UTC").rise == Rhythm().rise
    # A silent hour is none to rise from.
    assert learn([poll(7, 0), poll(8, 0), poll(9, 120)], "UTC").rise == Rhythm().rise


def test_the_busiest_moment_is_that_of_the_densest_answer() -> None:
    polls = [poll(8, 0, items=100, age=5), poll(9, 60, items=100, age=0.1), poll(10, 9, age=7)]
    assert learn(polls, "UTC").peak * 3600 == pytest.approx(1000)
    assert learn([poll(8, 3, items=3, age=0.001)], "UTC").peak == 0


@given(st.lists(st.tuples(st.floats(0.01, 30), st.integers(0, 100)), max_size=30))
def test_what_was_spread_over_the_hours_is_what_was_seen(seen: list[tuple[float, int]]) -> None:
    hours, polls = 0.0, [poll(0, 0)]
    for gap, new in seen:
        hours += gap
        polls.append(poll(hours, new))
    rates = [known for known in learn(polls, "UTC").rates if known is not None]
    fastest = max((new / (gap * HOUR.total_seconds()) for gap, new in seen), default=0.0)
    assert all(0 <= known <= fastest * 1.000001 for known in rates)


# --- what to expect ------------------------------------------------------------------------------


def flat(per_hour: float) -> Rhythm:
    return Rhythm(rates=(per_hour / 3600,) * 168)


def test_the_rhythm_lasts_until_the_room_is_used_up() -> None:
    ahead = Forecast(flat(60))
    assert ahead.lasts(MONDAY, 30, longest=86_400) == pytest.approx(1800)
    assert ahead.lasts(MONDAY, 30, longest=600) == 600
    assert Forecast(flat(60), level=2.0).lasts(MONDAY, 30, longest=86_400) == pytest.approx(900)


def test_a_busy_hour_casts_its_shadow_ten_minutes_ahead() -> None:
    rates = [6 / 3600] * 168
    rates[9] = 600 / 3600
    ahead = Forecast(Rhythm(rates=tuple(rates)))
    # Of the hour before, 50 minutes pass calmly with 5 messages; then 10 come each minute.
    assert ahead.lasts(MONDAY + 8 * HOUR, 15, longest=86_400) == pytest.approx(3000 + 60)


def test_an_hour_that_was_never_seen_is_expected_to_rise() -> None:
    ahead = forecast(Rhythm(), [poll(8, 0, items=60, age=3), poll(9, 50, items=60, age=3)])
    assert ahead.recent * 3600 == pytest.approx(50)
    assert ahead.unlearnt * 3600 == pytest.approx(150)
    calm = forecast(Rhythm(), [poll(8, 0, items=60, age=3), poll(9, 2, items=60, age=3)])
    assert calm.unlearnt * 3600 == pytest.approx(100)


def test_an_account_that_hardly_sends_is_not_expected_to_fill_an_answer() -> None:
    idle = forecast(Rhythm(), [poll(8, 0, items=0), poll(9, 0, items=3, age=900)])
    assert idle.unlearnt == 0


def test_the_present_rate_is_the_highest_of_the_last_few_polls() -> None:
    polls = [poll(7, 0), poll(8, 99), poll(9, 20), poll(10, 60), poll(11, 10)]
    assert forecast(flat(1), polls).recent * 3600 == pytest.approx(60)


@pytest.mark.parametrize("seconds", [1.0, 5.0])
def test_polls_within_seconds_of_each_other_show_the_present_rate_together(seconds: float) -> None:
    several = [poll(10 + n * seconds / 3600, round(15 * seconds)) for n in range(8)]
    expected = forecast(Rhythm(), several)
    assert expected.recent == pytest.approx(15, rel=0.2)
    assert expected.lasts(several[-1].at, 95, 3600) < 95 / 15


def test_a_day_much_busier_than_usual_raises_the_level() -> None:
    usual = forecast(flat(50), [poll(8, 0), poll(9, 60)])
    busy = forecast(flat(50), [poll(8, 0), poll(9, 99)])
    assert usual.level == 1
    assert busy.level == pytest.approx(99 / 50)


def test_before_any_poll_an_answer_may_fill_within_the_hour() -> None:
    assert forecast(Rhythm(), []).unlearnt * 3600 == pytest.approx(100)
