"""The nightly job: poll, store, reconcile, save and report, for each account separately."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from recon import scratch
from recon.core import calendar, listing_evidence, shards
from recon.core.policy import LOOK_BACK_DAYS
from recon.core.shards import Share
from recon.errors import InputError, ReconError, expected, worst
from recon.jobs import purging, removal_lookups, share_locks, stored_reports, wiring
from recon.jobs.account_job import AccountJob, LatestPoll
from recon.jobs.backfill import HERE, Backfill, Workers
from recon.jobs.both_sides import BothSides
from recon.jobs.earlier_days import EarlierDays
from recon.jobs.expected_rules import ExpectedRules
from recon.jobs.held_days import HeldDays
from recon.jobs.memory_budget import RunMemory
from recon.jobs.runtime import Runtime
from recon.jobs.status_calls import StatusCalls
from recon.jobs.status_lookups import StatusLookups
from recon.model import Run, State, VerdictKind, Window
from recon.report import report_files
from recon.store import messages, runs

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings
    from recon.store.notifications import Announcement

log = logging.getLogger(__name__)

#: A run without dates catches up this many days at most, yesterday included.
CATCH_UP_DAYS: Final = 7

_DRY_RUN: Final = (
    "This is a dry run: nothing was stored, and nobody was notified. The next run reports it again."
)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of a run."""

    days: tuple[date, date] | None
    """First and last day, both included, in the configured zone. `None` is yesterday and the days
    since the account's last finished run, at most `CATCH_UP_DAYS` together."""
    accounts: Sequence[str]
    offline: bool = False
    """Use what is stored; make no request."""
    directory: Path = Path("reports")
    trust_input: bool = False
    dry_run: bool = False
    """Say in the reports that nothing is stored; the engine that the caller passes ensures it."""
    announcement: Announcement | None = None
    """Which channels are notified of the run."""
    again: bool = False
    """Judge every day of a backfill, also days that have not changed."""
    memory: RunMemory | None = None
    """How much memory the days may take; `None` is without limit."""
    shard: tuple[int, int] | None = None
    """The number of this command, from 0, and the number of commands that share the days."""

    @property
    def work(self) -> Sequence[tuple[str, Share | None]]:
        """The accounts of this run, each with its days if a range was given."""
        if self.days is None:
            return [(name, None) for name in self.accounts]
        shares = shards.shares(self.accounts, *self.days, *(self.shard or (0, 1)))
        return [(share.account, share) for share in shares]

    @property
    def day_count(self) -> int:
        """How many days are to be judged; a run without dates counts as one for each account."""
        return sum(
            1 if share is None else (share.last - share.first).days + 1 for _, share in self.work
        )

    @property
    def is_backfill(self) -> bool:
        """Whether a range was given: days judged before on the same basis are then skipped."""
        return self.days is not None and self.days[0] < self.days[1]


@dataclass(frozen=True, slots=True, eq=False)
class ReportedRun:
    """A saved run and its report files."""

    run: Run
    written: report_files.WrittenFiles
    unchanged: bool = False
    """Whether it was not judged again, because nothing has changed."""

    @property
    def new_findings(self) -> int:
        """How many open findings were not found by a run of an earlier date."""
        today = calendar.day_at(self.run.finished_at, self.run.verdict.window.zone)
        open_ = {one for one, state in self.run.lifecycle.items() if state == State.OPEN}
        return sum(seen == today and one in open_ for one, seen in self.run.first_seen_on.items())


@dataclass(frozen=True, slots=True, eq=False)
class AccountRun:
    """The result for one account."""

    account: str
    days: Sequence[ReportedRun] = ()
    judged_again: Sequence[ReportedRun] = ()
    """Earlier days that were judged again."""
    error: Exception | None = None
    """The error that ended the account's run early; a `ReconError`, or an internal error."""

    @property
    def exit_code(self) -> int:
        """0; 65 if a day is suspect; or the error's code (70 for an internal error)."""
        if self.error is not None:
            return getattr(self.error, "exit_code", ReconError.exit_code)
        words = [day.run.verdict.kind for day in self.days]
        return InputError.exit_code if VerdictKind.SUSPECT in words else 0

    @property
    def exit_code_if_asked(self) -> int:
        """The exit code with `--exit-code`, for which findings and gaps count too.

        For an earlier day, only findings that are new in this run count.
        """
        days = [*self.days, *(day for day in self.judged_again if day.new_findings)]
        asked = [day.run.exit_code_if_asked for day in days]
        return worst([self.exit_code, *asked])


def run(
    settings: Settings,
    engine: Engine,
    options: RunOptions,
    runtime: Runtime,
    progress: Callable[[ReportedRun], None] = lambda _: None,
    *,
    live: Engine | None = None,
    workers: Workers = HERE,
) -> Iterator[AccountRun]:
    """Run the job for each account in turn; an error in one does not affect the others.

    Args:
        settings: the configuration.
        engine: the job's own database, its schema ready.
        options: what to do.
        runtime: clock, environment and so on.
        progress: called after each day is reported.
        live: in a dry run the store itself, for locks and pauses; `engine` is then a copy from
            `recon.store.rehearsal`.
        workers: the processes in which the days of a backfill are judged. This process makes the
            requests and stores the results.
    """
    scratch.sweep()
    night = _Night(settings, engine, options, runtime, workers, live)
    for name, share in options.work:
        done = HeldDays[ReportedRun]() if options.is_backfill else list[ReportedRun]()
        try:
            with share_locks.held(live or engine, name, share), wiring.KeptSession() as session:
                account = _Account.begin(night, name, share, session)
                for made in account.days():
                    done.append(made)
                    progress(made)
                judged_again = account.days_again()
        except Exception as error:
            reported = expected(error)
            if reported is None:
                log.exception("account %s: internal error; its run ended", name)
            yield AccountRun(name, days=done, error=reported or error)
        else:
            yield AccountRun(name, days=done, judged_again=judged_again)
    # Commands that share a range are not done with older days when one of them ends.
    if settings.retention.automatic and not options.dry_run and options.shard is None:
        days = settings.retention.days
        purging.purge_after_night(engine, purging.limit(runtime.clock(), days, settings.timezone))


