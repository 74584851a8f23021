"""Read tables in files (CSV, Parquet, JSON Lines and JSON) as raw columns in chunks.

A row that does not parse does not affect others. Ids never become floats: all CSV values are text,
and whole numbers of JSON become Python integers.
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

#: The format by the ending of a file's name.
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
    """Return `csv`, `parquet` or `jsonl`; `jsonl` is any JSON, `csv` includes tabs and bars.

    Raises:
        InputError: its name has no known ending and it does not exist, or it is a directory without
            Parquet files.
    """
    if path.is_dir():
        if parquet_files.part_files(path):
            return "parquet"
        raise InputError(f"{path} is a directory without a Parquet file", hint="Name a file in it.")
    name = path.name.lower()
    for ending, kind in _ENDINGS.items():
        if name.endswith(ending):
            return kind
    raise _unknown(path)


def _unknown(path: Path) -> InputError:
    """Return the error for a name without a known ending; it says what the file is, if known."""
    from recon.records import file_signatures

    if not path.exists():
        return no_such_file(path)
    other = None
    if path.is_file():
        with translate_errors(path), path.open("rb") as file:
            other = file_signatures.kind_of_binary(file.read(file_signatures.SIGNATURE_BYTES), path)
    if other is None:
        return InputError(f"{path} is a file of an unknown kind", hint=f"recon reads {_SHOWN}.")
    return InputError(f"{path} is {other[0]}", hint=f"{other[1]} recon reads {_SHOWN}.")


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Translate errors of reading a file into an `InputError`."""
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
        mapped: columns that are in use already, and so are not suggested.
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
    """Yield the rows of a file, with only these columns. Rows of blank cells are left out.

    Args:
        path: the file, or a directory of Parquet files.
        columns: which of its columns are wanted.
        time: the one of them that holds a time.
        repeated: wanted columns with few distinct texts: if the file stores each text once, Arrow's
            dictionary arrays do so too.
        setting: the setting with the path, for errors; "" for none.

    Raises:
        InputError: the file does not exist, cannot be read, or lacks a column. A JSON Lines file
            lacks a column if no object has the key, which is known only after the last chunk.
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
    """Return the columns of a file; for JSON Lines, the keys of its first objects.

    Args:
        path: the file, or a directory of Parquet files.
        wanted: names with which the header of a CSV file is found below other lines.

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
