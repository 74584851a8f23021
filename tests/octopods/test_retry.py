from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.errors import TemporaryError
from recon.octopods.request_errors import TransientError
from recon.octopods.retry import RateLimited, RetryBudget
from tests.octopods.stage import Clock


class Script:
    """Raises its errors one after the other, then returns 42."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        if self.asked <= len(self.errors):
            raise self.errors[self.asked - 1]
        return 42


def patience(
    clock: Clock,
    *,
    most: float = 900,
    seed: int = 7,
    least: Callable[[], float] = lambda: 0.0,
    paused_until: datetime | None = None,
) -> RetryBudget:
    return RetryBudget(
        account="main",
        max_wait_seconds=most,
        least=least,
        clock=clock.time,
        sleep=clock.sleep,
        rng=random.Random(seed),
        paused_until=lambda: paused_until,
    )


def within(slept: Sequence[float], bounds: Sequence[tuple[float, float]]) -> bool:
    return len(slept) == len(bounds) and all(
        low <= seconds <= high for seconds, (low, high) in zip(slept, bounds, strict=True)
    )


def test_what_passes_is_asked_again_with_growing_pauses() -> None:
    clock, script = Clock(), Script(*[TransientError("503")] * 4)
    assert patience(clock).call(script) == 42
    assert within(clock.slept, [(0.5, 1), (1, 2), (2, 4), (4, 8)])


def test_pauses_differ_from_one_client_to_the_next() -> None:
    clocks = [Clock() for _ in range(5)]
    for seed, clock in enumerate(clocks):
        patience(clock, seed=seed).call(Script(TransientError("503")))
    assert len({clock.slept[0] for clock in clocks}) == 5


def test_after_five_tries_it_says_what_was_seen() -> None:
    clock, script = Clock(), Script(*[TransientError("HTTP status 503")] * 9)
    with pytest.raises(TemporaryError, match=r"asked 5 times .* HTTP status 503"):
        patience(clock).call(script)
    assert script.asked == 5


def test_all_calls_together_never_pause_longer_than_allowed() -> None:
    clock = Clock()
    ours = patience(clock, most=10)
    for _ in range(4):
        with pytest.raises(TemporaryError):
            ours.call(Script(*[TransientError("503")] * 9))
    assert 0 < sum(clock.slept) <= 10
    assert ours.left == pytest.approx(10 - sum(clock.slept))


def test_no_pause_at_all_may_be_allowed() -> None:
    clock, script = Clock(), Script(TransientError("503"))
    with pytest.raises(TemporaryError, match="asked once"):
        patience(clock, most=0).call(script)
    assert clock.slept == []


def test_a_bug_is_not_asked_again() -> None:
    script = Script(KeyError("bug"))
    with pytest.raises(KeyError):
        patience(Clock()).call(script)
    assert script.asked == 1


def test_a_limit_that_names_its_time_is_waited_for_and_no_earlier() -> None:
    clock = Clock()
    patience(clock).call(Script(RateLimited(30, None)))
    assert within(clock.slept, [(30.05, 30.5)])


def test_a_limit_may_name_its_time_more_often_than_a_failure_may_happen() -> None:
    clock, script = Clock(), Script(*[RateLimited(20, None)] * 8)
    assert patience(clock).call(script) == 42
    assert all(seconds >= 20 for seconds in clock.slept)


def test_a_limit_that_always_says_at_once_cannot_drain_the_sends() -> None:
    clock, script = Clock(), Script(*[RateLimited(0, None)] * 10_000)
    with pytest.raises(TemporaryError, match="rate limit is used up"):
        patience(clock).call(script)
    assert script.asked < 50
    assert sum(clock.slept) <= 900


def test_a_limit_beyond_what_is_left_ends_at_once_and_names_the_time() -> None:
    clock, script = Clock(), Script(RateLimited(901, "req-9"))
    with pytest.raises(TemporaryError, match=r"req-9.*until 2026-04-24 10:38:46 UTC"):
        patience(clock).call(script)
    assert (clock.slept, script.asked) == ([], 1)


def test_a_limit_of_exactly_what_is_left_is_waited_for() -> None:
    clock = Clock()
    assert patience(clock, most=30).call(Script(RateLimited(30, None))) == 42
    assert clock.slept == [30]


def test_a_pause_from_before_is_kept_once_and_before_anything_is_asked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, script = Clock(), Script()
    patient = patience(clock, paused_until=clock.time() + timedelta(seconds=60))
    assert (patient.call(script), patient.call(script)) == (42, 42)
    assert within(clock.slept, [(60, 60.5)])
    assert "account main: Octopods asked for a pause (429)" in caplog.text


def test_a_pause_that_another_process_was_asked_for_meanwhile_is_kept() -> None:
    clock, script = Clock(), Script()
    told: list[datetime] = []
    patient = RetryBudget(
        account="main",
        max_wait_seconds=900,
        least=lambda: 0.0,
        clock=clock.time,
        sleep=clock.sleep,
        rng=random.Random(7),
        paused_until=lambda: told[0] if told else None,
    )
    patient.call(script)
    told.append(clock.time() + timedelta(seconds=60))
    patient.call(script)
    assert within(clock.slept, [(60, 60.5)])


def test_a_pause_from_before_that_has_passed_costs_nothing() -> None:
    clock = Clock()
    assert patience(clock, paused_until=clock.time()).call(Script()) == 42
    assert clock.slept == []


def test_a_pause_from_before_counts_among_those_that_are_allowed() -> None:
    clock, script = Clock(), Script()
    patient = patience(clock, most=59, paused_until=clock.time() + timedelta(seconds=60))
    with pytest.raises(TemporaryError, match="429 to an earlier request; it asks to pause until"):
        patient.call(script)
    assert (script.asked, clock.slept) == (0, [])


def test_a_limit_without_a_time_is_given_longer_to_recover() -> None:
    clock, script = Clock(), Script(*[RateLimited(None, None)] * 9)
    with pytest.raises(TemporaryError, match="rate limit is used up"):
        patience(clock).call(script)
    assert within(clock.slept, [(2.5, 5), (5, 10), (10, 20), (20, 40)])


def test_limits_that_name_their_time_do_not_use_up_the_tries_of_a_failure() -> None:
    clock = Clock()
    script = Script(*[RateLimited(1, None)] * 6, *[TransientError("reset")] * 4)
    assert patience(clock).call(script) == 42


def test_a_pause_is_never_shorter_than_what_keeps_requests_apart() -> None:
    clock = Clock()
    patience(clock, least=lambda: 12.0).call(Script(TransientError("503")))
    assert clock.slept == [12.0]


def test_each_pause_is_reported_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="recon"):
        patience(Clock()).call(Script(TransientError("HTTP status 503")))
    assert "account main: HTTP status 503; asking again in" in caplog.text


@given(
    st.lists(
        st.none() | st.floats(0, 2000) | st.just(-1.0), max_size=30
    ),  # -1 stands for a failure
    st.floats(0, 1000),
)
def test_whatever_comes_no_more_is_slept_than_allowed(
    course: list[float | None], most: float
) -> None:
    clock = Clock()
    script = Script(
        *(TransientError("x") if one == -1 else RateLimited(one, None) for one in course)
    )
    try:
        patience(clock, most=most).call(script)
    except TemporaryError:
        assert script.asked <= len(course)
    assert sum(clock.slept) <= most * (1 + 1e-9)
