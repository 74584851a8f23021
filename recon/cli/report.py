"""`recon report`: a stored run, rendered again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click

from recon.cli import common
from recon.errors import InputError


@click.command("report")
@click.option(
    "--date", "day", type=common.DateParam(), help="The day; else the newest that was run."
)
@common.account_option
@common.output_option
@common.pass_session
def command(
    session: common.Session, day: date | None, accounts: Sequence[str], output: Path | None
) -> int:
    """Render a stored run again: CSV, JSON and HTML.

    Reads recon's own database only: neither your records nor Octopods are asked.
    """
    from recon.report import report_files
    from recon.store import runs

    settings = session.settings()
    names = common.chosen_accounts(settings, accounts)
    engine = session.engine(settings)
    found = [(name, runs.last(engine, name, day)) for name in names]
    lost = [name for name, run in found if run is None]
    if lost:
        of_day = "" if day is None else f" of {day}"
        raise InputError(
            f"no run{of_day} is stored for {', '.join(lost)}",
            hint="Run `recon run` first, or name another --date or --account.",
        )
    directory = output or settings.report.directory
    mask = settings.report.mask_phone_numbers
    common.show_runs(
        [(run, report_files.write(run, directory, mask=mask)) for _, run in found if run]
    )
    return 0
