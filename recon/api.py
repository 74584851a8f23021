"""recon as a library: compare two DataFrames, read stored results, run a night.

Every time is aware and in UTC, `datetime64[us, UTC]` in a DataFrame; ids are texts. Nothing is
printed; loggers below `recon` get the log lines. An error that ends a command with an exit code is
raised here as an error of `recon.errors` with the same `exit_code`. Importing this module is fast:
the functions import pandas and other packages when they need them.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recon.errors import ConfigError, InputError, ReconError, UsageError, worst
from recon.jobs.runtime import Runtime
from recon.model import Kind, State, VerdictKind

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Engine

    from recon.config import Settings
    from recon.core.policy import Policy
    from recon.jobs.run_results import AccountRun
    from recon.model import Verdict

__all__ = ["Comparison", "diff", "read_findings", "read_runs", "run", "store_url"]

# A program that sets up no logging sees nothing of it.
logging.getLogger("recon").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The result of comparing two DataFrames."""

    findings: pd.DataFrame
    """One row a finding, sorted by day, severity, kind and time: `account`, `date` (ISO text, `all`
    if the DataFrames were compared as a whole), `discrepancy_id`, `kind`, `severity`, `message_id`,
    `local_id`, `phone_number`, `local_phone_number` (if it differs), `local_status`,
    `provider_status`, `local_sent_at`, `provider_sent_at`, `failure_reason`, `detail`,
    `incident_id`, `confirmed`. A value that does not apply is null."""
    summaries: Sequence[Mapping[str, Any]]
    """The content of the JSON report for each day: `verdict`, `local` and `provider` (the balance),
    `discrepancies` (count by kind), `incidents` and so on; see docs/report.md."""

    @property
    def is_clean(self) -> bool:
        """Whether every row has its counterpart and there are no findings."""
        return all(one["verdict"] == "clean" for one in self.summaries)


def diff(
    local: pd.DataFrame,
    provider: pd.DataFrame,
    *,
    days: tuple[date, date] | None = None,
    timezone: str = "UTC",
    local_timezone: str = "UTC",
    columns: Mapping[str, str] | None = None,
    statuses: Mapping[str, str] | None = None,
    policy: Policy | None = None,
    observed_at: datetime | None = None,
) -> Comparison:
    """Compare your records with Octopods' messages; no network and no database is used.

    Unreadable rows become findings (`invalid_local`, `invalid_provider`) and do not affect the
    others. The DataFrames are not changed, and the order of their rows has no meaning.

    Args:
        local: your records, a row each, with the columns `id`, `message_id`, `phone_number`,
            `sent_at` and `status`. Only `sent_at` and one of `message_id` and `phone_number` are
            needed. Times may be timestamps, texts or seconds since the epoch.
        provider: Octopods' messages: `message_id`, `phone_number`, `sent_at` and optionally
            `status` and `failure_reason`. Times without an offset are UTC. The messages count as
            complete: a record without a message is missing.
        days: the first and the last day to judge, both included; all rows together without it.
        timezone: the time zone of the calendar days, an IANA name.
        local_timezone: the zone of times in `local` without an offset.
        columns: the column of each field, if `local` has other names: `{"phone_number":
            "recipient"}`.
        statuses: your word to Octopods' word or `not_sent`, as in the configuration.
        policy: how strict to be, `recon.core.policy.Policy`; without it the defaults.
        observed_at: when the statuses of `provider` were seen, aware; without it now.

    Raises:
        InputError: a column is missing, or the input looks wrong: one side is empty, or no pair was
            found. `Policy(trust_input=True)` turns the latter check off.
        UsageError: the last day is before the first.
    """
    import pandas as pd

    from recon.core import calendar
    from recon.core.policy import Policy
    from recon.jobs import frame_diff
    from recon.model import FINDING_COLUMNS, Changes, RequestCounts, Run
    from recon.report import json_report

    _check_days(days)
    seen = datetime.now(UTC) if observed_at is None else observed_at
    judged = frame_diff.verdicts(
        local,
        provider,
        days=[calendar.unbounded(timezone)] if days is None else calendar.windows(*days, timezone),
        zone=local_timezone,
        columns=columns or {},
        statuses=statuses or {},
        policy=policy or Policy(),
        observed_at=seen,
    )
    for verdict in judged:
        if verdict.suspicions:
            raise _suspect(verdict)
    found = [one.findings.assign(account=one.account, date=one.window.label) for one in judged]
    runs = (
        Run(
            run_id=str(uuid.uuid4()),
            verdict=one,
            started_at=seen,
            finished_at=seen,
            requests=RequestCounts(),
            changes=Changes(new=len(one.findings)),
        )
        for one in judged
    )
    return Comparison(
        pd.concat(found, ignore_index=True)[["account", "date", *FINDING_COLUMNS]],
        [json_report.summary(one) for one in runs],
    )


