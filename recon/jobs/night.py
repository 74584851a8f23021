"""The nightly job: poll, store, reconcile, save and report, for each account separately."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from recon import scratch
from recon.core import calendar, listing_evidence, lookup_priority, shards
from recon.core.lookup_priority import Candidates
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
from recon.jobs.waiting import Steps, Waits, waiting
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
#: Each account that waits holds a connection to PostgreSQL, for its lock.
_ACCOUNTS_AT_ONCE: Final = 10
#: Days of up to this many rows of all waiting accounts are kept in memory until they are judged.
_HELD_ROWS: Final = 500_000

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
    at_once: int = _ACCOUNTS_AT_ONCE
    """How many accounts may wait for Octopods at the same time. A dry run and an offline run work
    on one account after the other."""

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

    While an account waits for Octopods, the requests of the next accounts are made too. Accounts
    with the same key take turns. Days are judged, stored and reported in the order of the accounts.

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
    work = options.work
    one_by_one = len(work) == 1 or options.offline or options.dry_run
    waits = Waits(1 if one_by_one else options.at_once, runtime.sleep)
    night = _Night(
        settings, engine, options, replace(runtime, sleep=waits.sleep), workers, live, waits
    )
    with closing(waits.in_order(partial(_asked, night, *each) for each in work)) as accounts:
        for (name, _), (held, asked) in zip(work, accounts, strict=True):
            done = HeldDays[ReportedRun]() if options.is_backfill else list[ReportedRun]()
            try:
                with held:
                    account = asked.result()
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
        """Wait until no other account asks with the same key, and no other command for this one."""
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
class _Account:
    """The run of one account, after the request for the latest messages."""

    night: _Night
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
        cls, night: _Night, name: str, share: Share | None, session: wiring.KeptSession
    ) -> Steps[_Account]:
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

    def ask(self, held: ExitStack) -> Steps[_Account]:
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
        """Ask for the ids of the run's own days, then for the others.

        First come records of earlier days that would be missing, then messages that are not
        terminal, then records in gaps.
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
        return self._range() if self.night.options.is_backfill else self._few()

    def _few(self) -> Iterator[ReportedRun]:
        """Judge days together."""
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


def _asked(night: _Night, name: str, share: Share | None, held: ExitStack) -> Steps[_Account]:
    """Begin the run of an account, and make its requests."""
    held.enter_context(share_locks.held(night.live or night.engine, name, share))
    session = held.enter_context(wiring.KeptSession())
    account = yield from _Account.begin(night, name, share, session)
    return (yield from account.ask(held))


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
