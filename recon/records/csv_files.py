"""Read CSV files as columns of text, with commas, semicolons, tabs or bars between the fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from recon.core.column_guess import is_usual_name
from recon.core.statuses import LOCAL_WORDS, canonical
from recon.errors import InputError
from recon.records import csv_blocks, csv_header, csv_lines, text_files
from recon.records.chunk import Chunk
from recon.records.csv_blocks import Parsed
from recon.records.csv_header import Header
from recon.records.suggestions import looks_like_data, no_header, no_known_name, not_found_error

_BLOCK_BYTES: Final = 1 << 24
#: By so much a block may be longer: a piece of a file goes on to the end of its last line.
_LINE_BYTES: Final = 1 << 16
#: A cell in the column of times that is no longer than this may be blank.
_SHORT: Final = 8
#: Lines that decide whether a backslash escapes.
_SAMPLE: Final = 500
#: Arrow counts the bytes of a block in 32 bits.
_LONGEST: Final = 1 << 30
#: A record of more bytes than this has a quote that is never closed.
_LONGEST_RECORD: Final = 1 << 26
_QUOTE: Final = "Look for a quote that is never closed."


def header(path: Path, wanted: Sequence[str]) -> Header:
    """Read the header: the line with most of the `wanted` names.

    Raises:
        InputError: there is none, or the file is not text.
    """
    first = next(text_files.blocks(path, text_files.HEAD_BYTES), b"")
    return csv_header.find(_head(first), wanted, path)


def _head(block: bytes) -> str:
    return block[: text_files.HEAD_BYTES].decode("utf-8", "replace")


def chunks(
    path: Path, columns: Sequence[str], *, time: str | None = None, block_bytes: int = _BLOCK_BYTES
) -> Iterator[Chunk]:
    """Yield the rows; see `file_formats.chunks`.

    A row with too many or too few fields, or with a quote that is never closed, is broken. Rows
    with only blank cells are left out.

    Args:
        path: the file.
        columns: the wanted columns.
        time: the wanted column with a time, which distinguishes rows from texts of many lines.
        block_bytes: how many bytes are read at once.

    Raises:
        InputError: the file is not text, lacks a column, or it is not clear where its rows end.
    """
    pieces = text_files.blocks(path, block_bytes)
    first = next(pieces, b"")
    head = csv_header.find(_head(first), columns, path)
    absent = [name for name in columns if name not in head.names]
    if absent:
        raise missing_columns_error(path, absent, head.names, columns)
    for name in columns:
        if head.names.count(name) > 1:
            raise InputError(f"{path} has several columns '{name}'")
    reading = _Reading(path, head, columns, time)
    only_returns = b"\n" not in first
    pieces = chain((first[head.size :],), pieces)
    del first
    for block in _whole_lines(pieces, block_bytes, only_returns=only_returns):
        yield from reading.take(block)
    yield from reading.rest()


def missing_columns_error(
    path: Path, absent: Sequence[str], names: Sequence[str], mapped: Sequence[str] = ()
) -> InputError:
    """Return the error for a header without some wanted names; it quotes no data."""
    if any(name.startswith(("{", "[")) or '":' in name for name in names):
        return InputError(
            f"{path} holds JSON, not CSV", hint="Rename it to end with .json or .jsonl."
        )
    values = LOCAL_WORDS if len(absent) > 1 else frozenset[str]()
    if any(looks_like_data(name) or canonical(name) in values for name in names):
        return no_header(absent, where=str(path))
    if len(absent) > 1 and not {*mapped} & {*names} and not any(map(is_usual_name, names)):
        # Not one name is as expected: it may be the text of a message.
        return no_known_name(absent, len(names), where=str(path))
    return not_found_error("column", absent, names, where=str(path), mapped=mapped)


def _whole_lines(pieces: Iterable[bytes], size: int, *, only_returns: bool) -> Iterator[bytes]:
    """Yield blocks of about `size` bytes; all but the last end with a line break."""
    left = b""
    for one in pieces:
        piece = one.replace(b"\r", b"\n") if only_returns else one
        left = left + piece if left else piece
        while len(left) > size + min(size, _LINE_BYTES):
            cut = left.rfind(b"\n", 0, size) + 1 or left.find(b"\n", size) + 1
            if not cut:
                break
            yield left[:cut]
            left = left[cut:]
        if left.endswith(b"\n"):
            yield left
            left = b""
    if left:
        yield left


class _Reading:
    """One file being read, block by block."""

    def __init__(self, path: Path, head: Header, columns: Sequence[str], time: str | None) -> None:
        self._path = path
        self._names = [str(place) for place in range(len(head.names))]
        self._places = {name: head.names.index(name) for name in columns}
        self._time = self._places.get(time or "", -1)
        self._delimiter = head.delimiter
        self._rows = head.lines
        self._left = b""

    def rest(self) -> Iterator[Chunk]:
        """Yield what was still open at the end of the file."""
        if self._left:
            yield from self.take(b"", last=True)

    def take(self, block: bytes, *, last: bool = False) -> Iterator[Chunk]:
        """Yield the rows of a block of whole lines; a record that is open at its end is kept back.

        If every line is a row, Arrow's result is right. Otherwise the lines are sorted first.
        """
        block = self._left + block
        self._left = b""
        if len(block) > _LONGEST:
            raise self._cannot_be_told_apart()
        parsed = self._parse(block, escape=False)
        fits = parsed is not None and self._one_row_a_line(parsed, block)
        if parsed is None or not fits or (parsed.broken and b"\\" in block):
            yield from self._sorted(block, parsed if fits else None, last=last)
            return
        yield self._chunk(parsed, block, [self._rows + number for number, _ in parsed.broken])
        self._rows += parsed.table.num_rows + len(parsed.broken)

    def _one_row_a_line(self, parsed: Parsed, block: bytes) -> bool:
        rows = parsed.rows
        lines = block.count(b"\n") + (not block.endswith(b"\n"))
        if rows != lines and rows != sum(
            map(bool, map(csv_lines.without_line_break, block.splitlines()))
        ):
            return False
        end = len(block)
        while end and block[end - 1] in b"\r\n":
            end -= 1
        tail = block[block.rfind(b"\n", 0, end) + 1 : end]
        return b'"' not in tail or csv_lines.Dialect(self._delimiter, escape=False).complete(tail)

    def _sorted(self, block: bytes, parsed: Parsed | None, *, last: bool) -> Iterator[Chunk]:
        lines = block.splitlines(keepends=True)
        escape = b"\\" in block and self._escapes(lines)
        if parsed is not None and not escape:
            yield self._chunk(parsed, block, [self._rows + number for number, _ in parsed.broken])
            self._rows += parsed.table.num_rows + len(parsed.broken)
            return
        dialect = csv_lines.Dialect(self._delimiter, escape=escape)
        places = list(self._places.values())
        shape = csv_lines.RowShape(lines, dialect, len(self._names), places, self._time)
        last = last or len(block) > _LONGEST_RECORD
        # Nearly always only a line with an odd number of quotes may leave one open.
        for suspects in (_with_odd_quotes(block, lines), range(len(lines))):
            if escape and len(suspects) < len(lines):
                continue
            found = csv_lines.sort_lines(
                lines, suspects, shape, dialect, before=self._rows, last=last
            )
            whole = b"".join(found.whole)
            again = self._parse(whole, escape=escape)
            if again is not None and again.rows == len(found.whole):
                break
        else:
            raise self._cannot_be_told_apart()
        self._left = found.left
        self._rows += found.count
        numbers = [found.number_of(at) for at, _ in again.broken]
        chunk = self._chunk(again, whole, numbers, escape=escape)
        yield Chunk(chunk.columns, [*found.broken, *chunk.broken])

    def _escapes(self, lines: Sequence[bytes]) -> bool:
        """Say whether more lines are whole rows with backslash escapes than by the standard."""
        count = len(self._names)
        fitting = []
        for escape in (False, True):
            dialect = csv_lines.Dialect(self._delimiter, escape=escape)
            some = [csv_lines.without_line_break(line) for line in lines if b"\\" in line][:_SAMPLE]
            fitting.append(
                sum(dialect.complete(line) and len(dialect.fields(line)) == count for line in some)
            )
        return fitting[True] > fitting[False]

    def _chunk(
        self, parsed: Parsed, block: bytes, numbers: Sequence[int], *, escape: bool = False
    ) -> Chunk:
        table = parsed.table
        blank = self._blank_rows(table, block, escape=escape)
        if blank.size:
            table = table.filter(pa.array(np.isin(np.arange(table.num_rows), blank, invert=True)))
        columns = {name: table.column(str(place)) for name, place in self._places.items()}
        broken = zip(numbers, parsed.broken, strict=True)
        return Chunk(columns, [f"row {number}: {why}" for number, (_, why) in broken])

    def _blank_rows(self, table: pa.Table, block: bytes, *, escape: bool) -> NDArray[np.intp]:
        """Return the rows whose cells are blank in all columns of the file."""
        key = table.column(str(self._time) if self._time >= 0 else table.column_names[0])
        short = pc.less_equal(pc.binary_length(key), _SHORT)
        rows = np.flatnonzero(short.to_numpy())
        rows = _blank_among(table, rows)
        if rows.size and len(self._names) > table.num_columns:
            every = self._parse(block, escape=escape, places=self._names)
            assert every is not None
            rows = _blank_among(every.table, rows)
        return rows

    def _parse(self, block: bytes, *, escape: bool, places: Sequence[str] = ()) -> Parsed | None:
        return csv_blocks.parse(
            block,
            places or list(dict.fromkeys(str(place) for place in self._places.values())),
            count=len(self._names),
            delimiter=self._delimiter,
            escape=escape,
        )

    def _cannot_be_told_apart(self) -> InputError:
        return InputError(
            f"{self._path} cannot be read: it is not clear where its rows end", hint=_QUOTE
        )


def _with_odd_quotes(block: bytes, lines: Sequence[bytes]) -> Sequence[int]:
    """Return the lines with an odd number of quotes; all lines if that is not known."""
    data = np.frombuffer(block, dtype=np.uint8)
    ends = np.flatnonzero(data == ord("\n"))
    if len(lines) - len(ends) != (not block.endswith(b"\n")):
        # Some of them end with a lone carriage return.
        return range(len(lines))
    quotes = np.searchsorted(ends, np.flatnonzero(data == ord('"')))
    odd: list[int] = np.flatnonzero(np.bincount(quotes, minlength=len(lines)) & 1).tolist()
    return odd


def _blank_among(table: pa.Table, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    for name in table.column_names:
        if not rows.size:
            break
        cells = pc.utf8_trim_whitespace(table.column(name).take(pa.array(rows)))
        rows = rows[pc.equal(cells, "").to_numpy()]
    return rows
