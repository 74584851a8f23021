"""The parts of both sides' rows on which a day's verdict is based, gathered while reading."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recon.core import frames
from recon.core.absence_doubts import Denials
from recon.core.coverage import microseconds
from recon.core.link import Mask, Positions
from recon.core.link import microseconds as times
from recon.core.statuses import NOT_TERMINAL
from recon.core.time_spans import inside


class RecordedIds:
    """Recorded ids of a day that Octopods may not have any more."""

    def __init__(
        self, start: datetime, end: datetime, denials: Denials, purged_below: int | None
    ) -> None:
        """Begin with no records.

        Args:
            start: the beginning of the day, less the margin.
            end: the end of the day, plus the margin; not included.
            denials: ids that Octopods was asked for one by one and does not have.
            purged_below: ids below this one may be of messages that were purged.
        """
        self._span = start, end
        self._denials = denials
        self._below = purged_below
        self._denied = np.zeros(len(denials.ids), dtype=np.bool_)
        self._purged = 0

    def add(self, records: pd.DataFrame) -> None:
        """Take in some of the records, each once."""
        if not self._denied.size and self._below is None:
            return
        wanted = records.loc[inside(records, *self._span), "message_id"].dropna()
        ids = wanted.to_numpy(dtype=np.int64)
        if self._denied.size:
            # Records are many and denied ids are few.
            self._denied |= np.isin(self._denials.ids, ids[np.isin(ids, self._denials.ids)])
        if self._below is not None:
            self._purged += int(np.count_nonzero(ids < self._below))

    @property
    def denied(self) -> tuple[Positions, Positions, Positions]:
        """The denials of recorded ids that apply to this time."""
        bounds = microseconds(self._span[0]), microseconds(self._span[1])
        denials, mine = self._denials, self._denied
        since, until = (np.clip(one[mine], *bounds) for one in (denials.since, denials.until))
        return denials.ids[mine], since, until

    @property
    def purged(self) -> int | None:
        """How many records hold ids that may have been purged; `None` if nothing was purged."""
        return None if self._below is None else self._purged


class WaitingMessages:
    """How long the messages of a day that are not terminal had waited when they were last seen."""

    def __init__(self, start: datetime, end: datetime) -> None:
        """Begin with no messages; times are those of the day with the margin around it."""
        self._span = start, end
        self.seen: list[Positions] = []

    def add(self, messages: pd.DataFrame) -> None:
        """Take in some of the messages, each once and in order."""
        waiting = messages["status"].isin(sorted(NOT_TERMINAL)).to_numpy()
        if waiting.any() and (waiting := waiting & inside(messages, *self._span)).any():
            self.seen.append(times(messages.loc[waiting, "observed_at"]))


class RowsOfOtherDays:
    """Rows of other days that have one of the ids of a day."""

    def __init__(self, start: datetime, end: datetime) -> None:
        """Begin with no rows; times are those of the day with the margin around it."""
        self._span = start, end
        self._found: tuple[list[pd.DataFrame], list[pd.DataFrame]] = ([], [])

    def add(self, records: pd.DataFrame, messages: pd.DataFrame) -> None:
        """Take in all records and all messages with some ids."""
        mine, theirs = inside(records, *self._span), inside(messages, *self._span)
        sides = (records, mine, messages, theirs), (messages, theirs, records, mine)
        for kept, (rows, near, others, others_near) in zip(self._found, sides, strict=True):
            found = _named(rows["message_id"], ~near, others["message_id"], others_near)
            if found.size:
                kept.append(rows.iloc[found])

    @property
    def found(self) -> list[pd.DataFrame]:
        """The records and the messages, by id and time."""
        return [
            frames.concat(rows).sort_values(["message_id", "sent_at"], kind="stable")
            if rows
            else pd.DataFrame()
            for rows in self._found
        ]


@dataclass(frozen=True, slots=True, eq=False)
class BasisRows:
    """What the verdict of a day depends on, except the rows of the day themselves."""

    recorded: RecordedIds
    waiting: WaitingMessages
    others: RowsOfOtherDays


def _named(ids: pd.Series, far: Mask, others: pd.Series, near: Mask) -> Positions:
    """Return the rows of other days that have one of the ids of the other side on this day.

    By Arrow: for the rows of a small day, pandas takes several times as long.
    """
    # Of one night, rows of other days are few, and its ids are many.
    rows = np.flatnonzero(far)
    outside = pa.array(ids.iloc[rows].array, from_pandas=True)
    inside = pa.array(others.array, from_pandas=True).filter(pa.array(near))
    found = inside.filter(pc.is_in(inside, value_set=outside, skip_nulls=True))
    if not len(found):
        return rows[:0]
    named: Mask = pc.is_in(outside, value_set=found).to_numpy(zero_copy_only=False)
    return rows[named]
