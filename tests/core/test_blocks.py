from __future__ import annotations

import threading

import pytest

from recon.core import blocks


@pytest.mark.parametrize("size", [0, 1, 4, 5, 8, 9, 41])
def test_the_blocks_are_all_rows_in_order(size: int) -> None:
    made = blocks.map_blocks(size, lambda rows: range(size)[rows], block_rows=4)
    assert [row for block in made for row in block] == list(range(size))
    assert all(0 < len(block) <= 4 for block in made)


def test_many_blocks_are_worked_on_at_the_same_time() -> None:
    both = threading.Barrier(2)
    # Each of the first two ends only when the other one has begun.
    blocks.map_blocks(16, lambda rows: both.wait(timeout=30) if rows.start < 8 else 0, block_rows=4)


def test_what_goes_wrong_in_a_block_goes_wrong() -> None:
    with pytest.raises(ZeroDivisionError):
        blocks.map_blocks(41, lambda rows: 1 // (rows.start - 20), block_rows=4)
