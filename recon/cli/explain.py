"""`recon explain`: everything known about one finding, message or record."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from datetime import date
from typing import Final

import click

from recon.cli import common, common_options, pasted_ids
from recon.errors import InputError, UsageError

_LISTS: Final = "`recon discrepancies --status all` lists the findings with their ids."
_NUMBER: Final = re.compile(r"\+[0-9 ()-]{6,20}")
_NO_NUMBERS: Final = (
    "Rows cannot be searched by phone number; `recon discrepancies --status all --format csv` "
    "shows the numbers of findings."
)
#: So much of an id is repeated in an error.
_SHOWN: Final = 60


@click.command("explain")
@click.argument("words", metavar="ID", nargs=-1, required=True)
@click.option(
    "--date",
    "day",
    type=common_options.DateParam(),
    help="Also search the records of this day, if they come from a query.",
)
@common_options.account_option
@click.option("--show-numbers", is_flag=True, help="Show phone numbers in full.")
@common_options.format_option("text", "json")
@common.pass_session
def command(
    session: common.Session,
    words: Sequence[str],
    day: date | None,
    accounts: Sequence[str],
    *,
    show_numbers: bool,
    form: str,
) -> int:
    """Explain a finding, a message or a record, by its id.

    ID is a discrepancy_id, a message id or the id of a record. It can be pasted as reports write
    it: message 3851066. Shows both rows, the statuses seen, the coverage around them, what they
    could have been paired with, the rule that decides, what would change it, and the history of the
    finding. The row is judged as a run would judge it now; no request is made and nothing is
    stored.
    """
    from recon.jobs.explain import explain
    from recon.report import explanation_json, explanation_page

    spellings = pasted_ids.spellings(words)
    if not spellings:
        raise UsageError("The ID is empty.", hint=_LISTS)
    settings = session.settings()
    names = common.chosen_accounts(settings, accounts)
    engine = session.engine(settings)
    # As it was given it may be a record's own id.
    for wanted in spellings:
        explained = explain(settings, engine, names, wanted, session.runtime, day=day)
        if explained.rows:
            break
    found = explained.rows
    owners = list(dict.fromkeys(one.account for one in found))
    if len(owners) > 1:
        raise UsageError(
            f"{_cut(wanted)} is an id of several accounts: {', '.join(owners)}.",
            hint=f"`recon explain --account {owners[0]} {shlex.quote(wanted)}` shows the first.",
        )
    if not found and explained.errors:
        return common.end_with(explained.errors, several=len(names) > 1)
    if not found:
        raise InputError(
            f"{_cut(spellings[0])} is not a discrepancy_id, message id or record id of "
            f"{', '.join(names)}",
            hint=f"{_LISTS} recon knows a message only after a poll has shown it."
            + (f" {_NO_NUMBERS}" if _NUMBER.fullmatch(wanted) else ""),
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
    return common.end_with(explained.errors, several=len(names) > 1)


def _cut(wanted: str) -> str:
    return wanted if len(wanted) <= _SHOWN else f"{wanted[:_SHOWN]}…"
