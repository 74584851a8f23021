"""Build the texts of many rows at once, as Arrow arrays of `large_string`."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Texts: TypeAlias = pa.LargeStringArray
Positions: TypeAlias = npt.NDArray[np.int64]

TEXT: Final = pa.large_string()


def take(column: pd.Series[Any], at: Positions) -> Texts:
    """Return the values of a column of texts, numbers or categories at some positions.

    Null if the position is -1 or the column is null there.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.array.take(at, allow_fill=True).codes
        words = as_text_array(pa.array(column.cat.categories.astype("str"), from_pandas=True))
        return words.take(pa.array(codes, mask=codes < 0))
    if not isinstance(column.dtype, np.dtype):
        if isinstance(column.array, pd.arrays.IntegerArray):
            return pa.array(column.array.take(at, allow_fill=True), from_pandas=True).cast(TEXT)
        return _taken(pa.array(column.array, from_pandas=True), at).cast(TEXT)
    return _taken(pa.array(column.to_numpy()), at).cast(TEXT)


def _taken(held: pa.Array | pa.ChunkedArray, at: Positions) -> pa.Array:
    if held.null_count == len(held):
        return pa.nulls(len(at), held.type)
    if not isinstance(held, pa.ChunkedArray):
        return held.take(pa.array(at, mask=at < 0))
    # Chunk by chunk: Arrow would put all of them together first.
    bounds = np.cumsum([0, *map(len, held.chunks)])
    of = np.searchsorted(bounds, at, side="right") - 1
    rows = [np.flatnonzero(of == place) for place in range(-1, held.num_chunks)]
    parts = [pa.nulls(rows[0].size, held.type)] + [
        chunk.take(pa.array(at[mine] - first))
        for mine, first, chunk in zip(rows[1:], bounds, held.chunks, strict=False)
    ]
    places = np.empty(at.size, dtype=np.int64)
    places[np.concatenate(rows)] = np.arange(at.size)
    return pa.concat_arrays(parts).take(pa.array(places))


def as_text_array(texts: pa.Array | pa.ChunkedArray) -> Texts:
    """Return an array of any type as texts, in one piece."""
    one = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    return one.cast(TEXT)


def join(*pieces: Texts | str, between: str = "") -> Texts:
    """Join the pieces of each row; a `str` is the same in all rows. Null if a piece is null."""
    return pc.binary_join_element_wise(*map(_piece, pieces), pa.scalar(between, TEXT))


def if_else(mask: npt.NDArray[np.bool_], then: Texts | str, otherwise: Texts | str) -> Texts:
    """Return for each row one text or the other."""
    return pc.if_else(pa.array(mask), _piece(then), _piece(otherwise))


def where(mask: npt.NDArray[np.bool_], texts: Texts) -> Texts:
    """Return the texts, with null in rows that the mask excludes."""
    return texts if mask.all() else pc.if_else(pa.array(mask), texts, pa.scalar(None, TEXT))


def coalesce(texts: Texts, otherwise: Texts | str) -> Texts:
    """Return the texts, with `otherwise` in place of nulls."""
    return pc.coalesce(texts, _piece(otherwise))


def to_series(texts: Texts) -> pd.Series[str]:
    """Return texts as a `str` column, counted from 0."""
    return pd.Series(pd.array(texts, dtype="str"))


def _piece(piece: Texts | str) -> pa.Array | pa.Scalar:
    return pa.scalar(piece, TEXT) if isinstance(piece, str) else piece
