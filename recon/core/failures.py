"""Why messages of a day failed, as Octopods says it."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from recon.core import arrow_text
from recon.core.arrow_text import Texts
from recon.core.buckets import Case
from recon.core.reason_texts import LONG_NUMBER
from recon.model import Status


def without_numbers(reasons: Texts) -> Texts:
    """Return failure reasons with `…` for long numbers: they name one customer or one message."""
    return pc.replace_substring_regex(reasons, LONG_NUMBER, "…")


def of_day(case: Case, day: int, most: int = 20) -> dict[str, int]:
    """Return how many messages of a day failed for each reason, the commonest first.

    Args:
        case: both sides, classified.
        day: the position of the day.
        most: so many reasons at most.
    """
    frame = case.provider.frame
    status = frame["status"].array
    if Status.FAILED.value not in status.categories:
        return {}
    failed = status.codes == status.categories.get_loc(Status.FAILED.value)
    rows = np.flatnonzero(failed & (case.provider_owner == day))
    given = arrow_text.coalesce(arrow_text.take(frame["failure_reason"], rows), "")
    counted = pc.value_counts(without_numbers(given)).to_pylist()
    ranked = sorted(counted, key=lambda one: (-one["counts"], one["values"]))
    return {one["values"]: one["counts"] for one in ranked[:most]}
