"""Messages without a record that repeat a recorded message to the same number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

import numpy as np

from recon.core import blocks
from recon.core.link import Mask, Positions, SparseMapping

#: The last bits of a number's key.
_ENDS: Final = 2**22 - 1


@dataclass(frozen=True, slots=True, eq=False)
class KeySet:
    """Keys of numbers, to be looked for among very many others."""

    ascending: Positions
    ends: Mask
    """Says of the last bits of a number's key whether one of the keys has the same."""

    @classmethod
    def of(cls, keys: Positions) -> Self:
        """Return the set of some keys."""
        ends = np.zeros(_ENDS + 1, dtype=np.bool_)
        ends[keys & _ENDS] = True
        return cls(np.sort(keys), ends)

    def rows_in(self, keys: Positions, *, block_rows: int = blocks.BLOCK_ROWS) -> Positions:
        """Return the positions of those of `keys` that are in the set.

        Args:
            keys: of very many numbers. Most are left out at once, by their last bits.
            block_rows: rows that one thread works on at a time; no result depends on it.
        """

        def found(rows: slice) -> Positions:
            at = rows.start + np.flatnonzero(self.ends[keys[rows] & _ENDS])
            place = np.searchsorted(self.ascending, keys[at])
            np.minimum(place, len(self.ascending) - 1, out=place)
            same: Positions = at[self.ascending[place] == keys[at]]
            return same

        if not len(self.ascending):
            return np.zeros(0, dtype=np.int64)
        parts = blocks.map_blocks(len(keys), found, block_rows=block_rows)
        return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


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
    concerned = KeySet.of(keys[~paired]).rows_in(keys, block_rows=block_rows)
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
