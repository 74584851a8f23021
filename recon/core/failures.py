"""Why messages of a day failed, as Octopods says it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow.compute as pc

from recon.core import arrow_text
from recon.core.arrow_text import Texts
from recon.core.buckets import Case
from recon.core.link import Mask
from recon.core.reason_texts import LONG_NUMBER
from recon.model import Status


def without_numbers(reasons: Texts) -> Texts:
    """Return failure reasons with `…` for long numbers, which identify a customer or message."""
    return pc.replace_substring_regex(reasons, LONG_NUMBER, "…")


def of_day(case: Case, day: int, most: int = 20) -> dict[str, int]:
    """Return how many messages of a day failed for each reason, most frequent first.

    Args:
        case: both sides, classified.
        day: the position of the day.
        most: the most reasons to return.
    """
    counts = Counter(counted(case, case.provider_owner == day))
    if (left_out := case.agreed.count(day)) is not None:
        counts.update(left_out.failures)
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return dict(ranked[:most])


def counted(case: Case, among: Mask) -> dict[str, int]:
    """Return how many messages failed for each reason, empty for none; only `among` these."""
    frame = case.provider.frame
    status = frame["status"].array
    if Status.FAILED.value not in status.categories:
        return {}
    failed = status.codes == status.categories.get_loc(Status.FAILED.value)
    rows = np.flatnonzero(failed & among)
    given = arrow_text.coalesce(arrow_text.take(frame["failure_reason"], rows), "")
    return {
        one["values"]: one["counts"] for one in pc.value_counts(without_numbers(given)).to_pylist()
    }
