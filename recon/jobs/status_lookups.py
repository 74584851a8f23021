"""Ask for single messages that the list does not show, within the night's budget."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from recon.core import calendar, coverage, lookup_priority
from recon.core.e164 import LONGEST
from recon.core.lookup_priority import Candidates
from recon.jobs.status_calls import NoMessage, StatusCalls
from recon.model import Confirmation, Message, Span, Window, Withdrawal
from recon.store import messages, withdrawals
from recon.store import status_answers as stored

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.octopods.responses import StatusAnswer

log = logging.getLogger(__name__)

#: Answers that are stored together, so that a kill costs no more than these.
_BATCH: Final = 20

#: A message that was listed may have been removed; then the one before it may serve as a control.
_OLDER_CONTROLS: Final = 2

_INSTANT: Final = timedelta(microseconds=1)


class StatusLookups:
    """Makes an account's status calls of one run: accused ids, waiting messages and open ids."""

    def __init__(
        self,
        engine: Engine,
        account: str,
        *,
        calls: StatusCalls,
        fingerprint: str,
        clock: Callable[[], datetime],
        zone: str,
    ) -> None:
        """Prepare to ask; nothing is sent yet.

        Args:
            engine: the database in which answers are stored.
            account: its name in the configuration.
            calls: makes the requests, until the budget is used up.
            fingerprint: the fingerprint of the key.
            clock: the provider's clock, as well as it is known.
            zone: the time zone of days.
        """
        self._engine = engine
        self._account = account
        self._calls = calls
        self._fingerprint = fingerprint
        self._clock = clock
        self._zone = zone
        self._learnt = 0
        self._open: list[Candidates] = []
        self._withdrawn: set[str] = set()
        self._known_since: datetime | None = None
        self._unknown_until: datetime | None = None
        self._confirmations: dict[str, Confirmation] = {}

    @property
    def learnt(self) -> int:
        """How many answers were stored so far."""
        return self._learnt

    @property
    def may_ask(self) -> bool:
        """Whether this run may make another status call."""
        return self._calls.left > 0

    @property
    def withdrawn_days(self) -> frozenset[str]:
        """The days whose proof an answer of this run contradicted, as ISO dates."""
        return frozenset(self._withdrawn)

    def confirmation(self, day: Window) -> Confirmation:
        """Return the result of the status calls for records of a day."""
        return self._confirmations.get(day.label, Confirmation())

    def confirm(self, accused: Candidates, left_open: Candidates) -> None:
        """Ask for the ids of records that would be missing at the provider.

        Unverifiable records are remembered for `confirm_open`. A denial counts only if the control
        id, which the list shows, is answered with its message in this run.

        Args:
            accused: of records that would be missing at the provider.
            left_open: of records that are unverifiable, for `confirm_open`.

        Raises:
            KeyRefusedError: the key was refused meanwhile.
        """
        self._open.append(left_open)
        self._confirm(accused, accused=True)

    def confirm_open(self) -> None:
        """Ask for the ids of unverifiable records that `confirm` remembered.

        Raises:
            KeyRefusedError: the key was refused meanwhile.
        """
        self._confirm(lookup_priority.joined(self._open), accused=False)
        self._open = []

    def refresh(self, start: datetime, end: datetime) -> None:
        """Ask for the messages of a stretch of time that are not terminal, the oldest first.

        Raises:
            KeyRefusedError: the key was refused meanwhile.
        """
        if not self.may_ask:
            return
        asked = self._calls.asked
        waiting = stored.waiting(
            self._engine,
            self._account,
            self._fingerprint,
            start=start,
            end=end,
            now=self._clock(),
            most=self._calls.left + len(asked),
        )
        waiting = [message for message in waiting if message.message_id not in asked]
        for first in range(0, len(waiting), _BATCH):
            found = []
            for message in waiting[first : first + _BATCH]:
                answer = self._calls.ask(message.message_id)
                if not isinstance(answer, NoMessage):
                    found.append(_merged(message, answer))
            self._keep(found, [])

    def _confirm(self, among: Candidates, *, accused: bool) -> None:
        if not self.may_ask or not len(among):
            return
        settled = stored.settled_denials(
            self._engine, self._account, self._fingerprint, self._clock()
        )
        asked = np.fromiter(self._calls.asked, dtype=np.int64)
        chosen = lookup_priority.choose(
            among, most=self._calls.left_for_records, skip=np.concatenate([settled, asked])
        )
        for first in range(0, len(chosen), _BATCH):
            places = range(first, min(first + _BATCH, len(chosen)))
            self._confirm_some(chosen, places, accused=accused)

    def _confirm_some(self, chosen: Candidates, places: range, *, accused: bool) -> None:
        found: list[Message] = []
        denied: list[int] = []
        for place in places:
            if not self.may_ask:
                break
            message_id = int(chosen.message_ids[place])
            label = date.fromordinal(int(chosen.dates[place])).isoformat()
            answer = self._calls.ask(message_id)
            self._count(label, asked=1)
            if answer is NoMessage.DENIED:
                if self._is_believed(coverage.instant(int(chosen.times[place]))):
                    denied.append(message_id)
                    self._count(label, denied=1)
            elif not isinstance(answer, NoMessage):
                message = _message(answer, chosen, place)
                found.append(message)
                self._count(label, found=1)
                # If a gap or an unreadable item left it open, the list is not contradicted.
                if accused and not stored.was_listed(self._engine, self._account, message_id):
                    self._withdraw(self._time_of(message, answer))
        self._keep(found, denied)

    def _is_believed(self, sent_at: datetime) -> bool:
        """Say whether the denial of an id counts, given the time of its record.

        Octopods may answer status calls only for recent messages. So for an id older than
        everything that the list shows now, the control is a message of the same age that it showed
        earlier, if there is one.
        """
        if not self._calls.is_older_than_the_list(sent_at):
            return self._calls.is_controlled()
        if self._known_since is not None and sent_at >= self._known_since:
            return True
        if self._unknown_until is not None and sent_at <= self._unknown_until:
            return False
        older = stored.listed_before(
            self._engine, self._account, self._fingerprint, sent_at, most=_OLDER_CONTROLS
        )
        for control in older:
            if self._calls.is_controlled(control.message_id):
                self._known_since = control.sent_at
                return True
        if older:
            self._unknown_until = sent_at
            return False
        return self._calls.is_controlled()

    def _time_of(self, message: Message, answer: StatusAnswer) -> datetime:
        """Return a found message's own time, or the time that its id implies among listed ids."""
        if answer.sent_at is not None:
            return answer.sent_at
        below, above = stored.listed_around(
            self._engine, self._account, self._fingerprint, message.message_id
        )
        time = message.sent_at if above is None else min(message.sent_at, above)
        return time if below is None else max(time, below)

    def _withdraw(self, time: datetime) -> None:
        """Withdraw the proof of a day if the list did not show one of its messages.

        A day that is proven complete cannot lack a message. One missing message disproves the whole
        day, since there may be more.
        """
        spans = messages.spans(self._engine, self._account)
        if coverage.gaps(Span(time, time + _INSTANT), spans):
            return
        day = calendar.window(calendar.day_at(time, self._zone), self._zone)
        assert day.end is not None
        self._withdrawn.add(day.label)
        withdrawals.withdraw(
            self._engine,
            self._account,
            self._fingerprint,
            Withdrawal(day.start, day.end, stored.COUNTEREXAMPLE),
            self._clock(),
        )

    def _count(self, label: str, *, asked: int = 0, denied: int = 0, found: int = 0) -> None:
        before = self._confirmations.get(label, Confirmation())
        self._confirmations[label] = Confirmation(
            before.asked + asked, before.denied + denied, before.found + found
        )

    def _keep(self, found: list[Message], denied: list[int]) -> None:
        if not found and not denied:
            return
        stored.keep(
            self._engine,
            self._account,
            self._fingerprint,
            found=found,
            denied=denied,
            at=self._clock(),
        )
        self._learnt += len(found) + len(denied)
        log.info(
            "account %s: status calls: messages found: %d, ids denied: %d",
            self._account,
            len(found),
            len(denied),
        )


def _message(answer: StatusAnswer, chosen: Candidates, place: int) -> Message:
    """Return an answer as a message.

    The second shape of the answer has neither number nor time; then the record's are used.
    """
    key = int(chosen.keys[place])
    recorded_at = coverage.instant(int(chosen.times[place]))
    return Message(
        answer.message_id,
        answer.phone_number or (f"+{key}" if 0 <= key < 10**LONGEST else ""),
        answer.sent_at or recorded_at,
        answer.status,
        answer.failure_reason,
    )


def _merged(message: Message, answer: StatusAnswer) -> Message:
    """Return a known message with what an answer says of it."""
    return Message(
        message.message_id,
        answer.phone_number or message.phone_number,
        answer.sent_at or message.sent_at,
        answer.status,
        answer.failure_reason,
    )
