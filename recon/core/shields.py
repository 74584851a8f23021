"""Unreadable rows, and the rows of the other side that may be their counterpart.

An unreadable row may be the counterpart of any row that does not contradict its readable fields. So
a record or message is not reported as missing if an unreadable row may be its counterpart:

- if both have an id, the ids are equal, and nothing else counts, as in linking by id;
- otherwise the numbers are equal if both have one, or the user ids if both have one of the same
  type. A number with two readings is not compared;
- and the times are within the tolerance. A row whose time cannot be read may lie anywhere between
  its known bounds; without bounds, at any time.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Final

import numpy as np
import pandas as pd

from recon.core import link, phones, user_ids
from recon.core.link import Mask, Positions, Side
from recon.core.policy import Policy

_NEVER: Final = np.iinfo(np.int64).min
_FOREVER: Final = np.iinfo(np.int64).max
#: The sorts of keys, see `user_ids.key_sorts`.
_SORTS: Final = (0, 1, 2)


@dataclass(frozen=True, slots=True, eq=False)
class PartialRows:
    """The known fields of some unreadable or accused rows, as parallel arrays."""

    ids: Positions
    has_id: Mask
    keys: Positions
    """The keys of their numbers; negative without a readable number."""
    earliest: Positions
    """Microseconds, UTC: the row's time, or the earliest possible one."""
    latest: Positions

    def __len__(self) -> int:
        return len(self.ids)

    def where(self, mask: Mask) -> PartialRows:
        """Return some of the rows."""
        return PartialRows(*(getattr(self, field.name)[mask] for field in fields(self)))


def without_ids(keys: Positions, earliest: Positions, latest: Positions) -> PartialRows:
    """Return rows of which only numbers and times are compared."""
    no_ids = np.zeros(len(keys), dtype=np.int64), np.zeros(len(keys), dtype=np.bool_)
    return PartialRows(*no_ids, keys, earliest, latest)


def unreadable(rejects: pd.DataFrame, region: str | None) -> PartialRows:
    """Return the readable fields of rejected rows.

    Args:
        rejects: local or provider rejects. Columns `earliest` and `latest`, if present, are the
            bounds of an unreadable time.
        region: of national numbers.
    """
    ids, has_id = link.id_column(rejects["message_id"])
    numbers = rejects["phone_number"]
    return PartialRows(
        ids,
        has_id,
        phones.certain_keys(numbers, phones.keys(numbers, region), region),
        _bound(rejects, "earliest", _NEVER),
        _bound(rejects, "latest", _FOREVER),
    )


def _bound(rejects: pd.DataFrame, name: str, unbounded: int) -> Positions:
    times = rejects["sent_at"]
    if name in rejects.columns:
        times = times.where(times.notna(), rejects[name])
    return np.where(times.notna(), link.microseconds(times), unbounded)


def of_side(
    accused: PartialRows, numbers: pd.Series, nameless: Mask, others: Side, policy: Policy
) -> Mask:
    """Say for each accused row whether an unreadable row of the other side may be its counterpart.

    Args:
        accused: see `shielded`.
        numbers: their numbers, as stored.
        nameless: see `shielded`.
        others: the other side.
        policy: how far apart the two may lie, and the region of national numbers.
    """
    rejects = others.unreadable
    if rejects.empty or not len(accused):
        return np.zeros(len(accused), dtype=np.bool_)
    unread = unreadable(rejects, policy.region)
    accused = replace(accused, keys=phones.certain_keys(numbers, accused.keys, policy.region))
    return shielded(accused, nameless, unread, policy.tolerance)


def shielded(
    accused: PartialRows, nameless: Mask, unread: PartialRows, tolerance: timedelta
) -> Mask:
    """Say for each accused row whether an unreadable row of the other side may be its counterpart.

    Args:
        accused: readable rows without a counterpart.
        nameless: which of them hold no id at all, not even one that cannot be Octopods'.
        unread: unreadable rows of the other side.
        tolerance: how far apart the two may lie, inclusive.
    """
    if not len(accused) or not len(unread):
        return np.zeros(len(accused), dtype=np.bool_)
    found = accused.has_id & np.isin(accused.ids, unread.ids[unread.has_id])
    found |= _may_be(accused, unread.where(~unread.has_id), tolerance)
    found[nameless] |= _may_be(accused.where(nameless), unread.where(unread.has_id), tolerance)
    return found


def _may_be(accused: PartialRows, unread: PartialRows, tolerance: timedelta) -> Mask:
    """Compare numbers and times, without regard to ids."""
    found = np.zeros(len(accused), dtype=np.bool_)
    sorts, of = user_ids.key_sorts(accused.keys), user_ids.key_sorts(unread.keys)
    found |= near(accused, unread.where(of < 0), tolerance, by_number=False)
    for sort in _SORTS:
        some = unread.where(of == sort)
        if not len(some):
            continue
        same = sorts == sort
        found[same] |= near(accused.where(same), some, tolerance, by_number=True)
        found[~same] |= near(accused.where(~same), some, tolerance, by_number=False)
    return found


def near(
    accused: PartialRows, unread: PartialRows, tolerance: timedelta, *, by_number: bool
) -> Mask:
    """Say for each row whether an unreadable row may have its time, and if asked its number.

    Both are sorted by their earliest possible time. Of the unreadable rows so far, the one with the
    latest end decides.
    """
    if not len(accused) or not len(unread):
        return np.zeros(len(accused), dtype=np.bool_)
    reach = tolerance // timedelta(microseconds=1)
    start = np.maximum(unread.earliest, _NEVER + reach) - reach
    end = np.minimum(unread.latest, _FOREVER - reach) + reach
    # As ranks they are small, so that a number and a time fit into one integer.
    _, rank = np.unique(
        np.concatenate([start, end, accused.earliest, accused.latest]), return_inverse=True
    )
    count, size = len(unread), int(rank.max()) + 2
    opens, closes = rank[:count], rank[count : 2 * count]
    first, last = rank[2 * count : 2 * count + len(accused)], rank[2 * count + len(accused) :]
    number = np.zeros(count + len(accused), dtype=np.int64)
    if by_number:
        _, number = np.unique(np.concatenate([unread.keys, accused.keys]), return_inverse=True)

    is_accused = np.arange(len(number)) >= count
    begins = np.concatenate([opens, last])
    order = np.lexsort((is_accused, begins, number))
    lasts = np.concatenate([number[:count] * size + closes + 1, np.zeros(len(accused), np.int64)])
    longest = np.maximum.accumulate(lasts[order])
    until = np.empty(len(number), dtype=np.int64)
    until[order] = longest
    found: Mask = until[count:] > number[count:] * size + first
    return found
