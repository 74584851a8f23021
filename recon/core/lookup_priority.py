"""Which messages are worth a request of their own: what the list cannot show any more.

Each status call is taken from the limit that the sends share, so the most valuable come first:
recorded ids that nothing else can settle, then messages that have been waiting for too long, then
the others whose status may have moved on since they were last seen.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from recon.core import link
from recon.core.buckets import Case
from recon.core.coverage import microseconds
from recon.core.link import Positions
from recon.core.policy import Policy
from recon.core.statuses import NOT_TERMINAL

#: A status seen less than this ago is fresh enough.
FRESH: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Ids to ask for, the most valuable first, each once, and what is known of each."""

    message_ids: Positions
    keys: Positions
    """The key of the number that the records or an earlier answer name, -1 for none."""
    times: Positions
    """When the records or an earlier answer say it was sent; microseconds, UTC."""

    def __len__(self) -> int:
        return len(self.message_ids)


def candidates(
    case: Case, now: datetime, policy: Policy, *, most: int, asked: Collection[int] = ()
) -> Candidates:
    """Return what to ask for, at most `most` ids.

    Args:
        case: both sides, linked and sorted.
        now: the provider's clock.
        policy: says after how long a message counts as stuck.
        most: how many requests are left.
        asked: ids that need not be asked for again.
    """
    ids, has_id = link.ids(case.local.frame["message_id"])
    open_records = case.local_in("unverifiable")
    open_records = open_records[has_id[open_records]]
    newest_first = open_records[np.argsort(-case.local_time[open_records], kind="stable")]

    frame = case.provider.frame
    clock = microseconds(now)
    waiting = frame["status"].isin([word.value for word in NOT_TERMINAL]).to_numpy(np.bool_)
    seen = link.microseconds(frame["observed_at"])
    stale = clock - seen >= FRESH // timedelta(microseconds=1)
    messages = np.flatnonzero(waiting & stale & (case.provider_owner >= 0))
    age = clock - case.provider_time[messages]
    stuck = age >= policy.stuck_after // timedelta(microseconds=1)
    messages = messages[np.lexsort((-age, ~stuck))]

    offered = frame["message_id"].to_numpy(dtype=np.int64)
    message_ids = np.concatenate([ids[newest_first], offered[messages]])
    keys = np.concatenate([case.local_keys[newest_first], case.provider_keys[messages]])
    times = np.concatenate([case.local_time[newest_first], case.provider_time[messages]])
    _, first = np.unique(message_ids, return_index=True)
    news = first[~np.isin(message_ids[first], np.fromiter(asked, dtype=np.int64))]
    chosen = np.sort(news)[:most]
    return Candidates(message_ids[chosen], keys[chosen], times[chosen])
