"""Staying, and polling each account when that is due, whatever happens in between."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from recon.errors import ConfigError, KeyRefusedError, ReconError, TemporaryError
from recon.jobs.collector import Collector, Outcome
from recon.jobs.runtime import Runtime
from recon.jobs.shutdown import Stop, Stopped

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings

log = logging.getLogger(__name__)

#: Seconds until the next try after an error: the first, and at most. Each is twice the one before.
_FIRST_BACK_OFF: Final = 5.0
_LONGEST_BACK_OFF: Final = 300.0
#: No account is left without a look for longer, whatever the clock does.
_LONGEST_SLEEP: Final = 60.0
#: RecordsReader that take long to count are left alone so many times as long.
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
) -> list[Outcome]:
    """Poll each account when that is due, until asked to stop.

    Provider outages, rate limits, a busy database and records that are down are waited out. Only a
    key that is refused, or a configuration that is wrong, ends the following of its account.

    Args:
        settings: the configuration.
        open_engine: opens the job's own database, its schema ready.
        accounts: which ones.
        runtime: clock, environment and so on.
        stop: when to end.
        force: begin with a poll of each, due or not.

    Returns:
        The accounts whose following ended, each with its error.

    Raises:
        ConfigError: the database cannot be used as it is configured.
    """
    runtime = replace(runtime, sleep=stop.interruptible_sleep(runtime.sleep))
    # Pauses are made here, so that one account's never holds up the others.
    octopods = settings.octopods.model_copy(update={"max_wait_seconds": 0})
    settings = settings.model_copy(update={"octopods": octopods})
    outcomes: list[Outcome] = []
    try:
        engine = _patiently(open_engine, runtime)
        spacing = settings.octopods.min_interval_seconds
        followed = [
            _Followed(
                name,
                Collector(
                    settings,
                    engine,
                    name,
                    runtime,
                    timedelta(seconds=spacing),
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
                outcomes.append(Outcome(one.account, error))
    except Stopped:
        log.info("asked to stop: nothing is left half done")
    return outcomes


def _patiently(open_engine: Callable[[], Engine], runtime: Runtime) -> Engine:
    """Open the database as soon as it lets us."""
    seconds = _FIRST_BACK_OFF
    while True:
        try:
            return open_engine()
        except TemporaryError as error:
            log.warning("%s; trying again in %.0f s", error.message, seconds)
        runtime.sleep(seconds)
        seconds = min(2 * seconds, _LONGEST_BACK_OFF)


@dataclass(slots=True)
class _Followed:
    """An account, and when it is looked at next."""

    account: str
    collector: Collector
    runtime: Runtime
    spacing: float
    """Least seconds between two looks."""
    force: bool
    """Whether the next look polls in any case."""
    due_at: float = field(init=False)
    """By the monotonic clock."""
    failures: int = 0
    """In a row."""
    why: str = ""
    """The reason that the last look gave, without its figures: those change each time."""

    def __post_init__(self) -> None:
        self.due_at = self.runtime.monotonic()

    def poll(self) -> ReconError | None:
        """Poll once if due, log the outcome, and set the time of the next poll.

        Returns:
            The error that ends the following of this account.
        """
        begun = self.runtime.monotonic()
        try:
            result = self.collector.poll_if_due(force=self.force)
        except (KeyRefusedError, ConfigError) as error:
            log.error("account %s is followed no longer: %s", self.account, error.one_line)  # noqa: TRY400 - expected
            return error
        except ReconError as error:
            self._back_off(error)
            return None
        except Exception as bug:
            log.exception("account %s: internal error; it was not polled", self.account)
            self._back_off(bug)
            return None
        why = _FIGURES.sub("#", result.decision.why)
        is_news = result.polled or why != self.why
        log.log(
            logging.INFO if is_news else logging.DEBUG,
            "account %s: %s",
            self.account,
            result.summary,
        )
        self.why = why
        self.failures = 0
        self.force = False
        now = self.runtime.monotonic()
        wait = result.decision.wait.total_seconds()
        if not result.polled:
            wait = max(wait, _LEAVE_ALONE * (now - begun))
        self.due_at = max(begun + self.spacing, now + min(wait, _LONGEST_SLEEP))
        return None

    def _back_off(self, error: Exception) -> None:
        self.failures += 1
        longest = min(_FIRST_BACK_OFF * 2.0 ** min(self.failures - 1, 10), _LONGEST_BACK_OFF)
        seconds = self.runtime.rng.uniform(longest / 2, longest)
        asked = _asked_pause(error)
        if asked is not None:
            from recon.octopods.retry_after import LONGEST_PAUSE

            seconds = min(asked, LONGEST_PAUSE) + self.runtime.rng.uniform(0.05, 0.5)
        self.due_at = self.runtime.monotonic() + seconds
        said = error.message if isinstance(error, ReconError) else type(error).__name__
        log.warning("account %s: %s; looking again in %.0f s", self.account, said, seconds)


def _asked_pause(error: Exception) -> float | None:
    """Return how many seconds a 429 asks to pause, `None` where it is none or does not say."""
    from recon.octopods.retry import RateLimited

    cause = error.__cause__
    return cause.seconds if isinstance(cause, RateLimited) else None
