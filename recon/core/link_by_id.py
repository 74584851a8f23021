"""Link records to the messages whose id they hold.

Works on positions and 64-bit integers. The order of the rows does not matter. If rows are equal
otherwise, `order` decides: a value that belongs to the row and differs from all others of its side,
such as the rank of the local id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from recon.core import blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Positions = NDArray[np.intp]

#: A table of ids has at most this many places for each.
_SPARSEST: Final = 4
#: Up to this many ids with the same place are compared one by one; more are searched.
_STEPS: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class IdLinks:
    """The links that message ids make, as positions of rows."""

    partner_of_local: Positions
    """For each local record its message, -1 for none."""
    partner_of_provider: Positions
    """For each message its record, -1 for none."""
    duplicate_local: Positions
    """Local records, ascending, whose message id belongs to a nearer record ..."""
    duplicate_of: Positions
    """... and that message."""


def link(
    local_ids: Ints,
    local_has_id: NDArray[np.bool_],
    local_time_us: Ints,
    local_order: Ints,
    provider_ids: Ints,
    provider_time_us: Ints,
    *,
    block_rows: int = blocks.BLOCK_ROWS,
) -> IdLinks:
    """Link each local record with a message id to the message.

    If several records have one id, the nearest in time gets the message; on a tie, the one with the
    smallest order.

    Args:
        local_ids: message ids of the records; any value where `local_has_id` is false.
        local_has_id: which records have a message id.
        local_time_us: times of the records.
        local_order: breaks ties; different for each record.
        provider_ids: message ids of the provider, each once.
        provider_time_us: times of the messages.
        block_rows: rows that one thread works on at a time; no result depends on it.

    Raises:
        AssertionError: the provider's side has an id twice, which is a bug of the caller.
    """
    message_of = places(provider_ids, local_ids, block_rows)
    if not local_has_id.all():
        message_of[~local_has_id] = -1
    record_of, again = _last_of_each(message_of, provider_ids.size, block_rows)
    if not again.size:
        return IdLinks(message_of, record_of, again, again)

    rows = np.concatenate((again, np.unique(record_of[message_of[again]])))
    message = message_of[rows]
    distance = np.abs(local_time_us[rows] - provider_time_us[message])
    by_nearness = np.lexsort((local_order[rows], distance, message))
    rows, message = rows[by_nearness], message[by_nearness]
    farther = np.append(False, message[1:] == message[:-1])
    record_of[message[~farther]] = rows[~farther]
    duplicates = np.sort(rows[farther])
    duplicate_of = message_of[duplicates]
    message_of[duplicates] = -1
    return IdLinks(message_of, record_of, duplicates, duplicate_of)


def places(known: Ints, ids: Ints, block_rows: int = blocks.BLOCK_ROWS) -> Positions:
    """Return the position of each of `ids` in `known`, which has no id twice; -1 if absent.

    A table maps the first bits of an id to the first position with these bits. It is a few times as
    long as `known`. So few ids share a place in it, and none if they were assigned one after
    another. A lookup is several times faster than a search or a hash join.
    """
    if not known.size:
        return np.full(ids.size, -1)
    low = known.min()
    span = int(known.max()) - int(low)
    bits = (span // (_SPARSEST * known.size)).bit_length()
    order = _ascending(known) if bits else None
    if order is not None:
        known = known[order]

    # 0 means no position: for empty places of the table, and at both ends of it.
    table = np.zeros((span >> bits) + 3, dtype=np.int32)
    # From the last to the first, so that the first stays.
    for rows in reversed(blocks.slices(known.size, block_rows)):
        bucket = _bucket(known[rows], low, bits)[::-1]
        table[bucket] = np.arange(rows.stop, rows.start, -1, dtype=np.int32)
    unique = (known[1:] != known[:-1]).all() if bits else np.count_nonzero(table) == known.size
    assert unique, "the provider's message ids must be unique"
    place = np.empty(ids.size, dtype=np.intp)

    def look_up(rows: slice) -> None:
        place[rows] = table.take(_bucket(ids[rows], low, bits), mode="clip")
        place[rows] -= 1
        if bits:
            _step_on(place[rows], known, ids[rows])

    blocks.map_blocks(ids.size, look_up, block_rows=block_rows)
    if order is not None:
        hits = np.flatnonzero(place >= 0)
        place[hits] = order[place[hits]]
    return place


def _bucket(ids: Ints, low: np.int64, bits: int) -> Positions:
    """Return each id's place in the table, counted from 1; an id out of range gets some place."""
    # Without a sign no difference is too great.
    above = (ids - low).view(np.uint64)
    above >>= np.uint64(bits)
    above += np.uint64(1)
    return above.view(np.int64)


def _step_on(places: Positions, known: Ints, ids: Ints) -> None:
    """Go on from the first id of a bucket to the id itself; set -1 if it is not there."""
    behind = np.flatnonzero((places >= 0) & (known[places] < ids))
    for _ in range(_STEPS):
        places[behind] = np.minimum(places[behind] + 1, known.size - 1)
        behind = behind[known[places[behind]] < ids[behind]]
    if behind.size:
        places[behind] = np.minimum(np.searchsorted(known, ids[behind]), known.size - 1)
    places[known[places] != ids] = -1


def _last_of_each(
    message_of: Positions, messages: int, block_rows: int
) -> tuple[Positions, Positions]:
    """Return the last record of each message, -1 for none, and all records before those."""
    # One place more, where -1 leads.
    record_of = np.full(messages + 1, -1)
    for block in blocks.slices(message_of.size, block_rows):
        record_of[message_of[block]] = np.arange(block.start, block.stop)

    def before_the_last(rows: slice) -> Positions:
        last = record_of[message_of[rows]] == np.arange(rows.start, rows.stop)
        at: Positions = rows.start + np.flatnonzero(~last & (message_of[rows] >= 0))
        return at

    again = blocks.map_blocks(message_of.size, before_the_last, block_rows=block_rows)
    return record_of[:-1], np.concatenate([np.zeros(0, dtype=np.intp), *again])


def _ascending(values: Ints) -> Positions | None:
    """Return the positions that sort `values`, `None` if they already ascend."""
    if (values[1:] >= values[:-1]).all():
        return None
    if (values[1:] < values[:-1]).all():
        return np.arange(values.size)[::-1]
    return np.argsort(values, kind="stable")
