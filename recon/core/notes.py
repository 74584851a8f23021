"""What many findings of a day have in common, as one sentence on top of every report."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from recon.core.buckets import STALE, Case
from recon.core.policy import Policy
from recon.model import Window

_SECOND_US: Final = 1_000_000
_MINUTE_US: Final = 60 * _SECOND_US
#: Fewer pairs show no pattern.
_LEAST_PAIRS: Final = 3
#: So many of ten pairs have the offset that is called constant, to the minute.
_OF_TEN: Final = 9
#: Zones differ by a multiple of this.
_QUARTER_US: Final = 15 * _MINUTE_US


def of_day(case: Case, day: int, window: Window, policy: Policy, drifting: int) -> list[str]:
    """Return the notes on a day.

    Args:
        case: both sides, classified.
        day: the position of the day.
        window: the day itself.
        policy: how strict to be.
        drifting: how many `sent_at_drift` the day has.
    """
    said = [
        _constant_offset(case, day, policy) if drifting >= _LEAST_PAIRS else "",
        _records_end(case, day, window),
        _national(case, day),
    ]
    return [sentence for sentence in said if sentence]


def _constant_offset(case: Case, day: int, policy: Policy) -> str:
    pairs = np.flatnonzero((case.local_owner == day) & case.links.by_id)
    apart = case.local_time[pairs] - case.provider_time[case.links.partner_of_local[pairs]]
    offset = int(np.median(apart)) if len(apart) >= _LEAST_PAIRS else 0
    if abs(offset) <= policy.drift // timedelta(microseconds=1):
        return ""
    same = int(np.count_nonzero(np.abs(apart - offset) <= _MINUTE_US))
    if 10 * same < _OF_TEN * len(apart):
        return ""
    from_quarter = abs((offset + _QUARTER_US // 2) % _QUARTER_US - _QUARTER_US // 2)
    check = "`timezone`" if from_quarter <= _MINUTE_US else "the sender's clock"
    hours, minutes = divmod(round(abs(offset) / _MINUTE_US), 60)
    return f"{same:,} of {len(apart):,} pairs are {hours} h {minutes} min apart: check {check}."


def _records_end(case: Case, day: int, window: Window) -> str:
    doubts = case.provider_doubt
    late = doubts.at[doubts.to == STALE]
    count = int(np.count_nonzero(case.provider_owner[late] == day))
    if not count or case.records_end is None:
        return ""
    end = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=case.records_end)
    there = f"{end.astimezone(ZoneInfo(window.zone)):%Y-%m-%d %H:%M:%S}"
    later = "1 later message" if count == 1 else f"{count:,} later messages"
    return (
        f"The records end at {there}, {later} cannot be compared: the database may be a replica "
        "that lags, or the export was made too early."
    )


def _national(case: Case, day: int) -> str:
    count = int(np.count_nonzero(case.links.national & (case.local_owner == day)))
    if not count:
        return ""
    pairs = "1 pair agrees" if count == 1 else f"{count:,} pairs agree"
    return (
        f"{pairs} only if a number without a country code is a national one: set "
        "`matching.default_region`."
    )
