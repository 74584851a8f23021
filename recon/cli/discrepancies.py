"""`recon discrepancies`: the findings of all runs, in any state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

import click

from recon.cli import common
from recon.model import Kind, Severity, State


@click.command("discrepancies")
@click.option(
    "--status",
    type=click.Choice([*map(str, State), "all"]),
    default=State.OPEN.value,
    show_default=True,
    help="Only findings in this state.",
)
@click.option(
    "--kind",
    "kinds",
    type=click.Choice(list(map(str, Kind))),
    multiple=True,
    metavar="KIND",
    help="Only findings of this kind; repeatable.",
)
@click.option(
    "--severity", type=click.Choice(list(map(str, Severity))), help="Only errors, or only warnings."
)
@common.day_options
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
    status: str,
    kinds: Sequence[str],
    severity: str | None,
    day: date | None,
    first: date | None,
    last: date | None,
    accounts: Sequence[str],
    form: Literal["table", "csv", "json"],
) -> int:
    """List the findings of all runs, the newest day first.

    The table masks phone numbers. CSV and JSON hold them in full, in the columns of a run's CSV
    file, then ack_reason.
    """
    from recon.report import findings_table
    from recon.store import finding_list

    days = common.day_range(day, first, last)
    settings = session.settings()
    found = finding_list.listing(
        session.engine(settings),
        accounts=common.chosen_accounts(settings, accounts) if accounts else None,
        states=tuple(map(str, State)) if status == "all" else (status,),
        kinds=kinds or tuple(map(str, Kind)),
        severity=severity,
        days=days,
    )
    if form != "table":
        found = found.reindex(columns=list(findings_table.STORED_COLUMNS))
        common.show_data(findings_table.findings_table(found, form))
        return 0
    table = findings_table.findings_table(
        found, form, width=common.width(), colour=common.wants_colour()
    )
    click.echo(table, nl=False, color=True)
    return 0
