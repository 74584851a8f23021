"""Which recorded message an unrecorded one repeats."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from recon.core import duplicate_sends


def test_what_a_message_repeats_does_not_depend_on_the_order_of_the_rows() -> None:
    rng = np.random.default_rng(3)
    count = 2000
    recorded = rng.random(count) < 0.9
    keys, times = rng.integers(-1, 300, count), rng.integers(0, 10**8, count)
    names = rng.permutation(count)
    one, other = (
        {
            int(names[order][at]): int(names[order][to])
            for at, to in zip(found.at, found.to, strict=True)
        }
        for order in (np.arange(count), rng.permutation(count))
        for found in [
            duplicate_sends.nearest_recorded(
                recorded[order], keys[order], times[order], names[order], timedelta(seconds=20)
            )
        ]
    )
    assert 0 < len(one) < count
    assert one == other


def test_keys_are_found_among_others() -> None:
    keys = np.array([-1, 5, 5 + 2**22, 5 + 2**60, 9, 5])
    assert duplicate_sends.rows_in(np.array([5, 5 + 2**60]), keys).tolist() == [1, 3, 5]
    assert duplicate_sends.rows_in(keys[:0], keys).tolist() == []
