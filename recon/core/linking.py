"""Which local record is which provider message: first by id, then by number and time.

All is done on positions and 64-bit integers: times are microseconds since 1970 in UTC, ids and
number keys (`recon.core.phones`) are whole numbers. The order of the rows never matters: where
rows tie in everything else, `order` decides, which is different for each row of a side and
travels with it (the rank of the local id, say).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from recon.core import matching

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Positions = NDArray[np.intp]

_FARTHEST: Final = 2**62
#: A table of ids has at most so many places for each.
_SPARSEST: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class IdLinks:
    """What the message ids tell, as positions of rows, ascending by id."""

    local: Positions
    """Local records that account for a message ..."""
    provider: Positions
    """... and that message, one for one."""
    duplicate_local: Positions
    """Local records with the id of a message that a nearer record already accounts for ..."""
    duplicate_of: Positions
    """... and that message."""


def by_id(
    local_ids: Ints,
    local_has_id: NDArray[np.bool_],
    local_time_us: Ints,
    local_order: Ints,
    provider_ids: Ints,
    provider_time_us: Ints,
) -> IdLinks:
    """Link the local records that name a message to that message.

    Of several records with one id the nearest in time accounts for the message, on a tie the one
    with the smallest order. Both sides are sorted, which costs next to nothing where they
    already are (books and listings nearly always are), and the sorted ids looked up in each
    other, which is several times faster than a hash join.

    Args:
        local_ids: message ids of the books; any value where `local_has_id` is false.
        local_has_id: which records name a message at all.
        local_time_us: times of the records.
        local_order: breaks ties; different for each record.
        provider_ids: message ids of the provider, each once.
        provider_time_us: times of the messages.

    Raises:
        AssertionError: an id is there twice on the provider's side, which is a bug of the caller.
    """
    provider_order = _ascending(provider_ids)
    known = provider_ids if provider_order is None else provider_ids[provider_order]
    assert (known[1:] != known[:-1]).all(), "the provider's message ids must be unique"

    local = np.flatnonzero(local_has_id)
    ids = local_ids[local]
    order = _ascending(ids)
    if order is not None:
        local, ids = local[order], ids[order]
    place = _places(known, ids)
    found = place >= 0
    del ids, order  # as long as the books: what is not needed is not kept
    if not found.all():
        local, place = local[found], place[found]
    provider = place if provider_order is None else provider_order[place]

    again = np.zeros(place.size, dtype=np.bool_)
    again[1:] = place[1:] == place[:-1]
    if not again.any():
        return IdLinks(local, provider, local[:0], provider[:0])
    shared = again.copy()
    shared[:-1] |= again[1:]
    rows = local[shared]
    distance = np.abs(local_time_us[rows] - provider_time_us[provider[shared]])
    local[shared] = rows[np.lexsort((local_order[rows], distance, place[shared]))]
    return IdLinks(local[~again], provider[~again], local[again], provider[again])


def by_number_and_time(
    local_key: Ints,
    local_time_us: Ints,
    local_order: Ints,
    provider_key: Ints,
    provider_time_us: Ints,
    provider_order: Ints,
    tolerance_us: int,
) -> tuple[Positions, Positions]:
    """Pair records and messages of one number that are at most `tolerance_us` apart.

    Exact for each number: as many pairs as possible and, among those, the least total difference
    in time (`recon.core.matching` has the proof). Where several answers are that good:

    1. earlier rows are paired rather than later ones (in the words of `matching.paired`; at
       one moment a message counts as earlier than a record);
    2. of rows of one side that share number and time, those of smaller order are paired;
    3. within a number the first paired record goes with the first paired message, the second
       with the second, and so on, by time and then by order.

    So the set of pairs, told by their orders, is the same however the rows are shuffled.

    Args:
        local_key: number keys of the records; a negative key pairs with nothing.
        local_time_us: times of the records.
        local_order: breaks ties; different for each record.
        provider_key: number keys of the messages; a negative key pairs with nothing.
        provider_time_us: times of the messages.
        provider_order: breaks ties; different for each message.
        tolerance_us: the longest difference of a pair, inclusive.

    Returns:
        Positions of the records and, one for one, of their messages, by number and then time.

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
    chosen = matching.paired(line_us, is_local, tolerance_us)
    chosen = _smallest_orders_first(chosen, line_us, is_local)
    return row[chosen & is_local], row[chosen & ~is_local]


def _ascending(values: Ints) -> Positions | None:
    """Return the positions that sort `values`, `None` where they ascend already."""
    if (values[1:] >= values[:-1]).all():
        return None
    if (values[1:] < values[:-1]).all():
        return np.arange(values.size)[::-1]
    return np.argsort(values, kind="stable")


def _places(known: Ints, ids: Ints) -> Positions:
    """Return where each of `ids` stands in `known`, which ascends; -1 where it does not.

    A table of all values between the least and the greatest is several times faster than the
    search, and no longer than a few times the ids where these were given out one after another.
    """
    if not known.size:
        return np.full(ids.size, -1)
    span = int(known[-1]) - int(known[0]) + 1
    if span <= _SPARSEST * known.size:
        table = np.full(span + 1, -1, dtype=np.int32)
        table[known - known[0]] = np.arange(known.size, dtype=np.int32)
        # Whatever is less or too far apart becomes, without a sign, greater than the span.
        beyond = np.minimum((ids - known[0]).view(np.uint64), np.uint64(span))
        return np.asarray(table[beyond.view(np.int64)], dtype=np.intp)
    place = np.minimum(np.searchsorted(known, ids), known.size - 1)
    place[known[place] != ids] = -1
    return place


def _one_line(key: Ints, time_us: Ints, tolerance_us: int) -> Ints:
    """Lay all numbers one behind the other on one line of time, out of each other's reach.

    Between neighbours out of reach the exact distance does not matter, so it is cut to the
    least that is out of reach: within reach every distance is true, and the line stays short.
    """
    beyond = tolerance_us + 1
    gaps = np.where(key[1:] == key[:-1], np.minimum(np.diff(time_us), beyond), beyond)
    if gaps.sum(dtype=np.float64) + beyond > _FARTHEST:
        raise ValueError("the tolerance is too wide for so many rows of so many numbers")
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(gaps)))


def _smallest_orders_first(
    chosen: NDArray[np.bool_], line_us: Ints, is_local: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Move the choice to the first of the rows that share number, time and side.

    They stand next to each other by order, and are worth the same.
    """
    starts = np.flatnonzero(
        np.concatenate(([True], (np.diff(line_us) != 0) | (is_local[1:] != is_local[:-1])))
    )
    sizes = np.diff(starts, append=line_us.size)
    wanted = np.add.reduceat(chosen, starts, dtype=np.int64)
    rank = np.arange(line_us.size) - np.repeat(starts, sizes)
    return rank < np.repeat(wanted, sizes)
