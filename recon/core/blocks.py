"""Work on rows in blocks that fit into the cache of a processor core."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

Made = TypeVar("Made")

#: Rows of a block, by default: with fewer, threads wait for each other too often.
BLOCK_ROWS: Final = 131_072
#: A second core takes half of it, and a third would find little left.
_THREADS: Final = 2
#: With fewer blocks it is not worth a thread.
_FEW: Final = 3


def map_blocks(
    size: int, work: Callable[[slice], Made], *, block_rows: int = BLOCK_ROWS
) -> list[Made]:
    """Return the result of `work` for each block of `size` rows, in order.

    Two threads work at a time, because numpy and Arrow release Python's lock. So the result for one
    block must not depend on another block.
    """
    blocks = slices(size, block_rows)
    if len(blocks) < _FEW:
        return [work(rows) for rows in blocks]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(work, blocks))


def slices(size: int, block_rows: int) -> list[slice]:
    """Return the blocks of `size` rows, in order."""
    return [slice(start, min(start + block_rows, size)) for start in range(0, size, block_rows)]
