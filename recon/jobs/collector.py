"""Poll when a poll is due, as often as coverage needs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from recon.errors import expected
from recon.jobs import removal_lookups, wiring
from recon.jobs.poll_due import PollDecider
from recon.jobs.runtime import Runtime
from recon.store import messages, polls

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings
    from recon.core.polling import Decision
    from recon.model import Listing
    from recon.store.messages import KeepResult

log = logging.getLogger(__name__)

#: How often cron starts a collector.
CRON_TICK: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, eq=False)
class AccountPoll:
    """The result for one account."""

    account: str
    error: Exception | None = None
    """Why it was not polled; a `ReconError`, or an internal error."""

    @property
    def exit_code(self) -> int:
        """0, or the error's code (70 for an internal error)."""
        return 0 if self.error is None else getattr(self.error, "exit_code", 70)


@dataclass(frozen=True, slots=True, eq=False)
class PollResult:
    """Whether an account was polled, and the result."""

    decision: Decision
    polled: bool
    summary: str
    """Whether a poll was made, why, and its result."""


def collect(
    settings: Settings,
    engine: Engine,
    accounts: Sequence[str],
    runtime: Runtime,
    *,
    force: bool = False,
    new_coverage: bool = False,
) -> Iterator[AccountPoll]:
    """Poll each account whose poll is due, and store the answer; run it every minute from cron.

    An error in one account does not affect the others. An account that another collector is polling
    is skipped.

    Args:
        settings: the configuration.
        engine: the job's own database, its schema ready.
        accounts: which ones.
        runtime: clock, environment and so on.
        force: poll even if no poll is due.
        new_coverage: start coverage again from this poll, due or not, and treat the key as the
            newest of its account.
    """
    force = force or new_coverage
    for name in accounts:
        collector = Collector(settings, engine, name, runtime, CRON_TICK, new_coverage=new_coverage)
        try:
            result = collector.poll_if_due(force=force)
        except Exception as error:
            reported = expected(error)
            if reported is None:
                log.exception("account %s: internal error; it was not polled", name)
            yield AccountPoll(name, reported or error)
        else:
            level = logging.INFO if result.polled or force else logging.DEBUG
            log.log(level, "account %s: %s", name, result.summary)
            yield AccountPoll(name)
        finally:
            collector.close()


class Collector:
    """Polls one account when a poll is due.

    Args:
        settings: the configuration.
        engine: the job's own database, its schema ready.
        account: which one.
        runtime: clock, environment and so on.
        tick: how long until the next poll can be made.
        asking: a context for the request, in which it may be interrupted.
        new_coverage: whether its polls start coverage again.
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        account: str,
        runtime: Runtime,
        tick: timedelta,
        *,
        asking: Callable[[], AbstractContextManager[None]] = nullcontext,
        new_coverage: bool = False,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._account = account
        self._runtime = runtime
        self._decider = PollDecider(settings, engine, account, runtime, tick)
        self._asking = asking
        self._new_coverage = new_coverage
        self._unkept: tuple[str, Listing, datetime] | None = None
        self._session = wiring.KeptSession()

    def close(self) -> None:
        """Close the connections to Octopods."""
        self._session.close()

    def poll_if_due(self, *, force: bool = False) -> PollResult:
        """Poll if a poll is due, and store the answer completely or not at all.

        If an answer could not be stored, the next call of the same object stores it.

        Raises:
            ReconError: key, provider, or the job's own database failed.
        """
        self._keep_unkept()
        state = self._decider.state()
        decision = self._decider.decide(state)
        if not (decision.due or force):
            return PollResult(decision, polled=False, summary=f"no poll is due: {decision.why}")
        with polls.hold_poll_lock(self._engine, self._account) as mine:
            if not mine:
                return PollResult(
                    decision, polled=False, summary="another collector is polling it now"
                )
            if not force and self._decider.state().last_id != state.last_id:
                return PollResult(decision, polled=False, summary="polled by another collector")
            brought = self._poll()
        why = decision.why if decision.due else f"forced; {decision.why}"
        return PollResult(decision, polled=True, summary=f"polled ({why}): {brought}")

    def _poll(self) -> str:
        # The key is read anew each time: it may be replaced while this runs.
        client, fingerprint = wiring.open_client(
            self._settings, self._account, self._runtime, self._session, self._engine
        )
        with self._asking():
            listing = client.latest()
        self._unkept = (fingerprint, listing, self._runtime.clock())
        kept = self._keep_unkept()
        assert kept is not None
        self._warn_of_a_gap(kept)
        removal_lookups.ask(
            self._engine, self._account, client, fingerprint, listing, kept, self._runtime.clock()
        )
        return f"{kept.new} of {listing.item_count} messages are new, {kept.changed} changed status"

    def _keep_unkept(self) -> KeepResult | None:
        if self._unkept is None:
            return None
        kept = messages.keep(
            self._engine, self._account, *self._unkept, new_coverage=self._new_coverage
        )
        self._unkept = None
        return kept

    def _warn_of_a_gap(self, kept: KeepResult) -> None:
        """Warn of messages between this poll and the one before that no answer may have shown."""
        if kept.gap is not None:
            log.warning(
                "account %s: messages sent from %s to %s may be unknown: "
                "more messages were sent between two polls than one answer lists",
                self._account,
                kept.gap.start,
                kept.gap.end,
            )
