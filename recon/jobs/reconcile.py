"""From the stored messages and the reader to a verdict for each day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import pandas as pd

from recon.core import buckets, frames, judge, out_of_window_ids
from recon.core.link import Side
from recon.core.policy import Policy
from recon.model import Verdict, Window
from recon.store import messages, status_answers

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.jobs.status_lookups import StatusLookups
    from recon.records.reader import RecordsRead, RecordsReader

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
    reader: RecordsReader,
    engine: Engine,
    policy: Policy,
    untimed: bool = True,
    status_lookups: StatusLookups | None = None,
) -> list[Verdict]:
    """Read both sides around `days`, link them once, and judge each day.

    Args:
        account: whose messages and reader these are.
        days: bounded windows, in order and without holes.
        reader: the user's own records.
        engine: the database of the collected messages.
        policy: how strict to be.
        untimed: whether rows without a readable time belong to the last of `days`.
        status_lookups: asks Octopods for single messages where the list leaves something open.

    Raises:
        InputError: the reader cannot be used.
        TemporaryError: a database is busy or out of reach.
    """
    first, last = days[0].start, days[-1].end
    assert first is not None
    assert last is not None
    span = _Stretch(account, first - margin(policy), last + margin(policy), untimed)
    read = reader.read(span.start, span.end)
    provider = span.messages(engine, read.frame)
    local = span.records(reader, read, provider.frame)
    spans = messages.spans(engine, account)
    if status_lookups is not None:
        before = status_lookups.learnt
        denials = status_answers.denials(engine, account)
        case = buckets.classify(days, local, provider, spans, policy, denials)
        status_lookups.confirm(case, days)
        status_lookups.refresh(first, last)
        if status_lookups.learnt > before:
            provider = span.messages(engine, read.frame)
    denials = status_answers.denials(engine, account)
    return judge.judge(account, days, local, provider, spans=spans, policy=policy, denials=denials)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The time around some days, and what both sides have of it."""

    account: str
    start: datetime
    end: datetime
    untimed: bool

    def messages(self, engine: Engine, local: pd.DataFrame) -> Side:
        """Return the messages of the time, and those that its records name, whenever sent."""
        near = messages.read(engine, self.account, self.start, self.end)
        far = messages.find(engine, self.account, out_of_window_ids.wanted_messages(local, near))
        rejects = messages.rejects(engine, self.account, self.start, self.end, untimed=self.untimed)
        return Side(frames.concat([near, far]), rejects)

    def records(self, reader: RecordsReader, read: RecordsRead, provider: pd.DataFrame) -> Side:
        """Return the records of the time, and those that name its messages, whenever recorded."""
        local = read.frame
        if reader.can_find:
            wanted = out_of_window_ids.wanted_records(local, provider, self.start, self.end)
            found = reader.find(wanted).frame
            outside = (found["sent_at"] < self.start) | (found["sent_at"] >= self.end)
            local = frames.concat([local, found.loc[outside]])
        return Side(
            local,
            read.rejects if self.untimed else _timed(read.rejects),
            has_numbers="phone_number" in read.fields,
            has_statuses="status" in read.fields,
        )


def _timed(rejects: pd.DataFrame) -> pd.DataFrame:
    return rejects.loc[rejects["sent_at"].notna()].reset_index(drop=True)
