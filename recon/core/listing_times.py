"""Whether an answer gives messages the same times as earlier answers did.

The `sent_at` of a message does not change. If an answer gives listed messages different times (for
example from a server in a wrong zone), either the earlier or the later times are wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from recon.core.coverage import SETTLING
from recon.model import Listing, Message, RejectedItem

#: Times of one message that are no further apart than this agree: another shape of the answer may
#: give the time of the request in place of that of the send, or whole minutes.
TIMES_AGREE_WITHIN: Final = SETTLING
#: The new times count after this many answers, over this long, none of which agreed with the old.
BELIEVED_AFTER_ANSWERS: Final = 3
BELIEVED_AFTER: Final = timedelta(hours=24)
#: A time in a wrong zone is wrong by at most this much: the world's zones are 26 hours apart.
_ZONES_APART: Final = timedelta(hours=26)
_PAST: Final = datetime.min.replace(tzinfo=UTC) + _ZONES_APART
_FUTURE: Final = datetime.max.replace(tzinfo=UTC) - _ZONES_APART

#: Why such an item is unreadable.
DOUBTFUL: Final = (
    "its time is in doubt: the answer gives messages other times than before, or lists no message "
    "by which its times could be checked"
)


@dataclass(frozen=True, slots=True)
class TimeDispute:
    """Answers have changed the times of listed messages; it is not known which times are right."""

    first_at: datetime
    """The clock of the first such answer."""
    last_at: datetime
    """The clock of the latest answer that did not agree with the earlier times."""
    answers: int
    """How many answers did not agree with them."""
    since: datetime
    """Proof from this time on depends on times that may be wrong."""
    moved: timedelta | None
    """By how much the times of later answers differ; `None` if not all by the same length."""

    def is_lost_at(self, now: datetime) -> bool:
        """Say whether, with one more answer at `now`, the later times count."""
        lasted = now - self.first_at >= BELIEVED_AFTER
        return lasted and self.answers + 1 >= BELIEVED_AFTER_ANSWERS


def moved(listing: Listing, times: Mapping[int, datetime]) -> dict[int, timedelta]:
    """Return by how much later an answer lists messages whose time has changed, by id.

    Args:
        listing: the answer.
        times: the times that were listed before, by id.
    """
    apart = {
        one.message_id: one.sent_at - times[one.message_id]
        for one in listing.messages
        if one.message_id in times
    }
    return {one: by for one, by in apart.items() if abs(by) > TIMES_AGREE_WITHIN}


def common(lengths: Collection[timedelta]) -> timedelta | None:
    """Return the length by which all times have moved, `None` if they have not moved alike."""
    if not lengths or max(lengths) - min(lengths) > TIMES_AGREE_WITHIN:
        return None
    return timedelta(seconds=round(sorted(lengths)[len(lengths) // 2].total_seconds()))


def is_same(by: timedelta | None, before: timedelta | None) -> bool:
    """Say whether two answers have moved all messages by the same length."""
    return by is not None and before is not None and abs(by - before) <= TIMES_AGREE_WITHIN


def doubtful(message: Message, by: timedelta | None) -> RejectedItem:
    """Return a message as an item whose time cannot be read.

    Args:
        message: from an answer that contradicts earlier ones.
        by: by how much the times of the answer have moved, `None` if that is not known.
    """
    if by is None:
        earliest = max(message.sent_at, _PAST) - _ZONES_APART
        latest = min(message.sent_at, _FUTURE) + _ZONES_APART
    else:
        earliest, latest = sorted((message.sent_at, message.sent_at - by))
    return RejectedItem(
        key=f"time:{message.message_id}",
        reason=DOUBTFUL,
        message_id=message.message_id,
        phone_number=message.phone_number,
        status=message.status,
        failure_reason=message.failure_reason,
        earliest=earliest,
        latest=latest,
    )


def as_listed_before(earliest: datetime, latest: datetime, by: timedelta | None) -> datetime | None:
    """Return the time of a `doubtful` item if the earlier answers are right, `None` if unknown."""
    if by is None or latest - earliest != abs(by):
        return None
    return earliest if by > timedelta(0) else latest
