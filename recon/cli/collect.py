"""`recon collect`: make a poll if one is due."""

from __future__ import annotations

from collections.abc import Sequence

import click

from recon.cli import common, common_options
from recon.errors import worst


@click.command("collect")
@common_options.account_option
@click.option("--force", is_flag=True, help="Poll even if no poll is due.")
@click.option("--follow", is_flag=True, help="Keep running, and poll when due, until stopped.")
@click.option(
    "--new-coverage",
    is_flag=True,
    help="Start coverage again from this poll, and treat its key as the one in use.",
)
@common.pass_session
def command(
    session: common.Session,
    accounts: Sequence[str],
    *,
    force: bool,
    follow: bool,
    new_coverage: bool,
) -> int:
    """Poll Octopods if a poll is due, and store the answer. Run it every minute from cron.

    Octopods lists only the newest 100 messages. Polls that share messages prove that none was
    missed between them. The command makes only as many polls as this proof needs.
    """
    if follow and not new_coverage:
        return _follow(session, accounts, force=force)
    from recon.jobs.collector import collect

    settings = session.settings()
    names = common.chosen_accounts(settings, accounts)
    engine = session.engine(settings, create=True)
    codes = []
    for outcome in collect(
        settings, engine, names, session.runtime, force=force, new_coverage=new_coverage
    ):
        if outcome.error is not None:
            common.show_error(outcome.error, account=outcome.account)
        codes.append(outcome.exit_code)
    if follow and not any(codes):
        return _follow(session, accounts, force=False)
    return worst(codes)


def _follow(session: common.Session, accounts: Sequence[str], *, force: bool) -> int:
    from recon.jobs.follow import follow
    from recon.jobs.shutdown import Stop, on_signals

    stop = Stop()
    with on_signals(stop):
        settings = session.settings()
        names = common.chosen_accounts(settings, accounts)
        outcomes = follow(
            settings,
            lambda: session.engine(settings, create=True),
            names,
            session.runtime,
            stop,
            force=force,
        )
    return 0 if stop else worst(outcome.exit_code for outcome in outcomes)
