"""What a gap hides, and how often to poll so that there is none."""

from __future__ import annotations

import numpy as np
import pytest

from recon.core import polling_advice
from recon.core.coverage import microseconds
from recon.model import Span
from tests.factories import at


def times(*seconds: float, part: int = 7) -> list[np.ndarray]:
    """Return times in parts of so many, and one that is empty."""
    made = np.array([microseconds(at(s)) for s in seconds], dtype=np.int64)
    return np.array_split(made, range(0, len(made), part))


def test_the_recorded_sends_of_each_gap_are_counted() -> None:
    gaps = (Span(at(0), at(10)), Span(at(20), at(30)))
    told = polling_advice.advise(
        gaps, (Span(at(10), at(20)),), times(0, 9, 10, 20, 25, 29, 30), times(), 5
    )
    assert told is not None
    assert told.records_in_gaps == (2, 3)


def test_the_tightest_stretch_of_what_one_poll_may_miss_gives_the_cadence() -> None:
    calm = [n * 600.0 for n in range(100)]
    burst = [100_000 + n * 4.0 for n in range(96)]
    gap = (Span(at(0), at(10)),)
    told = polling_advice.advise(gap, (), times(), times(*calm, *burst), 5)
    assert told is not None
    assert told.tightest_seconds == 95 * 4
    assert told.sends_a_poll == 95
    assert told.crontab == "* * * * * recon collect"
    told = polling_advice.advise(gap, (), times(), times(*burst[:95]), 5)
    assert told is not None
    assert told.tightest_seconds is None


@pytest.mark.parametrize(("seconds", "stays"), [(None, False), (66, False), (65, True), (0, True)])
def test_a_poll_each_minute_is_enough_unless_the_tightest_stretch_is_shorter(
    seconds: int | None, *, stays: bool
) -> None:
    line = "@reboot recon collect --follow" if stays else "* * * * * recon collect"
    assert polling_advice.crontab_line(seconds) == line


def test_a_window_before_anything_was_collected_is_distinguished() -> None:
    gap = (Span(at(0), at(10)),)
    nothing = polling_advice.advise(gap, (), times(), times(), 5)
    later = polling_advice.advise(gap, (Span(at(10), at(99)),), times(), times(), 5)
    between = polling_advice.advise(
        gap, (Span(at(-9), at(0)), Span(at(10), None)), times(), times(), 5
    )
    assert nothing is not None
    assert later is not None
    assert between is not None
    assert (nothing.before_collection, nothing.collected_since) == (True, None)
    assert (later.before_collection, later.collected_since) == (True, at(10))
    assert not between.before_collection
