"""`recon retries`: which failed sends may be sent again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

import click

from recon.cli import common, common_options


@click.command("retries")
@common_options.day_options
@common_options.account_option
@common_options.format_option("table", "csv", "json")
@click.option("--again", is_flag=True, help="Propose again what was proposed before.")
@click.option("--show-numbers", is_flag=True, help="Show phone numbers in full in the table.")
@common.pass_session
def command(
    session: common.Session,
    day: date | None,
    first: date | None,
    last: date | None,
    accounts: Sequence[str],
    form: Literal["table", "csv", "json"],
    *,
    again: bool,
    show_numbers: bool,
) -> int:
    """List failed sends, and say whether each may be sent again.

    The decision is retry (from not_before on), do_not_retry or review, with the reason. Without
    dates: yesterday. Sends nothing and makes no request.

    CSV and JSON are exports: recon stores each proposal before it writes it, and does not propose
    the send again without --again. The table exports nothing. It masks phone numbers; CSV and JSON
    hold them in full.
    """
    from recon.core import calendar
    from recon.jobs import retries
    from recon.jobs.account_errors import AccountErrors
    from recon.report import retries_table

    settings = session.settings()
    names = common.chosen_accounts(settings, accounts)
    now, zone = session.runtime.clock(), settings.timezone
    yesterday = calendar.yesterday(now, zone)
    days = common_options.day_range(day, first, last) or (yesterday, yesterday)
    days = common.not_in_the_future(days, now, zone)
    engine = session.engine(settings)
    errors = AccountErrors()
    found = retries.retries(settings, engine, names, days, session.runtime, errors, again=again)
    if form != "table":
        found = retries.export(settings, engine, found, session.runtime, errors)
    if found and form == "table":
        page = retries_table.table(
            [(one.account, one.decided, one.advice, one.uncovered) for one in found],
            absent=[account for account, _ in errors.met],
            width=common.width(),
            show_numbers=show_numbers,
        )
        click.echo(page, nl=False)
    elif found and form != "table":
        common.show_data(retries_table.data([(one.account, one.decided) for one in found], form))
    return common.end_with(errors.met, several=len(names) > 1)
