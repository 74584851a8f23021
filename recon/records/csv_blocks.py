"""Parse blocks of CSV with Arrow: columns of text, and rows with too many or too few fields."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as arrow_csv

from recon.records import csv_lines

_NO_TEXTS: Final = pa.array([], pa.large_string())


@dataclass(frozen=True, slots=True)
class Parsed:
    """A block parsed by Arrow."""

    table: pa.Table
    """The wanted columns, named by their positions in the file."""
    broken: Sequence[tuple[int, str]]
    """Each row with too many or too few fields: its number in the block, and the error."""
    blank: int
    """How many such rows are blank, or only contain the number of rows."""

    @property
    def rows(self) -> int:
        """The number of all rows."""
        whole: int = self.table.num_rows
        return whole + len(self.broken) + self.blank


def parse(
    block: bytes, places: Sequence[str], *, count: int, delimiter: str, escape: bool
) -> Parsed | None:
    """Parse a block with Arrow, every value as text; `None` if Arrow cannot read it at all.

    Args:
        block: whole lines, in UTF-8.
        places: the positions of the wanted columns in the file, from 0.
        count: how many columns the file has.
        delimiter: separates the fields.
        escape: whether a backslash escapes the next character.
    """
    if not block:
        return Parsed(pa.table(dict.fromkeys(places, _NO_TEXTS)), [], 0)
    names = [str(place) for place in range(count)]
    mark = delimiter.encode()
    broken: list[tuple[int, str]] = []
    blank = 0

    def set_aside(row: Any) -> str:  # noqa: ANN401 - pyarrow has no types
        nonlocal blank
        if csv_lines.is_no_record(row.text.encode("utf-8", "replace"), mark):
            blank += 1
        else:
            why = f"{row.actual_columns} fields, not {row.expected_columns}"
            broken.append((row.number, why))
        return "skip"

    if escape:
        # Arrow would make `N` of the word for null.
        null = rb"(?<![^%s\r\n])\\N(?=[%s\r\n]|\Z)" % (re.escape(mark), re.escape(mark))
        block = re.sub(null, rb"\\\\N", block)
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(block),
            read_options=arrow_csv.ReadOptions(
                column_names=names,
                block_size=len(block) + 1,
                # Only so are rows numbered.
                use_threads=False,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=True,
                invalid_row_handler=set_aside,
                escape_char="\\" if escape else False,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()),
                include_columns=list(places),
                strings_can_be_null=False,
                check_utf8=False,
            ),
        )
    except pa.ArrowException:
        return None
    return Parsed(table, broken, blank)
