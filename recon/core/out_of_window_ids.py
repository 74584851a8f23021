"""Which ids to look up outside the time that was read, so that linking by id has no margin."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from recon.core.coverage import microseconds
from recon.core.link import Positions, dates_alone, id_column
from recon.core.link import microseconds as times
from recon.core.link_by_id import places


def wanted_messages(local: pd.DataFrame, provider: pd.DataFrame) -> Positions:
    """Return the ids that records hold and no message of `provider` has, each once."""
    held, readable = id_column(local["message_id"])
    wanted = held[readable]
    offered = provider["message_id"].to_numpy(dtype=np.int64)
    return np.unique(wanted[places(offered, wanted) < 0])


def wanted_records(
    local: pd.DataFrame, provider: pd.DataFrame, start: datetime, end: datetime
) -> Positions:
    """Return the ids of messages whose nearest record may lie outside the time that was read.

    These are messages without a record, and messages whose record is farther away than the edge of
    that time: a nearer record may lie just outside. Each id is returned once.

    Args:
        local: the records whose time lies in `[start, end)`.
        provider: the messages, also those outside of the window.
        start: see `local`.
        end: see `local`.
    """
    held, readable = id_column(local["message_id"])
    offered = provider["message_id"].to_numpy(dtype=np.int64)
    sent_at = times(provider["sent_at"])
    to_edge = np.minimum(sent_at - microseconds(start), microseconds(end) - sent_at)

    # The distance of each message to the nearest record with its id.
    message = places(offered, held)
    records = np.flatnonzero(readable & (message >= 0))
    of = message[records]
    recorded = times(local["sent_at"])
    latest = recorded.copy()
    dated, day_ends = dates_alone(local)
    latest[dated] = day_ends
    nearest = np.full(len(offered), np.iinfo(np.int64).max)
    apart = np.clip(sent_at[of], recorded[records], latest[records]) - sent_at[of]
    np.minimum.at(nearest, of, np.abs(apart))
    return np.unique(offered[nearest > to_edge])
