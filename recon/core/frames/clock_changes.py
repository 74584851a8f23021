"""Wall-clock times that may be two moments because the clocks of their zone change.

When clocks go back, an hour occurs twice; when they go forward, an hour is skipped. A time without
an offset in such an hour is read with the offset before the change, and has a second reading with
the offset after it. A time with an offset has only one reading.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from recon.core.coverage import instant, microseconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_SECOND_US: Final = 1_000_000
_MINUTE_US: Final = 60 * _SECOND_US
#: The clocks of some islands have jumped over a whole day.
_NEAR_US: Final = 25 * 60 * _MINUTE_US
_DAY: Final = timedelta(days=1)


class ClockChange(NamedTuple):
    """A change of a zone's clocks; all in microseconds."""

    at: int
    """The moment of it, since the epoch, UTC."""
    before: int
    """The offset from UTC until then."""
    after: int


def two_readings(
    times: Ints,
    read: NDArray[np.bool_],
    zone: str,
    in_zone: Callable[[NDArray[np.intp], str], Ints],
) -> tuple[Ints, NDArray[np.int16]]:
    """Return the first reading of each time, and how many minutes later its second one is.

    Args:
        times: as they were read, microseconds since the epoch, UTC.
        read: which of them could be read.
        zone: of times without an offset, an IANA name.
        in_zone: reads some rows again, as if the zone were another one.
    """
    # One zero for all of them: it takes no memory.
    none = np.broadcast_to(np.int16(0), len(times))
    if zone == "UTC" or not read.any():
        return times, none
    known = times if read.all() else times[read]
    changes = _between(zone, int(known.min()) - _NEAR_US, int(known.max()) + _NEAR_US)
    near = np.zeros(len(times), dtype=np.bool_)
    for change in changes:
        near |= read & (np.abs(times - change.at) <= _NEAR_US)
    rows = np.flatnonzero(near)
    if not rows.size:
        return times, none
    wall = in_zone(rows, "UTC")
    naive = in_zone(rows, "Etc/GMT-1") != wall
    rows, wall = rows[naive], wall[naive]
    times, minutes = times.copy(), np.zeros(len(times), dtype=np.int16)
    for change in changes:
        low, high = sorted((change.at + change.before, change.at + change.after))
        twice = (wall >= low) & (wall < high)
        times[rows[twice]] = wall[twice] - change.before
        minutes[rows[twice]] = (change.before - change.after) // _MINUTE_US
    return times, minutes


def _between(zone: str, first: int, last: int) -> list[ClockChange]:
    years = range(instant(first).year, instant(last).year + 1)
    return [one for year in years for one in _of_year(zone, year) if first <= one.at <= last]


@lru_cache(maxsize=512)
def _of_year(zone: str, year: int) -> tuple[ClockChange, ...]:
    """Return the changes of a year, UTC: days on which the offset changes, then the second."""
    there = ZoneInfo(zone)

    def offset(moment: datetime) -> int:
        found = moment.astimezone(there).utcoffset() or timedelta()
        return found // timedelta(microseconds=1)

    changes = []
    day = datetime(year, 1, 1, tzinfo=UTC)
    while day.year == year:
        before, after = offset(day), offset(day + _DAY)
        if before != after:
            low, high = day, day + _DAY
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
                low, high = (middle, high) if offset(middle) == before else (low, middle)
            changes.append(ClockChange(microseconds(high), before, after))
        day += _DAY
    return tuple(changes)
