"""Find the header of a CSV file, if it has one, and its delimiter."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

from recon.errors import InputError

#: The last but two is that of Hive.
_DELIMITERS: Final = (",", ";", "\t", "|", "\x01", "^", "~")
#: How many lines may stand above the header: a title, the name of the exporter, a range of dates.
_PREAMBLE_LINES: Final = 60
#: How many lines a header may take whose names hold line breaks.
_NAME_LINES: Final = 100
#: This many lines below it show whether the rows have more fields than the header.
_ROW_LINES: Final = 20
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
#: Excel's own line about the delimiter.
_SEP: Final = re.compile(r'"?sep=(?P<one>\\t|.)"?[,;\t|]*', re.IGNORECASE | re.DOTALL)
_RULE: Final = re.compile(r"[-=+|: ]*[-=]{3}[-=+|: ]*")
_INVISIBLE: Final = "\ufeff\u200b\u200e\u200f"


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a CSV file: its column names, and where the rows begin."""

    names: tuple[str, ...]
    """As written, without blanks around them."""
    delimiter: str
    lines: int
    """The number of lines up to and including the header."""
    size: int
    """The number of bytes up to and including the header."""


def find(head: str, wanted: Sequence[str], path: Path) -> Header:
    """Find the header in the beginning of a file.

    It is the first line that is not blank, or a line below with more of the `wanted` names. The
    delimiter is the one with which the header has most of these names, or most names.

    Raises:
        InputError: there is none.
    """
    lines = _LINE.findall(head)
    delimiters: tuple[str, ...] = _DELIMITERS
    first = _next(lines, 0)
    if first < len(lines) and (sep := _SEP.fullmatch(lines[first].strip("\r\n"))):
        named = "\t" if sep["one"] == "\\t" else sep["one"]
        delimiters = (named, *(one for one in _DELIMITERS if one != named))
        first = _next(lines, first + 1)
    if first == len(lines):
        raise InputError(f"{path} is empty: it has no header")
    best: tuple[int, Header] | None = None
    for start in range(first, min(first + _PREAMBLE_LINES, len(lines))):
        if not lines[start].strip():
            continue
        found = _at(lines, start, delimiters, wanted)
        if found is not None and (best is None or found[0] > max(best[0], 1)):
            best = found
        if best is not None and best[0] == len({*wanted}):
            break
    if best is None:
        raise InputError(f"the header of {path} cannot be read")
    return _with_unnamed(_with_rule(best[1], lines), lines)


def _with_rule(header: Header, lines: Sequence[str]) -> Header:
    """Add a line of dashes below the names, as `sqlcmd` and `psql` write it, to the header."""
    if header.lines >= len(lines):
        return header
    line = lines[header.lines]
    if _RULE.fullmatch(line.replace(header.delimiter, "").strip()) is None:
        return header
    return replace(header, lines=header.lines + 1, size=header.size + len(line.encode()))


def _with_unnamed(header: Header, lines: Sequence[str]) -> Header:
    """Add columns without a name and a value, which some tools write in every row.

    They exist if each of the first rows has the same number of extra fields, all blank.
    """
    rows = csv.reader(
        islice(lines, header.lines, header.lines + _ROW_LINES), delimiter=header.delimiter
    )
    try:
        surplus = [row[len(header.names) :] for row in rows if any(cell.strip() for cell in row)]
    except csv.Error:
        return header
    count = len(surplus[0]) if surplus else 0
    if not count or any(len(row) != count or "".join(row).strip() for row in surplus):
        return header
    return replace(header, names=(*header.names, *[""] * count))


def _next(lines: Sequence[str], start: int) -> int:
    """Return the first line from `start` on that is not blank."""
    return next((at for at in range(start, len(lines)) if lines[at].strip()), len(lines))


def _at(
    lines: Sequence[str], start: int, delimiters: Sequence[str], wanted: Sequence[str]
) -> tuple[int, Header] | None:
    """Read a header that begins with a line, and count the wanted names in it."""
    readings = []
    for place, delimiter in enumerate(delimiters):
        reader = csv.reader(islice(lines, start, start + _NAME_LINES), delimiter=delimiter)
        try:
            names = tuple(name.strip().strip(_INVISIBLE).strip() for name in next(reader))
        except csv.Error:
            continue
        until = start + reader.line_num
        hits = len({*wanted} & {*names})
        size = len("".join(lines[:until]).encode())
        readings.append((hits, len(names), -place, Header(names, delimiter, until, size)))
    if not readings:
        return None
    hits, _, _, header = max(readings, key=lambda one: one[:3])
    return hits, header
