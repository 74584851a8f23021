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
from recon.report.terminal_text import columns, plain

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


def findings_table(frame: pd.DataFrame, format: Format) -> str:  # noqa: A002 - the option's name
    """Return findings in the order of the frame.

    Args:
        frame: text, numbers, dates and aware times under any names; what is null stays empty.
        format: `table` for people, with `TABLE_COLUMNS` and phone numbers masked; `csv` and
            `json` (an array of objects) for scripts, with all columns and in full. In them times
            are UTC with `Z`, and CSV cells that a spreadsheet would take for a formula have a
            leading `'`.
    """
    match format:
        case "csv":
            return b"".join(encode(_written(frame), list(frame.columns))).decode()
        case "json":
            return json.dumps(_objects(frame), ensure_ascii=False, indent=2) + "\n"
        case "table":
            return _table(frame)


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


def _table(frame: pd.DataFrame) -> str:
    if frame.empty:
        return "No findings.\n"
    names = [name for name in TABLE_COLUMNS if name in frame.columns]
    rows = [_row(found, names) for found in _objects(frame)]
    return "\n".join(columns(names, rows)) + "\n"


def _row(found: dict[str, Any], names: Sequence[str]) -> list[str]:
    words = {name: "" if value is None else str(value) for name, value in found.items()}
    numbers = [words.get(name, "") for name in ("phone_number", "local_phone_number")]
    for name in ("local_id", "detail"):
        words[name] = mask_numbers(words.get(name, ""), numbers)
    words["phone_number"] = mask(numbers[0]) if numbers[0] else ""
    return [plain(words[name]) or "-" for name in names]
