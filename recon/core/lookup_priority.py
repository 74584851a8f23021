"""Which recorded ids are worth a status call, and which come first if there are too many.

Status calls use the same limit as the sends. If there are more ids than calls, recon spreads the
calls evenly over the time of the records: the newest ids could all belong to one short outage, and
would say nothing about the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date

import numpy as np

from recon.core import buckets, link, user_ids
from recon.core.buckets import Case
from recon.core.link import Positions
from recon.core.policy import Policy
from recon.model import Window


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Ids that may be asked for, and the record of each."""

    message_ids: Positions
    keys: Positions
    """The key of the recorded phone number, -1 for none or for a user id, which a key does not
    contain."""
    times: Positions
    """When the record was sent; microseconds, UTC."""
    dates: Positions
    """The day of the record, as in `date.toordinal`."""

    def __len__(self) -> int:
        return len(self.message_ids)

    def take(self, at: Positions) -> Candidates:
        """Return the candidates at these positions."""
        return Candidates(*(getattr(self, field.name)[at] for field in fields(self)))


def of_case(case: Case, days: Sequence[Window], policy: Policy) -> tuple[Candidates, Candidates]:
    """Return the results of `accused` and `left_open`."""
    return accused(case, days, policy), left_open(case, days)


def accused(case: Case, days: Sequence[Window], policy: Policy) -> Candidates:
    """Return the ids of the records that would be missing at the provider, each once.

    Days with so many missing that their input is suspect are left out: their report has no errors.
    `judge.why_suspect` decides this later, with more data. If it alone finds a day suspect, the
    requests were unnecessary but harmless.
    """
    found = _in_bucket(case, days, "missing_at_provider")
    if policy.trust_input:
        return found
    suspect = [
        date.fromisoformat(day.label).toordinal()
        for day, (mine, _) in zip(days, buckets.balances(case), strict=True)
        if mine.matched == 0 and mine.missing_at_provider >= policy.guard_rows
    ]
    return found.take(np.flatnonzero(~np.isin(found.dates, suspect)))


def left_open(case: Case, days: Sequence[Window]) -> Candidates:
    """Return the ids of records that only a status call can decide, each once."""
    return _in_bucket(case, days, "unverifiable")


def _in_bucket(case: Case, days: Sequence[Window], bucket: str) -> Candidates:
    ids, has_id = link.id_column(case.local.frame["message_id"])
    records = case.local_in(bucket)
    records = records[has_id[records]]
    _, first = np.unique(ids[records], return_index=True)
    records = records[first]
    dates = np.array([date.fromisoformat(day.label).toordinal() for day in days], dtype=np.int64)
    keys = case.local_keys[records]
    return Candidates(
        ids[records],
        np.where(user_ids.key_sorts(keys) == 0, keys, -1),
        case.local_time[records],
        dates[case.local_owner[records]],
    )


def joined(parts: Sequence[Candidates]) -> Candidates:
    """Return the candidates of several cases as one."""
    none = np.zeros(0, dtype=np.int64)
    columns = ([getattr(part, field.name) for part in parts] for field in fields(Candidates))
    return Candidates(*(np.concatenate([none, *column]) for column in columns))


def choose(among: Candidates, *, most: int, skip: Positions) -> Candidates:
    """Return the ids to ask for, at most `most`, in order of time.

    Args:
        among: the ids that may be asked for.
        most: how many requests are left.
        skip: ids that need not be asked for.
    """
    left = among.take(np.flatnonzero(~np.isin(among.message_ids, skip)))
    return left.take(spread(left.times, most))


def spread(times: Positions, most: int) -> Positions:
    """Return the positions of at most `most` of `times`, spread evenly over them, in their order.

    The first one of each of `most` equal stretches of time is taken. The rest is taken evenly from
    the others, so a burst gets more than a quiet hour.
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
