"""The interface of a records reader, and the code that all readers share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from recon.core import frames, time_spans

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
    """`frames.LOCAL_REJECTS`: rows without a readable time, and lines that do not parse."""
    fields: frozenset[str]
    """The fields that the records have; the columns of all others are null."""
    has_all_rejects: bool = True
    """Whether all rows without a readable time are included; see `RecordsReader.read`."""


class RecordsReader(Protocol):
    """The user's own records, which are only read.

    Raises, in every method but `describe`:
        InputError: a file, table or column does not exist, or the SQL is refused.
        TemporaryError: the database is out of reach or busy.
        ConfigError: the URL, its driver or its credentials are wrong.
    """

    @property
    def can_find(self) -> bool:
        """Whether records can be looked up by id among all records."""

    def read(
        self, start: datetime | None, end: datetime | None, *, all_rejects: bool = True
    ) -> RecordsRead:
        """Read the records of `[start, end)`, aware; `None` is without bound on that side.

        The rejects include every row without a readable time, for any span. Without `all_rejects`,
        they include only those that are found without extra cost, which is faster in large tables.
        """

    def read_in_parts(
        self,
        start: datetime | None,
        end: datetime | None,
        collect: Callable[[Iterable[RecordsRead]], Read],
        *,
        all_rejects: bool = True,
    ) -> Read:
        """Read the records of `[start, end)` as `read` does, in parts.

        Args:
            start: the first time; `None` is without bound.
            end: the time after the last, likewise.
            collect: called with the parts, at least one, as they are read. It may be called again
                with all parts from the first one on, and then has to start again.
            all_rejects: see `read`.
        """

    def find(self, message_ids: NDArray[np.int64]) -> RecordsRead:
        """Read the records with one of these ids, of any time.

        A record without a readable time is among the rejects, as in every `read`.
        """

    def find_untimed(self, message_ids: NDArray[np.int64]) -> RecordsRead:
        """Read the records without a readable time that may belong to one of these messages.

        They have one of the ids, or no readable id. Other records without a readable time may be
        included, as in every `read`, if leaving them out would save nothing.
        """

    def find_record(self, local_id: str) -> RecordsRead:
        """Read the records with this id of the user's, of any time.

        Usually there is one; nothing if the records have no ids, or cannot be looked up.
        """

    def advised_indexes(self) -> Sequence[str]:
        """Return statements for missing indexes, without which large tables are read completely.

        Nothing for a file or a query, or if all useful indexes exist.
        """

    def columns(self) -> Mapping[str, str]:
        """Return the column of each field, with its type if it is known: `at (TIMESTAMP)`."""

    def describe(self) -> str:
        """Say in a few words where the records are, without opening them."""


class RecordsCollector:
    """Collects typed chunks of records into one `RecordsRead`."""

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
        """Type a chunk of raw columns by field, and keep rows in `span` or with a wanted id."""
        frame, rejects = frames.local_frame(
            raw, zone=self._source.timezone, statuses=self._source.statuses
        )
        start, end = span
        if start is not None or end is not None:
            frame = _kept(frame, time_spans.inside(frame, start, end))
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
        """Return all kept rows."""
        return RecordsRead(
            frames.concat([*self._frames] or [frames.empty_local()]),
            frames.concat([*self._rejects] or [frames.empty_local_rejects()]),
            self._source.fields,
        )


def newest(reader: RecordsReader, start: datetime, end: datetime) -> datetime | None:
    """Return the time of the newest record of `[start, end)`, `None` without records."""

    def collect(parts: Iterable[RecordsRead]) -> datetime | None:
        times = [part.frame["sent_at"].max() for part in parts if len(part.frame)]
        return max(times).to_pydatetime() if times else None

    return reader.read_in_parts(start, end, collect, all_rejects=False)


def joined(parts: Sequence[RecordsRead]) -> RecordsRead:
    """Return the parts from `read_in_parts`, at least one, as one result of `read`."""
    return replace(
        parts[0],
        frame=frames.concat([part.frame for part in parts]),
        rejects=frames.concat([part.rejects for part in parts]),
    )


def _kept(frame: pd.DataFrame, mask: pd.Series[bool] | NDArray[np.bool_]) -> pd.DataFrame:
    return frame if mask.all() else frame.loc[mask].reset_index(drop=True)


def _among(ids: pd.Series[int], wanted: NDArray[np.int64]) -> pd.Series[bool]:
    import pandas as pd

    held = ids.notna()
    return held & pd.Series(ids.fillna(0).astype("int64").isin(wanted), index=ids.index)
