"""Whether a counterpart that a finding reports as missing exists now, by the rows just judged."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from recon.core import arrow_text
from recon.core.buckets import LOCAL, Case
from recon.core.link import Mask


def are_settled(
    case: Case, claims: pd.DataFrame, *, known: Collection[str] = ()
) -> pd.Series[bool]:
    """Say for findings about a missing counterpart whether their row is settled.

    A record is settled if it now has a message, or its status is now `not_sent`. A message is
    settled if it now has a record. A row that does not exist any more is not settled.

    Args:
        case: both sides, every row of any day in its bucket.
        claims: findings, `FINDING_COLUMNS`.
        known: the `discrepancy_id` of claims that are settled by rows that the case leaves out.
    """
    codes = [LOCAL.index("matched"), LOCAL.index("not_sent")]
    records = np.isin(case.local_bucket, codes)
    found = settled_by(case, records, case.links.partner_of_provider >= 0, claims)
    return found | claims["discrepancy_id"].isin(known) if known else found


def settled_by(case: Case, local: Mask, provider: Mask, claims: pd.DataFrame) -> pd.Series[bool]:
    """Say for findings whether their row is among some rows of a case.

    Args:
        case: both sides.
        local: which records.
        provider: which messages.
        claims: findings, `FINDING_COLUMNS`.
    """
    named = claims["local_id"].notna()
    is_record = named | claims["local_sent_at"].notna()
    records = np.flatnonzero(local)
    ids = arrow_text.to_series(arrow_text.take(case.local.frame["local_id"], records))
    content = pd.MultiIndex.from_frame(
        case.local.frame[["phone_number", "sent_at"]].take(records).astype({"phone_number": "str"})
    )
    mine = pd.MultiIndex.from_frame(
        claims[["local_phone_number", "local_sent_at"]].set_axis(
            ["phone_number", "sent_at"], axis=1
        )
    )
    recorded = (named & claims["local_id"].isin(ids)) | (~named & mine.isin(content))

    names = arrow_text.to_series(
        arrow_text.take(case.provider.frame["message_id"], np.flatnonzero(provider))
    )
    listed = claims["message_id"].isin(names)
    return (is_record & recorded) | (~is_record & listed)
