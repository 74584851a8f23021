"""A list of findings, of any days and accounts: a table for people, JSON for scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, TypeAlias

from recon.core.phones import mask
from recon.report.labels import iso_time
from recon.report.masking import mask_numbers
from recon.report.rich_terminal import UNLIMITED, rendered
from recon.report.rich_terminal import table as rich_table
from recon.report.terminal_text import columns, flow, plain, width_of, wrapped

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,18}")

Rows: TypeAlias = Sequence[Mapping[str, Any]]
Cell: TypeAlias = str | int | float | None

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
_READ: Final = (*TABLE_COLUMNS, *_MASKED)
#: Columns whose cells are broken into lines.
_BROKEN: Final = frozenset({"detail"})
#: Columns that a broken one should have at least.
_LEAST_DETAIL: Final = 24
#: More findings than this are not set by `rich`, which takes about 2 ms for each.
_MANY: Final = 300
#: The label of a cell outside the columns.
_LABELS: Final = {"message_id": "message", "local_id": "record", "first_seen_on": "first seen on"}


def findings_table(rows: Rows, *, width: int = UNLIMITED, colour: bool = False) -> str:
    """Return findings for people, in their order: `TABLE_COLUMNS`, phone numbers masked.

    Args:
        rows: a mapping for each finding: texts, numbers, days and aware times.
        width: columns that a line may take. Details are wrapped to fit. If the other columns leave
            too little room, or there are many findings, each finding is a paragraph.
        colour: whether the table may have ANSI codes.
    """
    if not rows:
        return "No findings.\n"
    names = [name for name in TABLE_COLUMNS if name in rows[0]]
    cells = [_row({name: _value(found.get(name)) for name in _READ}, names) for found in rows]
    if width >= UNLIMITED:
        return "\n".join(columns(names, cells)) + "\n"
    fixed = sum(
        max(width_of(cell) for cell in (name, *column)) + 2
        for name, *column in zip(names, *cells, strict=True)
        if name not in _BROKEN
    )
    if len(cells) > _MANY or fixed + _LEAST_DETAIL > width:
        return "\n".join(line for row in cells for line in _paragraph(names, row, width)) + "\n"
    whole = frozenset(names) - _BROKEN
    return rendered([rich_table(names, cells, whole=whole)], width=width, colour=colour)


def as_json(rows: Rows) -> str:
    """Return findings for scripts, in their order: an array of objects, all columns in full.

    Times are UTC with `Z`; message ids are numbers if they can be Octopods' ids.
    """
    objects = [
        {
            name: _message_id(value) if name == "message_id" else _value(value)
            for name, value in found.items()
        }
        for found in rows
    ]
    return json.dumps(objects, ensure_ascii=False, indent=2) + "\n"


def _message_id(value: object) -> Cell:
    plain_value = _value(value)
    if isinstance(plain_value, str) and _NUMBER.fullmatch(plain_value):
        return int(plain_value)
    return plain_value


def _value(value: object) -> Cell:
    """Return a cell as JSON has it."""
    match value:
        case None | str() | int() | float():
            return value
        case datetime():
            return iso_time(value)
        case date():
            return value.isoformat()
    return str(value)


def _paragraph(names: Sequence[str], row: Sequence[str], width: int) -> list[str]:
    """Format one finding in lines: its kind, its row and its detail."""
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
