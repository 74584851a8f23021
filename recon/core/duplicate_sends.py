"""Messages without a record that repeat a recorded message to the same number."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from recon.core.link import Mask, Positions, SparseMapping


def rows_in(some: Positions, keys: Positions) -> Positions:
    """Return the positions of those of `keys` that are among `some`."""
    return np.flatnonzero(pd.Index(keys).isin(some))


def nearest_recorded(
    paired: Mask,
    keys: Positions,
    times: Positions,
    names: Positions,
    within: timedelta,
) -> SparseMapping:
    """Find, for each message without a record, the nearest recorded message to its number.

    It is at most `within` away; on a tie, the earlier one.

    Args:
        paired: which messages are in the records.
        keys: of the messages' numbers, negative for none.
        times: when they were sent, in microseconds, UTC.
        names: their ids, which decide ties, so that the order of rows does not.
        within: how far apart the two may be.
    """
    if paired.all() or not paired.any():
        none = np.zeros(0, dtype=np.int64)
        return SparseMapping(none, none)
    concerned = rows_in(keys[~paired], keys)
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
