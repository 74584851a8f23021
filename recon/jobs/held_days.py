"""Hold the finished days of a range for the summary and the mail at its end."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Sequence
from typing import Final, Generic, TypeVar, overload

T = TypeVar("T")

#: The fastest; a better one saves a tenth more.
_LEVEL: Final = 1


class HeldDays(Sequence[T], Generic[T]):
    """Values that are held compressed until the first of them is read.

    The result of a day takes some 50 kB, because each of the fifteen columns of findings takes
    kilobytes even with few rows. Compressed, it is a few kilobytes. The values are read at the end
    of the range, when the memory used for comparing is free again.
    """

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._read: list[T] = []

    def append(self, value: T) -> None:
        """Hold one more value that can be pickled, as a compressed copy."""
        self._held.append(zlib.compress(pickle.dumps(value, pickle.HIGHEST_PROTOCOL), _LEVEL))

    def __len__(self) -> int:
        return len(self._read) + len(self._held)

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...
    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        """Return values; they are equal copies of those that were appended."""
        self._held.reverse()
        while self._held:
            self._read.append(pickle.loads(zlib.decompress(self._held.pop())))  # noqa: S301 - our own
        return self._read[at]
