"""Messages without a record that repeat a recorded message to the same number."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import numpy as np

from recon.core import blocks
from recon.core.link import Mask, Positions, SparseMapping

#: The last bits of a number's key.
_ENDS: Final = 2**20 - 1


def nearest_recorded(
    paired: Mask,
    keys: Positions,
    times: Positions,
    names: Positions,
    within: timedelta,
    *,
    block_rows: int = blocks.BLOCK_ROWS,
) -> SparseMapping:
    """Find, for each message without a record, the nearest recorded message to its number.

    It is at most `within` away; on a tie, the earlier one.

    Args:
        paired: which messages are in the records.
        keys: of the messages' numbers, negative for none.
        times: when they were sent, in microseconds, UTC.
        names: their ids, which decide ties, so that the order of rows does not.
        within: how far apart the two may be.
        block_rows: rows that one thread works on at a time; no result depends on it.
    """
    if paired.all() or not paired.any():
        none = np.zeros(0, dtype=np.int64)
        return SparseMapping(none, none)
    concerned = with_one_of(keys, keys[~paired], block_rows)
    by_time = concerned[np.lexsort((names[concerned], times[concerned], keys[concerned]))]
    rank = np.arange(len(by_time))
    key, time, recorded = keys[by_time], times[by_time], paired[by_time]
    before = np.maximum.accumulate(np.where(recorded, rank, -1))
    after = np.minimum.accumulate(np.where(recorded, rank, len(rank))[::-1])[::-1]
    best = np.full(len(rank), within // timedelta(microseconds=1) + 1)
    found = np.full(len(rank), -1, dtype=np.int64)
    for candidate in (before, after):
        mine = np.flatnonzero((candidate >= 0) & (candidate < len(rank)) & ~recorded & (key >= 0))
        mine = mine[key[mine] == key[candidate[mine]]]
        apart = np.abs(time[mine] - time[candidate[mine]])
        nearer = apart < best[mine]
        best[mine[nearer]] = apart[nearer]
        found[mine[nearer]] = by_time[candidate[mine[nearer]]]
    at = np.flatnonzero(found >= 0)
    at = at[np.argsort(by_time[at])]
    return SparseMapping(by_time[at], found[at])


def with_one_of(
    keys: Positions, wanted: Positions, block_rows: int = blocks.BLOCK_ROWS
) -> Positions:
    """Return the positions of keys that are among the `wanted` few.

    The last bits of most other keys already show that they are not.
    """
    ends = np.zeros(_ENDS + 1, dtype=np.bool_)
    ends[wanted & _ENDS] = True
    maybe = blocks.map_blocks(
        len(keys),
        lambda rows: rows.start + np.flatnonzero(ends[keys[rows] & _ENDS]),
        block_rows=block_rows,
    )
    at = np.concatenate([np.zeros(0, dtype=np.int64), *maybe])
    return at[np.isin(keys[at], wanted)]
