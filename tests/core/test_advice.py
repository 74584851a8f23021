"""What a gap hides, and how often to poll so that there is none."""

from __future__ import annotations

import numpy as np
import pytest

from recon.core import advice
from recon.core.coverage import microseconds
from recon.model import Span
from tests.factories import at


def times(*seconds: float) -> np.ndarray:
    return np.array([microseconds(at(s)) for s in seconds], dtype=np.int64)


def test_without_a_gap_there_is_nothing_to_advise() -> None:
    assert advice.advise((), (), times(1), times(1), 5) is None


def test_the_booked_sends_of_each_gap_are_counted() -> None:
    gaps = (Span(at(0), at(10)), Span(at(20), at(30)))
    told = advice.advise(gaps, (Span(at(10), at(20)),), times(0, 9, 10, 20, 25, 29, 30), times(), 5)
    assert told is not None
    assert told.records_in_gaps == (2, 3)


def test_the_tightest_stretch_of_what_one_poll_may_miss_gives_the_cadence() -> None:
    calm = [n * 600.0 for n in range(100)]
    burst = [100_000 + n * 4.0 for n in range(96)]
    gap = (Span(at(0), at(10)),)
    told = advice.advise(gap, (), times(), times(*calm, *burst), 5)
    assert told is not None
    assert told.tightest_seconds == 95 * 4
    assert told.crontab == "*/6 * * * * recon collect"
    told = advice.advise(gap, (), times(), times(*burst[:95]), 5)
    assert told is not None
    assert told.tightest_seconds is None


@pytest.mark.parametrize(
    ("seconds", "line"),
    [
        (None, "0 */12 * * * recon collect"),
        (86_400, "0 */12 * * * recon collect"),
        (43_199, "0 */8 * * * recon collect"),
        (3_600, "0 * * * * recon collect"),
        (3_599, "*/30 * * * * recon collect"),
        (599, "*/6 * * * * recon collect"),
        (60, "* * * * * recon collect"),
        (59, "@reboot recon collect --follow"),
        (0, "@reboot recon collect --follow"),
    ],
)
def test_the_crontab_line_never_polls_less_often_than_needed(
    seconds: int | None, line: str
) -> None:
    assert advice.crontab_line(seconds) == line


def test_a_window_before_anything_was_collected_is_told_apart() -> None:
    gap = (Span(at(0), at(10)),)
    nothing = advice.advise(gap, (), times(), times(), 5)
    later = advice.advise(gap, (Span(at(10), at(99)),), times(), times(), 5)
    between = advice.advise(gap, (Span(at(-9), at(0)), Span(at(10), None)), times(), times(), 5)
    assert nothing is not None
    assert later is not None
    assert between is not None
    assert (nothing.before_collection, nothing.collected_since) == (True, None)
    assert (later.before_collection, later.collected_since) == (True, at(10))
    assert not between.before_collection
