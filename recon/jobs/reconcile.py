"""From the stored messages and the books to a verdict for each day: no requests, no writes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pandas as pd

from recon.core import frames, judging, reach
from recon.core.pairing import Side
from recon.core.policy import Policy
from recon.model import Verdict, Window
from recon.store import messages

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.books.reading import Books

#: Both sides are read at least so far beyond the window, so that clusters of sends to one number
#: are linked as a whole even where midnight cuts through them.
_LEAST_MARGIN: Final = timedelta(hours=1)


def margin(policy: Policy) -> timedelta:
    """Return how far beyond a window both sides are read."""
    return max(_LEAST_MARGIN, 10 * policy.tolerance, 2 * policy.drift, 2 * policy.duplicate)


def reconcile(
    account: str,
    days: Sequence[Window],
    *,
    books: Books,
    engine: Engine,
    policy: Policy,
    untimed: bool = True,
) -> list[Verdict]:
    """Read both sides around `days`, link them once, and judge each day.

    Args:
        account: whose messages and books these are.
        days: bounded windows, in order and without holes.
        books: the user's own records.
        engine: the database of the collected messages.
        policy: how strict to be.
        untimed: whether rows without a readable time belong to the last of `days`.

    Raises:
        InputError: the books cannot be used.
        TemporaryError: a database is busy or out of reach.
    """
    first, last = days[0].start, days[-1].end
    assert first is not None
    assert last is not None
    start, end = first - margin(policy), last + margin(policy)

    read = books.read(start, end)
    near = messages.read(engine, account, start, end)
    far = messages.find(engine, account, reach.wanted_messages(read.frame, near))
    provider = frames.concat([near, far])
    local = read.frame
    if books.can_find:
        found = books.find(reach.wanted_records(local, provider, start, end)).frame
        outside = (found["sent_at"] < start) | (found["sent_at"] >= end)
        local = frames.concat([local, found.loc[outside]])

    rejects = messages.rejects(engine, account, start, end, untimed=untimed)
    return judging.judge(
        account,
        days,
        Side(
            local,
            read.rejects if untimed else _timed(read.rejects),
            has_numbers="phone_number" in read.fields,
            has_statuses="status" in read.fields,
        ),
        Side(provider, rejects),
        spans=messages.spans(engine, account),
        policy=policy,
    )


def _timed(rejects: pd.DataFrame) -> pd.DataFrame:
    return rejects.loc[rejects["sent_at"].notna()].reset_index(drop=True)
