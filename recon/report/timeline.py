"""A drawing of the day of a run: findings by time, gaps and incidents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from recon.model import Run, Span, VerdictKind, Window
from recon.report import incident_states, labels

#: Units of the drawing's width.
WIDTH: Final = 1000.0
#: The findings of half an hour are one bar; of the greatest of them it has this height.
BINS: Final = 48
HEIGHT: Final = 30.0
_HOURS: Final = (0, 6, 12, 18)
#: A shorter mark would not be visible.
_LEAST: Final = 3.0


class Mark(NamedTuple):
    """A stretch of the day."""

    x: float
    width: float
    what: str
    since: str
    until: str


@dataclass(frozen=True, slots=True)
class TimelineBar:
    """The findings of half an hour."""

    x: float
    width: float
    height: float
    count: int
    since: str
    until: str


class Timeline(NamedTuple):
    """The parts of the drawing of a day."""

    bars: Sequence[TimelineBar]
    gaps: Sequence[Mark]
    incidents: Sequence[Mark]
    hours: Sequence[tuple[float, str]]
    """The position of a label, in percent of the width, and its text."""


def of(run: Run) -> Timeline | None:
    """Return the timeline of a day; `None` if the window is not a day, or nothing was judged.

    A day that the zone skipped when it crossed the date line has no length, and no timeline.
    """
    window = run.verdict.window
    if window.start is None or window.end is None or run.verdict.kind is VerdictKind.SUSPECT:
        return None
    if window.start == window.end:
        return None
    return Timeline(
        bars=list(_bars(run, window.start, window.end)),
        gaps=[_mark(gap, window, "not covered") for gap in run.verdict.gaps],
        incidents=[
            _mark(Span(one.start, one.end), window, one.cause.replace("_", " "))
            for one in (each.incident for each in incident_states.to_act_on(run))
            if one.start is not None
        ],
        hours=list(_hours(window, window.start, window.end)),
    )


def _mark(span: Span, window: Window, what: str) -> Mark:
    first, last = _place(span.start, window, 0.0), _place(span.end, window, WIDTH)
    width = max(last - first, _LEAST)
    start, end = labels.gap_bounds(span, window)
    return Mark(round(min(first, WIDTH - width), 1), round(width, 1), what, start, end)


def _place(moment: datetime | None, window: Window, unbounded: float) -> float:
    if moment is None or window.start is None or window.end is None:
        return unbounded
    share = (moment - window.start) / (window.end - window.start)
    return min(max(share, 0.0), 1.0) * WIDTH


def _bars(run: Run, start: datetime, end: datetime) -> Iterator[TimelineBar]:
    """Yield the half hours with findings; findings outside the day are at its ends."""
    found = run.verdict.findings
    if found.empty:
        return
    times = found["provider_sent_at"].fillna(found["local_sent_at"]).dropna()
    share = (times - start) / (end - start)
    counts, _ = np.histogram(share.clip(0, 1), bins=BINS, range=(0, 1))
    width = WIDTH / BINS
    for at in np.flatnonzero(counts).tolist():
        count = int(counts[at])
        step = (end - start) / BINS
        since, until = labels.gap_bounds(
            Span(start + step * at, start + step * (at + 1)), run.verdict.window
        )
        height = round(max(HEIGHT * count / int(counts.max()), 2), 1)
        x = round(at * width + 1, 1)
        yield TimelineBar(x, round(width - 2, 1), height, count, since, until)


def _hours(window: Window, start: datetime, end: datetime) -> Iterator[tuple[float, str]]:
    zone, day = ZoneInfo(window.zone), date.fromisoformat(window.label)
    for hour in _HOURS:
        there = datetime(day.year, day.month, day.day, hour, tzinfo=zone)
        share = (there.astimezone(start.tzinfo) - start) / (end - start)
        yield round(100 * share, 2), f"{hour:02}:00"
    yield 100.0, "24:00"
