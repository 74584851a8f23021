"""Calendar days of a time zone as windows in UTC, including days when clocks change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from recon.core.coverage import microseconds
from recon.model import Span, Window

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: The label of the window that takes two files whole.
ALL: Final = "all"


def window(day: date, zone: str) -> Window:
    """Return the window of one calendar day: from its first instant to the next day's.

    When clocks change it is 23, 24.5 or 25 hours long. If midnight is skipped, the day begins when
    the clocks jump; if midnight occurs twice, with the first one.
    """
    return Window(day.isoformat(), _midnight(day, zone), _midnight(_next(day), zone), zone)


def _midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _next(day: date) -> date:
    return day + timedelta(days=1)


def windows(first: date, last: date, zone: str) -> tuple[Window, ...]:
    """Return the windows from `first` to `last`, both included, in order and without holes."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return tuple(window(day, zone) for day in days)


def hours(day: date, zone: str) -> tuple[tuple[int, Span], ...]:
    """Return the clock hours of one calendar day, each with its stretch of time in UTC.

    An hour that occurs twice is one entry of two hours; an hour that is skipped is left out.
    """
    there, end = ZoneInfo(zone), _midnight(_next(day), zone)
    starts: list[tuple[int, datetime]] = []
    last = _midnight(day, zone)
    for hour in range(24):
        local = datetime(day.year, day.month, day.day, hour, tzinfo=there)
        start = min(max(local.astimezone(UTC), last), end)
        # Where clocks jump by more than an hour, the time after the jump belongs to a later hour.
        if start.astimezone(there).hour == hour:
            starts.append((hour, start))
            last = start
    bounds = pairwise([*starts, (24, end)])
    return tuple((hour, Span(start, stop)) for (hour, start), (_, stop) in bounds if start < stop)


def unbounded(zone: str) -> Window:
    """Return the window without bounds, for two files taken whole."""
    return Window(ALL, None, None, zone)


def day_at(now: datetime, zone: str) -> date:
    """Return the calendar day that `now` falls on in `zone`."""
    return now.astimezone(ZoneInfo(zone)).date()


def yesterday(now: datetime, zone: str) -> date:
    """Return the calendar day before the one that `now` falls on in `zone`."""
    return day_at(now, zone) - timedelta(days=1)


def window_positions(times: npt.NDArray[np.int64], days: Sequence[Window]) -> npt.NDArray[np.int64]:
    """Return for each time (microseconds, UTC) the position of its window in `days`, else -1.

    `days` are in order and without holes, as `windows` returns them, or one `unbounded`.
    """
    import numpy as np

    if days[0].start is None or days[-1].end is None:
        # One zero for all of them: it takes no memory.
        return np.broadcast_to(np.int64(0), len(times))
    starts = [microseconds(day.start) for day in days if day.start is not None]
    bounds = np.array([*starts, microseconds(days[-1].end)], dtype=np.int64)
    found = np.searchsorted(bounds, times, side="right") - 1
    found[found == len(days)] = -1
    return found.astype(np.int64)
