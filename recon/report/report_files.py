"""The files of a run: each one whole or not at all, and for its owner's eyes only."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from recon.model import Run
from recon.report import csv_report, html_report, json_report
from recon.report.atomic_files import staged


@dataclass(frozen=True, slots=True)
class WrittenFiles:
    """Where the files of a run are."""

    csv: Path
    json: Path
    html: Path


def write(run: Run, directory: Path, *, mask: bool) -> WrittenFiles:
    """Write a run to `<directory>/<account>/<label>.csv`, `.json` and `.html`, mode 0600.

    All three are written and synced beside their places before the first is put in its place: a
    full disk leaves all three files of an earlier run as they were.

    Args:
        run: the run.
        directory: of all reports; it is made where it does not exist.
        mask: whether phone numbers are masked in the page; the CSV file always has them.

    Raises:
        OutputError: a file cannot be written; nothing half-written is left behind.
    """
    folder, label = directory / run.verdict.account, run.verdict.window.label
    written = WrittenFiles(*(folder / f"{label}.{kind}" for kind in ("csv", "json", "html")))
    with ExitStack() as stack:
        ready = [
            stack.enter_context(staged(written.csv, csv_report.chunks(run))),
            stack.enter_context(staged(written.json, [json_report.content(run)])),
            stack.enter_context(staged(written.html, [html_report.content(run, mask=mask)])),
        ]
        for put_in_place in ready:
            put_in_place()
    return written
