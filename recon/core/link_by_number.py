"""Link the records and messages that ids left over, by number and time.

Works on positions and 64-bit integers: times are microseconds since 1970 in UTC, number keys
(`recon.core.phones`) are whole numbers. The order of the rows does not matter. If rows are equal
otherwise, `order` decides: a value that belongs to the row and differs from all others of its side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from recon.core import assignment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Positions = NDArray[np.intp]

_FARTHEST: Final = 2**62


def link(
    local_key: Ints,
    local_time_us: Ints,
    local_order: Ints,
    provider_key: Ints,
    provider_time_us: Ints,
    provider_order: Ints,
    tolerance_us: int,
) -> tuple[Positions, Positions]:
    """Pair records and messages of one number that are at most `tolerance_us` apart.

    Exact for each number: as many pairs as possible and, among those, the least total difference in
    time (`recon.core.assignment` has the proof). If several results are equally good:

    1. earlier rows are paired rather than later ones (in the sense of `assignment.paired`; at
       one moment a message counts as earlier than a record);
    2. of rows of one side with equal number and time, those with the smaller order are paired;
    3. within a number the first paired record goes with the first paired message, the second
       with the second, and so on, by time and then by order.

    So the set of pairs, named by their orders, does not depend on the order of the rows.

    Args:
        local_key: number keys of the records; a negative key pairs with nothing.
        local_time_us: times of the records.
        local_order: breaks ties; different for each record.
        provider_key: number keys of the messages; a negative key pairs with nothing.
        provider_time_us: times of the messages.
        provider_order: breaks ties; different for each message.
        tolerance_us: the longest difference of a pair, inclusive.

    Returns:
        Positions of the records, and of the message of each, sorted by number and then time.

    Raises:
        ValueError: the tolerance is negative, or so wide (months, with millions of rows) that
            64 bits do not hold the line of time.
    """
    if tolerance_us < 0:
        raise ValueError("the tolerance must not be negative")
    local = np.flatnonzero(local_key >= 0)
    provider = np.flatnonzero(provider_key >= 0)
    if not local.size or not provider.size:
        return local[:0], provider[:0]

    row = np.concatenate((provider, local))
    is_local = np.arange(row.size) >= provider.size
    key = np.concatenate((provider_key[provider], local_key[local]))
    time_us = np.concatenate((provider_time_us[provider], local_time_us[local]))
    order = np.concatenate((provider_order[provider], local_order[local]))
    by_line = np.lexsort((order, is_local, time_us, key))
    row, is_local = row[by_line], is_local[by_line]

    tolerance_us = min(tolerance_us, int(time_us.max()) - int(time_us.min()))
    line_us = _one_line(key[by_line], time_us[by_line], tolerance_us)
    chosen = assignment.paired(line_us, is_local, tolerance_us)
    chosen = _smallest_orders_first(chosen, line_us, is_local)
    return row[chosen & is_local], row[chosen & ~is_local]


def _one_line(key: Ints, time_us: Ints, tolerance_us: int) -> Ints:
    """Put all numbers one after another on one line of time, too far apart to be paired.

    The exact distance between neighbours that cannot be paired does not matter. So it is shortened
    to the least such distance. All shorter distances are kept.
    """
    beyond = tolerance_us + 1
    gaps = np.where(key[1:] == key[:-1], np.minimum(np.diff(time_us), beyond), beyond)
    if gaps.sum(dtype=np.float64) + beyond > _FARTHEST:
        raise ValueError("the tolerance is too large for this many rows and numbers")
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(gaps)))


def _smallest_orders_first(
    chosen: NDArray[np.bool_], line_us: Ints, is_local: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Choose the first of the rows with equal number, time and side.

    They are next to each other, sorted by order, and equally good.
    """
    starts = np.flatnonzero(
        np.concatenate(([True], (np.diff(line_us) != 0) | (is_local[1:] != is_local[:-1])))
    )
    sizes = np.diff(starts, append=line_us.size)
    wanted = np.add.reduceat(chosen, starts, dtype=np.int64)
    rank = np.arange(line_us.size) - np.repeat(starts, sizes)
    return rank < np.repeat(wanted, sizes)
