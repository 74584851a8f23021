"""RecordsReader in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from recon.core.frames.timestamps import EARLIEST
from recon.records import file_formats
from recon.records.chunk import Chunk
from recon.records.reader import Read, RecordsCollector, RecordsRead
from recon.records.source import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class FileReader:
    """The records of a CSV, Parquet or JSON Lines file, which is read completely each time."""

    def __init__(self, source: Source) -> None:
        """Read the file that `source` names."""
        assert source.file is not None
        self._source = source
        self._path = source.file
        self._setting = f"{source.setting}.file" if source.setting else ""

    @property
    def can_find(self) -> bool:
        """Always, since the whole file is read."""
        return True

    def describe(self) -> str:
        """Name the file."""
        return f"file {self._path}"

    def read(
        self,
        start: datetime | None,
        end: datetime | None,
        *,
        all_rejects: bool = True,  # noqa: ARG002
    ) -> RecordsRead:
        """See `RecordsReader.read`."""
        collected = RecordsCollector(self._source)
        for chunk in self._chunks():
            collected.add(chunk.fields(self._source.mapping), span=(start, end))
            collected.add_broken(chunk.broken)
        return collected.result()

    def read_in_parts(
        self,
        start: datetime | None,
        end: datetime | None,
        collect: Callable[[Iterable[RecordsRead]], Read],
        *,
        all_rejects: bool = True,  # noqa: ARG002 - a file is read whole each time
    ) -> Read:
        """See `RecordsReader.read_in_parts`."""
        return collect(self._parts(start, end))

    def _parts(self, start: datetime | None, end: datetime | None) -> Iterator[RecordsRead]:
        yield RecordsCollector(self._source).result()
        for chunk in self._chunks():
            collected = RecordsCollector(self._source)
            collected.add(chunk.fields(self._source.mapping), span=(start, end))
            collected.add_broken(chunk.broken)
            yield collected.result()

    def _chunks(self) -> Iterator[Chunk]:
        mapping = self._source.mapping
        return file_formats.chunks(
            self._path,
            list(mapping.values()),
            time=mapping["sent_at"],
            repeated=[mapping["status"]] if "status" in mapping else [],
            setting=self._setting,
        )

    def find(self, message_ids: NDArray[np.int64]) -> RecordsRead:
        """See `RecordsReader.find`."""
        collected = RecordsCollector(self._source)
        if len(message_ids) and "message_id" in self._source.mapping:
            for chunk in self._chunks():
                collected.add(chunk.fields(self._source.mapping), message_ids=message_ids)
        return collected.result()

    def find_untimed(self, message_ids: NDArray[np.int64]) -> RecordsRead:  # noqa: ARG002
        """See `RecordsReader.find_untimed`."""
        # Of a moment before all records, so that there are no others.
        return self.read(EARLIEST, EARLIEST)

    def find_record(self, local_id: str) -> RecordsRead:
        """See `RecordsReader.find_record`."""
        collected = RecordsCollector(self._source)
        if "id" in self._source.mapping:
            for chunk in self._chunks():
                collected.add(chunk.fields(self._source.mapping), local_id=local_id)
        return collected.result()

    def advised_indexes(self) -> Sequence[str]:
        """See `RecordsReader.advised_indexes`."""
        return ()

    def columns(self) -> Mapping[str, str]:
        """See `RecordsReader.columns`."""
        return self._source.mapping
