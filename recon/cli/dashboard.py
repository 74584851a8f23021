"""`recon dashboard`: sends, failures and findings of the last days as one page."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from recon.cli import common, common_options


@click.command("dashboard")
@click.option(
    "--days",
    type=click.IntRange(1, 3660),
    default=30,
    show_default=True,
    metavar="N",
    help="Number of days, today included.",
)
@common_options.account_option
@click.option(
    "--output",
    type=common_options.PathParam(),
    metavar="FILE",
    help="Write the page to this file, instead of dashboard.html in the directory of the "
    "reports; - for standard output.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the page's data as JSON instead of the page."
)
@common.pass_session
def command(
    session: common.Session,
    days: int,
    accounts: Sequence[str],
    output: Path | None,
    *,
    as_json: bool,
) -> int:
    """Show the last days of all accounts as one HTML page.

    The page has charts of messages, failures, findings, coverage and requests, each with a
    table, and needs no network. If scripts are allowed, it can be filtered by account and time.
    It has no phone numbers, and only its owner can read the file.

    Reads recon's own database only, neither your records nor Octopods.
    """
    from recon.jobs import figures
    from recon.report import dashboard, dashboard_json, report_files

    settings = session.settings()
    names = common.chosen_accounts(settings, accounts)
    engine, now = session.engine(settings), session.runtime.clock()
    rates = None if settings.cost is None else settings.cost.as_rates
    counted = figures.by_day(settings.timezone, engine, names, now, days, rates)
    shown = dashboard.Dashboard(
        counted,
        first=counted[0].date,
        last=counted[-1].date,
        zone=settings.timezone,
        made_at=now,
        accounts=names,
        currency=None if rates is None else rates.currency,
        mask=settings.report.mask_phone_numbers,
        rules=settings.retries.as_rules,
    )
    content = (dashboard_json if as_json else dashboard).content(shown)
    if output == Path("-") or (as_json and output is None):
        _print(content)
    else:
        target = output or settings.report.directory / "dashboard.html"
        report_files.write_page(content.encode(), target)
        click.echo(target)
    return 0


def _print(content: str) -> None:
    """Print a page or its data: as they are, for any encoding of standard output."""
    if sys.stdout.isatty():
        common.show_data(content)
    else:
        click.echo(content.encode(), nl=False)
