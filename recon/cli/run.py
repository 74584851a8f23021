"""`recon run`: the nightly job."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recon.cli import common
from recon.errors import worst
from recon.model import Run, VerdictKind

if TYPE_CHECKING:
    from recon.jobs.night import AccountRun
    from recon.jobs.notifying import Notifier


@click.command("run")
@common.day_options
@common.account_option
@click.option("--offline", is_flag=True, help="Use what is stored; make no request.")
@common.output_option
@click.option("--no-email", is_flag=True, help="Mail nothing.")
@common.exit_code_option
@common.trust_option
@click.option("--dry-run", is_flag=True, help="Write reports; store nothing and tell nobody.")
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
) -> int:
    """Pull the latest messages and reconcile a day.

    Without dates: yesterday, and the days since the last finished run, at most 7 together. The 7
    days before are judged again where anything has changed.

    Stores what Octopods lists, compares it with your own records, saves the findings and writes
    CSV, JSON and HTML reports. --from and --to check a range of days again.

    --dry-run makes the same requests and the same reports; only a pause that Octopods asks for is
    stored.
    """
    from recon.jobs import night, notifying

    chosen = common.day_range(day, first, last)
    settings = session.settings()
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
    options = night.RunOptions(
        days=chosen,
        accounts=names,
        offline=offline,
        directory=output or settings.report.directory,
        trust_input=trust_input,
        dry_run=dry_run,
        announcement=None if notifier is None else notifier.announcement(),
    )
    total = (1 if chosen is None else (chosen[1] - chosen[0]).days + 1) * len(names)
    if notifier is not None:
        notifier.run_starts()
    with (
        nullcontext() if notifier is None else _notifying_if_broken_off(notifier),
        click.progressbar(
            length=total,
            label="Days",
            file=sys.stderr,
            hidden=total == 1 or not sys.stderr.isatty(),
        ) as bar,
    ):
        live = None
        if dry_run:
            live, engine = session.rehearsal(settings)
        else:
            engine = session.engine(settings)
        runtime = session.runtime
        outcomes = list(
            night.run(settings, engine, options, runtime, lambda *_: bar.update(1), live=live)
        )
    show(outcomes)
    mail_errors = [] if notifier is None else notifier.run_ended(engine, outcomes)
    for error in mail_errors:
        common.show_error(error)
    codes = [o.exit_code_if_asked if exit_code else o.exit_code for o in outcomes]
    return worst([*codes, *(error.exit_code for error in mail_errors)])


@contextmanager
def _notifying_if_broken_off(notifier: Notifier) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        for mail_error in notifier.run_broke_off(error):
            common.show_error(mail_error)
        raise


def show(outcomes: Sequence[AccountRun]) -> None:
    """Print the outcome of each account: findings to standard output, errors to standard error."""
    common.show_runs([(day.run, day.written) for outcome in outcomes for day in outcome.days])
    for outcome in outcomes:
        news = [day for day in outcome.judged_again if day.new_findings]
        if outcome.judged_again:
            days = ", ".join(day.run.verdict.window.label for day in outcome.judged_again)
            click.echo(f"{outcome.account}: checked again: {days}")
        for day in news:
            label, count = day.run.verdict.window.label, day.new_findings
            said = "1 new finding" if count == 1 else f"{count:,} new findings"
            click.echo(f"{outcome.account}: {said} of {label}: {day.written.html}")
        _show_what_is_wrong([day.run for day in (*outcome.days, *news)])
        if outcome.error is not None:
            common.show_error(outcome.error, account=outcome.account)


def _show_what_is_wrong(runs: Sequence[Run]) -> None:
    """Print a line on standard error for each day that asks for a person: cron mails it."""
    from recon.report.headline import headline
    from recon.report.terminal_text import plain

    for run in runs:
        verdict = run.verdict
        if run.exit_code_if_asked or verdict.kind is VerdictKind.SUSPECT:
            said = f"{verdict.account} {verdict.window.label}: {headline(run)}"
            click.echo(f"attention: {plain(said)}", err=True)
