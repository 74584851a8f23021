"""What a gap in coverage cost, and how often to poll so that there would have been none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from recon.core import coverage
from recon.core.pairing import Positions
from recon.model import LISTING_LIMIT, Advice, Span

_MICROSECONDS: Final = 1_000_000
#: Steps of a crontab's minutes and hours that divide their whole evenly, the longest first.
_MINUTES: Final = (30, 20, 15, 12, 10, 6, 5, 4, 3, 2, 1)
_HOURS: Final = (12, 8, 6, 4, 3, 2, 1)


def advise(
    gaps: Sequence[Span],
    spans: Sequence[Span],
    booked: Positions,
    sent: Positions,
    min_overlap: int,
) -> Advice | None:
    """Say what was not covered and what cadence would have covered it; `None` without a gap.

    A poll sees the newest 100 messages and shares some with the one before, so it must come before
    `100 - min_overlap` new ones were sent. The tightest such stretch of the day gives the cadence.

    Args:
        gaps: of the window.
        spans: all that is proven complete.
        booked: when the window's records say they were sent; microseconds, UTC.
        sent: when the window's sends really were, each once: the messages, and the records
            without one.
        min_overlap: messages that two polls should share.
    """
    if not gaps:
        return None
    in_gaps = [int(coverage.covered([gap], booked).sum()) for gap in gaps]
    room = LISTING_LIMIT - min_overlap
    tightest = None
    if len(sent) > room:
        times = np.sort(sent)
        tightest = int((times[room:] - times[:-room]).min()) // _MICROSECONDS
    first = coverage.merge(spans)[:1]
    since = first[0].start if first else None
    start = gaps[0].start
    before = not first or (since is not None and start is not None and start < since)
    return Advice(tuple(in_gaps), tightest, crontab_line(tightest), since, before)


def crontab_line(seconds: int | None) -> str:
    """Return a crontab line that polls at least once in so many seconds.

    Where a minute is too long, the line starts the collector that stays. `None` seconds, where
    hardly anything was sent, takes the longest cadence here: twice a day.
    """
    if seconds is None:
        return "0 */12 * * * recon collect"
    minutes = seconds // 60
    if minutes < 1:
        return "@reboot recon collect --follow"
    for step in _HOURS:
        if step * 60 <= minutes:
            return f"0 */{step} * * * recon collect" if step > 1 else "0 * * * * recon collect"
    step = next(step for step in _MINUTES if step <= minutes)
    return f"*/{step} * * * * recon collect" if step > 1 else "* * * * * recon collect"
