"""`recon status`: the state of each account."""

from __future__ import annotations

from collections.abc import Sequence

import click

from recon.cli import common, common_options


@click.command("status")
@common_options.account_option
@common_options.format_option("table", "json")
@common.pass_session
def command(session: common.Session, accounts: Sequence[str], form: str) -> int:
    """Show the state of each account: runs, coverage, polls.

    Shows the last run and its verdict, the coverage of today and yesterday, the last poll and the
    next one, a pause, refused answers and open findings.

    Makes no request, and reads recon's own database only. The time of the next poll is
    computed from the polls so far; `recon collect` also counts your records, and may poll sooner.
    """
    from recon.jobs.status import status
    from recon.report import status_page

    settings = session.settings()
    names = common.chosen_accounts(settings, accounts)
    found = list(status(settings, session.engine(settings), names, session.runtime))
    if form == "json":
        common.show_data(status_page.content(found))
    else:
        page = status_page.page(found, width=common.width(), colour=common.wants_colour())
        click.echo(page, nl=False, color=True)
    return 0
