"""`recon stats`: how much was sent, with which results."""

from __future__ import annotations

from collections.abc import Sequence

import click

from recon.cli import common, common_options

#: The most days: longer than messages can be kept.
_MOST_DAYS = 36_500


@click.command("stats")
@click.option(
    "--days",
    type=click.IntRange(1, _MOST_DAYS),
    default=30,
    show_default=True,
    metavar="N",
    help="Number of days, today included.",
)
@click.option(
    "--by",
    type=click.Choice(["day", "hour", "country", "reason"]),
    default="day",
    show_default=True,
    help="Group the messages by this.",
)
@common_options.account_option
@common_options.format_option("table", "csv", "json")
@common.pass_session
def command(session: common.Session, days: int, by: str, accounts: Sequence[str], form: str) -> int:
    """Show volume, failures and coverage of the last days.

    Counts the stored messages of Octopods by the days of the configured time zone, with the failure
    rate, coverage, findings, incidents and requests of each day. The failure rate is the share of
    failed messages among those with a final status. Time that no poll covers is shown as such and
    is never counted as time without sends.

    Makes no request and reads recon's own database only. CSV and JSON have a row for each account
    and day, or with --by for each hour, country or failure reason of that day. With --by the
    table adds up all days.
    """
    from recon.jobs import figures
    from recon.report import stats_rows, stats_table

    settings = session.settings()
    chosen = (
        settings.timezone,
        session.engine(settings),
        common.chosen_accounts(settings, accounts),
        session.runtime.clock(),
        days,
    )
    rates = None if settings.cost is None else settings.cost.as_rates
    currency = None if rates is None else rates.currency
    rows: list[stats_rows.Row]
    match by:
        case "hour":
            rows = [*figures.by_hour(*chosen)]
        case "country":
            rows = [*figures.by_country(*chosen)]
        case "reason":
            rows = [*figures.by_reason(*chosen, settings.retries.as_rules)]
        case _:
            rows = [*figures.by_day(*chosen, rates)]
    if form == "table":
        page = stats_table.page(
            rows,
            by,
            currency=currency,
            width=common.width(),
            colour=common.wants_colour(),
        )
        click.echo(page, nl=False, color=True)
    else:
        common.show_data(
            stats_rows.as_json(rows, currency)
            if form == "json"
            else stats_rows.as_csv(rows, by, currency)
        )
    return 0
