"""Records that are one row twice, as in an export whose pages overlap.

Without a message id, nothing links the second row to a message: the first one has it. But the two
rows are one send if they have the same id of the records, the same number and the same time.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from recon.core.link import Links, Mask, Positions, SparseMapping, microseconds
from recon.model import NOT_SENT, Status


def as_duplicates(links: Links, local: pd.DataFrame, holds_id: Mask) -> Links:
    """Return the links with rows that repeat the record of a message among the duplicates.

    Args:
        links: who is whose partner.
        local: a local frame.
        holds_id: for each record, whether it holds a message id, of Octopods or another.
    """
    free = (links.partner_of_local < 0) & ~holds_id
    free[links.duplicates.at] = False
    alone = np.flatnonzero(free)
    words = local["status"].iloc[alone]
    # One that was not sent needs no message.
    alone = alone[~words.isin([NOT_SENT, Status.FAILED.value]).to_numpy(dtype=np.bool_)]
    alone = alone[local["local_id"].iloc[alone].notna().to_numpy(dtype=np.bool_)]
    if not alone.size:
        return links
    paired = np.flatnonzero((links.partner_of_local >= 0) & ~links.by_id & ~holds_id)
    same = local["local_id"].iloc[paired].isin(local["local_id"].iloc[alone].unique())
    paired = paired[same.to_numpy(dtype=np.bool_)]
    message = dict(
        zip(_content(local, paired), links.partner_of_local[paired].tolist(), strict=True)
    )
    found = [message.get(row, -1) for row in _content(local, alone)]
    repeated = np.array(found, dtype=np.int64)
    at = np.concatenate([links.duplicates.at, alone[repeated >= 0]])
    to = np.concatenate([links.duplicates.to, repeated[repeated >= 0]])
    order = np.argsort(at)
    return replace(links, duplicates=SparseMapping(at[order], to[order]))


def _content(local: pd.DataFrame, rows: Positions) -> list[tuple[str, str, int]]:
    some = local[["local_id", "phone_number"]].iloc[rows].astype("str")
    times = microseconds(local["sent_at"].iloc[rows]).tolist()
    return list(zip(some["local_id"], some["phone_number"], times, strict=True))
