"""Compare two DataFrames, without files, network or earlier runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import pandas as pd
import pyarrow as pa

from recon.core import judge
from recon.core.coverage import COMPLETE
from recon.core.frames import PROVIDER_FIELDS, Raw, local_frame, provider_frames
from recon.core.link import Side
from recon.core.policy import Policy
from recon.errors import InputError
from recon.model import DIFF_ACCOUNT, Verdict, Window

_LOCAL_FIELDS: Final = ("id", "message_id", "phone_number", "sent_at", "status")
_PROVIDER_NEEDS: Final = ("message_id", "phone_number", "sent_at")


def verdicts(
    local: pd.DataFrame,
    provider: pd.DataFrame,
    *,
    days: Sequence[Window],
    zone: str,
    columns: Mapping[str, str],
    statuses: Mapping[str, str],
    policy: Policy,
    observed_at: datetime,
) -> list[Verdict]:
    """Compare records with messages, and judge each day.

    Args:
        local: the records.
        provider: the messages.
        days: windows in order and without holes, or one without bounds.
        zone: of times in `local` without an offset.
        columns: the column of each field, if `local` has other names.
        statuses: the user's word to Octopods' word or `not_sent`.
        policy: how strict to be.
        observed_at: when the statuses of `provider` were seen, aware.

    Raises:
        InputError: a column is missing.
    """
    mine = _fields("local", local, _LOCAL_FIELDS, columns, needed=["sent_at", *columns])
    if not mine.keys() & {"message_id", "phone_number"}:
        raise InputError("local has neither message_id nor phone_number as a column")
    theirs = _fields("provider", provider, PROVIDER_FIELDS, {}, needed=_PROVIDER_NEEDS)
    records, unread = local_frame(mine, zone=zone, statuses=statuses)
    messages = provider_frames([theirs], observed_at=observed_at)
    side = Side(
        records,
        unread,
        has_numbers="phone_number" in mine,
        has_statuses="status" in mine,
    )
    return judge.judge(DIFF_ACCOUNT, days, side, Side(*messages), spans=COMPLETE, policy=policy)


def _fields(
    name: str,
    frame: pd.DataFrame,
    fields: Sequence[str],
    columns: Mapping[str, str],
    *,
    needed: Sequence[str],
) -> Raw:
    """Return the existing columns of a DataFrame by field."""
    wanted = {field: columns.get(field, field) for field in fields}
    lost = [wanted.get(field, field) for field in needed if wanted.get(field) not in frame.columns]
    if lost:
        there = ", ".join(map(str, frame.columns)) or "none"
        raise InputError(
            f"{name} has no column {', '.join(map(repr, lost))}; it has: {there}",
            hint="Rename the columns. For local you can instead pass `columns`, which maps each "
            "field to the name of its column.",
        )
    return {field: _column(frame[at]) for field, at in wanted.items() if at in frame.columns}


def _column(values: pd.Series) -> pa.Array | list[object]:
    """Return a column as frames need it, with null for each kind of missing value in pandas."""
    try:
        return pa.array(values, from_pandas=True)
    except pa.ArrowException:
        # Values of several types in one column.
        return list(values.astype("object").where(values.notna(), None))
