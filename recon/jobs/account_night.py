"""One account's part of a run: poll, ask for single messages, judge and report its days.

Its steps that wait for Octopods are functions that `recon.jobs.waiting` calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from recon.core import calendar, lookup_priority
from recon.core.lookup_priority import Candidates
from recon.core.policy import LOOK_BACK_DAYS
from recon.core.shards import Share
from recon.jobs import share_locks, stored_reports, wiring
from recon.jobs.account_job import AccountJob
from recon.jobs.backfill import Backfill, Workers
from recon.jobs.both_sides import BothSides
from recon.jobs.earlier_days import EarlierDays
from recon.jobs.expected_rules import ExpectedRules
from recon.jobs.latest_poll import LatestPoll, pull
from recon.jobs.run_options import CATCH_UP_DAYS, RunOptions
from recon.jobs.run_results import ReportedRun
from recon.jobs.runtime import Runtime
from recon.jobs.status_lookups import StatusLookups
from recon.jobs.waiting import Steps, Waits, waiting
from recon.model import Run, Window
from recon.store import runs

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings

#: Days of up to this many rows of all waiting accounts are kept in memory until they are judged.
_HELD_ROWS: Final = 500_000

_DRY_RUN: Final = (
    "This is a dry run: nothing was stored, and nobody was notified. The next run reports it again."
)


@dataclass(frozen=True, slots=True, eq=False)
class Night:
    """What the runs of all accounts share, see `recon.jobs.night.run`."""

    settings: Settings
    engine: Engine
    options: RunOptions
    runtime: Runtime
    workers: Workers
    live: Engine | None
    waits: Waits

    @property
    def held_rows(self) -> int:
        """How many rows an account may keep in memory while it waits."""
        memory = self.options.memory
        if self.waits.most > 1 and memory is not None and memory.limit is not None:
            return 0
        return _HELD_ROWS // self.waits.most

    @contextmanager
    def turn(self, share: Share) -> Iterator[None]:
        """Wait until no other account uses the same key, and no other command this account."""
        store = self.live or self.engine
        with (
            self.waits.turn(wiring.fingerprint(self.settings, share.account, self.runtime)),
            share_locks.turn_to_ask(store, share, self.settings, self.runtime),
        ):
            yield

    def reported(self, run: Run) -> ReportedRun:
        """Write the reports of a stored run."""
        written = stored_reports.write(self.settings, self.engine, run, self.options.directory)
        return ReportedRun(run, written)


@dataclass(frozen=True, slots=True, eq=False)
class AccountNight:
    """The run of one account, after the request for the latest messages."""

    night: Night
    job: AccountJob
    share: Share
    """Its days, and whether other commands process the rest of the range."""
    earlier: EarlierDays
    lookups: StatusLookups | None
    """The status calls that may be made; `None` offline."""
    kept: list[BothSides] = field(default_factory=list)
    """Its days as they were read before the status calls, or nothing."""
    unchanged: bool = False
    """Whether it is known that no day of a range has changed."""

    @classmethod
    def begin(
        cls, night: Night, name: str, share: Share | None, session: wiring.KeptSession
    ) -> Steps[AccountNight]:
        """Ask for the latest messages, unless offline, and open the records.

        Args:
            night: the data that all accounts share.
            name: the account.
            share: its days; `None` is yesterday and the days since its last finished run.
            session: the connections of its requests.
        """
        settings, engine, options = night.settings, night.engine, night.options
        started_at = night.runtime.clock()
        if share is None:
            share = Share(name, *catch_up(engine, name, started_at, settings.timezone))
        days = share

        def pulled_in_turn() -> LatestPoll:
            most = days.portion(settings.octopods.status_lookups_per_run)
            with night.turn(days):
                return pull(
                    settings, engine, name, night.runtime, session, night.live, status_calls=most
                )

        pulled = None if options.offline else (yield from waiting(pulled_in_turn))
        job = AccountJob(
            name,
            engine,
            wiring.open_reader(settings, name),
            wiring.policy(settings, trust_input=options.trust_input),
            pulled,
            night.runtime,
            ExpectedRules.of(settings, name),
            started_at,
            notices=(_DRY_RUN,) if options.dry_run else (),
            is_dry_run=options.dry_run,
            announcement=options.announcement,
            memory=options.memory,
        )
        job.expected.renew(engine, night.runtime.clock())
        look_back = LOOK_BACK_DAYS if share.begins_the_range else 0
        earlier = EarlierDays(job, share.first, settings.timezone, look_back)
        return cls(night, job, share, earlier, None if pulled is None else pulled.status_lookups)

    def ask(self, held: ExitStack) -> Steps[AccountNight]:
        """Make the status calls, before any day is judged.

        Args:
            held: closes what is kept of the account until its days are judged.

        Returns:
            The account with what is known of its days.
        """
        lookups, held_rows = self.lookups, self.night.held_rows
        if lookups is None:
            return self
        if self.night.options.is_backfill:
            if not lookups.may_ask:
                return self
            candidates = self._backfill.candidates()
            found = candidates.accused, candidates.left_open
            yield from self._confirm(lookups, found, held_rows)
            return replace(self, unchanged=candidates.unchanged and not lookups.learnt)
        with ExitStack() as stack:
            read = stack.enter_context(self.job.read(self._windows, untimed=True))
            found = lookup_priority.of_case(read.case, read.days, self.job.policy)
            if self.night.waits.most == 1:
                self.kept.append(read)
            elif read.is_in_memory and read.row_count <= held_rows:
                self.kept.append(read)
                held_rows -= read.row_count
            if self.kept:
                held.push(stack.pop_all())
            del read
        yield from self._confirm(lookups, found, held_rows)
        return self

    def _confirm(
        self, lookups: StatusLookups, found: tuple[Candidates, Candidates], held_rows: int
    ) -> Steps[None]:
        """Make the status calls, in this order.

        1. Records of the run's own days that would be missing.
        2. Records of earlier days that would be missing.
        3. Messages that are not terminal.
        4. Records that are unverifiable, such as those in gaps.
        """
        days = self._windows
        start, end = self.earlier.start or days[0].start, days[-1].end
        assert start is not None
        assert end is not None
        with ExitStack() as turn:
            yield from waiting(partial(turn.enter_context, self.night.turn(self.share)))
            yield from waiting(partial(lookups.confirm, *found))
            yield from self.earlier.confirm(lookups, held_rows)
            yield from waiting(partial(lookups.refresh, start, end))
            yield from waiting(lookups.confirm_open)

    @property
    def _windows(self) -> Sequence[Window]:
        share = self.share
        return calendar.windows(share.first, share.last, self.night.settings.timezone)

    @property
    def _backfill(self) -> Backfill:
        night = self.night
        return Backfill(
            self.job,
            night.settings,
            self._windows,
            night.options.directory,
            night.workers,
            night.options.again or night.options.dry_run,
            untimed=self.share.ends_the_range,
        )

    def days(self) -> Iterator[ReportedRun]:
        """Judge, store and report the days that were asked for."""
        return self._range() if self.night.options.is_backfill else self._together()

    def _together(self) -> Iterator[ReportedRun]:
        """Judge a few days together, as a nightly run does."""
        job, learnt = self.job, self.lookups is not None and self.lookups.learnt
        if not self.kept:
            both_sides = job.read(self._windows, untimed=True)
        elif learnt:
            both_sides = job.refreshed(self.kept.pop())
        else:
            both_sides = self.kept.pop()
        with both_sides:
            for run in job.judge(both_sides, mode=runs.RUN):
                yield self.night.reported(run)

    def _range(self) -> Iterator[ReportedRun]:
        """Judge many days, one after another or in other processes, except unchanged ones."""
        for day in self._backfill.judge(unchanged=self.unchanged):
            yield ReportedRun(day.run, day.written, day.unchanged)

    def judge_earlier_days(self) -> list[ReportedRun]:
        """Judge again the earlier days that have changed, and write the index of all days."""
        night, lookups = self.night, self.lookups
        changed = (
            self.earlier.changed()
            if lookups is None
            else self.earlier.changed(
                learnt=lookups.learnt > 0, contradicted=lookups.withdrawn_days
            )
        )
        judged_again = [
            night.reported(one)
            for both_sides in changed
            for one in self.job.judge(both_sides, mode=runs.LATE_NEWS)
        ]
        stored_reports.write_index(night.engine, self.job.account, night.options.directory)
        return judged_again


def catch_up(engine: Engine, account: str, now: datetime, zone: str) -> tuple[date, date]:
    """Return yesterday and the days since the account's last finished run, as first and last day.

    They are at most `CATCH_UP_DAYS`, and only yesterday if there is no run yet.
    """
    yesterday = calendar.yesterday(now, zone)
    newest = runs.last_day(engine, account)
    if newest is None:
        return yesterday, yesterday
    since = max(newest + timedelta(days=1), yesterday - timedelta(days=CATCH_UP_DAYS - 1))
    return min(since, yesterday), yesterday
