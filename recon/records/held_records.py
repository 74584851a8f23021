"""Hold the records of a stretch of time, so that none of them are read twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from recon.core import time_spans

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recon.records.reader import Read, RecordsRead, RecordsReader


class HeldRecords:
    """A reader that holds the records of `[start, end)`; for others it uses another reader.

    Its rejects are those of that time, and rejects without a readable time that were found without
    extra cost.
    """

    def __init__(self, reader: RecordsReader, start: datetime, end: datetime) -> None:
        self._reader = reader
        self._start, self._end = start, end
        self._held = reader.read(start, end, all_rejects=False)

    @property
    def can_find(self) -> bool:
        """See `RecordsReader.can_find`."""
        return self._reader.can_find

    def read(
        self, start: datetime | None, end: datetime | None, *, all_rejects: bool = True
    ) -> RecordsRead:
        """See `RecordsReader.read`."""
        if start is None or end is None or start < self._start or end > self._end:
            return self._reader.read(start, end, all_rejects=all_rejects)
        frame = self._held.frame
        inside = time_spans.inside(frame, start, end)
        return replace(self._held, frame=frame.loc[inside].reset_index(drop=True))

    def read_in_parts(
        self,
        start: datetime | None,
        end: datetime | None,
        collect: Callable[[Iterable[RecordsRead]], Read],
        *,
        all_rejects: bool = True,
    ) -> Read:
        """See `RecordsReader.read_in_parts`."""
        return collect([self.read(start, end, all_rejects=all_rejects)])

    def find(self, message_ids: NDArray[np.int64]) -> RecordsRead:
        """See `RecordsReader.find`."""
        return self._reader.find(message_ids)

    def find_untimed(self, message_ids: NDArray[np.int64]) -> RecordsRead:
        """See `RecordsReader.find_untimed`."""
        return self._reader.find_untimed(message_ids)

    def find_record(self, local_id: str) -> RecordsRead:
        """See `RecordsReader.find_record`."""
        return self._reader.find_record(local_id)

    def advised_indexes(self) -> Sequence[str]:
        """See `RecordsReader.advised_indexes`."""
        return self._reader.advised_indexes()

    def columns(self) -> Mapping[str, str]:
        """See `RecordsReader.columns`."""
        return self._reader.columns()

    def describe(self) -> str:
        """See `RecordsReader.describe`."""
        return self._reader.describe()
