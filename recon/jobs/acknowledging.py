"""Acknowledge findings: read reasons from a file, and refuse ids that cannot be acknowledged."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from recon.errors import InputError
from recon.store import finding_list
from recon.store.finding_list import ACKNOWLEDGED, RESOLVED

if TYPE_CHECKING:
    from sqlalchemy import Engine

#: How many of the ids that cannot be taken are named; the rest is counted.
_NAMED: Final = 10
_COLUMNS: Final = ("discrepancy_id", "reason")
_NEEDED: Final = (
    "The file needs the columns discrepancy_id and reason; --reason TEXT applies to rows without "
    "one."
)
#: The form that a spreadsheet gives an id that looks like a number.
_ROUNDED: Final = re.compile(r"\d[.,]?\d*E\+?\d+", re.IGNORECASE)


def reasons_of_file(path: Path, default: str) -> dict[str, str]:
    """Return the reason for each finding in a CSV file, as spreadsheets save it.

    Any usual delimiter and encoding is accepted. Rows without a value are skipped.

    Args:
        path: the file.
        default: the reason for rows without one; may be empty.

    Raises:
        InputError: the file cannot be read, lacks a column, or a row lacks an id or a reason.
    """
    reasons = {}
    for number, one, text in _rows(path):
        if not one or not (text or default):
            raise InputError(
                f"{path}, row {number}: no {'reason' if one else 'discrepancy_id'}", hint=_NEEDED
            )
        reasons[one] = text or default
    return reasons


def _rows(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield the line number, id and reason of each row that is not empty."""
    from recon.records import csv_header, file_formats, text_files
    from recon.records.suggestions import no_such_file

    if not path.exists():
        raise no_such_file(path)
    with file_formats.translate_errors(path):
        content = b"".join(text_files.blocks(path, text_files.HEAD_BYTES))
    text = content.decode("utf-8", "replace")
    head = csv_header.find(text, _COLUMNS, path)
    names = [name.lower() for name in head.names]
    if _COLUMNS[0] not in names:
        raise InputError(f"{path} has no column discrepancy_id", hint=_NEEDED)
    places = [names.index(name) if name in names else None for name in _COLUMNS]
    below = io.StringIO(content[head.size :].decode("utf-8", "replace"), newline="")
    reader = csv.reader(below, delimiter=head.delimiter)
    for cells in reader:
        if any(cell.strip() for cell in cells):
            one, reason = (
                cells[at].strip() if at is not None and at < len(cells) else "" for at in places
            )
            yield head.lines + reader.line_num, one, reason


def refuse_others(engine: Engine, ids: Sequence[str], *, undo: bool) -> None:
    """Refuse ids that are unknown, or of findings in a state that does not allow it.

    Args:
        engine: the store.
        ids: the `discrepancy_id` of each finding.
        undo: whether acknowledgements are taken back.

    Raises:
        InputError: with the error of each id, for the first few.
    """
    known = finding_list.statuses(engine, ids)
    wrong = {}
    for one in ids:
        state = known.get(one)
        if state is None:
            wrong[one] = "is not a finding"
        elif undo and state != ACKNOWLEDGED:
            wrong[one] = f"is {state}, not acknowledged"
        elif state == RESOLVED:
            wrong[one] = "is resolved: no run finds it any more"
    if not wrong:
        return
    rows = finding_list.of_rows(engine, [one for one in wrong if one not in known][:_NAMED])
    for one, found in rows.items():
        wrong[one] = f"is the id of a message or record, whose findings are {', '.join(found)}"
    named = [f"{one} {what}" for one, what in list(wrong.items())[:_NAMED]]
    more = f"; and {len(wrong) - _NAMED:,} more" if len(wrong) > _NAMED else ""
    raise InputError(
        f"nothing was changed: {'; '.join(named)}{more}", hint=_hint(list(wrong), rows, undo=undo)
    )


def _hint(wrong: Sequence[str], rows: dict[str, list[str]], *, undo: bool) -> str:
    if any(_ROUNDED.fullmatch(one) for one in wrong):
        return (
            "A spreadsheet turned it into a number. Import the column discrepancy_id as text, "
            "and save the file again."
        )
    if rows:
        return f"`recon explain {next(iter(rows))}` shows each of its findings."
    state = ACKNOWLEDGED if undo else "open"
    return f"`recon discrepancies --status {state}` lists the findings with their ids."
