"""`recon run`: the nightly job."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recon.cli import common
from recon.errors import worst

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from recon.jobs.night import AccountRun


@click.command("run")
@common.day_options
@common.account_option
@click.option("--offline", is_flag=True, help="Use what is stored; make no request.")
@common.output_option
@click.option("--no-email", is_flag=True, help="Mail nothing.")
@common.exit_code_option
@common.trust_option
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
) -> int:
    """Pull the latest messages and reconcile a day.

    Without dates: yesterday, and the days since the last finished run, at most 7 together. The 7
    days before are judged again where anything has changed.

    Stores what Octopods lists, compares it with your own records, saves the findings and writes
    CSV, JSON and HTML reports. --from and --to check a range of days again.
    """
    from recon.jobs import night

    chosen = common.day_range(day, first, last)
    settings = session.settings()
    names = common.chosen_accounts(settings, accounts)
    now = session.runtime.clock()
    if chosen is not None:
        chosen = common.not_in_the_future(chosen, now, settings.timezone)
    if settings.email is not None and settings.email.when != "never" and not no_email:
        log.warning("[email] is configured, but this version of recon does not mail reports yet")
    options = night.RunOptions(
        days=chosen,
        accounts=names,
        offline=offline,
        directory=output or settings.report.directory,
        trust_input=trust_input,
    )
    total = (1 if chosen is None else (chosen[1] - chosen[0]).days + 1) * len(names)
    with click.progressbar(
        length=total, label="Days", file=sys.stderr, hidden=total == 1 or not sys.stderr.isatty()
    ) as bar:
        engine = session.engine(settings)
        runtime = session.runtime
        outcomes = list(night.run(settings, engine, options, runtime, lambda *_: bar.update(1)))
    show(outcomes)
    return worst(o.exit_code_if_asked if exit_code else o.exit_code for o in outcomes)


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
        if outcome.error is not None:
            common.show_error(outcome.error, account=outcome.account)
