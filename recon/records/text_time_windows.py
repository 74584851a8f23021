"""Find the texts of a span of time in the order of texts, with any offset at the end.

A text sorts by its wall clock, so two texts of one moment may be a day apart. An index is useful
for a span only if it is searched for the span in each offset in use: everything between the first
and the last text would be the records of two days, even for a short span.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

Window: TypeAlias = tuple[str, str, str]
"""The first text, the first text after the last, and a GLOB pattern for the part after the minutes.
The first two are equal for an empty window."""
_Span: TypeAlias = tuple[datetime, datetime, str]

_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)
_ANY: Final = "*"
#: Minutes ahead of UTC, of the IANA time zone database since 1970: whole hours, and these.
_NO_WHOLE_HOURS: Final = (-570, -210, 210, 270, 330, 345, 390, 525, 570, 630, 765, 825)
_OFFSETS: Final = tuple(timedelta(hours=n) for n in range(-14, 15)) + tuple(
    timedelta(minutes=n) for n in _NO_WHOLE_HOURS
)
#: What SQLite allows between a date and a time.
_BETWEEN: Final = " T"
#: The most windows: each offset, that of the zone, and one more part for each midnight.
SLOTS: Final = len(_BETWEEN) * (len(_OFFSETS) + 1 + 4)


@lru_cache(maxsize=1)
def windows(since: datetime, until: datetime, zone: ZoneInfo) -> Sequence[Window]:
    """Return the windows that contain texts of `[since, until]`; they may contain others too.

    Args:
        since: aware.
        until: aware.
        zone: of texts without an offset.

    Returns:
        `SLOTS` windows that do not overlap; the last ones may be empty.
    """
    if until - since > _DAY:
        first, last = (since - _DAY).date(), (until + 2 * _DAY).date()
        found = [(first.isoformat(), last.isoformat(), _ANY)]
    else:
        start, end = (at.astimezone(ZoneInfo("UTC")).replace(tzinfo=None) for at in (since, until))
        own = since.astimezone(zone).utcoffset() or timedelta(0)
        spans = sorted(
            (_minute(start + one), _minute(end + one) + _MINUTE, _ANY if one == own else _tail(one))
            for one in {*_OFFSETS, own}
        )
        found = [window for one in _merged(spans) for day in _days(one) for window in _texts(day)]
    return [*found, *itertools.repeat(("", "", _ANY), SLOTS - len(found))]


def _tail(offset: timedelta) -> str:
    """Return the pattern of an offset, which may have minutes, a colon or neither."""
    if not offset:
        return _ANY  # Z, +00, or none
    sign, ahead = ("-", -offset) if offset < timedelta(0) else ("+", offset)
    return f"*{sign}{ahead // timedelta(hours=1):02}*"


def _minute(at: datetime) -> datetime:
    # A text may end with its minutes.
    return at.replace(second=0, microsecond=0)


def _merged(spans: Sequence[_Span]) -> Iterator[_Span]:
    """Join what overlaps, so that no record is looked at twice."""
    start, end, tail = spans[0]
    for following, its_end, its_tail in spans[1:]:
        if following > end:
            yield start, end, tail
            start, tail = following, its_tail
        elif its_tail != tail:
            tail = _ANY
        end = max(end, its_end)
    yield start, end, tail


def _days(span: _Span) -> Iterator[_Span]:
    """Split at each midnight: otherwise texts with the other separator would lie between."""
    start, end, tail = span
    while start < end:
        midnight = start.replace(hour=0, minute=0) + _DAY
        yield start, min(end, midnight), tail
        start = midnight


def _texts(span: _Span) -> Iterator[Window]:
    start, end, tail = span
    day = f"{start:%Y-%m-%d}"
    for between in _BETWEEN:
        # A date alone is its midnight.
        is_alone = between == " " and not (start.hour or start.minute)
        first = day if is_alone else f"{day}{between}{start:%H:%M}"
        beyond = "24" if end.date() > start.date() else f"{end:%H:%M}"
        yield first, f"{day}{between}{beyond}", tail
