"""`recon discrepancies`: the findings of all runs, in any state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

import click

from recon.cli import common


@click.command("discrepancies")
@click.option(
    "--status",
    type=click.Choice(["open", "acknowledged", "resolved"]),
    help="Only findings in this state.",
)
@click.option("--date", "day", type=common.Day(), help="Only findings of this day.")
@common.account_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="For a person, a spreadsheet or a program.",
)
@common.pass_session
def command(
    session: common.Session,
    status: str | None,
    day: date | None,
    accounts: Sequence[str],
    form: Literal["table", "csv", "json"],
) -> int:
    """List the findings of all runs, the newest day first.

    The table masks phone numbers; CSV and JSON hold them in full.
    """
    from recon.report import findings_table
    from recon.store import finding_list

    settings = session.settings()
    names = common.chosen_accounts(settings, accounts)
    found = finding_list.listing(session.engine(settings), status=status, date=day)
    if accounts:
        found = found.loc[found["account"].isin(names)].reset_index(drop=True)
    click.echo(findings_table.findings_table(found, form), nl=False)
    return 0
