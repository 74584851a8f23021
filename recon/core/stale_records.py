"""Detect records that end long before the messages, for example on a replica that is behind."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd

from recon.core import agreed_rows, number_parts
from recon.core.agreed_rows import AgreedRows
from recon.core.coverage import microseconds
from recon.core.link import Links, Positions, Side

#: The records have ended when the messages go on for longer than this.
_HOUR: Final = timedelta(hours=1)
_HOUR_US: Final = _HOUR // timedelta(microseconds=1)
#: The share of distances between neighbouring records that are no longer than the usual one.
_USUAL: Final = 0.95
#: With fewer records, the usual distance is not known.
LEAST_RECORDS: Final = 3


def may_have_ended(records: pd.DataFrame, messages: pd.DataFrame) -> bool:
    """Say whether `records_end` may find an end; this is cheaper to compute, and true more often.

    The newest message is much later than the newest record. If the records' clock is ahead, only
    ids show that: no record holds the id of one of the last messages.

    Args:
        records: a local frame.
        messages: a provider frame.
    """
    if records.empty or messages.empty:
        return False
    last = messages["sent_at"].max()
    if last - records["sent_at"].max() > _HOUR:
        return True
    lately = messages.loc[messages["sent_at"] >= last - _HOUR, "message_id"]
    named = records["message_id"]
    return bool(named.notna().any() and not named.isin(lately).any())


def may_have_ended_at(
    newest_record: int | None,
    newest_message: int | None,
    newest_named: int | None,
    *,
    hold_ids: bool,
) -> bool:
    """Say the same from a few times of both sides, in microseconds; `None` without a row.

    Args:
        newest_record: of all records.
        newest_message: of all messages.
        newest_named: of all messages whose id a record holds.
        hold_ids: whether any record holds an id.
    """
    if newest_record is None or newest_message is None:
        return False
    if newest_message - newest_record > _HOUR_US:
        return True
    return hold_ids and (newest_named is None or newest_message - newest_named > _HOUR_US)


def are_too_few(records: pd.DataFrame, messages: pd.DataFrame, start: datetime) -> bool:
    """Say whether earlier records are needed to see that the records ended.

    They are if there are hardly any records, and the messages go on for long.

    Args:
        records: a local frame.
        messages: a provider frame.
        start: the time from which on both were read.
    """
    if len(records) >= LEAST_RECORDS or messages.empty:
        return False
    if records.empty:
        return bool(messages["sent_at"].max() - start > _HOUR)
    return may_have_ended(records, messages)


def records_end(
    links: Links, local: Side, provider_time: Positions, agreed: AgreedRows = agreed_rows.NONE
) -> int | None:
    """Return when the records end if messages continue unusually long after that, else `None`.

    Unusually long is more than an hour, and longer than records are usually apart. If the records'
    clock is wrong, the pairs found by id show by how much. A message that is part of a pair is not
    later than the end.

    Args:
        links: who is whose partner.
        local: the records.
        provider_time: when each message was sent, in microseconds, UTC.
        agreed: rows that were left out of both sides.

    Returns:
        The time of the newest record, or of the newest message with a record, in microseconds, by
        the clock of the messages.
    """
    times = links.local_time
    newest = _newest(times, agreed.newest_record)
    last = _newest(provider_time, agreed.newest_message)
    count = len(times) + agreed.records
    if count < LEAST_RECORDS or newest is None or last is None:
        return None
    if local.newest is not None:
        newest = max(newest, microseconds(local.newest))
    late = np.flatnonzero(provider_time >= last - _HOUR_US)
    if (links.partner_of_provider[late] >= 0).any():
        return None
    with_record = provider_time[links.partner_of_provider >= 0]
    paired = _newest(with_record, agreed.newest_pair and agreed.newest_pair[1])
    if paired is None:
        return None  # both sides are of different accounts or days: nothing says that one ended
    if last - paired <= _HOUR_US:
        return None
    at, partner = links.pairs
    known = links.by_id[at]
    apart = 0
    own = times[at[known]] - provider_time[partner[known]]
    if own.size or agreed.have_ids:
        apart = int(number_parts.median(agreed.with_apart(own)))
    end = max(newest - apart, paired)
    if last - end <= _HOUR_US:
        return None
    shorter = _shorter_distances(agreed.with_local_times(times), last - end)
    return end if shorter > np.ceil((count - 2) * _USUAL) else None


def _newest(times: Positions, other: int | None) -> int | None:
    newest = int(times.max()) if len(times) else None
    return other if newest is None else newest if other is None else max(newest, other)


def _shorter_distances(times: Iterable[Positions], length: int) -> int:
    """Count the distances between neighbouring times that are shorter than a limit."""
    count, before = 0, np.zeros(0, dtype=np.int64)
    for part in number_parts.in_slices(times):
        count += int(np.count_nonzero(np.diff(part, prepend=before) < length))
        before = part[-1:] if len(part) else before
    return count
