"""A provider with full knowledge that answers at any time, and a ledger of what that proves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hypothesis import strategies as st

from recon.core import coverage, listing_evidence
from recon.model import Listing, Message, Span
from tests.factories import at

SETTLING = 60.0


@dataclass(frozen=True, slots=True)
class Sent:
    """A message, its time, and when the listing shows it."""

    message_id: int
    seconds: float
    appears: float

    @property
    def message(self) -> Message:
        """The message as an answer shows it, its time cut to the second."""
        sent_at = at(self.seconds).replace(microsecond=0)
        return Message(self.message_id, "+353871234567", sent_at, "sent")


@dataclass(frozen=True, slots=True)
class Poll:
    """A request, and of how long ago the listing is that it is answered with."""

    seconds: float
    lag: float = 0.0


def answer(sent: Sequence[Sent], poll: Poll, limit: int) -> Listing:
    """Answer a poll: the newest first, those of one moment by their ids."""
    seen_until = poll.seconds - poll.lag
    shown = [one for one in sent if one.seconds <= seen_until and one.appears <= poll.seconds]
    shown.sort(key=lambda one: (one.seconds, one.message_id), reverse=True)
    messages = [one.message for one in shown[:limit]]
    clock = at(poll.seconds).replace(microsecond=0)
    return Listing(messages, [], len(messages), limit, clock)


@dataclass(slots=True)
class Ledger:
    """What the answers to one key prove, by the core's rules."""

    since: datetime | None = None
    shared: dict[int, coverage.ShownSpan] = field(default_factory=dict)
    settled: dict[int, coverage.ShownSpan] = field(default_factory=dict)
    part_of: dict[int, int] = field(default_factory=dict)
    """Of each message that was listed, the name of what it is a part of."""
    disordered: bool = False

    def enter(self, listing: Listing) -> None:
        """Enter an answer."""
        name = len(self.shared) + len(self.settled) + max(self.shared, default=0)
        parts = {
            one.message_id: self.part_of[one.message_id]
            for one in listing.messages
            if one.message_id in self.part_of
        }
        if coverage.late_messages(listing.messages, parts, self.shared):
            self.disordered = True
        alone = listing_evidence.prove(listing, listing_evidence.KeyHistory(since=self.since)).shown
        assert alone is not None
        whole, joined = coverage.extend(self.shared, alone, set(parts.values()))
        for gone in joined:
            del self.shared[gone]
        self.shared[name] = whole
        moved = {one: name for one, part in self.part_of.items() if part in joined}
        self.part_of |= moved | {one.message_id: name for one in listing.messages}
        if alone.span() is None:
            return
        whole, joined = coverage.extend(self.settled, alone)
        for gone in joined:
            del self.settled[gone]
        self.settled[name] = whole

    @property
    def spans(self) -> tuple[Span, ...]:
        """What is proven."""
        return proven(self.settled if self.disordered else self.shared)


def proven(shown_spans: dict[int, coverage.ShownSpan]) -> tuple[Span, ...]:
    """Return the spans that these prove."""
    return coverage.merge(span for one in shown_spans.values() if (span := one.span()) is not None)


def lies_in(spans: Sequence[Span], time: datetime) -> bool:
    """Say whether a time is covered."""
    return any(
        (span.start is None or span.start <= time) and (span.end is None or time < span.end)
        for span in spans
    )


@st.composite
def sends(draw: st.DrawFn, *, late: bool = False) -> list[Sent]:
    """Messages in bursts and pauses, many in one second or at one moment; some `late` ones."""
    gaps = draw(st.lists(st.sampled_from((0.0, 0.0, 0.4, 1.0, 7.0, 40.0, 130.0)), max_size=40))
    seconds, made = 0.0, []
    for n, gap in enumerate(gaps):
        seconds += gap
        delay = draw(st.sampled_from((0.0, 0.0, 0.0, 3.0, 25.0, SETTLING))) if late else 0.0
        made.append(Sent(n + 1, seconds, seconds + delay))
    return made


@st.composite
def polls(draw: st.DrawFn, *, lagging: bool = False) -> list[Poll]:
    """Polls at any times, mostly in order; the answers may be `lagging`."""
    gaps = draw(st.lists(st.sampled_from((0.3, 2.0, 9.0, 30.0, 61.0, 300.0)), max_size=25))
    seconds, made = 0.0, []
    for gap in gaps:
        seconds += gap
        lag = draw(st.sampled_from((0.0, 0.0, 5.0, SETTLING - 1))) if lagging else 0.0
        made.append(Poll(seconds, lag))
    return made
