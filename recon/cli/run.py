"""`recon run`: the nightly job."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import date
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from recon.cli import common, common_options
from recon.errors import OK, ConfigError, UsageError, worst
from recon.model import Run, VerdictKind

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.jobs.backfill import Workers
    from recon.jobs.notifying import Notifier
    from recon.jobs.run_results import AccountRun, ReportedRun

log = logging.getLogger(__name__)

#: Of more days than these only the number is said, since the table shows each.
_MOST_NAMED: Final = 7


@click.command("run")
@common_options.day_options
@common_options.account_option
@click.option("--offline", is_flag=True, help="Use what is stored; make no request.")
@common_options.output_option
@click.option("--no-email", is_flag=True, help="Mail nothing.")
@common_options.exit_code_option
@common_options.trust_option
@click.option("--dry-run", is_flag=True, help="Write reports; store nothing and notify nobody.")
@click.option("--again", is_flag=True, help="With --from: also judge days that have not changed.")
@common_options.memory_option("Judge")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --from: judge in N processes beside this one.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="With --from: judge on the Dask cluster of this scheduler.",
)
@click.option(
    "--shard",
    type=common_options.ShardParam(),
    help="With --from: only part I of N equal parts, counted from 1.",
)
@common.pass_session
def command(
    session: common.Session,
    day: date | None,
    first: date | None,
    last: date | None,
    accounts: Sequence[str],
    output: Path | None,
    *,
    offline: bool,
    no_email: bool,
    exit_code: bool,
    trust_input: bool,
    dry_run: bool,
    again: bool,
    memory_limit: int | None,
    workers: int | None,
    scheduler: str | None,
    shard: tuple[int, int] | None,
) -> int:
    """Pull the latest messages and reconcile a day.

    Without dates: yesterday, and the days since the last finished run, at most 7 in all. The 7
    days before these are judged again if anything about them has changed.

    Stores what Octopods lists, compares it with your own records, stores the findings and writes
    CSV, JSON and HTML reports.

    --from and --to check a range of days, which may be months. Each day is stored when it is
    judged. A day that was judged before is skipped if its records, messages, coverage and
    settings have not changed. So to continue an interrupted command, repeat it. Exit code, summary
    and mail are about the whole range.

    --dry-run makes the same requests and writes the same reports. It stores only a pause that
    Octopods asks for.
    """
    from recon.jobs import memory_budget, night, notifying
    from recon.jobs.run_options import RunOptions

    chosen = common_options.day_range(day, first, last)
    _check_range_options(
        first, again=again, workers=workers, scheduler=scheduler, shard=shard, dry_run=dry_run
    )
    settings = session.settings()
    directory = output or settings.report.directory
    memory = memory_budget.RunMemory(memory_limit, directory, processes=workers or 0)
    memory.budget()  # an impossible limit is refused before anything is asked
    names = common.chosen_accounts(settings, accounts)
    now = session.runtime.clock()
    if chosen is not None:
        chosen = common.not_in_the_future(chosen, now, settings.timezone)
    notifier = None
    if not dry_run:
        notifier = notifying.Notifier(
            settings,
            session.runtime,
            now,
            last_day=None if chosen is None else chosen[1],
            mail=not no_email,
        )
    options = RunOptions(
        days=chosen,
        accounts=names,
        offline=offline,
        directory=directory,
        trust_input=trust_input,
        dry_run=dry_run,
        announcement=None if notifier is None else notifier.announcement(),
        again=again,
        memory=memory,
        shard=shard,
    )
    total = options.day_count
    if not total:
        click.echo("Nothing to do: there are more parts than days and accounts.")
        return OK
    if notifier is not None:
        notifier.run_starts()
    with (
        nullcontext() if notifier is None else _notifying_if_broken_off(notifier),
        click.progressbar(
            length=total,
            label="Days",
            file=sys.stderr,
            hidden=total == 1 or common.hides_progress(),
            show_pos=True,
        ) as bar,
    ):
        live = None
        if dry_run:
            live, engine = session.rehearsal(settings)
        else:
            engine = session.engine(settings, create=True)
        places = session.at_exit.enter_context(_workers(engine, workers, scheduler))
        outcomes = list(
            night.run(
                settings,
                engine,
                options,
                session.runtime,
                _progress(bar.update, total, logged=total > 1 and bar.hidden),
                live=live,
                workers=places,
            )
        )
    show(outcomes, session.config)
    mail_errors = [] if notifier is None else notifier.run_ended(engine, outcomes)
    for error in mail_errors:
        common.show_error(error)
    codes = [o.exit_code_if_asked if exit_code else o.exit_code for o in outcomes]
    return worst([*codes, *(error.exit_code for error in mail_errors)])


@contextmanager
def _workers(engine: Engine, count: int | None, scheduler: str | None) -> Iterator[Workers]:
    """Provide the requested workers.

    Raises:
        ConfigError: other machines cannot reach the database.
    """
    from recon.jobs import backfill, executors

    if scheduler is not None:
        from recon.jobs import cluster
        from recon.store.dialects import is_postgres

        if not is_postgres(engine):
            raise ConfigError(
                "--scheduler needs a PostgreSQL database, which every worker can reach",
                hint="Set database.url to a PostgreSQL database, or use --workers instead.",
            )
        with cluster.workers(scheduler) as workers:
            yield workers
    elif count is not None:
        with executors.processes(count) as pool:
            yield backfill.Workers(pool, count)
    else:
        yield backfill.HERE


def _check_range_options(
    first: date | None,
    *,
    again: bool,
    workers: int | None,
    scheduler: str | None,
    shard: tuple[int, int] | None,
    dry_run: bool,
) -> None:
    """Check that no option is given that would have no effect.

    Raises:
        UsageError: there is one.
    """
    if again and first is None:
        raise UsageError("--again needs --from and --to; without a range, days are always judged.")
    if shard is not None and first is None:
        raise UsageError("--shard needs --from and --to; a nightly run cannot be split.")
    if workers is not None and scheduler is not None:
        raise UsageError("Give --workers or --scheduler, not both.")
    option = "--workers" if scheduler is None else "--scheduler"
    if workers is None and scheduler is None:
        return
    if first is None:
        raise UsageError(f"{option} needs --from and --to; a nightly run uses one process.")
    if dry_run:
        raise UsageError(f"--dry-run works in one process; leave out {option}.")


def _progress(
    advance: Callable[[int], None], total: int, *, logged: bool
) -> Callable[[ReportedRun], None]:
    """Return a function that shows that a day is done: it moves the bar, or logs a line.

    Args:
        advance: moves the bar by a number of days.
        total: how many days there are.
        logged: whether each has a line.
    """
    done = count(1)

    def show_day(one: ReportedRun) -> None:
        advance(1)
        if logged:
            verdict = one.run.verdict
            log.info(
                "account %s: %s: %s (%d of %d)",
                verdict.account,
                verdict.window.label,
                "unchanged" if one.unchanged else verdict.kind.value,
                next(done),
                total,
            )

    return show_day


@contextmanager
def _notifying_if_broken_off(notifier: Notifier) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        for mail_error in notifier.run_broke_off(error):
            common.show_error(mail_error)
        raise


def show(outcomes: Sequence[AccountRun], config: Path | None) -> None:
    """Print the outcome of each account: findings to standard output, errors to standard error."""
    days = [day for outcome in outcomes for day in outcome.days]
    common.show_runs([(day.run, day.written) for day in days], config)
    if unchanged := sum(day.unchanged for day in days):
        of = f"{unchanged:,} of {len(days):,} days"
        click.echo(f"{of} had not changed since they were judged; --again judges them again.")
    for outcome in outcomes:
        news = [day for day in outcome.judged_again if day.new_findings]
        if outcome.judged_again:
            labels = ", ".join(day.run.verdict.window.label for day in outcome.judged_again)
            click.echo(f"{outcome.account}: checked again: {labels}")
        for day in news:
            label, count = day.run.verdict.window.label, day.new_findings
            said = "1 new finding" if count == 1 else f"{count:,} new findings"
            click.echo(f"{outcome.account}: {said} of {label}: {day.written.html}")
        _show_what_is_wrong(outcome.account, [day.run for day in (*outcome.days, *news)])
        if outcome.error is not None:
            common.show_error(outcome.error, account=outcome.account)


def _show_what_is_wrong(account: str, runs: Sequence[Run]) -> None:
    """Print a line on standard error for each day that needs attention, so that cron mails it."""
    from recon.report.headline import headline
    from recon.report.labels import coverage_sentence
    from recon.report.terminal_text import plain

    wrong = [
        run for run in runs if run.exit_code_if_asked or run.verdict.kind is VerdictKind.SUSPECT
    ]
    if len(wrong) > _MOST_NAMED:
        click.echo(f"attention: {account}: {len(wrong):,} of {len(runs):,} days", err=True)
        return
    for run in wrong:
        said = f"{account} {run.verdict.window.label}: {headline(run)}"
        if run.verdict.kind is VerdictKind.DISCREPANCIES and run.verdict.gaps:
            # This may be the only remaining problem.
            said += f" {coverage_sentence(run.verdict.gaps)}"
        click.echo(f"attention: {plain(said)}", err=True)
