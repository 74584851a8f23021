"""Asking for single messages: what the list cannot show, within what the night may spend."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from recon.core import lookup_priority
from recon.core.buckets import Case
from recon.core.lookup_priority import Candidates
from recon.core.policy import Policy
from recon.errors import TemporaryError
from recon.model import Message
from recon.store import status_answers as stored

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.octopods.client import Client
    from recon.octopods.responses import StatusAnswer

log = logging.getLogger(__name__)

#: Answers that are stored together, so that a kill costs no more than these.
_BATCH: Final = 20


class StatusLookups:
    """Spends an account's status calls of one run, the most valuable first."""

    def __init__(
        self,
        engine: Engine,
        account: str,
        *,
        client: Client,
        fingerprint: str,
        most: int,
        clock: Callable[[], datetime],
    ) -> None:
        """Prepare to ask; nothing is sent yet.

        Args:
            engine: the database where answers are kept.
            account: its name in the configuration.
            client: asks with the account's key.
            fingerprint: of that key.
            most: status calls that this run may make.
            clock: the provider's clock, as far as it is known.
        """
        self._engine = engine
        self._account = account
        self._client = client
        self._fingerprint = fingerprint
        self._left = most
        self._clock = clock
        self._asked: set[int] = set()

    def settle(self, case: Case, policy: Policy) -> bool:
        """Ask for what the case leaves open, as far as the budget goes; keep the answers.

        Returns whether anything was learnt. Trouble ends the asking, not the run: what is left
        stays unverifiable.

        Raises:
            KeyRefusedError: the key was refused in the middle of it.
        """
        wanted = lookup_priority.candidates(
            case, self._clock(), policy, most=self._left, asked=self._asked
        )
        learnt = 0
        for first in range(0, len(wanted), _BATCH):
            learnt += self._ask(wanted, range(first, min(first + _BATCH, len(wanted))))
        return learnt > 0

    def _ask(self, wanted: Candidates, places: range) -> int:
        found: list[Message] = []
        denied: list[int] = []
        try:
            for place in places[: self._left]:
                message_id = int(wanted.message_ids[place])
                self._left -= 1
                self._asked.add(message_id)
                answer = self._client.message_status(message_id)
                if answer is None:
                    denied.append(message_id)
                elif (message := _message(answer, wanted, place)) is not None:
                    found.append(message)
        except TemporaryError as error:
            self._left = 0
            log.warning(
                "account %s: no more status calls in this run: %s", self._account, error.message
            )
        if found or denied:
            self._keep(found, denied)
        return len(found) + len(denied)

    def _keep(self, found: list[Message], denied: list[int]) -> None:
        stored.keep(
            self._engine,
            self._account,
            self._fingerprint,
            found=found,
            denied=denied,
            at=self._clock(),
        )
        log.info(
            "account %s: asked for single messages: %d found, %d not there",
            self._account,
            len(found),
            len(denied),
        )


def _message(answer: StatusAnswer, wanted: Candidates, place: int) -> Message | None:
    """Return an answer as a message; `None` where nobody knows its number.

    The second shape of the answer has neither number nor time; then those count that are recorded.
    """
    key = int(wanted.keys[place])
    number = answer.phone_number or (f"+{key}" if key >= 0 else None)
    recorded_at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(wanted.times[place]))
    if number is None:
        return None
    return Message(
        answer.message_id,
        number,
        answer.sent_at or recorded_at,
        answer.status,
        answer.failure_reason,
    )
