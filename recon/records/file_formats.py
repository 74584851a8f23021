"""Tables in files: CSV, Parquet and JSON Lines, as raw columns in chunks.

A row that does not parse costs only itself. Ids never become floats on the way: all of a CSV is
text, and JSON's whole numbers are Python's.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from recon.errors import InputError
from recon.records.chunk import Chunk
from recon.records.suggestions import missing, no_such_file

#: What the end of a file's name says of what is in it.
_ENDINGS: Final = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".jsonl.gz": "jsonl",
    ".ndjson": "jsonl",
    ".ndjson.gz": "jsonl",
}

#: Rows of a Parquet file that are read at once.
_ROWS: Final = 262_144


def kind_of(path: Path) -> str:
    """Return `csv`, `parquet` or `jsonl`.

    Raises:
        InputError: the name ends with nothing that is known.
    """
    name = path.name.lower()
    for ending, kind in _ENDINGS.items():
        if name.endswith(ending):
            return kind
    raise InputError(f"{path}: what kind of file is this?", hint=f"known are {', '.join(_ENDINGS)}")


def chunks(path: Path, columns: Sequence[str], *, repeated: Sequence[str] = ()) -> Iterator[Chunk]:
    """Yield the rows of a file, with only these columns.

    Args:
        path: the file.
        columns: which of its columns are wanted.
        repeated: those of them whose texts come again and again: where the file keeps each text
            once, Arrow's dictionary arrays do so too.

    Raises:
        InputError: the file is not there or cannot be read, or lacks a column. A JSON Lines file
            lacks what no object in it has, which shows only after the last chunk.
    """
    kind = kind_of(path)
    if not path.is_file():
        raise no_such_file(path)
    try:
        if kind == "parquet":
            yield from _parquet(path, columns, repeated)
        elif kind == "csv":
            from recon.records import csv_files

            yield from csv_files.chunks(path, columns)
        else:
            from recon.records import json_lines

            yield from json_lines.chunks(path, columns)
    except (OSError, EOFError, zlib.error) as cause:
        raise InputError(f"{path} cannot be read: {cause}") from cause


def column_names(path: Path) -> tuple[str, ...]:
    """Return what columns a file has; of JSON Lines, the keys of its first objects.

    Raises:
        InputError: the file is not there or cannot be read.
    """
    kind = kind_of(path)
    if not path.is_file():
        raise no_such_file(path)
    try:
        if kind == "parquet":
            return tuple(_open_parquet(path).schema_arrow.names)
        if kind == "csv":
            from recon.records import csv_files

            return csv_files.header(path, ()).names
        from recon.records import json_lines

        return json_lines.keys(path)
    except (OSError, EOFError, zlib.error) as cause:
        raise InputError(f"{path} cannot be read: {cause}") from cause


def read_table(path: Path, columns: Sequence[str]) -> Chunk:
    """Return all rows of a file at once, with only these columns.

    Raises:
        InputError: as `chunks` does.
    """
    import pyarrow as pa

    read = list(chunks(path, columns))
    whole: dict[str, Any] = {}
    for name in columns:
        parts = [part for chunk in read if len(part := chunk.columns[name])]
        if parts and isinstance(parts[0], list):
            whole[name] = [value for part in parts for value in part]
        else:
            whole[name] = pa.chunked_array(parts) if parts else []
    return Chunk(whole, [reason for chunk in read for reason in chunk.broken])


def _open_parquet(path: Path, repeated: Sequence[str] = ()) -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path, read_dictionary=list(repeated))
    except pa.ArrowException as cause:
        raise InputError(f"{path} is no Parquet file: {cause}") from cause


def _parquet(path: Path, columns: Sequence[str], repeated: Sequence[str]) -> Iterator[Chunk]:
    import pyarrow as pa

    with _open_parquet(path, repeated) as file:
        names = file.schema_arrow.names
        absent = [name for name in columns if name not in names]
        if absent:
            raise missing("column", absent, names, where=str(path))
        try:
            for batch in file.iter_batches(batch_size=_ROWS, columns=list(dict.fromkeys(columns))):
                yield Chunk({name: batch.column(name) for name in columns})
        except pa.ArrowException as cause:
            raise InputError(f"{path} cannot be read: {cause}") from cause
