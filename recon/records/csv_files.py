"""CSV files, as text by columns: commas, semicolons, tabs or bars between the fields."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as arrow_csv

from recon.errors import InputError
from recon.records.chunk import Chunk
from recon.records.suggestions import missing

_DELIMITERS: Final = (",", ";", "\t", "|")
#: The header is in here; and no row is longer than a block.
_HEAD_BYTES: Final = 1 << 20
_BLOCK_BYTES: Final = 1 << 24
#: How many broken rows may be found inside of one another.
_DEEPEST: Final = 50
_QUOTE: Final = "is there a quote that is never closed?"
_WIDE_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Header:
    """The first row of a CSV file."""

    names: tuple[str, ...]
    """As they stand, without a byte order mark or blanks around them."""
    delimiter: str
    blank_lines: int
    """Before the header."""
    has_rows: bool
    """Whether anything follows it."""


def header(path: Path, wanted: Sequence[str]) -> Header:
    """Read the header, with the delimiter that shows most of the `wanted` names, or most names.

    Raises:
        InputError: there is none, or it is UTF-16.
    """
    opened: Any = gzip.open if path.suffix.lower() == ".gz" else Path.open
    with opened(path, "rb") as file:
        head = file.read(_HEAD_BYTES)
    if head.startswith(_WIDE_BOMS):
        raise InputError(f"{path} is UTF-16, not UTF-8", hint="save it as CSV UTF-8")
    lines = head.decode("utf-8-sig", "replace").splitlines(keepends=True)
    blank = next((n for n, line in enumerate(lines) if line.strip("\r\n")), len(lines))
    if blank == len(lines):
        raise InputError(f"{path} is empty: it has not even a header")
    readings = []
    for delimiter in _DELIMITERS:
        reader = csv.reader(lines[blank:], delimiter=delimiter)
        try:
            names = tuple(name.strip() for name in next(reader))
        except csv.Error:
            continue
        rest = lines[blank + reader.line_num :]
        has_rows = len(head) == _HEAD_BYTES or any(line.strip() for line in rest)
        readings.append(Header(names, delimiter, blank, has_rows))
    if not readings:
        raise InputError(f"{path}: its header cannot be read")
    return max(readings, key=lambda one: (len({*wanted} & {*one.names}), len(one.names)))


def chunks(path: Path, columns: Sequence[str]) -> Iterator[Chunk]:
    """Yield the rows, see `file_formats.chunks`; one with too many or too few fields is broken."""
    head = header(path, columns)
    absent = [name for name in columns if name not in head.names]
    if absent:
        raise missing("column", absent, head.names, where=str(path))
    for name in columns:
        if head.names.count(name) > 1:
            raise InputError(f"{path} has several columns '{name}'")
    if not head.has_rows:
        return
    try:
        # Opened here, since by itself it would take a path for a file that is not compressed.
        with pa.input_stream(str(path), compression=_compression(path)) as stream:
            yield from _Reading(head, columns).rows(_Utf8(stream), head.blank_lines, 1)
    except pa.ArrowException as cause:
        raise InputError(f"{path} cannot be read: {cause}", hint=_QUOTE) from cause
    except RecursionError as cause:
        raise InputError(f"{path} cannot be read: no row of it is whole", hint=_QUOTE) from cause


def _compression(path: Path) -> str | None:
    return "gzip" if path.suffix.lower() == ".gz" else None


class _Utf8:
    """A stream of bytes of which all are UTF-8; the others become replacement characters.

    Arrow's reader would stop at a broken row that is not UTF-8.
    """

    closed = False

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - pyarrow has no types
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._left = b""

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        parts, length = [self._left], len(self._left)
        while length < size:
            raw = self._stream.read(_HEAD_BYTES)
            parts.append(self._decode(raw, final=not raw).encode())
            length += len(parts[-1])
            if not raw:
                break
        whole = b"".join(parts)
        self._left = whole[size:]
        return whole[:size]


class _Reading:
    """One file being read."""

    def __init__(self, head: Header, columns: Sequence[str]) -> None:
        self._names = [str(place) for place in range(len(head.names))]
        self._places = {name: str(head.names.index(name)) for name in columns}
        self._delimiter = head.delimiter

    def rows(
        self, stream: _Utf8 | io.BytesIO, skip: int, header: int, base: int = 0, depth: int = 0
    ) -> Iterator[Chunk]:
        """Yield the rows of a stream.

        Args:
            stream: bytes, UTF-8.
            skip: lines before all else.
            header: how many rows of names there are.
            base: the number of the row before the first.
            depth: how many broken rows this is inside of.
        """
        if depth > _DEEPEST:
            raise RecursionError
        broken: list[str] = []
        swallowed: list[tuple[int, str]] = []

        def set_aside(row: Any) -> str:  # noqa: ANN401 - pyarrow has no types
            number = base + row.number
            broken.append(f"row {number}: {row.actual_columns} fields, not {row.expected_columns}")
            # A stray quote makes one row of all that follows: only its first line is broken.
            _, _, rest = row.text.partition("\n")
            if rest:
                swallowed.append((number, rest))
            return "skip"

        for batch in self._open(stream, skip, header, set_aside):
            yield Chunk({name: batch.column(at) for name, at in self._places.items()}, broken[:])
            broken.clear()
        if broken:
            yield Chunk({name: [] for name in self._places}, broken)
        for number, rest in swallowed:
            yield from self.rows(io.BytesIO(f"{rest}\n".encode()), 0, 0, number, depth + 1)

    def _open(self, stream: Any, skip: int, header: int, set_aside: Any) -> Any:  # noqa: ANN401
        """Open Arrow's reader: columns called by their places, every value as text."""
        return arrow_csv.open_csv(
            stream,
            read_options=arrow_csv.ReadOptions(
                column_names=self._names,
                skip_rows=skip,
                skip_rows_after_names=header,
                block_size=_BLOCK_BYTES,
                # Only so are rows numbered.
                use_threads=False,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self._delimiter, newlines_in_values=True, invalid_row_handler=set_aside
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(self._names, pa.large_string()),
                include_columns=list(dict.fromkeys(self._places.values())),
                strings_can_be_null=False,
                check_utf8=False,
            ),
        )
