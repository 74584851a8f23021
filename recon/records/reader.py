"""The interface of a records reader, and what every reader shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from recon.core import frames

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from recon.records.source import Source

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True, eq=False)
class RecordsRead:
    """Records as they were read."""

    frame: pd.DataFrame
    """`frames.LOCAL`."""
    rejects: pd.DataFrame
    """`frames.LOCAL_REJECTS`: rows whose time cannot be read, and lines that do not parse."""
    fields: frozenset[str]
    """What the records keep; the columns of all other fields are null."""
    has_all_rejects: bool = True
    """Whether no row is left out whose time cannot be read; see `RecordsReader.read`."""


class RecordsReader(Protocol):
    """The user's own records. Nothing here ever writes to them.

    Raises, in every method but `describe`:
        InputError: a file, table or column is not there, or its SQL is refused.
        TemporaryError: the database is out of reach or busy.
        ConfigError: the URL, its driver or its credentials are wrong.
    """

    @property
    def can_find(self) -> bool:
        """Whether records can be looked up by id in the whole of the records."""

    def read(
        self, start: datetime | None, end: datetime | None, *, all_rejects: bool = True
    ) -> RecordsRead:
        """Read the records of `[start, end)`, aware; `None` is without bound on that side.

        Every row whose time cannot be read is among the rejects, for any span; without
        `all_rejects`, only those that cost nothing to find, which is faster in large tables.
        """

    def read_in_parts(
        self,
        start: datetime | None,
        end: datetime | None,
        collect: Callable[[Iterable[RecordsRead]], Read],
        *,
        all_rejects: bool = True,
    ) -> Read:
        """Read the records of `[start, end)` as `read` does, some at a time.

        Args:
            start: the first time; `None` is without bound.
            end: the time after the last, likewise.
            collect: takes the parts as they come, one at least, and returns its result. It may be
                called again, with all parts from the first one on, and then has to start again.
            all_rejects: see `read`.
        """

    def find(self, message_ids: NDArray[np.int64]) -> RecordsRead:
        """Read the records with one of these ids, of any time.

        A record whose time cannot be read is among the rejects, as it is in every `read`.
        """

    def find_untimed(self, message_ids: NDArray[np.int64]) -> RecordsRead:
        """Read the records without a readable time that may be of one of these messages.

        They have one of the ids, or none that can be read. Other records without a readable time
        may be there too, as in every `read`, where leaving them out would save nothing.
        """

    def find_record(self, local_id: str) -> RecordsRead:
        """Read the records with this id of the user's own, of any time.

        Usually one; nothing where the records keep no id, or cannot be looked up.
        """

    def advised_indexes(self) -> Sequence[str]:
        """Return statements for the indexes without which a large table is read whole each time.

        Nothing of a file or a query, or where all that is of use is there.
        """

    def columns(self) -> Mapping[str, str]:
        """Return the column of each field, with its type where that is known: `at (TIMESTAMP)`."""

    def describe(self) -> str:
        """Say in a few words where the records are, without opening them."""


class RecordsCollector:
    """Typed chunks of records, gathered into one `RecordsRead`."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._frames: list[pd.DataFrame] = []
        self._rejects: list[pd.DataFrame] = []

    def add(
        self,
        raw: frames.Raw,
        *,
        span: tuple[datetime | None, datetime | None] = (None, None),
        message_ids: NDArray[np.int64] | None = None,
        local_id: str | None = None,
    ) -> None:
        """Type a chunk of raw columns by field, and keep what lies in `span` or has an id."""
        frame, rejects = frames.local_frame(
            raw, zone=self._source.timezone, statuses=self._source.statuses
        )
        start, end = span
        if start is not None:
            frame = _kept(frame, frame["sent_at"] >= start)
        if end is not None:
            frame = _kept(frame, frame["sent_at"] < end)
        if message_ids is not None:
            frame = _kept(frame, _among(frame["message_id"], message_ids))
            rejects = _kept(rejects, _among(rejects["message_id"], message_ids))
        if local_id is not None:
            # A column of fixed width fills its texts up with blanks.
            frame = _kept(frame, frame["local_id"].astype("str").str.strip() == local_id)
            rejects = _kept(rejects, rejects["local_id"].str.strip() == local_id)
        if len(frame):
            self._frames.append(frame)
        if len(rejects):
            self._rejects.append(rejects)

    def add_broken(self, reasons: Iterable[str]) -> None:
        """Keep lines that do not parse as rejects."""
        said = list(reasons)
        if said:
            self._rejects.append(frames.rejected_lines(said))

    def result(self) -> RecordsRead:
        """Return all that was kept."""
        return RecordsRead(
            frames.concat([*self._frames] or [frames.empty_local()]),
            frames.concat([*self._rejects] or [frames.empty_local_rejects()]),
            self._source.fields,
        )


def newest(reader: RecordsReader, start: datetime, end: datetime) -> datetime | None:
    """Return the time of the newest record of `[start, end)`, `None` where there is none."""

    def collect(parts: Iterable[RecordsRead]) -> datetime | None:
        times = [part.frame["sent_at"].max() for part in parts if len(part.frame)]
        return max(times).to_pydatetime() if times else None

    return reader.read_in_parts(start, end, collect, all_rejects=False)


def joined(parts: Sequence[RecordsRead]) -> RecordsRead:
    """Return the parts that `read_in_parts` gave, one at least, as `read` gives them."""
    return replace(
        parts[0],
        frame=frames.concat([part.frame for part in parts]),
        rejects=frames.concat([part.rejects for part in parts]),
    )


def _kept(frame: pd.DataFrame, mask: pd.Series[bool]) -> pd.DataFrame:
    return frame if mask.all() else frame.loc[mask].reset_index(drop=True)


def _among(ids: pd.Series[int], wanted: NDArray[np.int64]) -> pd.Series[bool]:
    import pandas as pd

    held = ids.notna()
    return held & pd.Series(ids.fillna(0).astype("int64").isin(wanted), index=ids.index)
