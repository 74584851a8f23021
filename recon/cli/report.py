"""`recon report`: a stored run, rendered again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click

from recon.cli import common, common_options
from recon.errors import ConfigError, InputError, UsageError, worst


@click.command("report")
@click.option(
    "--date",
    "day",
    type=common_options.DateParam(),
    help="The day. Default: the newest day with a run.",
)
@common_options.account_option
@common_options.output_option
@click.option("--email", is_flag=True, help="Send all waiting mail, and write no report.")
@common.pass_session
def command(
    session: common.Session,
    day: date | None,
    accounts: Sequence[str],
    output: Path | None,
    *,
    email: bool,
) -> int:
    """Render a stored run again: CSV, JSON and HTML.

    Reads recon's own database only, neither your records nor Octopods. --email sends
    the mail that could not be sent before; nothing is sent twice.
    """
    if email:
        if day is not None or accounts or output is not None:
            raise UsageError("--email sends all mail that waits; it takes no other option.")
        return _send_waiting(session)
    from recon.jobs import stored_reports
    from recon.jobs.account_errors import AccountErrors
    from recon.store import runs

    settings = session.settings()
    names = common.chosen_accounts(settings, accounts)
    engine = session.engine(settings)
    directory = output or settings.report.directory
    written, lost = [], []
    errors = AccountErrors()
    for name in names:
        with errors.kept(name):
            run = runs.last(engine, name, day)
            if run is None:
                lost.append(name)
                continue
            written.append((run, stored_reports.write(settings, engine, run, directory)))
            stored_reports.write_index(engine, name, directory)
    common.show_runs(written, session.config)
    code = common.end_with(errors.met, several=len(names) > 1)
    if not lost:
        return code
    of_day = "" if day is None else f" of {day}"
    absent = InputError(
        f"no run{of_day} is stored for {', '.join(lost)}",
        hint="Run `recon run` first, or name another --date or --account.",
    )
    common.show_error(absent)
    return worst([code, absent.exit_code])


def _send_waiting(session: common.Session) -> int:
    from recon.jobs import mailing
    from recon.store import outbox

    settings = session.settings()
    if settings.email is None:
        raise ConfigError(
            "the configuration has no section [email]",
            hint="Add it with `host`, `sender` and `recipients`.",
        )
    engine = session.engine(settings)
    before = outbox.state(engine).waiting
    errors = mailing.send_waiting(settings, engine, session.runtime)
    left = outbox.state(engine).waiting
    click.echo(f"{before - left:,} sent, {left:,} waiting")
    for error in errors:
        common.show_error(error)
    return worst(error.exit_code for error in errors)
