"""What a gap in coverage cost, and how often to poll to avoid it."""

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
) -> Advice:
    """Say which time was not covered and how often to poll to cover it.

    A poll sees the newest 100 messages and shares some with the one before, so it must come before
    `100 - min_overlap` new ones were sent. The shortest such stretch of the day gives the interval.

    Args:
        gaps: the gaps of the window, at least one.
        spans: all that is proven complete.
        recorded: the times of the window's records, in parts; microseconds, UTC. They are iterated
            several times, like `sent`.
        sent: the times of the window's sends, each once, likewise: of the messages, and of records
            without a message.
        min_overlap: messages that two polls should share.
    """
    in_gaps = [sum(int(coverage.covered([gap], part).sum()) for part in recorded) for gap in gaps]
    room = LISTING_LIMIT - min_overlap
    tightest = _shortest(sent, room)
    first = coverage.merge(spans)
    since = first[0].start if first else None
    start = gaps[0].start
    before = not first or (since is not None and start is not None and start < since)
    return Advice(tuple(in_gaps), tightest, room, crontab_line(tightest), since, before)


def _shortest(sent: Iterable[Positions], messages: int) -> int | None:
    """Return the shortest time, in whole seconds, from a send to the `messages`-th one after it."""
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
    """Return the crontab line of a collector that polls as often as every `seconds` seconds.

    A collector that is started each minute usually makes no request. If a minute is too long, the
    line starts one that keeps running. `None` is for a quiet window.
    """
    return _STAYING if seconds is not None and seconds < _LEAST_FOR_CRON else _EACH_MINUTE
