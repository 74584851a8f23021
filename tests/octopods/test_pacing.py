from __future__ import annotations

from datetime import timedelta

from recon.octopods.pacing import Pacer
from tests.octopods.stage import Clock


def pacer(clock: Clock, seconds: float = 2.0) -> Pacer:
    return Pacer(seconds, monotonic=clock.monotonic)


def test_the_first_request_starts_at_once() -> None:
    clock = Clock()
    pacer(clock).wait(clock.sleep)
    assert clock.slept == []


def test_the_next_one_waits_for_the_rest_of_the_interval() -> None:
    clock = Clock()
    ours = pacer(clock)
    ours.wait(clock.sleep)
    clock.now += timedelta(seconds=0.5)
    assert ours.early == 1.5
    ours.wait(clock.sleep)
    assert clock.slept == [1.5]


def test_nobody_waits_where_the_interval_has_passed_anyway() -> None:
    clock = Clock()
    ours = pacer(clock)
    ours.wait(clock.sleep)
    clock.now += timedelta(seconds=5)
    ours.wait(clock.sleep)
    assert clock.slept == []
