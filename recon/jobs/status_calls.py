"""Status calls within a budget, with a control that shows whether denials are reliable."""

from __future__ import annotations

import logging
from datetime import datetime
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from recon.errors import ConfigError, ReconError, RequestRefusedError, TemporaryError
from recon.model import Listing

if TYPE_CHECKING:
    from recon.octopods.client import Client
    from recon.octopods.responses import StatusAnswer

log = logging.getLogger(__name__)

#: After this many refused requests in a row no more are made.
_FAILURES: Final = 3


class NoMessage(Enum):
    """The result of a status call without a message."""

    DENIED = auto()
    FAILED = auto()


class StatusCalls:
    """Makes the status calls of one account and run, until its budget is used up."""

    def __init__(self, client: Client, account: str, *, most: int, listing: Listing) -> None:
        """Prepare to ask, without a request.

        Args:
            client: makes the requests with the account's key.
            account: its name in the configuration.
            most: how many requests this run may make.
            listing: the list answer of this run, which shows the control id.
        """
        self._client = client
        self._account = account
        self._left = most
        self._failures = 0
        self._asked: set[int] = set()
        # Neither the newest, which the status call may not know yet, nor the oldest.
        shown = listing.messages
        self._control = shown[len(shown) // 2].message_id if shown else None
        self._shown_since = min((one.sent_at for one in shown), default=None)
        self._answered: dict[int, bool] = {}
        self._has_warned = False

    @property
    def left(self) -> int:
        """How many requests this run may still make."""
        return self._left

    @property
    def left_for_records(self) -> int:
        """How many requests are left for recorded ids: one is reserved for the control."""
        pending = not self._answered and self._control is not None
        return max(self._left - int(pending), 0)

    @property
    def asked(self) -> frozenset[int]:
        """The ids for which this run got an answer."""
        return frozenset(self._asked)

    def ask(self, message_id: int) -> StatusAnswer | NoMessage:
        """Ask for one id.

        A call that fails is not stored, so the next run repeats it. Errors of the provider end the
        status calls, but not the run.

        Raises:
            KeyRefusedError: the key was refused meanwhile.
        """
        if self._left <= 0:
            return NoMessage.FAILED
        before = self._client.counts.status
        try:
            answer = self._client.message_status(message_id)
        except RequestRefusedError as error:
            self._failures += 1
            log.warning("account %s: message %d: %s", self._account, message_id, error.message)
            if self._failures >= _FAILURES:
                self._stop(error)
            return NoMessage.FAILED
        except (TemporaryError, ConfigError) as error:
            self._stop(error)
            return NoMessage.FAILED
        finally:
            self._left = max(self._left - (self._client.counts.status - before), 0)
        self._failures = 0
        self._asked.add(message_id)
        return NoMessage.DENIED if answer is None else answer

    def is_older_than_the_list(self, time: datetime) -> bool:
        """Say whether a time is before everything that the list shows."""
        return self._shown_since is not None and time < self._shown_since

    def is_controlled(self, control: int | None = None) -> bool:
        """Say whether Octopods answers for an id that its list shows; ask once per run.

        Args:
            control: an id that the list showed earlier, as control for an old denied id.
        """
        if self._control is None:
            if not self._has_warned:
                log.warning(
                    "account %s: the list shows no message that could serve as a control, so "
                    "denials do not count",
                    self._account,
                )
            self._has_warned = True
            return False
        asked = self._control if control is None else control
        if asked not in self._answered:
            answer = self.ask(asked)
            self._answered[asked] = not isinstance(answer, NoMessage)
            if answer is NoMessage.DENIED:
                self._tell_denied(asked)
        return self._answered[asked]

    def _tell_denied(self, control: int) -> None:
        if control == self._control:
            self._left = 0
            log.warning(
                "account %s: the status call denies message %d, which the list shows: denials do "
                "not count, and this run makes no more status calls",
                self._account,
                control,
            )
        else:
            log.warning(
                "account %s: the status call denies message %d, which the list showed earlier: "
                "denials of messages of that age do not count",
                self._account,
                control,
            )

    def _stop(self, error: ReconError) -> None:
        self._left = 0
        log.warning(
            "account %s: no more status calls in this run: %s", self._account, error.message
        )
