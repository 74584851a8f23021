"""A list of findings, of any days and accounts: a table for people, CSV or JSON for scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, Literal

import pandas as pd

from recon.core.phones import mask
from recon.report.csv_report import COLUMNS, encode
from recon.report.labels import iso_time
from recon.report.masking import mask_numbers
from recon.report.rich_terminal import UNLIMITED, rendered
from recon.report.rich_terminal import table as rich_table
from recon.report.terminal_text import columns, flow, plain, width_of, wrapped

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,18}")

Format = Literal["table", "csv", "json"]

#: What CSV and JSON hold of stored findings: the columns of a run's file, then the reason.
STORED_COLUMNS: Final = (*COLUMNS, "ack_reason")

#: What the table shows of a finding, where the frame has it; the long text last.
TABLE_COLUMNS: Final = (
    "discrepancy_id",
    "state",
    "date",
    "account",
    "kind",
    "severity",
    "message_id",
    "local_id",
    "phone_number",
    "first_seen_on",
    "detail",
)

#: Columns of numbers that no cell of the table shows whole.
_MASKED: Final = ("phone_number", "local_phone_number")
#: Columns whose cells are broken into lines.
_BROKEN: Final = frozenset({"detail"})
#: Columns that a broken one should have at least.
_LEAST_DETAIL: Final = 24
#: More findings than this are not set by `rich`, which takes about 2 ms for each.
_MANY: Final = 300
#: What a cell is called where it stands in no column.
_LABELS: Final = {"message_id": "message", "local_id": "record", "first_seen_on": "first seen on"}


def findings_table(
    frame: pd.DataFrame,
    format: Format,  # noqa: A002 - the option's name
    *,
    width: int = UNLIMITED,
    colour: bool = False,
) -> str:
    """Return findings in the order of the frame.

    Args:
        frame: text, numbers, dates and aware times under any names; what is null stays empty.
        format: `table` for people, with `TABLE_COLUMNS` and phone numbers masked; `csv` and
            `json` (an array of objects) for scripts, with all columns and in full. In them times
            are UTC with `Z`, and CSV cells that a spreadsheet would take for a formula have a
            leading `'`.
        width: columns that a line of the table may take. Details are broken to fit; where the
            other columns leave too little room, or there are many findings, each is a paragraph.
        colour: whether the table may have ANSI codes.
    """
    match format:
        case "csv":
            return b"".join(encode(_written(frame), list(frame.columns))).decode()
        case "json":
            return json.dumps(_objects(frame), ensure_ascii=False, indent=2) + "\n"
        case "table":
            return _table(frame, width, colour=colour)


def _written(frame: pd.DataFrame) -> pd.DataFrame:
    """Bring columns of Python objects to text: days as `2026-04-23`, times with `Z`."""
    made = {
        name: frame[name].map(_word).astype("str")
        for name in frame.columns
        if frame[name].dtype == object
    }
    return frame.assign(**made)


def _word(value: Any) -> str | None:  # noqa: ANN401 - a cell of a frame
    plain_value = _value(value)
    return None if plain_value is None else str(plain_value)


def _value(value: Any) -> str | int | float | bool | None:  # noqa: ANN401 - a cell of a frame
    """Return a cell as JSON has it."""
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return None
    if isinstance(value, datetime) and value.tzinfo is not None:
        return iso_time(value)
    if isinstance(value, date):
        return value.isoformat()
    plain_value = value.item() if hasattr(value, "item") else value
    return plain_value if isinstance(plain_value, str | int | float) else str(plain_value)


def _objects(frame: pd.DataFrame) -> list[dict[str, str | int | float | bool | None]]:
    names = [str(name) for name in frame.columns]
    values = (_numbers(name, frame[name].tolist()) for name in frame.columns)
    return [
        {name: _value(value) for name, value in zip(names, row, strict=True)}
        for row in zip(*values, strict=True)
    ]


def _numbers(column: str, values: list[Any]) -> list[Any]:
    """Return message ids as numbers where they are numbers of Octopods."""
    if column != "message_id":
        return values
    return [int(one) if isinstance(one, str) and _NUMBER.fullmatch(one) else one for one in values]


def _table(frame: pd.DataFrame, width: int, *, colour: bool) -> str:
    if frame.empty:
        return "No findings.\n"
    names = [name for name in TABLE_COLUMNS if name in frame.columns]
    needed = [name for name in frame.columns if name in {*names, *_MASKED}]
    rows = [_row(found, names) for found in _objects(frame[needed])]
    if width >= UNLIMITED:
        return "\n".join(columns(names, rows)) + "\n"
    fixed = sum(
        max(width_of(cell) for cell in (name, *column)) + 2
        for name, *column in zip(names, *rows, strict=True)
        if name not in _BROKEN
    )
    if len(rows) > _MANY or fixed + _LEAST_DETAIL > width:
        return "\n".join(line for row in rows for line in _paragraph(names, row, width)) + "\n"
    whole = frozenset(names) - _BROKEN
    return rendered([rich_table(names, rows, whole=whole)], width=width, colour=colour)


def _paragraph(names: Sequence[str], row: Sequence[str], width: int) -> list[str]:
    """Set one finding in lines: what it is, what it is about, and its detail."""
    pieces, detail = [], ""
    for name, cell in zip(names, row, strict=True):
        if name in _BROKEN:
            detail = cell
        elif cell != "-":
            pieces.append(f"{_LABELS[name]} {cell}" if name in _LABELS else cell)
    lines = flow(pieces, width, indent="", hanging="  ")
    return [*lines, *wrapped(detail, width, indent="  ")]


def _row(found: dict[str, Any], names: Sequence[str]) -> list[str]:
    words = {name: "" if value is None else str(value) for name, value in found.items()}
    numbers = [words.get(name, "") for name in _MASKED]
    for name in ("local_id", "detail"):
        words[name] = mask_numbers(words.get(name, ""), numbers)
    words["phone_number"] = mask(numbers[0]) if numbers[0] else ""
    return [plain(words[name]) or "-" for name in names]
