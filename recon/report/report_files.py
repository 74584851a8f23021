"""The files of a run: each is written completely or not at all, and readable only by its owner."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from recon import __version__
from recon.model import Run, RunFigures
from recon.report.atomic_files import staged
from recon.report.html_templates import template

_SET_BY: Final = "report.directory, or --output"


class WrittenFiles(NamedTuple):
    """Where the files of a run are."""

    csv: Path
    json: Path
    html: Path


def write(
    run: Run, directory: Path, *, mask: bool, history: Sequence[RunFigures] = ()
) -> WrittenFiles:
    """Write a run to `<directory>/<account>/<label>.csv`, `.json` and `.html`, mode 0600.

    All three are first written to temporary files and synced, then moved into place. So if the disk
    is full, the files of an earlier run do not change.

    Args:
        run: the run.
        directory: the directory of all reports; created if it does not exist.
        mask: whether phone numbers are masked in the page; the CSV file always has them in full.
        history: the counts of the days up to this one, for the trends of the page.

    Raises:
        OutputError: a file cannot be written; no incomplete file is left.
    """
    # Imported where they are used: the other pages need no pandas.
    from recon.report import csv_report, html_report, json_report

    written = _places(run, directory)
    page = html_report.content(run, mask=mask, history=history, has_files=True)
    with ExitStack() as stack:
        ready = [
            stack.enter_context(staged(written.csv, csv_report.chunks(run), set_by=_SET_BY)),
            stack.enter_context(staged(written.json, [json_report.content(run)], set_by=_SET_BY)),
            stack.enter_context(staged(written.html, [page], set_by=_SET_BY)),
        ]
        for put_in_place in ready:
            put_in_place()
    return written


def written_before(run: Run, directory: Path) -> WrittenFiles | None:
    """Return the files of a run if they are completely written, else `None`.

    The page is moved into place last, and contains the run's id.
    """
    written = _places(run, directory)
    try:
        is_there = run.run_id.encode() in written.html.read_bytes()
    except OSError:
        return None
    return written if is_there and written.csv.exists() and written.json.exists() else None


def _places(run: Run, directory: Path) -> WrittenFiles:
    folder, label = directory / run.verdict.account, run.verdict.window.label
    return WrittenFiles(*(folder / f"{label}.{kind}" for kind in ("csv", "json", "html")))


def write_index(account: str, days: Sequence[RunFigures], directory: Path) -> Path:
    """Write the list of an account's days to `<directory>/<account>/index.html`, mode 0600.

    Only days with a page in this directory are linked.

    Raises:
        OutputError: it cannot be written.
    """
    folder = directory / account
    labels = [one.day.isoformat() for one in days]
    linked = {label for label in labels if (folder / f"{label}.html").exists()}
    target = folder / "index.html"
    context = {"account": account, "days": days, "linked": linked, "version": __version__}
    page = template("index.html").render(context)
    with staged(target, [page.encode()], set_by=_SET_BY) as put_in_place:
        put_in_place()
    return target


def write_page(content: bytes, target: Path) -> None:
    """Write a single page, or its data, mode 0600.

    Raises:
        OutputError: it cannot be written.
    """
    with staged(target, [content], set_by=_SET_BY) as put_in_place:
        put_in_place()
