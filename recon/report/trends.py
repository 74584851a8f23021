"""The last days of an account as small bars: volume, failure rate and findings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

from recon.model import RunFigures
from recon.report.bar_charts import bar

#: Days of a trend.
DAYS: Final = 30
WIDTH: Final = 300.0
HEIGHT: Final = 40.0


class TrendBar(NamedTuple):
    """One day of a trend."""

    x: float
    y: float
    width: float
    height: float
    is_today: bool


class Trend(NamedTuple):
    """One figure over the days."""

    title: str
    latest: str
    usual: str
    """The median of the days before."""
    bars: Sequence[TrendBar]

    @property
    def before(self) -> str:
        """The bars of the days before, as the path of an SVG drawing."""
        return "".join(bar(*one[:4]) for one in self.bars if not one.is_today)

    @property
    def today(self) -> str:
        """The bar of the last day, likewise."""
        return "".join(bar(*one[:4]) for one in self.bars if one.is_today)


def of(history: Sequence[RunFigures], today: date) -> list[Trend]:
    """Return the trends up to a day; none if fewer than two days are known.

    Args:
        history: the figures of the days, in any order; days without a run are left out of a trend.
        today: the last day.
    """
    first = today - timedelta(days=DAYS - 1)
    days = sorted((one for one in history if first <= one.day <= today), key=lambda one: one.day)
    if len(days) < 2 or days[-1].day != today:  # noqa: PLR2004 - one day is no trend
        return []
    return [
        _trend("Messages", days, first, lambda one: float(one.messages), "{:,.0f}".format),
        _trend("Failed", days, first, lambda one: one.failure_rate, "{:.1%}".format),
        _trend("Findings", days, first, lambda one: float(one.findings), "{:,.0f}".format),
    ]


def _trend(
    title: str,
    days: Sequence[RunFigures],
    first: date,
    value: Callable[[RunFigures], float],
    written: Callable[[float], str],
) -> Trend:
    values = [value(one) for one in days]
    most = max(values) or 1.0
    width = WIDTH / DAYS
    bars = []
    for one, figure in zip(days, values, strict=True):
        height = max(HEIGHT * figure / most, 1.0)
        x = (one.day - first).days * width
        is_today = one is days[-1]
        bars.append(
            TrendBar(round(x, 1), round(HEIGHT - height, 1), width - 2, round(height, 1), is_today)
        )
    before = sorted(values[:-1])
    return Trend(title, written(values[-1]), written(before[len(before) // 2]), bars)
