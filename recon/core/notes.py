"""Notes on many rows of a day that are not findings, a sentence each."""

from __future__ import annotations

import numpy as np

from recon.core.buckets import Case


def of_day(case: Case, day: int) -> list[str]:
    """Return the notes on a day.

    Args:
        case: both sides, classified.
        day: the position of the day.
    """
    count = int(np.count_nonzero(case.links.national & (case.local_owner == day)))
    if (left_out := case.agreed.count(day)) is not None:
        count += left_out.national
    if not count:
        return []
    pairs = "1 pair agrees" if count == 1 else f"{count:,} pairs agree"
    only_if = "only if a number without a country code is a national one"
    return [f"{pairs} {only_if}: set `matching.default_region`."]
