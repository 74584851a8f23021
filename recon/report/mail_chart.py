"""The last days as a small picture for a mail, drawn by `matplotlib` if it is installed.

The extra `charts` installs it. A mail is complete without the picture: mail programs that block
pictures show its alternative text, which has the same content.
"""

from __future__ import annotations

import io
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import reduce
from importlib.util import find_spec
from typing import Final

from recon.model import RunFigures
from recon.report import trends
from recon.report.trends import Trend

#: Pixels of a mail's column; the picture has twice as many, for fine screens.
WIDTH: Final = 552
HEIGHT: Final = 128
_DOTS_PER_INCH: Final = 192
_CSS_DOTS_PER_INCH: Final = 96

_BEFORE, _TODAY, _INK, _PAPER = "#aeb7c1", "#3d5a80", "#24292f", "#ffffff"


@dataclass(frozen=True, slots=True)
class MailChart:
    """A picture, and its content in words."""

    png: bytes
    text: str
    width: int = WIDTH
    height: int = HEIGHT


def is_available() -> bool:
    """Say whether the extra `charts` is installed; nothing is imported."""
    return find_spec("matplotlib") is not None


def draw(histories: Iterable[Sequence[RunFigures]], today: date, whose: str) -> MailChart | None:
    """Draw messages, failure rate and findings of the last 30 days; equal input gives equal bytes.

    Args:
        histories: the counts of the days of each account; several accounts are added up.
        today: the last day.
        whose: whose figures they are.

    Returns:
        `None` if fewer than two days are known, or the last one is not.
    """
    drawn = trends.of(_together(histories), today)
    if not drawn:
        return None
    said = ". ".join(f"{one.title}: {one.latest}, usually {one.usual}" for one in drawn)
    return MailChart(_png(drawn), f"The last {trends.DAYS} days of {whose}. {said}.")


def _together(histories: Iterable[Sequence[RunFigures]]) -> list[RunFigures]:
    by_day = defaultdict(list)
    for history in histories:
        for one in history:
            by_day[one.day].append(one)
    return [reduce(_sum, found) for found in by_day.values()]


def _sum(one: RunFigures, other: RunFigures) -> RunFigures:
    return replace(
        one,
        records=one.records + other.records,
        messages=one.messages + other.messages,
        failed=one.failed + other.failed,
        findings=one.findings + other.findings,
        gaps=one.gaps + other.gaps,
    )


def _png(drawn: Sequence[Trend]) -> bytes:
    # It warns of a home directory that it cannot write to, which is nobody's concern at night.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    size = (WIDTH / _CSS_DOTS_PER_INCH, HEIGHT / _CSS_DOTS_PER_INCH)
    target = io.BytesIO()
    # Not what a matplotlibrc of the machine says: its own font, which every installation has.
    with rc_context({"font.family": ["DejaVu Sans"], "font.size": 8, "axes.linewidth": 0.5}):
        figure = Figure(figsize=size, dpi=_DOTS_PER_INCH, facecolor=_PAPER)
        for at, trend in enumerate(drawn):
            panel = figure.add_axes((0.005 + at * 0.345, 0.19, 0.3, 0.55))
            panel.bar(
                [bar.x for bar in trend.bars],
                [bar.height for bar in trend.bars],
                [bar.width for bar in trend.bars],
                align="edge",
                color=[_TODAY if bar.is_today else _BEFORE for bar in trend.bars],
            )
            panel.set_xlim(0, trends.WIDTH)
            panel.set_ylim(0, trends.HEIGHT)
            panel.set_xticks([])
            panel.set_yticks([])
            panel.spines[["left", "right", "top"]].set_visible(False)
            title = f"{trend.title} {trend.latest}"
            panel.set_title(title, loc="left", fontsize=11.5, fontweight="bold", color=_INK)
            panel.set_xlabel(f"usually {trend.usual}", loc="left", fontsize=10, color=_INK)
        figure.savefig(target, format="png", metadata={"Software": None})
    return target.getvalue()
