"""`recon ack`: findings that somebody has checked and accepts."""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from recon.cli import common
from recon.errors import InputError, UsageError

log = logging.getLogger(__name__)

#: How many of the ids that cannot be acknowledged are named; the rest is counted.
_NAMED: Final = 10


@click.command("ack")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--reason", metavar="TEXT", help="Why; kept with the findings and shown.")
@click.option(
    "--from-csv",
    "file",
    type=common.PathParam(),
    metavar="FILE",
    help="Take the columns discrepancy_id and reason of a CSV file.",
)
@click.option("--undo", is_flag=True, help="Reopen acknowledged findings instead.")
@common.pass_session
def command(
    session: common.Session,
    ids: Sequence[str],
    reason: str | None,
    file: Path | None,
    *,
    undo: bool,
) -> int:
    """Acknowledge findings by their discrepancy_id.

    Later runs keep them acknowledged. An id that is unknown, or of a finding that is resolved, ends
    the command with 65, and nothing is changed.
    """
    from recon.store import finding_list

    reasons = _reasons(ids, (reason or "").strip(), file)
    settings = session.settings()
    engine = session.engine(settings)
    wanted = finding_list.ACKNOWLEDGED if undo else None
    _refuse_others(finding_list.statuses(engine, list(reasons)), list(reasons), wanted)
    now = session.runtime.clock()
    settle = finding_list.reopen if undo else finding_list.acknowledge
    settle(engine, reasons, now)
    done = "reopened" if undo else "acknowledged"
    for one, text in reasons.items():
        log.info("finding %s %s: %s", one, done, text)
    click.echo(f"{len(reasons)} finding{'' if len(reasons) == 1 else 's'} {done}")
    return 0


def _reasons(ids: Sequence[str], reason: str, file: Path | None) -> dict[str, str]:
    """Return the reason for each id, from the command line and the file.

    Raises:
        UsageError: no id, or no reason for the ids.
        InputError: the file cannot be read, or a row of it lacks an id or a reason.
    """
    if not ids and file is None:
        raise UsageError("Give the discrepancy_id of each finding, or --from-csv FILE.")
    if ids and not reason:
        raise UsageError("Give --reason TEXT: it is kept with the findings.")
    reasons = dict.fromkeys(ids, reason)
    if file is not None:
        reasons |= _of_file(file, reason)
    return reasons


def _of_file(file: Path, reason: str) -> dict[str, str]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            rows = list(csv.DictReader(opened))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file} cannot be read as CSV in UTF-8") from error
    reasons = {}
    for number, row in enumerate(rows, 2):
        one = (row.get("discrepancy_id") or "").strip()
        text = (row.get("reason") or "").strip() or reason
        if not one or not text:
            raise InputError(
                f"{file}, row {number}: no {'reason' if one else 'discrepancy_id'}",
                hint="The file needs the columns discrepancy_id and reason; --reason TEXT holds "
                "for rows without one.",
            )
        reasons[one] = text
    return reasons


def _refuse_others(known: Mapping[str, str], ids: Sequence[str], wanted: str | None) -> None:
    """Refuse ids that are unknown or stand otherwise than the command needs."""
    from recon.store.finding_list import RESOLVED

    wrong = [
        f"{one}: {known.get(one, 'unknown')}"
        for one in ids
        if one not in known or known[one] == RESOLVED or wanted not in {None, known[one]}
    ]
    if wrong:
        named, more = ", ".join(wrong[:_NAMED]), len(wrong) - _NAMED
        raise InputError(
            f"nothing was changed: {named}" + (f" and {more} more" if more > 0 else ""),
            hint="`recon discrepancies --format csv` lists the findings with their ids.",
        )
