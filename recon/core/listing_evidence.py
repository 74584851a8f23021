"""What one answer to the list call proves, and why not more.

Octopods' listing shows only the newest messages. An answer does not say whether it is old, cut
short or filtered: a cache, a lower cap or a shorter memory look like a quiet day. Only a comparison
with earlier accepted answers to the same key can show that. `prove` makes this comparison, with the
data in `KeyHistory`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from recon.core.coverage import SETTLING, ShownSpan, next_second
from recon.core.listing_times import moved
from recon.model import Listing, Message, Span

#: Clocks that differ by more than this are reported.
CLOCKS_AGREE_WITHIN: Final = timedelta(minutes=2)
#: The settling time of a key never becomes longer than this.
LONGEST_SETTLING: Final = timedelta(hours=6)
#: How many answers, over how long, must lack a message before Octopods is asked whether it is gone.
REMOVED_AFTER_ANSWERS: Final = 3
REMOVED_AFTER: Final = timedelta(hours=24)


class AnswerKind(StrEnum):
    """How an answer is judged."""

    WHOLE = "whole"
    """A complete list: it proves the whole time until it was made."""
    AFTER_OLDEST = "after_oldest"
    """A list that was cut off: it proves the time from the second after its oldest message on."""
    NOTHING = "nothing"
    """It proves nothing, although nothing in it is wrong."""
    REFUSED = "refused"
    """It contradicts what was listed before, or itself."""


@dataclass(frozen=True, slots=True)
class KeyHistory:
    """What earlier accepted answers to the key have shown."""

    absent: Mapping[int, datetime] = field(default_factory=dict)
    """The messages that accepted answers listed and this one does not show, with their times, but
    without removed ones. If there are many: some from the time of its oldest message on, and one
    older."""
    cap: int | None = None
    """The lowest number of items at which the listing is known to be cut off, if below the
    limit."""
    counts: Collection[int] = ()
    """How many items the latest accepted answers had."""
    settling: timedelta = SETTLING
    """How much later than its own time a message may appear in the listing of this key."""
    since: datetime | None = None
    """For a key whose coverage starts anew: the time of its first known message. Nothing is proven
    up to the end of that second."""
    is_superseded: bool = False
    """Whether another key of the account was first polled after this one."""
    times: Mapping[int, datetime] = field(default_factory=dict)
    """The times that earlier accepted answers gave to the messages of this answer."""
    is_time_disputed: bool = False
    """Whether an answer has changed the times of listed messages, and no later one has agreed with
    the earlier times."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What an answer proves."""

    reading: AnswerKind
    shown: ShownSpan | None = None
    """The time from which on it shows everything; `None` if it proves nothing."""
    why: str = ""
    """Why it does not prove more, a clause without personal data; empty if it is complete."""
    cap: int | None = None
    """The lowest number of items at which the listing is known to be cut off, with this answer."""
    lacking: tuple[int, ...] = ()
    """The settled messages that it should show and does not, in order of time."""
    moved: Mapping[int, timedelta] = field(default_factory=dict)
    """By how much the times in it are later than those listed before."""
    has_doubtful_times: bool = False
    """Whether its times may be wrong, see `recon.core.listing_times`."""

    @property
    def is_accepted(self) -> bool:
        """Whether later answers are compared with this one."""
        return self.reading in {AnswerKind.WHOLE, AnswerKind.AFTER_OLDEST}


def clock(listing: Listing) -> datetime:
    """Return the latest moment that an answer can know of.

    It is the earlier of the `Date` header and our own clock when the request was sent, each minus
    the `Age` header. So a wrong clock on either side, or a cache with an `Age` header, cannot move
    proof into later time, even if the answer has no `Date` or a wrong one.
    """
    # The limit keeps an absurd age from an overflow of the time.
    age = timedelta(seconds=min(listing.age_seconds, timedelta(days=3650).total_seconds()))
    times = [time - age for time in (listing.date, listing.requested_at) if time is not None]
    return min([listing.answered_at, *times])


def prove(listing: Listing, known: KeyHistory) -> Proof:
    """Return what an answer proves.

    Args:
        listing: the answer.
        known: what earlier accepted answers to the same key have shown.
    """
    apart = moved(listing, known.times)
    if known.is_superseded:
        why = "the account has polled a newer key since, and messages are sent with that one now"
        return Proof(AnswerKind.NOTHING, why=why, cap=known.cap, has_doubtful_times=bool(apart))
    if apart or (known.is_time_disputed and listing.messages and not known.times):
        return _of_doubtful_times(known, apart)
    if listing.is_partial:
        return _refused(known, "it is a partial answer (status 206 or Content-Range)")
    if listing.error is not None:
        return _refused(known, f"it has {listing.error} beside its list")
    return _compared(listing, known)


def _compared(listing: Listing, known: KeyHistory) -> Proof:
    """Return what an answer proves by what it lacks."""
    at = clock(listing)
    absent = _absent(listing, known, before=at - known.settling)
    limit = listing.limit if known.cap is None else min(listing.limit, known.cap)
    if not listing.messages:
        return _without_messages(listing, known, at, is_lacking=bool(absent), limit=limit)

    begun = _whole_from(listing.messages)
    lacking = tuple(one for one, sent_at in absent.items() if sent_at >= begun)
    is_full = listing.item_count >= limit
    is_cut = is_full or bool(absent)
    if is_cut and _disorder(listing.messages) > known.settling:
        return _refused(known, "its messages are not listed newest first")
    if lacking:
        return _refused(
            known,
            f"it lacks {_count(len(lacking))} newer than its own oldest that were listed before, "
            f"such as {lacking[0]}",
            lacking,
        )
    if not is_cut:
        return Proof(AnswerKind.WHOLE, _shown_span(None, known, at), cap=known.cap)
    cap, why = known.cap, "it is full: older messages may have been cut off"
    if not is_full:
        # A lower cap, a shorter memory or a filter. A cap cuts at the same number again.
        why = (
            f"it lists {_count(listing.item_count)}, fewer than the {listing.limit} asked for, and "
            "lacks older ones that were listed before: the list may have a lower limit, cover less "
            "time or be filtered"
        )
        if listing.item_count in known.counts:
            cap = listing.item_count
    return Proof(AnswerKind.AFTER_OLDEST, _shown_span(begun, known, at), why, cap)


