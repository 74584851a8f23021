"""A digest of everything that the verdict of a day follows from: rows, evidence and settings.

`recon.core.input_digest` is of the rows of the day and of what is proven of it, which is what late
news change. This one adds what it leaves out: rows of other days that the ids of this one lead to,
rows without a time, denied ids, how long messages wait, and the settings.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

import numpy as np
import pandas as pd

from recon.core import stale_records
from recon.core.absence_doubts import Denials
from recon.core.coverage import microseconds
from recon.core.input_digest import add_rows
from recon.core.link import Positions, Side
from recon.core.statuses import NOT_TERMINAL
from recon.model import CoverageEvidence


def basis(
    start: datetime,
    end: datetime,
    local: Side,
    provider: Side,
    *,
    input_digest: str,
    denials: Denials,
    purged_below: int | None,
    evidence: CoverageEvidence,
    untimed: bool,
    settings: str,
) -> str:
    """Return what distinguishes the basis of a verdict from any other: 32 hexadecimal digits.

    What was read of other days may give another digest, which costs no more than judging a day
    again. An equal one means that the verdict would be the same.

    Args:
        start: the first time that counts, with the margin around the day.
        end: the time after the last.
        local: the records.
        provider: the messages.
        input_digest: the digest of the rows of this time, of the same two sides.
        denials: ids that Octopods was asked for one by one and does not have.
        purged_below: smaller ids may be of messages that were purged.
        evidence: what keeps the coverage of the day from being more than it is.
        untimed: whether rows without a readable time belong to this day.
        settings: tells the settings and the version of the program from others.
    """
    made = hashlib.blake2b(digest_size=16)
    made.update(f"{input_digest}\n{settings}\n".encode())
    made.update(f"{local.has_numbers} {local.has_statuses}\n".encode())
    records, messages = local.frame, provider.frame
    mine, theirs = _inside(records, start, end), _inside(messages, start, end)
    wanted = records.loc[mine, "message_id"]
    listed = messages.loc[theirs, "message_id"]
    for far in (_named(records.loc[~mine], listed), _named(messages.loc[~theirs], wanted)):
        add_rows(made, far.sort_values(["message_id", "sent_at"], kind="stable"))
    waiting = theirs & messages["status"].isin(sorted(NOT_TERMINAL))
    # Once more, since how long a message waits is seen by the time of the answer.
    made.update(messages.loc[waiting, "observed_at"].astype("int64").to_numpy().tobytes())
    for side in (local, provider):
        without_time = side.unreadable.loc[side.unreadable["sent_at"].isna()]
        add_rows(made, without_time)
        if len(without_time):
            made.update(f"untimed {untimed}\n".encode())
    for column in _denied(denials, wanted, start, end):
        made.update(column.tobytes())
    if purged_below is not None:
        made.update(f"purged {int((wanted.dropna() < purged_below).sum())}\n".encode())
    if stale_records.may_have_ended(records, messages):
        # When they have depends on how far apart they usually are, of whichever day.
        made.update(f"ended {local.newest}\n".encode())
        for frame in (records, messages):
            made.update(frame["sent_at"].astype("int64").to_numpy().tobytes())
    made.update(f"{evidence.refused} {evidence.withdrawn}\n".encode())
    return made.hexdigest()


def _inside(frame: pd.DataFrame, start: datetime, end: datetime) -> pd.Series[bool]:
    return (frame["sent_at"] >= start) & (frame["sent_at"] < end)


def _named(outside: pd.DataFrame, ids: pd.Series) -> pd.DataFrame:
    """Return the rows of other days that have one of the ids of this one."""
    if outside.empty:
        return outside
    # Of one night these are few, and its ids are many.
    found = ids.loc[ids.isin(outside["message_id"].dropna())]
    return outside.loc[outside["message_id"].isin(found)]


def _denied(
    denials: Denials, wanted: pd.Series, start: datetime, end: datetime
) -> tuple[Positions, Positions, Positions]:
    """Return the denials of these ids, as far as they say something of this time."""
    mine = np.isin(denials.ids, wanted.loc[wanted.isin(denials.ids)].to_numpy(dtype=np.int64))
    bounds = microseconds(start), microseconds(end)
    since, until = (np.clip(one[mine], *bounds) for one in (denials.since, denials.until))
    return denials.ids[mine], since, until
