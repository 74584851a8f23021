"""Which spans of time the collected messages are proven complete for.

The listing shows the newest 100 messages and nothing else (help centre, article 14824157). So an
answer that is not full shows all there is, and a full one shows all that came after its oldest
message. A span claimed here is a proof: whatever lies in it and was not listed does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from recon.model import Listing, Span

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Messages may appear in the listing this much after their own time.
SETTLING: Final = timedelta(seconds=60)

_SECOND: Final = timedelta(seconds=1)
_PAST: Final = datetime.min.replace(tzinfo=UTC)
_FUTURE: Final = datetime.max.replace(tzinfo=UTC)


def poll_span(listing: Listing, new_key_since: datetime | None = None) -> Span | None:
    """Return the span that one answer proves, `None` where it proves nothing.

    It ends at the provider's clock less the settling time. An answer with fewer items than its
    limit reaches back without bound (`start` is `None`); a full one begins with the second after
    its oldest message's, since the limit may cut through that second.

    Args:
        listing: the answer.
        new_key_since: for a key that replaced another one, the time of the first message that is
            known of it. What the old key sent is not listed any more, so nothing is claimed
            up to the end of that second.
    """
    starts = []
    if listing.is_full:
        if not listing.messages:
            return None
        # The last item, not the least time: should one item ever stand out of order, the last
        # one still bounds what was cut off, and the least time might not.
        starts.append(_next_second(listing.messages[-1].sent_at))
    if new_key_since is not None:
        starts.append(_next_second(new_key_since))
    start = max(starts, default=None)
    end = listing.answered_at - SETTLING
    return None if start is not None and start >= end else Span(start, end)


def _next_second(time: datetime) -> datetime:
    return time.replace(microsecond=0) + _SECOND


def merge(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the union of `spans` as the fewest spans, in the order of time.

    Two spans join when they touch or overlap. For two polls of one key that means that they share
    messages; what lies between two that do not is a gap for good.
    """
    merged: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start or _PAST):
        if merged and (span.start or _PAST) <= (merged[-1].end or _FUTURE):
            last = merged[-1]
            ends = (last.end, span.end)
            end = None if None in ends else max(last.end or _PAST, span.end or _PAST)
            merged[-1] = Span(last.start, end)
        else:
            merged.append(span)
    return tuple(merged)


def gaps(window: Span, spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return what of `window` no span covers, in the order of time.

    A window without bounds (two files taken whole) has no gap: the caller vouches for the files.
    """
    if window.start is None or window.end is None:
        return ()
    found = []
    at = window.start
    for span in merge(spans):
        start, end = span.start or _PAST, span.end or _FUTURE
        if end <= at:
            continue
        if start >= window.end:
            break
        if start > at:
            found.append(Span(at, start))
        at = end
    if at < window.end:
        found.append(Span(at, window.end))
    return tuple(found)


def covered(spans: Sequence[Span], times: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Say of each time (microseconds since the epoch, UTC) whether a span covers it."""
    import numpy as np

    result = np.zeros(len(times), dtype=np.bool_)
    for span in merge(spans):
        inside = np.ones(len(times), dtype=np.bool_)
        if span.start is not None:
            inside &= times >= microseconds(span.start)
        if span.end is not None:
            inside &= times < microseconds(span.end)
        result |= inside
    return result


def microseconds(time: datetime) -> int:
    """Return an aware `time` as whole microseconds since the epoch, exactly."""
    return (time - datetime.fromtimestamp(0, tz=UTC)) // timedelta(microseconds=1)
