"""What is told of an account without a request."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from recon.core.account_status import day_coverage
from recon.core.calendar import window
from recon.model import Span
from tests.factories import at

DAY = window(date(2026, 4, 23), "UTC")
NOON_TO_SIX = Span(at(0), at(6 * 3600))


@pytest.mark.parametrize(
    ("hours", "share", "gaps", "goes_on"),
    [
        (-13, 1, 0, False),
        (-12, 1, 0, False),
        (-6, 0, 1, True),
        (6, 1 / 3, 1, False),
        (9, 2 / 7, 2, True),
        (36, 1 / 4, 2, False),
    ],
)
def test_of_a_day_the_part_that_has_passed_is_covered_so_far(
    hours: int, share: float, gaps: int, *, goes_on: bool
) -> None:
    found = day_coverage(DAY, [NOON_TO_SIX], at(0) + timedelta(hours=hours))
    assert found.share == pytest.approx(share)
    assert len(found.gaps) == gaps
    assert (found.unpolled is not None) == goes_on