@dataclass(frozen=True, slots=True, eq=False)
class _Night:
    """What the runs of all accounts share, see `run`."""

    settings: Settings
    engine: Engine
    options: RunOptions
    runtime: Runtime
    workers: Workers
    live: Engine | None

    def reported(self, run: Run) -> ReportedRun:
        """Write the reports of a stored run."""
        written = stored_reports.write(self.settings, self.engine, run, self.options.directory)
        return ReportedRun(run, written)


@dataclass(frozen=True, slots=True, eq=False)
class _Account:
    """The run of one account, after the request for the latest messages."""

    night: _Night
    job: AccountJob
    share: Share
    """Its days, and whether other commands process the rest of the range."""
    earlier: EarlierDays
    lookups: StatusLookups | None
    """The status calls that may be made; `None` offline."""

    @classmethod
    def begin(
        cls, night: _Night, name: str, share: Share | None, session: wiring.KeptSession
    ) -> _Account:
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
        pulled = None
        if not options.offline:
            with _turn(night, share):
                most = share.portion(settings.octopods.status_lookups_per_run)
                pulled = pull(
                    settings, engine, name, night.runtime, session, night.live, status_calls=most
                )
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

    def days(self) -> Iterator[ReportedRun]:
        """Judge, store and report the days that were asked for."""
        share = self.share
        days = calendar.windows(share.first, share.last, self.night.settings.timezone)
        return self._range(days) if self.night.options.is_backfill else self._few(days)

    def _few(self, days: Sequence[Window]) -> Iterator[ReportedRun]:
        """Judge days together."""
        job, lookups = self.job, self.lookups
        with (
            job.read(days, untimed=True) as read,
            read if lookups is None else _ask(job, lookups, read, self.earlier) as both_sides,
        ):
            for run in job.judge(both_sides, mode=runs.RUN):
                yield self.night.reported(run)

    def _range(self, days: Sequence[Window]) -> Iterator[ReportedRun]:
        """Judge many days, one after another or in other processes, except unchanged ones."""
        night, lookups = self.night, self.lookups
        backfill = Backfill(
            self.job,
            night.settings,
            days,
            night.options.directory,
            night.workers,
            night.options.again or night.options.dry_run,
            untimed=self.share.ends_the_range,
        )
        unchanged = False
        if lookups is not None and lookups.may_ask:
            found = backfill.candidates()
            with _turn(night, self.share):
                lookups.confirm_candidates(found.accused, found.left_open)
                _ask_for_the_rest(lookups, days, self.earlier)
            unchanged = found.unchanged and not lookups.learnt
        for day in backfill.judge(unchanged=unchanged):
            yield ReportedRun(day.run, day.written, day.unchanged)

    def days_again(self) -> list[ReportedRun]:
        """Judge earlier days again that have changed, and write the index of all days."""
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


def _turn(night: _Night, share: Share) -> AbstractContextManager[None]:
    """Wait until no other command of the same account asks Octopods."""
    return share_locks.turn_to_ask(night.live or night.engine, share, night.settings, night.runtime)


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


def _ask(
    job: AccountJob, lookups: StatusLookups, both_sides: BothSides, earlier: EarlierDays
) -> BothSides:
    """Make the status calls of the run, before any day is judged.

    Returns:
        Both sides of the run's own days as they are stored now.
    """
    lookups.confirm(both_sides.case, both_sides.days, job.policy)
    _ask_for_the_rest(lookups, both_sides.days, earlier)
    return job.refreshed(both_sides) if lookups.learnt else both_sides


def _ask_for_the_rest(lookups: StatusLookups, days: Sequence[Window], earlier: EarlierDays) -> None:
    """Make the status calls that are left after the records of the run's own days.

    First come records of earlier days that would be missing, then messages that are not terminal,
    then records in gaps.
    """
    earlier.confirm(lookups)
    start, end = earlier.start or days[0].start, days[-1].end
    assert start is not None
    assert end is not None
    lookups.refresh(start, end)
    lookups.confirm_open()


def pull(
    settings: Settings,
    engine: Engine,
    name: str,
    runtime: Runtime,
    session: wiring.KeptSession,
    live: Engine | None = None,
    *,
    status_calls: int | None = None,
) -> LatestPoll:
    """Ask Octopods once for the latest messages of an account, and store the answer.

    Status calls use the same `session`. Pauses that Octopods asks for are stored in `live` if
    `engine` is another store. `status_calls` limits the status calls of the run; without it, the
    settings do.
    """
    client, fingerprint = wiring.open_client(settings, name, runtime, session, live or engine)
    listing = client.latest()
    kept = messages.keep(engine, name, fingerprint, listing, runtime.clock())
    log.info(
        "account %s: %d of %d messages are new, %d changed status",
        name,
        kept.new,
        listing.item_count,
        kept.changed,
    )
    removal_lookups.ask(engine, name, client, fingerprint, listing, kept, runtime.clock())
    ahead = listing_evidence.clock(listing) - runtime.clock()
    most = settings.octopods.status_lookups_per_run if status_calls is None else status_calls
    status_lookups = StatusLookups(
        engine,
        name,
        calls=StatusCalls(client, name, most=most, listing=listing),
        fingerprint=fingerprint,
        clock=lambda: runtime.clock() + ahead,
        zone=settings.timezone,
    )
    return LatestPoll(client, status_lookups)
