"""What the simulated Octopods knows: which messages were sent through which key, and when.

Nothing here opens a socket or reads a clock: each call names the moment at which it is made, and
moments may be in any order. Times are aware; answers show them in UTC, cut to the second as the
provider's are. The rules are the provider's (help centre, articles 14824157, 14823960 and
14823959).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from itertools import islice
from typing import Final, Literal

from recon.model import LISTING_LIMIT, Listing, Message, RejectedItem, Status
from recon.simulator.list_misbehaviours import Misbehaviour, Page
from recon.simulator.rate_limits import Bucket, RateLimit
from recon.simulator.simulated_message import (
    READ,
    Junk,
    Reason,
    ReasonForm,
    SimulatedMessage,
    StatusCourse,
)

Shape = Literal["A", "B"]

#: The key of a channel by default; opens nothing but a simulation.
SIMULATED_KEY: Final = "simulated-octopods-key"


class Access(Enum):
    """What a key opens at some moment."""

    GRANTED = "granted"
    UNKNOWN = "unknown"
    ROTATED = "rotated"


@dataclass(slots=True, eq=False)
class _Account:
    """One key, and what was sent through it, by time and id."""

    sent: list[SimulatedMessage] = field(default_factory=list)
    coming: Iterator[SimulatedMessage] = field(default_factory=lambda: iter(()))
    opened_at: datetime | None = None
    rotated_at: datetime | None = None
    bucket: Bucket | None = None
    charged: int = 0
    """How many of `sent` the bucket has been charged for."""

    def catch_up(self, now: datetime) -> None:
        """Draw what was sent until `now` from the messages to come, and one more."""
        while not self.sent or self.sent[-1].sent_at <= now:
            message = next(self.coming, None)
            if message is None:
                return
            self.append(message)

    def append(self, message: SimulatedMessage) -> None:
        last = self.sent[-1] if self.sent else None
        if last and (message.sent_at < last.sent_at or message.message_id <= last.message_id):
            raise ValueError("messages of a key must be added in the order of their times and ids")
        self.sent.append(message)

    def count(self, now: datetime) -> int:
        """Return how many messages were sent until `now`."""
        self.catch_up(now)
        return bisect_right(self.sent, now, key=lambda message: message.sent_at)


class Channel:
    """One WhatsApp Business Account at the provider: its keys, its messages, its limits.

    Args:
        keys: the keys that are valid from the beginning.
        shape: in which of the two documented shapes it answers.
        rate_limit: the limit that lists, status calls and sends of a key share; none without.
        empty_is_error: whether an account that has sent nothing answers 400 with a text, as the
            provider may, or an empty list.
        unknown_id_status: the HTTP status for an id that does not exist (400, or 404).
        first_id: the id of the first message that `send` sends.
        misbehaviour: what makes the list untrue; a user of the channel may change it at any time.
    """

    def __init__(
        self,
        *,
        keys: Iterable[str] = (SIMULATED_KEY,),
        shape: Shape = "A",
        rate_limit: RateLimit | None = None,
        empty_is_error: bool = True,
        unknown_id_status: int = 400,
        first_id: int = 3_851_001,
        misbehaviour: Misbehaviour | None = None,
    ) -> None:
        self.shape: Shape = shape
        self.misbehaviour = misbehaviour
        self.rate_limit = rate_limit
        self.empty_is_error = empty_is_error
        self.unknown_id_status = unknown_id_status
        self._next_id = first_id
        self._accounts: dict[str, _Account] = {key: _Account() for key in keys}

    # --- what happens ---------------------------------------------------------------------------

    def add(self, message: SimulatedMessage, *, key: str | None = None) -> SimulatedMessage:
        """Send a message whose id is known already, through `key` (the only one, by default).

        Raises:
            ValueError: it is older than the last one, or its id is not higher; both rise.
        """
        self._account(key).append(message)
        self._next_id = max(self._next_id, message.message_id + 1)
        return message

    def send(
        self,
        phone_number: str,
        sent_at: datetime,
        *,
        key: str | None = None,
        course: StatusCourse = READ,
        reason: Reason | None = None,
        appears_at: datetime | None = None,
        junk: Junk | None = None,
        removed_at: datetime | None = None,
    ) -> SimulatedMessage:
        """Send a message and give it the next id; otherwise like `add`."""
        message = SimulatedMessage(
            self._next_id,
            phone_number,
            sent_at,
            course,
            reason,
            appears_at,
            junk,
            removed_at=removed_at,
        )
        return self.add(message, key=key)

    def follow(self, messages: Iterable[SimulatedMessage], *, key: str | None = None) -> None:
        """Send these messages, maybe endlessly many, when their time comes.

        They are drawn only as far as they are asked for.
        """
        self._account(key).coming = iter(messages)

    def rotate(self, old: str, new: str, at: datetime) -> None:
        """Replace the key `old` by `new` at a moment; `new` sees only what it sends itself."""
        self._account(old).rotated_at = at
        self._accounts[new] = _Account(opened_at=at)

    # --- what is known --------------------------------------------------------------------------

    def access(self, key: str | None, now: datetime) -> Access:
        """Say what `key` opens at `now`."""
        account = self._accounts.get(key or "")
        if account is None or (account.opened_at and now < account.opened_at):
            return Access.UNKNOWN
        if account.rotated_at and now >= account.rotated_at:
            return Access.ROTATED
        return Access.GRANTED

    def take(self, key: str, now: datetime) -> datetime | None:
        """Take one request from the limit of `key`: `None` if granted, else when to come back.

        The sends until `now` are taken from the same limit first. Unlike all other questions
        this one changes something, so it is asked in the order of time.
        """
        if self.rate_limit is None:
            return None
        account = self._account(key)
        account.bucket = account.bucket or Bucket(self.rate_limit)
        until = account.count(now)
        for message in islice(account.sent, account.charged, until):
            account.bucket.spend(message.sent_at)
        account.charged = max(account.charged, until)
        return account.bucket.take(now)

    def has_sent(self, key: str | None, now: datetime) -> bool:
        """Say whether anything at all was sent through `key` until `now`."""
        return self._account(key).count(now) > 0

    def sent(self, now: datetime, *, key: str | None = None) -> tuple[SimulatedMessage, ...]:
        """Return everything sent through `key` until `now`, oldest first: the whole truth."""
        account = self._account(key)
        return tuple(account.sent[: account.count(now)])

    def page(self, now: datetime, *, key: str | None = None, limit: int = LISTING_LIMIT) -> Page:
        """Return what the list call answers with at `now`, newest first; never more than 100.

        Takes time for what is shown and for the few that have not appeared yet, not for the rest,
        unless the list misbehaves.
        """
        account = self._account(key)
        until = account.count(now)
        newest_first = (account.sent[at] for at in range(until - 1, -1, -1))
        listed = (message for message in newest_first if message.is_listed(now))
        limit = max(0, min(limit, LISTING_LIMIT))
        if self.misbehaviour is None:
            return Page(now, list(islice(listed, limit)), limit, now)
        return self.misbehaviour(Page(now, list(listed), limit, now))

    def listing(
        self, now: datetime, *, key: str | None = None, limit: int = LISTING_LIMIT
    ) -> Listing:
        """Return the listing as a client reads it, without a request being made or counted."""
        limit = min(limit, LISTING_LIMIT)
        page = self.page(now, key=key, limit=limit)
        items, date = page.items, (page.date or now).astimezone(UTC)
        return Listing(
            messages=[_read(item, page.as_of) for item in items if item.junk is None],
            rejects=[RejectedItem(str(item.message_id), item.junk) for item in items if item.junk],
            item_count=len(items),
            limit=limit,
            answered_at=date,
            date=date,
            age_seconds=0.0 if page.age is None else page.age.total_seconds(),
            is_partial=page.is_partial,
            error=None if page.error is None else f"error code {page.error[0]}",
        )

    def find(
        self, message_id: int, now: datetime, *, key: str | None = None
    ) -> SimulatedMessage | None:
        """Return the message with this id, `None` where `key` has not sent one until `now`."""
        account = self._account(key)
        until = account.count(now)
        at = bisect_left(account.sent, message_id, hi=until, key=lambda sent: sent.message_id)
        there = at < until and account.sent[at].message_id == message_id
        return account.sent[at] if there and not account.sent[at].is_removed(now) else None

    def _account(self, key: str | None) -> _Account:
        accounts: Mapping[str, _Account] = self._accounts
        return next(iter(accounts.values())) if key is None else accounts[key]


def _read(sent: SimulatedMessage, now: datetime) -> Message:
    status = sent.status(now)
    reason = sent.reason if status == Status.FAILED else None
    is_text = reason is not None and reason.form in {ReasonForm.TEXT, ReasonForm.OBJECT}
    return Message(
        message_id=sent.message_id,
        phone_number=sent.phone_number,
        sent_at=sent.sent_at.astimezone(UTC).replace(microsecond=0),
        status=status,
        failure_reason=reason.title if reason is not None and is_text else None,
    )
