"""Which recorded message an unrecorded one repeats, when very many rows are worked on in blocks."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from recon.core import duplicate_sends


def test_what_a_message_repeats_does_not_depend_on_the_size_of_the_blocks() -> None:
    rng = np.random.default_rng(3)
    count = 2000
    recorded = rng.random(count) < 0.9
    keys, times = rng.integers(-1, 300, count), rng.integers(0, 10**8, count)
    names = rng.permutation(count)
    whole, in_blocks = (
        duplicate_sends.nearest_recorded(
            recorded, keys, times, names, timedelta(seconds=20), block_rows=block_rows
        )
        for block_rows in (10**6, 97)
    )
    assert 0 < len(whole.at) < count
    assert whole.at.tolist() == in_blocks.at.tolist()
    assert whole.to.tolist() == in_blocks.to.tolist()


def test_keys_with_the_same_last_bits_are_told_apart() -> None:
    keys = np.array([-1, 5, 5 + 2**22, 5 + 2**60, 9, 5])
    assert duplicate_sends.KeySet.of(np.array([5, 5 + 2**60])).rows_in(keys).tolist() == [1, 3, 5]
    assert duplicate_sends.KeySet.of(keys[:0]).rows_in(keys).tolist() == []
