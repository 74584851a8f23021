"""Asking for single messages: what the list cannot show, within what the night may spend."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from recon.core import lookup_priority
from recon.core.buckets import Case
from recon.core.lookup_priority import Candidates
from recon.errors import ConfigError, ReconError, RequestRefusedError, TemporaryError
from recon.model import Confirmation, Listing, Message, Window
from recon.store import status_answers as stored

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.octopods.client import Client
    from recon.octopods.responses import StatusAnswer

log = logging.getLogger(__name__)

#: Answers that are stored together, so that a kill costs no more than these.
_BATCH: Final = 20

#: After so many refused requests in a row nothing more is asked.
_FAILURES: Final = 3


class _NoMessage(Enum):
    """A status call that brought no message."""

    DENIED = auto()
    FAILED = auto()


class StatusLookups:
    """Spends an account's status calls of one run: recorded ids first, then waiting messages."""

    def __init__(
        self,
        engine: Engine,
        account: str,
        *,
        client: Client,
        fingerprint: str,
        most: int,
        clock: Callable[[], datetime],
        listing: Listing,
    ) -> None:
        """Prepare to ask; nothing is sent yet.

        Args:
            engine: the database where answers are kept.
            account: its name in the configuration.
            client: asks with the account's key.
            fingerprint: of that key.
            most: status calls that this run may make.
            clock: the provider's clock, as far as it is known.
            listing: the answer of this run, which shows the control id.
        """
        self._engine = engine
        self._account = account
        self._client = client
        self._fingerprint = fingerprint
        self._left = most
        self._clock = clock
        self._failures = 0
        self._learnt = 0
        self._asked: set[int] = set()
        self._confirmations: dict[str, Confirmation] = {}
        # Neither the newest, which the status call may not know yet, nor the oldest.
        shown = listing.messages
        self._control = shown[len(shown) // 2].message_id if shown else None
        self._control_answered: bool | None = None

    @property
    def learnt(self) -> int:
        """How many answers were stored so far."""
        return self._learnt

    def confirmation(self, day: Window) -> Confirmation:
        """Return what was asked about the records of a day, and what came of it."""
        return self._confirmations.get(day.label, Confirmation())

    def confirm(self, case: Case, days: Sequence[Window]) -> None:
        """Ask for recorded ids without a message, as far as the budget goes; keep the answers.

        A denial counts only if the control id, which the list shows, is answered with its message
        in this run. Errors of the provider end the asking, not the run.

        Raises:
            KeyRefusedError: the key was refused in the middle of it.
        """
        import numpy as np

        if self._left <= 0:
            return
        settled = stored.settled_denials(
            self._engine, self._account, self._fingerprint, self._clock()
        )
        skip = np.concatenate([settled, np.fromiter(self._asked, dtype=np.int64)])
        # One call is for the control id.
        reserved = int(self._control_answered is None and self._control is not None)
        wanted = lookup_priority.candidates(case, most=self._left - reserved, skip=skip)
        for first in range(0, len(wanted), _BATCH):
            self._confirm_some(wanted, range(first, min(first + _BATCH, len(wanted))), days)

    def refresh(self, start: datetime, end: datetime) -> None:
        """Ask for the messages of a time that are not terminal, the oldest first.

        Raises:
            KeyRefusedError: the key was refused in the middle of it.
        """
        waiting = stored.waiting(
            self._engine,
            self._account,
            self._fingerprint,
            start=start,
            end=end,
            now=self._clock(),
            most=self._left + len(self._asked),
        )
        waiting = [message for message in waiting if message.message_id not in self._asked]
        for first in range(0, len(waiting), _BATCH):
            found = []
            for message in waiting[first : first + _BATCH]:
                answer = self._ask(message.message_id)
                if not isinstance(answer, _NoMessage):
                    found.append(_merged(message, answer))
            self._keep(found, [])

    def _confirm_some(self, wanted: Candidates, places: range, days: Sequence[Window]) -> None:
        found: list[Message] = []
        denied: list[int] = []
        for place in places:
            if self._left <= 0:
                break
            message_id, label = int(wanted.message_ids[place]), days[wanted.days[place]].label
            answer = self._ask(message_id)
            self._count(label, asked=1)
            if answer is _NoMessage.DENIED:
                if self._is_controlled():
                    denied.append(message_id)
                    self._count(label, denied=1)
            elif not isinstance(answer, _NoMessage):
                found.append(_message(answer, wanted, place))
                self._count(label, found=1)
        self._keep(found, denied)

    def _ask(self, message_id: int) -> StatusAnswer | _NoMessage:
        """Ask for one id. What fails is not stored, and so is asked for again in the next run."""
        if self._left <= 0:
            return _NoMessage.FAILED
        before = self._client.counts.status
        try:
            answer = self._client.message_status(message_id)
        except RequestRefusedError as error:
            self._failures += 1
            log.warning("account %s: message %d: %s", self._account, message_id, error.message)
            if self._failures >= _FAILURES:
                self._stop(error)
            return _NoMessage.FAILED
        except (TemporaryError, ConfigError) as error:
            self._stop(error)
            return _NoMessage.FAILED
        finally:
            self._left = max(self._left - (self._client.counts.status - before), 0)
        self._failures = 0
        self._asked.add(message_id)
        return _NoMessage.DENIED if answer is None else answer

    def _is_controlled(self) -> bool:
        """Say whether Octopods answers for an id that its list shows; ask once a run."""
        if self._control_answered is None:
            self._control_answered = False
            if self._control is None:
                log.warning(
                    "account %s: the list shows no message that could serve as a control, so "
                    "denied ids are not taken as denied",
                    self._account,
                )
                return False
            answer = self._ask(self._control)
            self._control_answered = not isinstance(answer, _NoMessage)
            if answer is _NoMessage.DENIED:
                self._left = 0
                log.warning(
                    "account %s: the status call denies message %d, which the list shows: its "
                    "denials are not believed, and no more is asked in this run",
                    self._account,
                    self._control,
                )
        return self._control_answered

    def _stop(self, error: ReconError) -> None:
        self._left = 0
        log.warning(
            "account %s: no more status calls in this run: %s", self._account, error.message
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
            "account %s: asked for single messages: %d found, %d denied",
            self._account,
            len(found),
            len(denied),
        )


def _message(answer: StatusAnswer, wanted: Candidates, place: int) -> Message:
    """Return an answer as a message.

    The second shape of the answer has neither number nor time; then those of the record count.
    """
    key = int(wanted.keys[place])
    recorded_at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(wanted.times[place]))
    return Message(
        answer.message_id,
        answer.phone_number or (f"+{key}" if key >= 0 else ""),
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
