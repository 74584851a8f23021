"""Whole numbers in several parts; only one part has to be in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias, TypeVar

import numpy as np

from recon.core.link import Mask, Positions

#: How many numbers are sorted at a time.
_SLICE: Final = 4_000_000


Side: TypeAlias = Literal["left", "right"]


class Ascending(Protocol):
    """Ascending numbers that can be searched and counted, such as a sorted array."""

    def searchsorted(self, v: Positions, /, side: Side = "left") -> Positions:
        """Count for each of `v` the numbers below it; with `right` also those equal to it."""

    def __len__(self) -> int: ...


Part_co = TypeVar("Part_co", bound=Ascending, covariant=True)


@dataclass(frozen=True, slots=True, eq=False)
class Parts(Iterable[Part_co]):
    """Parts that are made or read anew each time they are iterated."""

    made: Sequence[Callable[[], Part_co]]

    def __iter__(self) -> Iterator[Part_co]:
        return (make() for make in self.made)


@dataclass(frozen=True, slots=True, eq=False)
class AllBut:
    """Ascending numbers without some of them; nothing is copied."""

    numbers: Positions
    without: Positions
    """The places in `numbers` that do not count, ascending."""

    def searchsorted(self, v: Positions, /, side: Side = "left") -> Positions:
        """Count as `Ascending` says."""
        below = np.searchsorted(self.numbers, v, side)
        return below - np.searchsorted(self.without, below)

    def __len__(self) -> int:
        return len(self.numbers) - len(self.without)


def chosen(numbers: Positions, mask: Mask) -> Ascending:
    """Return the `numbers` that a mask chooses, ascending, without a copy if they are most."""
    if _ascend(numbers) and 2 * np.count_nonzero(mask) > len(mask):
        return AllBut(numbers, np.flatnonzero(~mask))
    return ascending(numbers[mask])


def ascending(values: Positions) -> Positions:
    """Return values sorted; values that are already sorted are returned unchanged."""
    return values if _ascend(values) else np.sort(values)


def _ascend(values: Positions) -> bool:
    return bool((values[1:] >= values[:-1]).all())


def counted_below(parts: Iterable[Ascending], bounds: Positions, side: Side = "left") -> Positions:
    """Count for each of `bounds` the numbers below it; with `right` also those equal to it."""
    counts = (part.searchsorted(bounds, side=side) for part in parts)
    return sum(counts, start=np.zeros(len(bounds), dtype=np.int64))


def count(parts: Iterable[Sized]) -> int:
    """Return how many numbers there are."""
    return sum(map(len, parts))


def median(parts: Iterable[Positions]) -> float:
    """Return the median of all numbers as `numpy.median` does; there must be at least one."""
    bounds = [(len(part), int(part.min()), int(part.max())) for part in parts if len(part)]
    if len(bounds) == 1:
        return float(np.median(next(part for part in parts if len(part))))
    total = sum(one[0] for one in bounds)
    low, high = min(one[1] for one in bounds), max(one[2] for one in bounds)
    place = (total - 1) // 2
    while low < high:
        middle = (low + high) // 2
        if _up_to(parts, middle) > place:
            high = middle
        else:
            low = middle + 1
    if total % 2 or _up_to(parts, low) > place + 1:
        return float(low)
    above = (part[part > low] for part in parts)
    return (low + min(int(part.min()) for part in above if len(part))) / 2


def _up_to(parts: Iterable[Positions], bound: int) -> int:
    return sum(int(np.count_nonzero(part <= bound)) for part in parts)


def in_slices(parts: Iterable[Positions], *, size: int = _SLICE) -> Iterator[Positions]:
    """Yield all numbers ascending, about `size` at a time."""
    if count(parts) <= size:
        yield np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *parts]))
        return
    step = max(size // 64, 1)
    # Copies: a view would keep its whole part in memory.
    sample = np.sort(np.concatenate([part[::step].copy() for part in parts]))
    low: int | None = None
    for high in [*np.unique(sample[64::64]).tolist(), None]:
        inside = []
        for part in parts:
            mask = np.ones(len(part), dtype=np.bool_)
            if low is not None:
                mask &= part >= low
            if high is not None:
                mask &= part < high
            inside.append(part[mask])
        yield np.sort(np.concatenate(inside))
        low = high
