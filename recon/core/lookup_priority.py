"""Which recorded ids are worth a status call, and in which order.

First those whose absence would be reported, then others that nothing else can settle.
Each status call is taken from the limit that the sends share. Where there are more ids than calls,
those asked for are spread evenly over the time of their records: the newest ones alone could all
belong to one short outage and say nothing about the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recon.core import link
from recon.core.buckets import Case
from recon.core.link import Positions


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Ids to ask for, in this order, each once, and what the records say of each."""

    message_ids: Positions
    keys: Positions
    """The key of the recorded number, -1 for none."""
    times: Positions
    """When the record was sent; microseconds, UTC."""
    days: Positions
    """The position of the window that the record belongs to."""

    def __len__(self) -> int:
        return len(self.message_ids)


def candidates(case: Case, *, most: int, skip: Positions) -> Candidates:
    """Return the recorded ids to ask for, at most `most`.

    Records that would be `missing_at_provider` come first, then those that a gap in the coverage
    leaves `unverifiable`.

    Args:
        case: both sides, linked and sorted.
        most: how many requests are left.
        skip: ids that need not be asked for.
    """
    ids, has_id = link.ids(case.local.frame["message_id"])
    chosen = np.zeros(0, dtype=np.int64)
    for bucket in ("missing_at_provider", "unverifiable"):
        records = case.local_in(bucket)
        records = records[has_id[records]]
        records = records[~np.isin(ids[records], np.concatenate([skip, ids[chosen]]))]
        _, first = np.unique(ids[records], return_index=True)
        records = records[first]
        at = spread(case.local_time[records], most - len(chosen))
        chosen = np.concatenate([chosen, records[at]])
    return Candidates(
        ids[chosen], case.local_keys[chosen], case.local_time[chosen], case.local_owner[chosen]
    )


def spread(times: Positions, most: int) -> Positions:
    """Return the positions of at most `most` of `times`, spread evenly over them, in their order.

    The first one of each of `most` equal stretches of time is taken; what is left goes evenly to
    the others, so that a burst gets more than a quiet hour.
    """
    order = np.argsort(times, kind="stable")
    if len(order) <= most:
        return order
    if most <= 0:
        return order[:0]
    since = (times[order] - times[order[0]]).astype(np.float64)
    stretch = np.floor(since * most / (since[-1] + 1))
    _, first = np.unique(stretch, return_index=True)
    rest = np.delete(np.arange(len(order)), first)
    more = most - len(first)
    even = rest[(np.arange(more) * len(rest)) // max(more, 1)]
    chosen: Positions = order[np.sort(np.concatenate([first, even]))]
    return chosen
