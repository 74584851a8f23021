"""A process that keeps running and polls each account when a poll is due, despite errors."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from recon.errors import (
    ConfigError,
    KeyRefusedError,
    ReconError,
    TemporaryError,
    expected,
)
from recon.jobs.collector import AccountPoll, Collector
from recon.jobs.outage import Outage
from recon.jobs.runtime import Runtime
from recon.jobs.shutdown import Stop, Stopped

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Account, Settings

log = logging.getLogger(__name__)

#: Seconds until the next try to open the database: the first, and at most.
_FIRST_BACK_OFF: Final = 5.0
_LONGEST_BACK_OFF: Final = 300.0
#: Each account is checked at least this often, even if the clock jumps.
_LONGEST_SLEEP: Final = 60.0
#: Seconds between two checks at least; a poll that is due sooner is made when it is due.
_LOOK: Final = 0.2
#: Waiting for a moment that is nearer than this is not worth it.
_LEAST_SLEEP: Final = 0.5
#: Records that take long to count are not counted again for this many times as long.
_LEAVE_ALONE: Final = 20.0

_FIGURES: Final = re.compile(r"[+-]?[0-9]\S*")


def follow(
    settings: Settings,
    open_engine: Callable[[], Engine],
    accounts: Sequence[str],
    runtime: Runtime,
    stop: Stop,
    *,
    force: bool = False,
) -> list[AccountPoll]:
    """Poll each account when a poll is due, until asked to stop.

    During an outage of Octopods, a rate limit, or an outage of a database, it waits and tries
    again. An error that a person must correct (a refused key, a redirect, a certificate) ends the
    polling of its account after `outage.GIVE_UP_AFTER`, or at once if it cannot be corrected while
    this process runs. A key file is read again before each request, and also while a refused key is
    not tried.

    Args:
        settings: the configuration.
        open_engine: opens the job's own database, its schema ready.
        accounts: which ones.
        runtime: clock, environment and so on.
        stop: when to end.
        force: begin with a poll of each account, due or not.

    Returns:
        The accounts whose polling ended, each with its error.

    Raises:
        ConfigError: the database cannot be used as it is configured.
    """
    runtime = replace(runtime, sleep=stop.interruptible_sleep(runtime.sleep))
    # Pauses are made here, so that one account's never holds up the others.
    octopods = settings.octopods.model_copy(update={"max_wait_seconds": 0})
    settings = settings.model_copy(update={"octopods": octopods})
    outcomes: list[AccountPoll] = []
    followed: list[_Followed] = []
    try:
        engine = _patiently(open_engine, runtime)
        spacing = settings.octopods.min_interval_seconds
        followed = [
            _Followed(
                name,
                settings.accounts[name],
                Collector(
                    settings,
                    engine,
                    name,
                    runtime,
                    timedelta(seconds=_LOOK),
                    asking=stop.interruptible,
                ),
                runtime,
                spacing,
                force=force,
            )
            for name in accounts
        ]
        while followed:
            one = min(followed, key=lambda one: one.due_at)
            runtime.sleep(max(0.0, one.due_at - runtime.monotonic()))
            error = one.poll()
            if error is not None:
                followed.remove(one)
                one.collector.close()
                outcomes.append(AccountPoll(one.account, error))
    except Stopped:
        log.info("stopped on request; all answers are stored")
    finally:
        for one in followed:
            one.collector.close()
    return outcomes


def _patiently(open_engine: Callable[[], Engine], runtime: Runtime) -> Engine:
    """Open the database as soon as it lets us."""
    seconds = _FIRST_BACK_OFF
    while True:
        try:
            return open_engine()
        except ReconError as error:
            reported = expected(error)
            if not isinstance(reported, TemporaryError):
                raise
            log.warning("%s; trying again in %.0f s", reported.message, seconds)
        runtime.sleep(seconds)
        seconds = min(2 * seconds, _LONGEST_BACK_OFF)


@dataclass(slots=True)
class _Followed:
    """An account, and when it is checked next."""

    account: str
    settings: Account
    collector: Collector
    runtime: Runtime
    spacing: float
    """Least seconds between two polls."""
    force: bool
    """Whether the next check polls in any case."""
    due_at: float = field(init=False)
    """By the monotonic clock."""
    accepted: bool = False
    """Whether a poll succeeded since this runs."""
    refused: str | None = None
    """The fingerprint of the refused key, until another result."""
    ask_refused_at: float = 0.0
    """When that key is tried again."""
    outage: Outage = field(init=False)
    why: str = ""
    """The reason of the last decision without its figures, which change each time."""

    def __post_init__(self) -> None:
        self.due_at = self.runtime.monotonic()
        self.outage = Outage(self.account, self.runtime.rng)

    def poll(self) -> ReconError | None:
        """Poll once if due, log the outcome, and set the time of the next poll.

        Returns:
            The error that ends the polling of this account.
        """
        begun = self.runtime.monotonic()
        if self._waits_for_another_key(begun):
            self.due_at = min(begun + _LONGEST_SLEEP, self.ask_refused_at)
            return None
        try:
            result = self.collector.poll_if_due(force=self.force)
        except Exception as error:
            reported = expected(error)
            if reported is None:
                log.exception("account %s: internal error; it was not polled", self.account)
            return self._back_off(reported or error)
        self.outage.over(self.runtime.monotonic())
        self.accepted |= result.polled
        why = _FIGURES.sub("#", result.decision.why)
        is_news = result.polled or why != self.why
        log.log(
            logging.INFO if is_news else logging.DEBUG,
            "account %s: %s",
            self.account,
            result.summary,
        )
        self.why = why
        self.force = False
        now = self.runtime.monotonic()
        wait = result.decision.wait.total_seconds()
        if not result.polled:
            wait = max(wait, _LEAVE_ALONE * (now - begun))
        spacing = self.spacing if result.polled else _LOOK
        self.due_at = max(begun + spacing, now + min(wait, _LONGEST_SLEEP))
        return None

    def _back_off(self, error: Exception) -> ReconError | None:
        """Set the time of the next try; return the error if there is to be none."""
        now = self.runtime.monotonic()
        seconds = None if self._is_final(error) else self.outage.pause(error, now)
        if seconds is None and isinstance(error, ReconError):
            log.error("account %s: polling has ended: %s", self.account, error.one_line)
            return error
        self.due_at = now + (seconds or 0.0)
        if isinstance(error, KeyRefusedError):
            self.refused, self.ask_refused_at = self._fingerprint(), self.due_at
            self.due_at = min(self.due_at, now + _LONGEST_SLEEP)
        return None

    def _is_final(self, error: Exception) -> bool:
        """Say whether the error cannot be corrected while this process runs.

        The environment of this process does not change. So a key that is missing, or was refused
        from the start, stays so. A key that was accepted before may be refused by mistake.
        """
        if self.settings.api_key_env is None:
            return False
        refused = isinstance(error, KeyRefusedError) and not self.accepted
        return refused or (isinstance(error, ConfigError) and self._fingerprint() is None)

    def _waits_for_another_key(self, now: float) -> bool:
        """Say whether the key is still the refused one, and it is too early to try it again."""
        if self.refused is not None and self.ask_refused_at - now > _LEAST_SLEEP:
            present = self._fingerprint()
            if present is None or present == self.refused:
                return True
        self.refused = None
        return False

    def _fingerprint(self) -> str | None:
        """Return the fingerprint of the present key, `None` without a key."""
        from recon.config import fingerprint

        try:
            return fingerprint(self.settings.api_key(self.runtime.environ))
        except ConfigError:
            return None
