from __future__ import annotations

from datetime import date, timedelta

import pytest

from recon.report.dashboard_view import all_days, periods

FIRST = date(2026, 1, 1)


@pytest.mark.parametrize(
    ("days", "unit", "bars"),
    [(1, "day", 1), (62, "day", 62), (63, "week", 10), (550, "week", 79), (551, "month", 19)],
)
def test_so_many_days_are_drawn_as_so_many_bars(days: int, unit: str, bars: int) -> None:
    found, spans = periods(all_days(FIRST, FIRST + timedelta(days=days - 1)))
    assert (found, len(spans)) == (unit, bars)
    assert sum(len(span) for span in spans) == days


def test_weeks_begin_on_a_monday_and_months_on_their_first_day() -> None:
    _, weeks = periods(all_days(FIRST, date(2026, 5, 1)))
    assert {span[0].weekday() for span in weeks[1:]} == {0}
    _, months = periods(all_days(FIRST, date(2028, 5, 1)))
    assert {span[0].day for span in months} == {1}
