"""The bytes of Arrow's texts as arrays, because some checks are faster on bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


def byte_bounds(texts: pa.LargeStringArray) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return the UTF-8 bytes of all texts and the bounds of each; bytes of nulls are arbitrary."""
    bounds, data = shared_byte_bounds(texts)
    return bounds - bounds[0], data[bounds[0] : bounds[-1]]


def shared_byte_bounds(texts: pa.LargeStringArray) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return bytes that contain these texts, perhaps among others, and the bounds of each text."""
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return np.zeros(len(texts) + 1, dtype=np.int64), np.zeros(0, dtype=np.uint8)
    bounds = np.frombuffer(offsets, dtype=np.int64)[texts.offset :][: len(texts) + 1]
    return bounds, np.frombuffer(data, dtype=np.uint8)
