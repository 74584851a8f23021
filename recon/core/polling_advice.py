"""What a gap in coverage cost, and how often to poll so that there would have been none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from recon.core import coverage, number_parts
from recon.core.link import Positions
from recon.model import LISTING_LIMIT, Advice, Span

_MICROSECONDS: Final = 1_000_000
#: With less time between two polls than this, a poll each minute may come too late.
_LEAST_FOR_CRON: Final = 66

_EACH_MINUTE: Final = "* * * * * recon collect"
_STAYING: Final = "@reboot recon collect --follow"


def advise(
    gaps: Sequence[Span],
    spans: Sequence[Span],
    recorded: Iterable[Positions],
    sent: Iterable[Positions],
    min_overlap: int,
) -> Advice | None:
    """Say what was not covered and what cadence would have covered it; `None` without a gap.

    A poll sees the newest 100 messages and shares some with the one before, so it must come before
    `100 - min_overlap` new ones were sent. The tightest such stretch of the day gives the cadence.

    Args:
        gaps: of the window.
        spans: all that is proven complete.
        recorded: when the window's records say they were sent, in parts; microseconds, UTC. They
            are gone through several times, as `sent` is.
        sent: when the window's sends really were, each once, likewise: the messages, and the
            records without one.
        min_overlap: messages that two polls should share.
    """
    if not gaps:
        return None
    in_gaps = [sum(int(coverage.covered([gap], part).sum()) for part in recorded) for gap in gaps]
    room = LISTING_LIMIT - min_overlap
    tightest = _shortest(sent, room)
    first = coverage.merge(spans)
    since = first[0].start if first else None
    start = gaps[0].start
    before = not first or (since is not None and start is not None and start < since)
    return Advice(tuple(in_gaps), tightest, room, crontab_line(tightest), since, before)


def _shortest(sent: Iterable[Positions], messages: int) -> int | None:
    """Return the least time in which so many were sent after another one; whole seconds."""
    shortest = None
    before = np.zeros(0, dtype=np.int64)
    for part in number_parts.in_slices(sent):
        times = np.concatenate([before, part])
        if len(times) > messages:
            found = int((times[messages:] - times[:-messages]).min())
            shortest = found if shortest is None else min(shortest, found)
        before = times[-messages:]
    return None if shortest is None else shortest // _MICROSECONDS


def crontab_line(seconds: int | None) -> str:
    """Return the crontab line of a collector that polls whenever so many seconds make it due.

    The collector decides by itself: started each minute it mostly makes no request. Where a
    minute is too long, the line starts the one that stays. `None` is for a quiet window.
    """
    return _STAYING if seconds is not None and seconds < _LEAST_FOR_CRON else _EACH_MINUTE
