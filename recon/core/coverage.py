"""Which spans of time the collected messages are proven complete for.

The listing shows only the newest 100 messages (help centre, article 14824157).
`recon.core.listing_evidence` decides what one answer proves. Two answers that share messages
together show everything between them if the listing is in order: a message may appear late, but
never behind one that was listed before. If one does (`late_messages`), two answers are joined only
if the later one shows the messages back to the settling time before the earlier one. A span claimed
here is a proof: a message in it that was not listed does not exist.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from recon.model import Message, Span

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Messages may appear in the listing this much after their own time.
SETTLING: Final = timedelta(seconds=60)

_SECOND: Final = timedelta(seconds=1)
_PAST: Final = datetime.min.replace(tzinfo=UTC)
_FUTURE: Final = datetime.max.replace(tzinfo=UTC)
_EPOCH: Final = datetime.fromtimestamp(0, UTC)

#: The spans of messages that are taken as complete, because there is no other evidence.
COMPLETE: Final = (Span(None, None),)


class ShownSpan(NamedTuple):
    """Time that one answer, or several joined ones, show completely, up to the latest answer."""

    start: datetime | None
    """The first moment that is shown completely; `None` is the unbounded past."""
    seen_at: datetime
    """The provider's clock at the latest answer."""

    def span(self, settling: timedelta = SETTLING) -> Span | None:
        """Return the proven time, which ends the settling time before the answer; `None` for none.

        Args:
            settling: how much later than its own time a message may appear in the listing.
        """
        end = self.seen_at - settling
        return None if self.start is not None and self.start >= end else Span(self.start, end)


def next_second(time: datetime) -> datetime:
    """Return the beginning of the second after the one that `time` lies in."""
    return time.replace(microsecond=0) + _SECOND


def extend(
    known: Mapping[int, ShownSpan],
    new: ShownSpan,
    shared: Collection[int] = (),
    settling: timedelta = SETTLING,
) -> tuple[ShownSpan, frozenset[int]]:
    """Join one more answer with the spans that earlier answers to the same key show.

    It joins each span with which it shares messages: the listing is one sequence, newest first, so
    nothing is between two parts that overlap. It also joins each span whose proof reaches the
    beginning of its own, or the reverse, even without shared messages.

    Args:
        known: the spans shown before, each under a name that the caller chose.
        new: the span that the answer shows by itself.
        shared: the names of the spans in `known` that also showed messages of the answer.
        settling: the key's settling time.

    Returns:
        The joined span, and the names of the spans that are part of it.
    """
    joined = frozenset(
        name for name, one in known.items() if name in shared or _proofs_meet(one, new, settling)
    )
    parts = [new, *(known[name] for name in joined)]
    starts = [part.start for part in parts if part.start is not None]
    start = min(starts) if len(starts) == len(parts) else None
    return ShownSpan(start, max(part.seen_at for part in parts)), joined


def _proofs_meet(one: ShownSpan, other: ShownSpan, settling: timedelta) -> bool:
    """Say whether each of the two begins before the proof of the other ends, or at its end."""
    return (other.start is None or other.start <= one.seen_at - settling) and (
        one.start is None or one.start <= other.seen_at - settling
    )


def late_messages(
    shown: Sequence[Message], listed: Mapping[int, int], known: Mapping[int, ShownSpan]
) -> tuple[Message, ...]:
    """Return messages that an answer shows in time where an earlier answer showed none.

    A listing in order shows new messages before those that it showed already. A new message behind
    them, in time that was shown completely, appeared late and out of order. Then two answers that
    share messages prove nothing about the time between them.

    Args:
        shown: the answer's messages as they came, newest first.
        listed: for each message that earlier answers showed, the name of its span in `known`.
        known: the spans that earlier answers show.
    """
    late = []
    newest: dict[int, datetime] = {}
    for message in shown:
        name = listed.get(message.message_id)
        if name is not None:
            newest.setdefault(name, message.sent_at.replace(microsecond=0))
            continue
        for name, since in newest.items():
            start = known[name].start
            # Within one second any order is as good.
            if (start is None or message.sent_at >= start) and next_second(
                message.sent_at
            ) <= since:
                late.append(message)
                break
    return tuple(late)


def merge(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the union of `spans` as the fewest possible spans, in order of time: no two touch."""
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


def subtract(spans: Iterable[Span], withdrawn: Sequence[Span]) -> tuple[Span, ...]:
    """Return `spans` without the `withdrawn` ones, merged."""
    left = list(merge(spans))
    for gone in merge(withdrawn):
        start, end = gone.start or _PAST, gone.end or _FUTURE
        kept = []
        for span in left:
            if (span.end or _FUTURE) <= start or (span.start or _PAST) >= end:
                kept.append(span)
                continue
            if (span.start or _PAST) < start:
                kept.append(Span(span.start, start))
            if (span.end or _FUTURE) > end:
                kept.append(Span(end, span.end))
        left = kept
    return tuple(left)


def intersect(spans: Iterable[Span], period: Span) -> tuple[Span, ...]:
    """Return the parts of `spans` that lie in `period`, merged."""
    outside = []
    if period.start is not None:
        outside.append(Span(None, period.start))
    if period.end is not None:
        outside.append(Span(period.end, None))
    return subtract(spans, outside)


def gaps(window: Span, spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return the parts of `window` that no span covers, in order of time.

    A window without bounds (two whole files) has no gap: the user says that the files are complete.
    """
    if window.start is None or window.end is None:
        return ()
    return subtract([window], spans)


def covered_seconds(parts: Sequence[Span], spans: Iterable[Span]) -> list[float]:
    """Return how many seconds of each part are covered by spans. Each part has bounds."""
    merged = merge(spans)
    ends = [span.end or _FUTURE for span in merged]
    found = []
    for part in parts:
        start, end = part.start or _PAST, part.end or _FUTURE
        covered = timedelta()
        for span in merged[bisect_right(ends, start) :]:
            if (span.start or _PAST) >= end:
                break
            covered += min(span.end or _FUTURE, end) - max(span.start or _PAST, start)
        found.append(covered.total_seconds())
    return found


def longest(gaps: Sequence[Span], count: int) -> list[Span]:
    """Return the longest of some gaps, in order of time. Each gap has bounds."""
    spans = [(gap.start, gap.end) for gap in gaps if gap.start and gap.end]
    kept = sorted(spans, key=lambda span: span[0] - span[1])[:count]
    return [Span(start, end) for start, end in sorted(kept)]


def covered(spans: Sequence[Span], times: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Say for each time (microseconds since the epoch, UTC) whether a span covers it."""
    return covered_throughout(spans, times, times)


def covered_throughout(
    spans: Sequence[Span], first: npt.NDArray[np.int64], last: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Say for each stretch, from its first to its last moment, whether one span covers all of it.

    Moments are microseconds since the epoch, UTC.
    """
    import numpy as np

    result = np.zeros(len(first), dtype=np.bool_)
    for span in merge(spans):
        inside = np.ones(len(first), dtype=np.bool_)
        if span.start is not None:
            inside &= first >= microseconds(span.start)
        if span.end is not None:
            inside &= last < microseconds(span.end)
        result |= inside
    return result


def microseconds(time: datetime) -> int:
    """Return an aware `time` as whole microseconds since the epoch, exactly."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def instant(microseconds: int) -> datetime:
    """Return whole microseconds since the epoch as a time in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)
