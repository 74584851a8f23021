"""`recon explain`: everything known of one finding, message or record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import click

from recon.cli import common
from recon.errors import InputError, UsageError


@click.command("explain")
@click.argument("wanted", metavar="ID")
@click.option(
    "--date",
    "day",
    type=common.DateParam(),
    help="Also look in the records of this day, if they come from a query.",
)
@common.account_option
@click.option("--show-numbers", is_flag=True, help="Show phone numbers whole.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For a person or a program.",
)
@common.pass_session
def command(
    session: common.Session,
    wanted: str,
    day: date | None,
    accounts: Sequence[str],
    *,
    show_numbers: bool,
    form: str,
) -> int:
    """Explain a finding, a message or a record, by its id.

    ID is a discrepancy_id, a message id or the id of a record. Shows both rows, the statuses seen,
    the coverage around them, what they could have been paired with, the rule that decides, what
    would change it, and the history of the finding. The row is judged as a run would judge it now;
    no request is made and nothing is stored.
    """
    from recon.jobs.explain import explain
    from recon.report import explanation_json, explanation_page

    settings = session.settings()
    names = common.chosen_accounts(settings, accounts)
    engine = session.engine(settings)
    explained = explain(settings, engine, names, wanted.strip(), session.runtime, day=day)
    found = explained.rows
    owners = list(dict.fromkeys(one.account for one in found))
    if len(owners) > 1:
        raise UsageError(
            f"{wanted} is an id of several accounts: {', '.join(owners)}. Name one with --account."
        )
    if not found:
        raise InputError(
            f"{wanted} is no discrepancy_id, message id or record id of {', '.join(names)}",
            hint="`recon discrepancies --status all` lists the findings with their ids. A message "
            "is only known once a poll has shown it.",
        )
    if form == "json":
        common.show_data(explanation_json.content(wanted, found, show_numbers=show_numbers))
    else:
        page = explanation_page.page(
            wanted,
            found,
            width=common.width(),
            colour=common.wants_colour(),
            show_numbers=show_numbers,
        )
        click.echo(page, nl=False, color=True)
    if explained.error is not None:
        raise explained.error
    return 0