def store_url(config: str | Path | None = None, environ: Mapping[str, str] | None = None) -> str:
    """Return `database.url` of a configuration. It may hold a password.

    Args:
        config: the TOML file; without it `recon.toml` of the working directory.
        environ: the environment, `os.environ` without it; its `RECON_…` variables count.

    Raises:
        ConfigError: the configuration is wrong or missing.
    """
    return _settings(config, environ, require_accounts=False).database.url.get_secret_value()


def read_findings(
    url: str,
    *,
    accounts: Sequence[str] | None = None,
    days: tuple[date, date] | None = None,
    states: Sequence[str] = tuple(State),
    kinds: Sequence[str] = tuple(Kind),
    severity: str | None = None,
) -> pd.DataFrame:
    """Return findings with their current state, the latest day first.

    Args:
        url: of the store, as `store_url` gives it.
        accounts: only these.
        days: only those of these days, the first and the last one included.
        states: of `open`, `acknowledged`, `expected` and `resolved`.
        kinds: of those that docs/report.md explains.
        severity: only `error` or `warning`.

    Returns:
        One row a finding: `account`, `date` (ISO text, in the zone of the account's windows),
        `run_id` (the newest run of the day), the columns of `Comparison.findings` from
        `discrepancy_id` on, `state`, `first_seen_on` (ISO text), `ack_reason`. A value that does
        not apply is null. Phone numbers are not masked.

    Raises:
        ConfigError: there is no store, or it has another schema than this version needs.
        TemporaryError: it is busy or out of reach.
        UsageError: the last day is before the first.
    """
    from recon.store import finding_list

    _check_days(days)
    with _store(url) as engine:
        return finding_list.listing(
            engine, accounts=accounts, states=states, kinds=kinds, severity=severity, days=days
        )


def read_runs(
    url: str,
    *,
    accounts: Sequence[str] | None = None,
    days: tuple[date, date] | None = None,
    latest: bool = True,
) -> pd.DataFrame:
    """Return the log of runs, the earliest day first.

    Args:
        url: of the store, as `store_url` gives it.
        accounts: only these.
        days: only runs of these days, the first and the last one included.
        latest: only the latest run of each account and day; otherwise every run.

    Returns:
        One row a run: `run_id`, `account`, `date` (ISO text), `mode` (`run`, or `late_news` for a
        day judged again), `verdict`, `window_start`, `window_end`, `timezone`, `started_at`,
        `finished_at`, and counts: `records`, `messages`, `matched`, `failed` (failed sends),
        `findings`, of these `acknowledged` and `expected`, `gaps` (in coverage), `list_requests`,
        `status_requests`.

    Raises:
        ConfigError, TemporaryError, UsageError: as `read_findings` does.
    """
    from recon.store import run_list

    _check_days(days)
    with _store(url) as engine:
        return run_list.listing(engine, accounts=accounts, days=days, latest=latest)


