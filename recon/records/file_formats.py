"""Tables in files: CSV, Parquet, JSON Lines and JSON, as raw columns in chunks.

A row that does not parse costs only itself. Ids never become floats on the way: all of a CSV is
text, and JSON's whole numbers are Python's.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from recon.errors import InputError
from recon.records import parquet_files
from recon.records.chunk import Chunk
from recon.records.suggestions import no_such_file, not_found_error, printable

#: What the end of a file's name says of what is in it.
_ENDINGS: Final = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".tsv": "csv",
    ".tsv.gz": "csv",
    ".txt": "csv",
    ".txt.gz": "csv",
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".jsonl.gz": "jsonl",
    ".ndjson": "jsonl",
    ".ndjson.gz": "jsonl",
    ".json": "jsonl",
    ".json.gz": "jsonl",
}
_SHOWN: Final = ".csv, .csv.gz, .parquet, .jsonl, .json, .tsv, .txt"


def format_of(path: Path) -> str:
    """Return `csv`, `parquet` or `jsonl`; the last is any JSON, the first also tabs and bars.

    Raises:
        InputError: it is not there under a name that ends with nothing known, or is a directory
            without Parquet.
    """
    if path.is_dir():
        if parquet_files.part_files(path):
            return "parquet"
        raise InputError(f"{path} is a directory without a Parquet file", hint="Name a file in it")
    name = path.name.lower()
    for ending, kind in _ENDINGS.items():
        if name.endswith(ending):
            return kind
    raise _unknown(path)


def _unknown(path: Path) -> InputError:
    """Return the error for a name that says nothing, with what the file is, where that shows."""
    from recon.records import file_signatures

    if not path.exists():
        return no_such_file(path)
    other = None
    if path.is_file():
        with translate_errors(path), path.open("rb") as file:
            other = file_signatures.kind_of_binary(file.read(file_signatures.SIGNATURE_BYTES), path)
    if other is None:
        return InputError(f"{path}: unknown kind of file", hint=f"recon reads {_SHOWN}")
    return InputError(f"{path} is {other[0]}", hint=f"{other[1]}; recon reads {_SHOWN}")


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Translate what may go wrong while a file is read into an `InputError`."""
    try:
        yield
    except EOFError as cause:
        raise InputError(f"{path} is cut off: its compressed data end early") from cause
    except (OSError, zlib.error) as cause:
        raise InputError(f"{path} cannot be read: {printable(str(cause))}") from cause


def missing_columns_error(
    path: Path, absent: Sequence[str], there: Sequence[str], mapped: Sequence[str] = ()
) -> InputError:
    """Return the error for columns that a file does not have.

    Args:
        path: the file.
        absent: the columns that were not found.
        there: those that it has.
        mapped: of these, what was found in its place.
    """
    if format_of(path) == "csv":
        from recon.records import csv_files

        return csv_files.missing_columns_error(path, absent, there, mapped)
    return not_found_error("column", absent, there, where=str(path), mapped=mapped)


def chunks(
    path: Path,
    columns: Sequence[str],
    *,
    time: str | None = None,
    repeated: Sequence[str] = (),
    setting: str = "",
) -> Iterator[Chunk]:
    """Yield the rows of a file, with only these columns. Rows of blank cells are none.

    Args:
        path: the file, or a directory of Parquet files.
        columns: which of its columns are wanted.
        time: the one of them that holds a time.
        repeated: those of them whose texts come again and again: where the file keeps each text
            once, Arrow's dictionary arrays do so too.
        setting: the key of the configuration that names the file, for errors; "" for none.

    Raises:
        InputError: the file is not there or cannot be read, or lacks a column. A JSON Lines file
            lacks what no object in it has, which shows only after the last chunk.
    """
    kind = format_of(path)
    if not path.exists():
        raise no_such_file(path, setting)
    with translate_errors(path):
        if kind == "parquet":
            yield from parquet_files.chunks(path, columns, repeated=repeated)
        elif kind == "csv":
            from recon.records import csv_files

            yield from csv_files.chunks(path, columns, time=time)
        else:
            from recon.records import json_lines

            yield from json_lines.chunks(path, columns, time=time)


def column_names(path: Path, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """Return what columns a file has; of JSON Lines, the keys of its first objects.

    Args:
        path: the file, or a directory of Parquet files.
        wanted: names by which the header of a CSV file is found below other lines.

    Raises:
        InputError: the file is not there or cannot be read.
    """
    kind = format_of(path)
    if not path.exists():
        raise no_such_file(path)
    with translate_errors(path):
        if kind == "parquet":
            return parquet_files.column_names(path)
        if kind == "csv":
            from recon.records import csv_files

            return csv_files.header(path, wanted).names
        from recon.records import json_lines

        return json_lines.keys(path)
