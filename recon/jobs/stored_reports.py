"""Reports of stored runs, with data of the days before from the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from recon.model import Run, RunFigures
from recon.report import report_files, trends
from recon.store import runs

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings

#: Days that an account's index lists.
_DAYS_OF_THE_INDEX: Final = 400


def write(
    settings: Settings, engine: Engine, run: Run, directory: Path
) -> report_files.WrittenFiles:
    """Write the files of a stored run.

    Raises:
        OutputError: a file cannot be written.
    """
    account, day = run.verdict.account, date.fromisoformat(run.verdict.window.label)
    history = runs.figures(engine, account, day, trends.DAYS)
    return prepared(settings, run, directory, history)()


def prepared(
    settings: Settings, run: Run, directory: Path, history: Sequence[RunFigures]
) -> Callable[[], report_files.WrittenFiles]:
    """Return a function that writes the files of a stored run, in this or another process.

    The function raises `OutputError` if a file cannot be written.

    Args:
        settings: the configuration.
        run: the stored run.
        directory: the directory of all reports.
        history: the counts of the days up to this one, for the trends of the page, the newest day
            first.
    """
    mask = settings.report.mask_phone_numbers
    run = replace(run, retry_rules=settings.retries.as_rules)
    return partial(report_files.write, run, directory, mask=mask, history=history)


def write_index(engine: Engine, account: str, directory: Path) -> None:
    """Write the list of an account's days beside their reports.

    Raises:
        OutputError: it cannot be written.
    """
    days = runs.figures(engine, account, None, _DAYS_OF_THE_INDEX)
    report_files.write_index(account, days, directory)
