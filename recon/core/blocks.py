"""Rows in blocks, each small enough to stay near a core while it is worked on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

Made = TypeVar("Made")

#: Rows of a block: with fewer, threads wait for each other more often than it is worth.
ROWS: Final = 131_072
#: A second core takes half of it, and a third would find little left.
_THREADS: Final = 2
#: With fewer blocks it is not worth a thread.
_FEW: Final = 3


def each(size: int, work: Callable[[slice], Made]) -> list[Made]:
    """Return what `work` makes of each block of `size` rows, in order.

    Two cores work on them, as numpy and Arrow let go of Python's lock meanwhile. So what `work`
    does for one block must not depend on another one.
    """
    blocks = [slice(start, min(start + ROWS, size)) for start in range(0, size, ROWS)]
    if len(blocks) < _FEW:
        return [work(rows) for rows in blocks]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(work, blocks))
