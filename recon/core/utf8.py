"""The bytes of Arrow's texts as arrays, for questions that bytes answer faster than characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


def byte_bounds(texts: pa.LargeStringArray) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return the UTF-8 of all texts, and the bounds of each in it; whatever lies under a null."""
    bounds, data = shared_byte_bounds(texts)
    return bounds - bounds[0], data[bounds[0] : bounds[-1]]


def shared_byte_bounds(texts: pa.LargeStringArray) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return the bytes in which these texts lie, perhaps among others, and the bounds of each."""
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return np.zeros(len(texts) + 1, dtype=np.int64), np.zeros(0, dtype=np.uint8)
    bounds = np.frombuffer(offsets, dtype=np.int64)[texts.offset :][: len(texts) + 1]
    return bounds, np.frombuffer(data, dtype=np.uint8)