def _refused(known: KeyHistory, why: str, lacking: tuple[int, ...] = ()) -> Proof:
    return Proof(AnswerKind.REFUSED, why=why, cap=known.cap, lacking=lacking)


def _of_doubtful_times(known: KeyHistory, apart: Mapping[int, timedelta]) -> Proof:
    why = (
        "earlier answers contradict each other about the times of messages, and it lists none of "
        "their messages, so its own times cannot be checked"
    )
    if apart:
        message_id, by = next(iter(apart.items()))
        minutes = round(abs(by) / timedelta(minutes=1))
        why = (
            f"it gives {_count(len(apart))} a different time than earlier answers did, such as "
            f"{message_id} ({minutes:,} minutes {'later' if by > timedelta(0) else 'earlier'})"
        )
    return replace(_refused(known, why), moved=apart, has_doubtful_times=True)


def _shown_span(start: datetime | None, known: KeyHistory, at: datetime) -> ShownSpan:
    begun = None if known.since is None else next_second(known.since)
    starts = [time for time in (start, begun) if time is not None]
    return ShownSpan(max(starts, default=None), at)


def _without_messages(
    listing: Listing, known: KeyHistory, at: datetime, *, is_lacking: bool, limit: int
) -> Proof:
    if is_lacking:
        why = "it lists no message that can be read, though messages were listed before"
        return Proof(AnswerKind.NOTHING, why=why, cap=known.cap)
    if listing.item_count >= limit:
        why = "it is full, and none of its items can be read"
        return Proof(AnswerKind.NOTHING, why=why, cap=known.cap)
    return Proof(AnswerKind.WHOLE, _shown_span(None, known, at), cap=known.cap)


def _absent(listing: Listing, known: KeyHistory, before: datetime) -> dict[int, datetime]:
    """Return the settled messages that are certainly not in the answer, in order of time.

    An unreadable item with an id shows its message; one without an id may be any of the missing
    ones.
    """
    shown = {one.message_id for one in listing.messages}
    shown |= {one.message_id for one in listing.rejects if one.message_id is not None}
    lacking = sorted(
        (sent_at, one)
        for one, sent_at in known.absent.items()
        if one not in shown and sent_at < before
    )
    nameless = sum(one.message_id is None for one in listing.rejects)
    return {one: sent_at for sent_at, one in lacking[: max(0, len(lacking) - nameless)]}


def _whole_from(messages: Sequence[Message]) -> datetime:
    """Return the time from which on an answer that was cut off shows everything.

    It begins a second after its oldest message, since other messages of that second may be cut off.
    If messages that appeared a little late are out of order, the last item shows how far the answer
    goes, and a message that was cut off may be newer than that item by the settling time.
    """
    start = next_second(messages[-1].sent_at)
    return start if _disorder(messages) < timedelta(seconds=1) else start + SETTLING


def _disorder(messages: Sequence[Message]) -> timedelta:
    """Return the most by which an item is newer than one that is listed before it."""
    most, oldest = timedelta(0), messages[0].sent_at
    for message in messages:
        most = max(most, message.sent_at - oldest)
        oldest = min(oldest, message.sent_at)
    return most


def _count(number: int) -> str:
    return "1 message" if number == 1 else f"{number:,} messages"


@dataclass(frozen=True, slots=True)
class LateMessage:
    """A message that appeared later, in time that was already shown completely."""

    message_id: int
    span: Span
    """The time that is not proven after all: from its own time to the last answer that lacked
    it."""
    settling: timedelta
    """The key's settling time from now on."""


def appeared_late(
    new: Sequence[Message], shown_spans: Sequence[ShownSpan], settling: timedelta
) -> LateMessage | None:
    """Return the late ones among messages that the listing shows for the first time.

    Args:
        new: messages that no answer to the key had listed before.
        shown_spans: the spans that earlier answers show together.
        settling: the key's settling time so far.
    """
    late = []
    for message in new:
        for one in shown_spans:
            span = one.span(settling)
            if span is None or span.end is None or message.sent_at >= span.end:
                continue
            if span.start is None or message.sent_at >= span.start:
                late.append((message.sent_at, message.message_id, one.seen_at))
    if not late:
        return None
    first, message_id, _ = min(late)
    delay = max(seen_at - sent_at for sent_at, _, seen_at in late)
    return LateMessage(
        message_id,
        Span(first, max(seen_at for *_, seen_at in late)),
        # No message in proven time is less late than the settling time, so it only grows.
        min(2 * delay, LONGEST_SETTLING),
    )


@dataclass(frozen=True, slots=True)
class AbsentMessage:
    """A listed message that later answers lack."""

    first_at: datetime
    """The clock of the first answer that lacked it."""
    last_at: datetime
    answers: int
    asked_at: datetime | None = None
    """When Octopods was last asked for it."""

    @property
    def is_to_be_asked_for(self) -> bool:
        """Whether it is time to ask Octopods whether the message still exists."""
        lasted = self.last_at - self.first_at >= REMOVED_AFTER
        again = self.asked_at is None or self.last_at - self.asked_at >= REMOVED_AFTER
        return self.answers >= REMOVED_AFTER_ANSWERS and lasted and again