def run(
    config: str | Path | None = None,
    *,
    days: tuple[date, date] | None = None,
    accounts: Sequence[str] | None = None,
    offline: bool = False,
    directory: str | Path | None = None,
    trust_input: bool = False,
    notify: bool = True,
    again: bool = False,
    environ: Mapping[str, str] | None = None,
    runtime: Runtime | None = None,
) -> pd.DataFrame:
    """Run the nightly job as `recon run` does: poll, compare, store, write reports, notify.

    Every account is tried, even if another one fails; finished work is kept.

    Args:
        config: the TOML file; without it `recon.toml` of the working directory.
        days: the first and the last day, both included; without it yesterday, and up to 7 days
            since the last finished run. In a range, days that have not changed are not judged
            again.
        accounts: only these; all without it.
        offline: use the stored messages, and make no request.
        directory: of the reports; `report.directory` without it.
        trust_input: report findings even if the input looks wrong.
        notify: send mail, chat messages and the heartbeat, if configured.
        again: judge every day of a range.
        environ: the environment, `os.environ` without it, with the API keys.
        runtime: clock, pauses and so on, for tests.

    Returns:
        The runs of the requested days, as from `read_runs`.

    Raises:
        ReconError: the worst error, with a note (`__notes__`) for each other error: `ConfigError`,
            `KeyRefusedError`, `OutputError`, `InputError` (also where the input looks wrong; the
            report says why), `TemporaryError` (also where another run holds the lock), `MailError`.
        UsageError: the last day is before the first, or an account is not configured.
    """
    from recon.jobs import night, notifying
    from recon.jobs.run_options import RunOptions
    from recon.store import run_list

    _check_days(days)
    world = runtime or Runtime(environ=os.environ if environ is None else environ)
    settings = _settings(config, world.environ, require_accounts=True)
    unknown = sorted(set(accounts or ()) - set(settings.accounts))
    if unknown:
        raise UsageError(f"no account {unknown[0]!r} in the configuration")
    notifier = None
    if notify:
        last = None if days is None else days[1]
        notifier = notifying.Notifier(settings, world, world.clock(), last_day=last)
        notifier.run_starts()
    options = RunOptions(
        days=days,
        accounts=[name for name in settings.accounts if not accounts or name in accounts],
        offline=offline,
        directory=settings.report.directory if directory is None else Path(directory),
        trust_input=trust_input,
        announcement=None if notifier is None else notifier.announcement(),
        again=again,
    )
    with _store(settings.database.url.get_secret_value(), create=True) as engine:
        outcomes = list(night.run(settings, engine, options, world))
        errors = [] if notifier is None else notifier.run_ended(engine, outcomes)
        _raise_worst(outcomes, errors)
        made = {day.run.run_id for one in outcomes for day in one.days}
        listed = run_list.listing(engine, accounts=options.accounts, days=days, latest=False)
        return listed.loc[listed["run_id"].isin(made)].reset_index(drop=True)


def _raise_worst(outcomes: Sequence[AccountRun], errors: Sequence[ReconError]) -> None:
    failed: list[Exception] = list(errors)
    for outcome in outcomes:
        if outcome.error is not None:
            outcome.error.add_note(f"account {outcome.account}")
            failed.append(outcome.error)
        failed += [
            _suspect(day.run.verdict)
            for day in outcome.days
            if day.run.verdict.kind is VerdictKind.SUSPECT
        ]
    if not failed:
        return
    codes = [getattr(one, "exit_code", ReconError.exit_code) for one in failed]
    first = failed.pop(codes.index(worst(codes)))
    for other in failed:
        first.add_note(" ".join([f"also: {other}", *getattr(other, "__notes__", ())]))
    raise first


def _suspect(verdict: Verdict) -> InputError:
    said, *causes = verdict.suspicions
    where = f"account {verdict.account}, {verdict.window.label}"
    return InputError(f"the input looks wrong ({where}): {said}", hint=" ".join(causes) or None)


def _check_days(days: tuple[date, date] | None) -> None:
    if days is not None and days[1] < days[0]:
        raise UsageError(f"the last day, {days[1]}, is before the first, {days[0]}")


def _settings(
    config: str | Path | None, environ: Mapping[str, str] | None, *, require_accounts: bool
) -> Settings:
    from recon import config as configuration
    from recon import logs

    path = None if config is None else Path(config)
    given = os.environ if environ is None else environ
    settings = configuration.load(path, given, require_accounts=require_accounts)
    logs.redact(*settings.passwords)
    return settings


@contextmanager
def _store(url: str, *, create: bool = False) -> Iterator[Engine]:
    """Provide the store. Unless with `create`, it has to exist; nothing is created or migrated."""
    from recon.store import engine, schema
    from recon.store.store_errors import described

    with engine.opened(url) as made:
        if not create and schema.current(made) is None:
            raise ConfigError(
                f"{described(made.url)} has no tables of recon yet",
                hint="The first run creates them in SQLite, `recon db upgrade` in PostgreSQL.",
            )
        schema.ensure_ready(made)
        yield made
