"""Telling people how a night went: what is announced with its runs, and what is sent after them."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from recon.core import calendar
from recon.core.notification_rules import Rule
from recon.errors import ReconError
from recon.jobs import mailing
from recon.model import Failure

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings
    from recon.jobs.night import AccountRun
    from recon.jobs.runtime import Runtime
    from recon.store.notifications import Announcement

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells people of the night of one command."""

    settings: Settings
    runtime: Runtime
    accounts: Sequence[str]
    last_day: date | None = None
    """The last day that is judged; `None` is yesterday."""
    mail: bool = True
    """Whether mail is sent at all."""
    batch: str = field(default_factory=lambda: str(uuid.uuid4()))

    def announcement(self) -> Announcement | None:
        """Return what a run notes about whom to tell; `None` where nobody is told."""
        from recon.store.notifications import Announcement, Channel

        rules = {}
        email = self.settings.email
        if email is not None and self.mail:
            rules[Channel.MAIL] = Rule(email.when, timedelta(days=email.remind_after_days))
        return Announcement(self.batch, rules) if rules else None

    def after_run(self, engine: Engine, outcomes: Sequence[AccountRun]) -> list[ReconError]:
        """Tell of the runs and failures of a night; return why somebody was not told by mail."""
        untold = self._queue_failures(engine, outcomes)
        fresh = {
            day.run.run_id: day.run
            for outcome in outcomes
            for day in (*outcome.days, *outcome.judged_again)
        }
        if not self.mail:
            return []
        errors = mailing.send_waiting(self.settings, engine, self.runtime, fresh)
        if untold:
            errors += mailing.send_directly(self.settings, untold, self.runtime)
        return errors

    def without_store(self, error: Exception) -> list[ReconError]:
        """Tell of a night that ended before the database could be used."""
        if not self.mail:
            return []
        return mailing.send_directly(self.settings, [self._failure("", error)], self.runtime)

    def _queue_failures(self, engine: Engine, outcomes: Iterable[AccountRun]) -> list[Failure]:
        """Note failed nights in the store; return those that it could not take."""
        from recon.store import notifications

        announcement, untold = self.announcement(), []
        for outcome in outcomes:
            if outcome.error is None or announcement is None:
                continue
            failure = self._failure(outcome.account, outcome.error)
            try:
                notifications.queue_failure(engine, failure, announcement)
            except ReconError as error:
                log.debug("a failure was not stored: %s", error.one_line)
                untold.append(failure)
        return untold

    def _failure(self, account: str, error: Exception) -> Failure:
        from recon.report.public_text import public_error

        now = self.runtime.clock()
        ours = error if isinstance(error, ReconError) else None
        # A bug's own text may hold anything; its type says enough to look up the log by.
        said = f"internal error ({type(error).__name__})" if ours is None else ours.message
        return Failure(
            account=account,
            day=self.last_day or calendar.yesterday(now, self.settings.timezone),
            at=now,
            exit_code=ReconError.exit_code if ours is None else ours.exit_code,
            message=public_error(said),
            hint=public_error(ours.hint or "") if ours is not None else "",
        )
