"""One account's part of a run: read, judge and save its days."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from recon.core.policy import Policy
from recon.jobs import judging, reconcile
from recon.jobs.both_sides import BothSides
from recon.jobs.expected_rules import ExpectedRules
from recon.jobs.judging import DayVerdict
from recon.jobs.latest_poll import LatestPoll
from recon.jobs.memory_budget import RunMemory
from recon.jobs.runtime import Runtime
from recon.jobs.status_lookups import StatusLookups
from recon.model import RequestCounts, Run, Verdict, Window
from recon.store import runs, status_answers

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.records.reader import RecordsReader
    from recon.store.notifications import Announcement

log = logging.getLogger(__name__)

#: On how many nights the list must be contradicted before the report calls it systematic.
_CONTRADICTED_NIGHTS: Final = 3


@dataclass(frozen=True, slots=True)
class AccountJob:
    """What is the same for all days of one account's run."""

    account: str
    engine: Engine
    reader: RecordsReader
    policy: Policy
    pulled: LatestPoll | None
    """`None` offline."""
    runtime: Runtime
    expected: ExpectedRules
    started_at: datetime
    """When it began: all its saved runs have this time, and no other runs have it."""
    notices: Sequence[str] = ()
    """Notices at the beginning of each run."""
    is_dry_run: bool = False
    announcement: Announcement | None = None
    """Which channels are notified of the runs."""
    memory: RunMemory | None = None
    """How much memory reading days may take; `None` is without limit."""

    def read(self, days: Sequence[Window], *, untimed: bool) -> BothSides:
        """Read both sides around consecutive days; the caller closes the result."""
        return reconcile.read(
            self.account,
            days,
            reader=self.reader,
            engine=self.engine,
            policy=self.policy,
            untimed=untimed,
            memory=self.memory,
            now=self.runtime.clock(),
        )

    def refreshed(self, both_sides: BothSides) -> BothSides:
        """Return the same with the messages that are stored now."""
        return reconcile.refreshed(both_sides, self.engine, self.reader)

    @property
    def settings_digest(self) -> str:
        """Distinguishes the settings and the version of the program."""
        return judging.settings_digest(self.policy, self.expected)

    def judge(self, both_sides: BothSides, *, mode: str) -> Iterator[Run]:
        """Judge days and save a run of each; each is committed before it is announced."""
        for day in judging.judged(both_sides, self.engine, self.settings_digest):
            assert day.verdict is not None
            yield self.save(day, day.verdict, mode=mode)

    def save(self, day: DayVerdict, verdict: Verdict, *, mode: str) -> Run:
        """Save a run of a day in its own transaction; it is announced only after that."""
        self._log_unreadable(verdict)
        made = self._run(day, self.expected.apply(verdict))
        if mode == runs.RUN:
            made = self.expected.with_notices(self.engine, made)
        return runs.save(self.engine, made, mode=mode, announcement=self.announcement)

    def _log_unreadable(self, verdict: Verdict) -> None:
        for one in verdict.unreadable:
            log.debug(
                "account %s: %s: %d unreadable %s: %s",
                self.account,
                verdict.window.label,
                one.count,
                "records" if one.side == "local" else "messages",
                one.reason,
            )

    def _run(self, day: DayVerdict, verdict: Verdict) -> Run:
        pulled = self.pulled
        made = Run(
            run_id=str(uuid.uuid4()),
            verdict=verdict,
            started_at=self.started_at,
            finished_at=self.runtime.clock(),
            requests=RequestCounts() if pulled is None else pulled.client.counts,
            input_digest=day.input_digest,
            verdict_basis=day.basis,
            expected_rules=self.expected.digest,
            notices=self.notices,
            is_dry_run=self.is_dry_run,
        )
        if pulled is None:
            return made
        return replace(
            made,
            confirmation=pulled.status_lookups.confirmation(verdict.window),
            notices=(*self.notices, *self._notices(pulled.status_lookups, verdict.window)),
        )

    def _notices(self, lookups: StatusLookups, day: Window) -> tuple[str, ...]:
        if day.label not in lookups.withdrawn_days:
            return ()
        nights = status_answers.contradicted_nights(self.engine, self.account, day.zone)
        if nights < _CONTRADICTED_NIGHTS:
            return ()
        return (
            (
                f"On {nights} nights Octopods had messages that its list never shows. Your "
                f"records have sends that were not made with this key, such as broadcasts: "
                f"exclude them with accounts.{self.account}.local.where. Until then, each of "
                f"these nights loses coverage."
            ),
        )
