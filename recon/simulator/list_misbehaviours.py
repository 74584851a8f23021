"""Lists that are well formed but wrong, such as those from a cache, a filter or a lower cap.

A misbehaviour changes the page that the list call is about to answer with. They compose: `together`
applies several, `during` and `at_times` one for a while. Only `partial`, `with_error` and `cached`
(by its age) show in the answer that it is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from recon.simulator.simulated_message import SimulatedMessage

_EPOCH = datetime.fromtimestamp(0, tz=UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """What the list call is about to answer with."""

    now: datetime
    """The moment of the request."""
    known: Sequence[SimulatedMessage]
    """All that the list knows of, in its order; the answer is cut from its beginning."""
    limit: int
    """At how many items it is cut."""
    as_of: datetime
    """The moment whose statuses are shown."""
    date: datetime | None = None
    """The `Date` header, where it is not the moment of the request."""
    age: timedelta | None = None
    """The `Age` header of a cache."""
    is_partial: bool = False
    """Whether it is answered with 206 and a `Content-Range`."""
    error: tuple[int, str] | None = None
    """The error code and text that stand beside the list."""

    @property
    def items(self) -> Sequence[SimulatedMessage]:
        """What is shown."""
        return self.known[: self.limit]

    def keeping(self, condition: Callable[[SimulatedMessage], bool]) -> Page:
        """Return the page without what does not meet a condition."""
        return replace(self, known=[one for one in self.known if condition(one)])


Misbehaviour: TypeAlias = Callable[[Page], Page]


# --- when ---------------------------------------------------------------------------------------


def together(*misbehaviours: Misbehaviour) -> Misbehaviour:
    """Apply several, each to what the one before it has left."""

    def changed(page: Page) -> Page:
        for one in misbehaviours:
            page = one(page)
        return page

    return changed


def during(start: datetime, end: datetime, misbehaviour: Misbehaviour) -> Misbehaviour:
    """Apply one to the requests of `[start, end)`."""
    return lambda page: misbehaviour(page) if start <= page.now < end else page


def at_times(every: timedelta, lasting: timedelta, misbehaviour: Misbehaviour) -> Misbehaviour:
    """Apply one at the beginning of each period of `every`, for as long as `lasting`."""
    return lambda page: misbehaviour(page) if (page.now - _EPOCH) % every < lasting else page


# --- what ---------------------------------------------------------------------------------------


def capped(limit: int) -> Misbehaviour:
    """Show no more than `limit` messages, whatever was asked for."""
    return lambda page: replace(page, limit=min(page.limit, limit))


def with_memory(length: timedelta) -> Misbehaviour:
    """Forget what was sent longer ago than `length`."""
    return lambda page: page.keeping(lambda one: page.now - one.sent_at < length)


def hiding(condition: Callable[[SimulatedMessage, datetime], bool]) -> Misbehaviour:
    """Leave out what meets a condition at the moment: an unrequested filter."""
    return lambda page: page.keeping(lambda one: not condition(one, page.now))


def one_per_number(page: Page) -> Page:
    """Show only the newest message to each number of those that belong on the page."""
    seen: set[str] = set()
    shown = []
    for one in page.items:
        if one.phone_number not in seen:
            seen.add(one.phone_number)
            shown.append(one)
    return replace(page, known=shown)


def by_last_change(page: Page) -> Page:
    """List first what has changed its status last."""

    def changed_at(one: SimulatedMessage) -> datetime:
        return one.sent_at + one.course.step(page.now - one.sent_at)[0]

    order = sorted(page.known, key=lambda one: (changed_at(one), one.message_id), reverse=True)
    return replace(page, known=order)


def cached(since: datetime | timedelta, *, tells_age: bool = False) -> Misbehaviour:
    """Answer with the page of an earlier moment, under a fresh `Date`.

    Args:
        since: the moment; a length of time is so long ago.
        tells_age: whether an `Age` header says so.
    """

    def changed(page: Page) -> Page:
        moment = page.now - since if isinstance(since, timedelta) else since
        if moment >= page.now:
            return page
        old = page.keeping(lambda one: one.is_listed(moment))
        return replace(old, as_of=moment, age=page.now - moment if tells_age else None)

    return changed


def dated(ahead: timedelta) -> Misbehaviour:
    """Answer with a `Date` header that is so far ahead."""
    return lambda page: replace(page, date=page.now + ahead)


def partial(items: int) -> Misbehaviour:
    """Answer 206 with the first `items` only."""
    return lambda page: replace(page, limit=min(page.limit, items), is_partial=True)


def with_error(code: int, text: str, *, items: int) -> Misbehaviour:
    """Put an error beside a list that has the first `items` only."""
    return lambda page: replace(page, limit=min(page.limit, items), error=(code, text))


def shifted(by: timedelta) -> Misbehaviour:
    """Give each message a time that is so much later, as a server in a wrong zone would."""

    def changed(page: Page) -> Page:
        known = [replace(one, sent_at=one.sent_at + by) for one in page.known]
        return replace(page, known=known, as_of=page.as_of + by)

    return changed
