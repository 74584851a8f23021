"""The CSV in LibreOffice, opened as the page on reports says: each cell is the text of the file."""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import pytest

from recon.report import report_files
from tests.factories import DAY, finding, run, utc

SOFFICE: Final = shutil.which("soffice")
pytestmark = pytest.mark.skipif(
    SOFFICE is None, reason="no LibreOffice is installed (Debian: libreoffice-calc)"
)

_OFFICE: Final = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE: Final = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT: Final = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"


def cells(sheet: Path) -> Iterator[list[str]]:
    """Yield the rows of a sheet; every cell is a text or empty."""
    for row in ET.parse(sheet).getroot().iter(f"{_TABLE}table-row"):  # noqa: S314 - made by us
        found: list[str] = []
        for cell in row.iter(f"{_TABLE}table-cell"):
            assert cell.get(f"{_OFFICE}value-type", "string") == "string"
            said = "\n".join("".join(line.itertext()) for line in cell.iter(f"{_TEXT}p"))
            found += [said] * int(cell.get(f"{_TABLE}number-columns-repeated", "1"))
        if any(found):
            yield found


def test_numbers_times_accents_and_line_breaks_are_intact(tmp_path: Path) -> None:
    rows = [
        finding(
            "stuck",
            "1234567890123456",
            message_id="9007199254740993123",
            local_id="007",
            phone_number="+353871234567",
            local_status="zugestellt, später",
            provider_sent_at=utc("10:00:00"),
            local_sent_at=utc("09:59:59.5"),
            failure_reason='Ñandú said "no", 日本語 😀',
            detail="first line\nsecond; line",
        ),
        finding("stuck", "12e4567890123456", local_id="=1+1", detail="-2", message_id="1.50"),
    ]
    made = run(rows, first_seen_on={"1234567890123456": date(2026, 4, 20)})
    written = report_files.write(made, tmp_path, mask=True)
    with written.csv.open(newline="", encoding="utf-8") as file:
        expected = list(csv.reader(file))
    # Comma, double quotes, UTF-8, from line 1 on, all columns as text (format 2).
    columns = "/".join(f"{at}/2" for at in range(1, len(expected[0]) + 1))
    assert SOFFICE is not None
    subprocess.run(  # noqa: S603 - an installed program
        [
            *(SOFFICE, f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless"),
            *(f"--infilter=CSV:44,34,76,1,{columns}", "--convert-to", "fods"),
            *("--outdir", tmp_path, written.csv),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    shown = list(cells(tmp_path / f"{DAY}.fods"))
    assert [row[: len(expected[0])] for row in shown] == expected
