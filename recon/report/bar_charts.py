"""Bars over time as paths of an SVG drawing; templates/dashboard.js draws the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

#: Units of a drawing; the page stretches it to the width that there is.
WIDTH: Final = 1000.0
HEIGHT: Final = 100.0
#: Bars are never wider than with this many bars.
_LEAST_SLOTS: Final = 7
#: A shorter bar would not be visible.
_LEAST: Final = 0.8
#: The position of marks below the bars.
_STRIP_TOP: Final = 104.0
_STRIP_HEIGHT: Final = 6.0
_STEPS: Final = (1, 2, 3, 4, 5, 6, 8, 10)


def top(most: float, *, least: float) -> float:
    """Return the top of the scale: a round number not less than the greatest value.

    Args:
        most: the greatest value.
        least: the least possible top, also if all values are 0.
    """
    if most <= least:
        return least
    unit = 1.0
    while unit * 10 <= most:
        unit *= 10
    while unit > most:
        unit /= 10
    return next(unit * step for step in _STEPS if unit * step >= most)


def stacked(series: Sequence[Sequence[float | None]], scale: float) -> list[str]:
    """Return one path for each series: its bars stand on those of the series before.

    Args:
        series: the values of each, all of one length; `None` has no bar.
        scale: the value at the top of the drawing.
    """
    step, width = _slots(len(series[0]), 1)
    below = [0.0] * len(series[0])
    paths = []
    for values in series:
        bars = []
        for at, value in enumerate(values):
            if value:
                height = HEIGHT * value / scale
                bars.append(bar(at * step, HEIGHT - below[at] - height, width, height))
                below[at] += height
        paths.append("".join(bars))
    return paths


def grouped(series: Sequence[Sequence[float | None]], scale: float) -> list[str]:
    """Return one path for each series: its bars stand beside those of the others."""
    step, width = _slots(len(series[0]), len(series))
    paths = []
    for nth, values in enumerate(series):
        bars = []
        for at, value in enumerate(values):
            if value:
                height = max(HEIGHT * value / scale, _LEAST)
                bars.append(bar(at * step + nth * width, HEIGHT - height, width, height))
        paths.append("".join(bars))
    return paths


def strip(marked: Sequence[bool]) -> str:
    """Return a path with a mark below the bars for each marked place."""
    step, width = _slots(len(marked), 1)
    return "".join(
        bar(at * step, _STRIP_TOP, width, _STRIP_HEIGHT)
        for at, is_marked in enumerate(marked)
        if is_marked
    )


def _slots(count: int, parts: int) -> tuple[float, float]:
    """Return the distance between the beginnings of bars, and the width of each of their parts."""
    step = WIDTH / max(count, _LEAST_SLOTS)
    return step, (step - min(step * 0.2, 4.0)) / parts


def bar(x: float, y: float, width: float, height: float) -> str:
    """Return one bar as part of a path."""
    left = _rounded(x)
    return f"M{left} {_rounded(y)}h{_rounded(width)}v{_rounded(height)}H{left}z"


def _rounded(number: float) -> str:
    return f"{math.floor(number * 10 + 0.5) / 10:g}"
