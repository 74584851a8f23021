"""Partitions of frames in files: all rows with the same key are in one partition."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from recon.core import frames, link
from recon.core.frames import columns
from recon.core.link import Positions
from recon.report.atomic_files import translated

#: The odd number next to 2**64 divided by the golden ratio: neighbours end up far apart.
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)
_TIMES: Final = ("sent_at", "observed_at")


def places(keys: Positions, has_key: npt.NDArray[np.bool_], count: int) -> Positions:
    """Return the partition of each row by its key; rows without a key are spread evenly."""
    spread = (keys.view(np.uint64) * _SPREAD) >> np.uint64(32)
    found: Positions = (spread % np.uint64(count)).astype(np.int64)
    lacking = np.flatnonzero(~has_key)
    found[lacking] = lacking % count
    return found


class PartitionWriter:
    """Writes rows to the partitions of one side, a chunk at a time.

    Each partition is a file `<name>-<partition>` in Arrow's streaming format, with a second file
    for rows whose columns have other types. Files of another writer stay if its `part` is
    different.
    """

    def __init__(self, folder: Path, name: str, count: int, *, part: str = "") -> None:
        self._folder, self._name, self._count, self._part = folder, name, count, part
        self._open = ExitStack()
        self._writers: dict[tuple[int, str], Any] = {}
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with translated(self._folder):
            self._open.close()

    def write(self, frame: pd.DataFrame, places: Positions) -> None:
        """Write each row to its partition.

        Raises:
            OutputError: the disk is full, or it cannot be written otherwise.
        """
        self.rows += len(frame)
        table = _table(frame)
        if self._count > 1:
            narrow = places.astype(np.uint16)
            table = table.take(pa.array(np.argsort(narrow, kind="stable")))
        ends = np.cumsum(np.bincount(places, minlength=self._count)).tolist()
        with translated(self._folder):
            for place, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
                if end > start:
                    self._writer(place, table.schema).write_batch(table.slice(start, end - start))

    def _writer(self, place: int, schema: pa.Schema) -> Any:  # noqa: ANN401 - pyarrow has no types
        key = (place, str(schema.field(0).type))
        if key not in self._writers:
            path = self._folder / f"{self._name}-{place}-{key[1]}{self._part}"
            sink = self._open.enter_context(pa.OSFile(str(path), "wb"))
            self._writers[key] = self._open.enter_context(pa.ipc.new_stream(sink, schema))
        return self._writers[key]


def remove(folder: Path, name: str) -> None:
    """Remove all files of a side."""
    for path in folder.glob(f"{name}-*"):
        path.unlink()


def write(frame: pd.DataFrame, folder: Path, name: str) -> None:
    """Write all rows as one partition, as `PartitionWriter` does."""
    with PartitionWriter(folder, name, 1) as writer:
        writer.write(frame, np.zeros(len(frame), dtype=np.int64))


def read(folder: Path, name: str, place: int, empty: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a partition, in the order in which they were written.

    Args:
        folder: where the files are.
        name: the name of the side.
        place: which partition.
        empty: returned if there are no rows.
    """
    found = []
    for path in sorted(folder.glob(f"{name}-{place}-*")):
        with pa.OSFile(str(path), "rb") as file, pa.ipc.open_stream(file) as stream:
            found.append(_frame(stream.read_all(), empty))
    return frames.concat([empty, *found])


def _table(frame: pd.DataFrame) -> pa.RecordBatch:
    arrays = {str(name): _array(frame[name]) for name in frame.columns}
    return pa.RecordBatch.from_pydict(arrays)


def _array(column: pd.Series[Any]) -> pa.Array:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return pa.array(link.microseconds(column))
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy()
        words = pa.array(column.cat.categories.astype("str"), from_pandas=True)
        held = pa.array(codes.astype(np.int32), mask=codes < 0)
        return pa.DictionaryArray.from_arrays(held, columns.as_arrow(words).cast(pa.large_string()))
    return columns.as_arrow(pa.array(column, from_pandas=True))


def _frame(table: pa.Table, empty: pd.DataFrame) -> pd.DataFrame:
    made = {
        name: _column(name, table.column(name), empty[name].dtype) for name in table.column_names
    }
    return pd.DataFrame(made, copy=False)


def _column(name: str, held: pa.ChunkedArray, dtype: Any) -> Any:  # noqa: ANN401 - of any type
    if pa.types.is_dictionary(held.type):
        return _categories(held.unify_dictionaries().combine_chunks())
    one = held.combine_chunks()
    if name in _TIMES:
        times = one.to_numpy().view("datetime64[us]")
        return pd.Series(pd.DatetimeIndex(times).tz_localize("UTC"))
    if pa.types.is_large_string(one.type):
        return columns.strings(one)
    if isinstance(dtype, pd.Int64Dtype):
        values = one.fill_null(0).to_numpy(zero_copy_only=False)
        return pd.arrays.IntegerArray(values, one.is_null().to_numpy(zero_copy_only=False))
    return one.to_numpy()


def _categories(words: pa.DictionaryArray) -> pd.Categorical:
    spelled = words.dictionary.to_pylist()
    known = sorted(set(spelled))
    # The code of a null is -1, which is also the last place of the table.
    table = np.array([*map(known.index, spelled), -1])
    codes = words.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return pd.Categorical.from_codes(table[codes], categories=pd.Index(known, dtype="str"))
