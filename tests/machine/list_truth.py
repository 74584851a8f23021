"""What the lists of a simulated Octopods have shown, and what they hid without being caught.

Some lies nobody can see: a list that leaves out what it never showed contradicts nothing. What such
an answer hides is excused, until an answer shows a message that it hid as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from recon.core import listing_evidence
from recon.core.coverage import covered, microseconds, next_second
from recon.model import Listing
from recon.simulator.simulated_message import SimulatedMessage
from recon.store.coverage_proof import AccountProof
from tests.factories import NOON

_LONG_AGO = NOON - timedelta(days=1000)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Lie:
    """An answer that contradicts nothing, and hides messages."""

    key: str
    clock: datetime
    hidden: frozenset[int]


@dataclass
class KeyTruth:
    """One key of the provider as recon sees it."""

    listed: dict[int, SimulatedMessage] = field(default_factory=dict)
    """What accepted answers showed, and counts for comparison."""
    first_poll: int | None = None


@dataclass
class ListTruth:
    """What was sent, what any answer showed, and what answers hid."""

    sent: dict[int, tuple[SimulatedMessage, str]] = field(default_factory=dict)
    """Each message with its key."""
    shown: set[int] = field(default_factory=set)
    lies: list[Lie] = field(default_factory=list)
    known: dict[str, KeyTruth] = field(default_factory=dict)
    """The keys that were polled."""

    def time(self, one: int) -> datetime:
        """Return when a message was sent, as Octopods tells it."""
        return self.sent[one][0].sent_at.replace(microsecond=0)

    def is_gone(self, one: int, now: datetime) -> bool:
        """Say whether Octopods has forgotten a message."""
        return self.sent[one][0].is_removed(now)

    def may_be_unknown(self, one: int) -> bool:
        """Say whether nothing that was shown could tell that the message exists."""
        # Nobody has asked with its key yet, so nobody knows that there is one.
        if self.sent[one][1] not in self.known:
            return True
        return any(one in lie.hidden for lie in self.lies)

    def wrongly_claimed(self, proof: AccountProof, now: datetime) -> list[int]:
        """Return the messages that nobody was shown in time that counts as proven complete."""
        unseen = [one for one in self.sent if one not in self.shown and not self.is_gone(one, now)]
        if not unseen:
            return []
        times = np.array([microseconds(self.time(one)) for one in unseen], dtype=np.int64)
        return [
            one
            for one, is_claimed in zip(unseen, covered(proof.spans, times), strict=True)
            if is_claimed
            and not lies_before(self.time(one), proof)
            and not self.may_be_unknown(one)
        ]

    def is_moved(self, listing: Listing) -> bool:
        """Say whether an answer gives messages other times than their own."""
        return any(
            abs(one.sent_at - self.time(one.message_id)) > _MINUTE for one in listing.messages
        )

    def answered(
        self,
        key: str,
        listing: Listing,
        now: datetime,
        *,
        settling: timedelta,
        is_accepted: bool,
        new_coverage: bool = False,
    ) -> None:
        """Note an answer that was kept, and what it hides without contradicting anything.

        Args:
            key: which one was asked with.
            listing: the answer.
            now: when it was asked for.
            settling: the settling time of the key before.
            is_accepted: whether later answers are compared with it.
            new_coverage: whether coverage starts again with it.
        """
        self._remember(key, listing, now, settling, new_coverage=new_coverage)
        shown = {one.message_id for one in listing.messages}
        if is_accepted:
            self.known[key].listed |= {one: self.sent[one][0] for one in shown}
        self.shown |= shown

    def removed(self, key: str, ids: Iterable[int]) -> None:
        """Note that messages count as removed: they are compared no more."""
        for one in ids:
            self.known[key].listed.pop(one, None)

    def _remember(
        self,
        key: str,
        listing: Listing,
        now: datetime,
        settling: timedelta,
        *,
        new_coverage: bool,
    ) -> None:
        is_superseded = key in self.known and any(
            other.first_poll > (self.known[key].first_poll or 0)
            for other in self.known.values()
            if other.first_poll is not None
        )
        truth = self.known.setdefault(key, KeyTruth())
        if truth.first_poll is None or new_coverage:
            truth.first_poll = max(one.first_poll or 0 for one in self.known.values()) + 1
        if new_coverage:
            truth.listed, is_superseded = {}, False
        at = listing_evidence.clock(listing)
        shown = [one.message_id for one in listing.messages]
        self._expose(key, shown, settling)
        lacked = [
            one for one in truth.listed if one not in shown and self.time(one) < at - settling
        ]
        start = _shown_from(listing, settling, lacks=bool(lacked))
        if is_superseded or start is None or listing.is_partial or listing.error is not None:
            return
        if any(self.time(one) >= start for one in lacked):
            return
        until = max([at, *(one.sent_at + timedelta(seconds=1) for one in listing.messages)])
        hidden = [
            one
            for one, (message, of_key) in self.sent.items()
            if of_key == key
            and one not in self.shown
            and one not in shown
            and self.time(one) < until
            and (self.time(one) >= start or not message.is_listed(now))
        ]
        if hidden:
            self.lies.append(Lie(key, at, frozenset(hidden)))

    def _expose(self, key: str, shown: list[int], settling: timedelta) -> None:
        """An answer that hid what is shown now is no excuse for what it hid after it.

        Nor for what it hid after the last message that was listed, if the list does not reach back
        to that any more.
        """
        kept = []
        listed = self.known[key].listed
        for lie in self.lies:
            seen = [
                self.time(one)
                for one in shown
                if one in lie.hidden
                and one not in self.shown
                and self.time(one) < lie.clock - settling
            ]
            if lie.key == key and seen:
                first = min(seen)
                before = [self.time(one) for one in listed if self.time(one) < first]
                if before and not any(self.time(one) <= first for one in shown if one in listed):
                    first = min(first, max(before) + timedelta(seconds=1))
                lie = replace(  # noqa: PLW2901 - what is left of it
                    lie, hidden=frozenset(one for one in lie.hidden if self.time(one) < first)
                )
            kept.append(lie)
        self.lies = [lie for lie in kept if lie.hidden]


def _shown_from(listing: Listing, settling: timedelta, *, lacks: bool) -> datetime | None:
    """Return from when on an answer claims to be whole, `None` where it claims nothing."""
    is_cut = lacks or listing.item_count >= listing.limit
    if not listing.messages:
        return None if is_cut else _LONG_AGO
    if not is_cut:
        return _LONG_AGO
    disorder, oldest = timedelta(0), listing.messages[0].sent_at
    for one in listing.messages:
        disorder = max(disorder, one.sent_at - oldest)
        oldest = min(oldest, one.sent_at)
    if disorder > settling:
        return None
    start = next_second(listing.messages[-1].sent_at)
    return start + _MINUTE if disorder >= timedelta(seconds=1) else start


def lies_before(time: datetime, proof: AccountProof) -> bool:
    """Say whether a time lies before all that was listed, where only a denied id is missing."""
    first = proof.first_contact
    return first is not None and (first.end is None or time < first.end)
