"""The files of runs as attachments of a mail: masked if configured, zipped if they are large."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from recon.model import Run
from recon.report import csv_report, html_report
from recon.report.masked_findings import masked

#: Together above this they are zipped; where even that is too large, most servers refuse it.
ZIPPED_ABOVE: Final = 5_000_000
LEFT_OUT_ABOVE: Final = 15_000_000
#: A CSV with more rows is left out.
MOST_ROWS: Final = 50_000


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attached file."""

    name: str
    content: bytes
    maintype: str
    subtype: str


def of_runs(
    runs: Sequence[Run],
    *,
    mask: bool,
    most_rows: int = MOST_ROWS,
    zipped_above: int = ZIPPED_ABOVE,
    left_out_above: int = LEFT_OUT_ABOVE,
) -> tuple[list[Attachment], list[str]]:
    """Return the pages of runs and the CSV of their findings, and notes about them.

    Args:
        runs: the runs, each of another account or day.
        mask: whether phone numbers are masked in them.
        most_rows: a CSV with more findings is left out.
        zipped_above: files of more bytes together are zipped into one.
        left_out_above: files of more bytes, even zipped, are left out.
    """
    files, said = [], []
    for run in runs:
        name = f"{run.verdict.account}-{run.verdict.window.label}"
        page = html_report.content(run, mask=mask)
        files.append(Attachment(f"{name}.html", page, "text", "html"))
        count = len(run.verdict.findings)
        if count > most_rows:
            said.append(f"The {count:,} findings of {name} are too many to attach as CSV.")
        elif count:
            rows = csv_report.chunks(masked(run) if mask else run)
            table = b"".join(bytes(piece) for piece in rows)
            files.append(Attachment(f"{name}.csv", table, "text", "csv"))
    if sum(len(one.content) for one in files) <= zipped_above:
        return files, said
    archive = _zipped(files)
    if len(archive.content) <= left_out_above:
        return [archive], [*said, "The attached reports are zipped because of their size."]
    return [], [*said, "The reports are too large to attach."]


def _zipped(files: Sequence[Attachment]) -> Attachment:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in files:
            # Without the time of the file: the same reports give the same archive.
            entry = zipfile.ZipInfo(one.name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, one.content)
    return Attachment("recon-reports.zip", target.getvalue(), "application", "zip")
