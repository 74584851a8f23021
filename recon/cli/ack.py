"""`recon ack`: findings that somebody has checked and accepts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import click

from recon.cli import common, common_options, pasted_ids
from recon.errors import UsageError

log = logging.getLogger(__name__)


@click.command("ack")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--reason", metavar="TEXT", help="The reason; stored with the findings and shown.")
@click.option(
    "--from-csv",
    "file",
    type=common_options.PathParam(),
    metavar="FILE",
    help="Read the columns discrepancy_id and reason of a CSV file.",
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

    Later runs keep them acknowledged. If an id is unknown, or its finding is resolved, the
    command ends with 65 and changes nothing.
    """
    from recon.jobs import acknowledging
    from recon.store import finding_list

    reasons = _reasons(ids, (reason or "").strip(), file)
    settings = session.settings()
    engine = session.engine(settings)
    acknowledging.refuse_others(engine, list(reasons), undo=undo)
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
    from recon.jobs import acknowledging

    given, ids = ids, list(pasted_ids.several(ids))
    if not ids and (given or file is None):
        raise UsageError(
            "Give the discrepancy_id of each finding, or --from-csv FILE.",
            hint="`recon discrepancies` lists the findings with their ids.",
        )
    if ids and not reason:
        raise UsageError("Give --reason TEXT: it is kept with the findings.")
    reasons = dict.fromkeys(ids, reason)
    if file is not None:
        reasons |= acknowledging.reasons_of_file(file, reason)
    return reasons
