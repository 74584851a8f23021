"""The nightly job: pull, keep, reconcile, save, report; each account on its own."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from recon.core import calendar
from recon.core.policy import Policy
from recon.errors import InputError, ReconError, worst
from recon.jobs import wiring
from recon.jobs.reconcile import reconcile
from recon.jobs.runtime import Runtime
from recon.jobs.status_lookups import StatusLookups
from recon.model import Confirmation, RequestCounts, Run, Verdict, VerdictKind, Window
from recon.report import report_files
from recon.store import finding_list, lock, messages, runs

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings
    from recon.octopods.client import Client
    from recon.records.reader import RecordsReader

log = logging.getLogger(__name__)

#: Open findings of so many days before the run are looked at again each night.
LOOK_BACK_DAYS: Final = 7

#: A long range is judged in stretches of so many days, so that memory stays bounded.
_STRETCH_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is asked to do."""

    first: date
    last: date
    """Both included, in the configured zone."""
    accounts: Sequence[str]
    offline: bool = False
    """Use what is stored; make no request."""
    directory: Path = Path("reports")
    trust_input: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Reported:
    """A saved run and the files that were written of it."""

    run: Run
    written: report_files.Written


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The outcome of one account."""

    account: str
    days: Sequence[Reported] = ()
    judged_again: Sequence[Run] = ()
    """Earlier days with open findings, judged anew."""
    error: Exception | None = None
    """What ended the account's run early; a `ReconError`, or an internal error."""

    @property
    def exit_code(self) -> int:
        """0, 65 where a day is suspect, or the error's code (70 for an internal error)."""
        if self.error is not None:
            return getattr(self.error, "exit_code", ReconError.exit_code)
        words = [day.run.verdict.kind for day in self.days]
        return InputError.exit_code if VerdictKind.SUSPECT in words else 0

    @property
    def exit_code_if_asked(self) -> int:
        """The exit code under `--exit-code`: findings and gaps count too."""
        asked = [day.run.verdict.exit_code_if_asked for day in self.days]
        return worst([self.exit_code, *asked])


def run(
    settings: Settings,
    engine: Engine,
    order: Order,
    runtime: Runtime,
    progress: Callable[[str, Window], None] = lambda _account, _day: None,
) -> Iterator[Outcome]:
    """Run the order for each account in turn; an error in one does not affect the others.

    Args:
        settings: the configuration.
        engine: the job's own database, its schema ready.
        order: what to do.
        runtime: clock, environment and so on.
        progress: called with the account and the day after each day is reported.
    """
    for name in order.accounts:
        done: list[Reported] = []
        try:
            with lock.hold(engine, name):
                judged_again = _account(settings, engine, order, runtime, name, done, progress)
        except ReconError as error:
            yield Outcome(name, days=done, error=error)
        except Exception as bug:
            log.exception("account %s: internal error; its run ended", name)
            yield Outcome(name, days=done, error=bug)
        else:
            yield Outcome(name, days=done, judged_again=judged_again)


def _account(
    settings: Settings,
    engine: Engine,
    order: Order,
    runtime: Runtime,
    name: str,
    done: list[Reported],
    progress: Callable[[str, Window], None],
) -> list[Run]:
    pulled = None if order.offline else pull(settings, engine, name, runtime)
    records = wiring.open_reader(settings.accounts[name])
    policy = wiring.policy(settings, trust_input=order.trust_input)
    job = _Job(name, engine, records, policy, pulled, runtime)
    days = calendar.windows(order.first, order.last, settings.timezone)
    for at in range(0, len(days), _STRETCH_DAYS):
        stretch = days[at : at + _STRETCH_DAYS]
        for one in job.judge(stretch, mode="run", untimed=stretch[-1] is days[-1]):
            written = report_files.write(
                one, order.directory, mask=settings.report.mask_phone_numbers
            )
            done.append(Reported(one, written))
            progress(name, one.verdict.window)
    return _judge_again(job, settings.timezone, days)


@dataclass(frozen=True, slots=True)
class Pulled:
    """A poll that was kept, and the client that may be asked for more."""

    client: Client
    status_lookups: StatusLookups


def pull(settings: Settings, engine: Engine, name: str, runtime: Runtime) -> Pulled:
    """Ask Octopods for the latest messages of an account, once, and keep the answer."""
    client, fingerprint = wiring.open_client(settings, name, runtime, engine)
    listing = client.latest()
    kept = messages.keep(engine, name, fingerprint, listing, runtime.clock())
    log.info(
        "account %s: %d of %d messages are new, %d changed status",
        name,
        kept.new,
        listing.item_count,
        kept.changed,
    )
    ahead = listing.answered_at - runtime.clock()
    status_lookups = StatusLookups(
        engine,
        name,
        client=client,
        fingerprint=fingerprint,
        most=settings.octopods.status_lookups_per_run,
        clock=lambda: runtime.clock() + ahead,
        listing=listing,
    )
    return Pulled(client, status_lookups)


def _judge_again(job: _Job, zone: str, days: Sequence[Window]) -> list[Run]:
    """Judge the days before the run's again that have open findings.

    Statuses move on and records are written late. Days that are part of this run, or after it, are
    left alone.
    """
    first = date.fromisoformat(days[0].label)
    since = first - timedelta(days=LOOK_BACK_DAYS)
    open_days = finding_list.days_with_open(job.engine, job.account, since=since, before=first)
    return [
        one
        for day in open_days
        for one in job.judge([calendar.window(day, zone)], mode="look_again", untimed=False)
    ]


@dataclass(frozen=True, slots=True)
class _Job:
    """What stays the same over the days of one account's run."""

    account: str
    engine: Engine
    reader: RecordsReader
    policy: Policy
    pulled: Pulled | None
    """`None` offline."""
    runtime: Runtime

    def judge(self, days: Sequence[Window], *, mode: str, untimed: bool) -> Iterator[Run]:
        """Reconcile the days and save a run of each; commit before anything is announced."""
        started_at = self.runtime.clock()
        verdicts = reconcile(
            self.account,
            days,
            reader=self.reader,
            engine=self.engine,
            policy=self.policy,
            untimed=untimed,
            status_lookups=None if self.pulled is None else self.pulled.status_lookups,
        )
        for verdict in verdicts:
            yield runs.save(self.engine, self._run(verdict, started_at), mode=mode)

    def _run(self, verdict: Verdict, started_at: datetime) -> Run:
        pulled = self.pulled
        return Run(
            run_id=str(uuid.uuid4()),
            verdict=verdict,
            started_at=started_at,
            finished_at=self.runtime.clock(),
            requests=RequestCounts() if pulled is None else pulled.client.counts,
            confirmation=Confirmation()
            if pulled is None
            else pulled.status_lookups.confirmation(verdict.window),
        )
