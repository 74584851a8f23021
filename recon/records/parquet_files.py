"""Read Parquet files, and directories of them as written by Spark, Dask and Hive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from recon.errors import InputError
from recon.records.chunk import Chunk
from recon.records.suggestions import not_found_error, printable

if TYPE_CHECKING:
    import pyarrow as pa

#: Rows that are read at once.
_ROWS: Final = 262_144
_ENDINGS: Final = (".parquet", ".parq", ".pq")
#: What Hive writes for a partition without a value.
_NO_VALUE: Final = "__HIVE_DEFAULT_PARTITION__"


def part_files(path: Path) -> list[Path]:
    """Return the Parquet files in a directory and below, in order; hidden ones are left out."""
    found = []
    for one in sorted(path.rglob("*")):
        below = one.relative_to(path).parts
        if any(name.startswith((".", "_")) for name in below):
            continue
        if one.is_file() and one.name.lower().endswith(_ENDINGS):
            found.append(one)
    return found


def column_names(path: Path) -> tuple[str, ...]:
    """Return the columns of a file, or of a directory's first file and its partitions."""
    if not path.is_dir():
        return tuple(_open(path).schema_arrow.names)
    first = part_files(path)[0]
    return (*_open(first).schema_arrow.names, *_partition(path, first))


def row_count(path: Path) -> int:
    """Return how many rows a file, or all files of a directory, have."""
    count = 0
    for part in part_files(path) if path.is_dir() else [path]:
        with _open(part) as file:
            count += file.metadata.num_rows
    return count


def chunks(
    path: Path, columns: Sequence[str], *, repeated: Sequence[str] = (), rows: int = _ROWS
) -> Iterator[Chunk]:
    """Yield the rows; see `file_formats.chunks`. Rows with only nulls are left out.

    All files of a directory are read; `name=value` in the path of a file is a column.
    """
    if not path.is_dir():
        yield from _of_file(path, columns, repeated, rows, {})
        return
    for part in part_files(path):
        yield from _of_file(part, columns, repeated, rows, _partition(path, part))


def _partition(directory: Path, part: Path) -> dict[str, str | None]:
    named = (name.partition("=") for name in part.relative_to(directory).parts[:-1])
    return {
        key: None if value == _NO_VALUE else unquote(value)
        for key, equals, value in named
        if equals
    }


def _open(path: Path, repeated: Sequence[str] = ()) -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa
    import pyarrow.parquet as pq

    from recon.records import file_signatures

    try:
        # Read ahead, Arrow would hold what it has read until the file is closed.
        file = pq.ParquetFile(path, pre_buffer=False)
        coded = [name for name in repeated if name in file.schema_arrow.names]
        if not coded:
            return file
        with file:
            return pq.ParquetFile(
                path, metadata=file.metadata, read_dictionary=coded, pre_buffer=False
            )
    except pa.ArrowException as cause:
        with path.open("rb") as file:
            other = file_signatures.kind_of_binary(file.read(file_signatures.SIGNATURE_BYTES), path)
        said = f"it is {other[0]}" if other else printable(str(cause).split("\n", maxsplit=1)[0])
        raise InputError(f"{path} is not a Parquet file: {said}") from cause


def _of_file(
    path: Path,
    columns: Sequence[str],
    repeated: Sequence[str],
    rows: int,
    partition: dict[str, str | None],
) -> Iterator[Chunk]:
    import pyarrow as pa

    with _open(path, repeated) as file:
        names = file.schema_arrow.names
        constant = {
            name: partition[name] for name in columns if name in partition and name not in names
        }
        kept = list(dict.fromkeys(name for name in columns if name not in constant))
        absent = [name for name in kept if name not in names]
        if absent:
            raise not_found_error(
                "column", absent, [*names, *partition], where=str(path), mapped=columns
            )
        try:
            for number, batch in enumerate(file.iter_batches(batch_size=rows, columns=kept)):
                filled = _filled(file, number, batch, rows)
                stored = {name: filled.column(name) for name in kept}
                fixed = {
                    name: pa.array([value] * filled.num_rows, pa.large_string())
                    for name, value in constant.items()
                }
                yield Chunk({**stored, **fixed})
        except pa.ArrowException as cause:
            said = printable(str(cause).split("\n", maxsplit=1)[0])
            raise InputError(f"{path} cannot be read: {said}") from cause


def _filled(file: Any, number: int, batch: pa.RecordBatch, rows: int) -> pa.RecordBatch:  # noqa: ANN401 - pyarrow has no types
    """Return a batch without rows that are null in all columns of the file."""
    import numpy as np
    import pyarrow as pa

    if not batch.num_columns or not all(column.null_count for column in batch.columns):
        return batch
    empty = _nulls(batch)
    others = [name for name in file.schema_arrow.names if name not in batch.schema.names]
    if others and empty.any():
        rest = file.iter_batches(batch_size=rows, columns=others)
        for _ in range(number):
            next(rest)
        empty &= _nulls(next(rest))
    return batch.filter(pa.array(~empty)) if np.any(empty) else batch


def _nulls(batch: pa.RecordBatch) -> Any:  # noqa: ANN401 - pyarrow has no types
    import numpy as np

    masks = [column.is_null().to_numpy(zero_copy_only=False) for column in batch.columns]
    return np.logical_and.reduce(masks)
