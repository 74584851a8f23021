"""`recon discrepancies`: the findings of all runs, in any state."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from typing import Final, Literal

import click

from recon.cli import common, common_options
from recon.model import Kind, Severity, State

#: How many findings a terminal shows unless told otherwise.
_ON_A_TERMINAL: Final = 100
_NARROW: Final = "Narrow the list with --kind, --severity, --date or --account, or give --limit."


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
@common_options.day_options
@common_options.account_option
@common_options.format_option("table", "csv", "json")
@click.option(
    "--limit",
    type=click.IntRange(1),
    metavar="N",
    help="Only the first N. A table on a terminal shows 100 by default.",
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
    limit: int | None,
) -> int:
    """List the findings of all runs, the newest day first.

    The table masks phone numbers. CSV and JSON hold them in full, in the columns of a run's CSV
    file, then ack_reason.
    """
    from recon.report import findings_table
    from recon.report.csv_columns import STORED_COLUMNS
    from recon.store import finding_list

    days = common_options.day_range(day, first, last)
    settings = session.settings()
    wanted: finding_list.Filters = {
        "accounts": common.chosen_accounts(settings, accounts) if accounts else None,
        "states": tuple(map(str, State)) if status == "all" else (status,),
        "severity": severity,
        "days": days,
    }
    if kinds:
        wanted["kinds"] = kinds
    if limit is None and form == "table" and sys.stdout.isatty():
        limit = _ON_A_TERMINAL
    engine = session.engine(settings)
    if form == "csv":
        from recon.report import csv_report

        frame = finding_list.listing(engine, limit=limit, **wanted)
        common.show_data(csv_report.text(frame[[*STORED_COLUMNS]]))
        return 0
    found = finding_list.rows(engine, limit=limit, **wanted)
    if form == "json":
        objects = [{name: one[name] for name in STORED_COLUMNS} for one in found]
        common.show_data(findings_table.as_json(objects))
        return 0
    table = findings_table.findings_table(found, width=common.width(), colour=common.wants_colour())
    click.echo(table, nl=False, color=True)
    if len(found) == limit and (more := finding_list.count(engine, **wanted) - limit):
        click.echo(f"… {more:,} more. {_NARROW}")
    return 0
