"""Both sides around some days of an account, read in batches into partitions.

For days larger than memory: only counts, digests and rows that differ are held.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from recon.core import coverage, frames, link, out_of_window_ids, stale_records, time_spans
from recon.core.basis_rows import BasisRows, RecordedIds, RowsOfOtherDays, WaitingMessages
from recon.core.input_digest import RowsDigest
from recon.core.link import Positions, Side
from recon.core.policy import Policy
from recon.core.statuses import NOT_TERMINAL
from recon.jobs import partition_files, partitions
from recon.jobs.executors import InProcessExecutor
from recon.jobs.memory_budget import PartitionSizes
from recon.jobs.partitions import Partitions, Reduced
from recon.jobs.scratch_directory import scratch_directory
from recon.jobs.stored_side import StoredEvidence, around
from recon.model import Window
from recon.records import reader as readers
from recon.report.atomic_files import translated
from recon.store import absence_claims, forgotten_numbers, messages
from recon.store.forgotten_numbers import Forgotten

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.records.reader import RecordsRead, RecordsReader

#: The part of the files that holds rows of other days.
_FAR: Final = "-far"
#: What of a message tells whether a record has it.
_OF_AN_ID: Final = ["message_id", "sent_at", "status"]
#: Times that are read at once.
_TIMES_AT_ONCE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class _Reading:
    """What both sides are read with."""

    account: str
    days: Sequence[Window]
    policy: Policy
    evidence: StoredEvidence
    held: Partitions

    @property
    def spans(self) -> Mapping[str, tuple[datetime, datetime]]:
        """The time of each day, with the margin, by its label."""
        return {day.label: around([day], self.policy) for day in self.days}


class _Side:
    """Data about all rows of a side, collected while the rows are written into partitions."""

    def __init__(self, reading: _Reading, name: str) -> None:
        partition_files.remove(reading.held.folder, name)
        self.rows = 0
        self.newest: int | None = None
        self.digests = {label: RowsDigest(*span) for label, span in reading.spans.items()}
        self.times = reading.held.folder / f"times-{name}"
        self.times.unlink(missing_ok=True)

    def add(self, frame: pd.DataFrame) -> None:
        """Take in rows that were read of the days."""
        for digest in self.digests.values():
            digest.add(frame)
        self.add_far(frame)

    def add_far(self, frame: pd.DataFrame) -> None:
        """Take in rows of other days, after all others."""
        self.rows += len(frame)
        if frame.empty:
            return
        times = link.microseconds(frame["sent_at"])
        newest = int(times.max())
        self.newest = newest if self.newest is None else max(self.newest, newest)
        with translated(self.times.parent), self.times.open("ab") as file:
            file.write(times.tobytes())


class _Messages(_Side):
    """The messages."""

    def __init__(self, reading: _Reading) -> None:
        super().__init__(reading, "provider")
        start, end = reading.days[0].start, reading.days[-1].end
        assert start is not None
        assert end is not None
        self._days = start, end
        self.newest_named: int | None = None
        """The time of the newest message whose id a record holds."""
        self.waiting = {label: WaitingMessages(*span) for label, span in reading.spans.items()}
        self.is_waiting = False

    def add(self, frame: pd.DataFrame) -> None:
        """Take in messages that were read of the days."""
        super().add(frame)
        for waiting in self.waiting.values():
            waiting.add(frame)
        inside = time_spans.inside(frame, *self._days)
        self.is_waiting |= bool((inside & frame["status"].isin(sorted(NOT_TERMINAL))).any())

    def add_named(self, messages: pd.DataFrame, ids: pd.Series) -> None:
        """Add messages with one of the ids that records hold."""
        times = messages.loc[messages["message_id"].isin(ids.dropna()), "sent_at"]
        if len(times):
            newest = int(link.microseconds(times).max())
            before = self.newest_named
            self.newest_named = newest if before is None else max(newest, before)


class _Records(_Side):
    """The records."""

    def __init__(self, reading: _Reading) -> None:
        super().__init__(reading, "local")
        proof, denials = reading.evidence.proof, reading.evidence.denials
        self.ids = {
            label: RecordedIds(*span, denials, proof.purged_below)
            for label, span in reading.spans.items()
        }
        self.rejects = [frames.empty_local_rejects()]
        self.fields: frozenset[str] = frozenset()
        self.hold_ids = False

    def add_far(self, frame: pd.DataFrame) -> None:
        """Take in records of other days, after all others."""
        super().add_far(frame)
        self.hold_ids |= bool(frame["message_id"].notna().any())

    def add_read(self, read: RecordsRead) -> None:
        """Take in a part of what was read."""
        self.add(read.frame)
        for ids in self.ids.values():
            ids.add(read.frame)
        self.rejects.append(read.rejects)
        self.fields = read.fields


@dataclass(frozen=True, eq=False)
class StoredPartitions:
    """Both sides in files, until `close`."""

    row_count: int
    is_waiting: bool
    """Whether a message of the days is not terminal yet."""
    local: Side
    """Only the unreadable records."""
    provider: Side
    """Only the unreadable messages."""
    fields: frozenset[str]
    """The fields that the records have."""
    digests: Mapping[str, tuple[RowsDigest, RowsDigest]]
    """For each day, the digests of its records and of its messages."""
    _held: Partitions
    _sizes: PartitionSizes
    _rows: Mapping[str, BasisRows]
    _times: Sequence[Path] | None
    _files: ExitStack

    @cached_property
    def reduced(self) -> Reduced:
        """The rows of both sides that cannot be judged in parts."""

        def seen(local: pd.DataFrame, provider: pd.DataFrame) -> None:
            for rows in self._rows.values():
                rows.others.add(local, provider)

        return partitions.reduced(
            self._held,
            [self.local.rejects],
            [self.provider.rejects],
            sizes=self._sizes,
            executor=InProcessExecutor(),
            seen=seen,
        )

    def basis_rows(self, day: Window) -> BasisRows:
        """Return the values of the rows on which the basis of a day depends."""
        assert self.reduced is not None  # gathers the rows of other days
        return self._rows[day.label]

    @property
    def ended(self) -> Iterator[Positions] | None:
        """The times of all records and of all messages, if the records may have ended."""
        return None if self._times is None else _all_times(self._times)

    def close(self) -> None:
        """Remove the files; after that only values that were already computed are available."""
        self._files.close()


def read(
    account: str,
    days: Sequence[Window],
    *,
    reader: RecordsReader,
    engine: Engine,
    policy: Policy,
    evidence: StoredEvidence,
    sizes: PartitionSizes,
    beside: Path | None,
    later: datetime,
) -> StoredPartitions | None:
    """Read both sides into partitions, the records after the messages.

    Args:
        account: whose messages and reader these are.
        days: bounded windows, in order and without holes.
        reader: the user's own records.
        engine: the database of the collected messages.
        policy: how strict to be.
        evidence: the proof in the store, which was read before.
        sizes: how many rows are processed at once.
        beside: the directory of the files without `TMPDIR`; `None` is that of temporary files.
        later: until when records after the days are read, to see whether the records go on.

    Returns:
        `None` if there are so few records that earlier ones have to be read. Then both sides have
        to be in one piece.

    Raises:
        InputError: the reader cannot be used.
        TemporaryError: a database is busy or out of reach.
        OutputError: a file cannot be written.
    """
    start, end = around(days, policy)
    with ExitStack() as stack:
        held = Partitions(
            days,
            policy,
            stack.enter_context(scratch_directory(beside or Path(tempfile.gettempdir()))),
            sizes.by_id,
            has_numbers=True,
            has_statuses=True,
            is_complete=False,
            claims=_claims(engine, account, days, evidence),
        )
        reading = _Reading(account, days, policy, evidence, held)
        theirs = _read_messages(reading, engine, start, end)
        gone = forgotten_numbers.forgotten(engine)
        mine = _read_records(reading, reader, gone, start, end)
        if mine.rows < stale_records.LEAST_RECORDS:
            return None
        held = replace(
            held, has_numbers="phone_number" in mine.fields, has_statuses="status" in mine.fields
        )
        _add_other_days(reading, engine, reader, gone, mine, theirs)
        have_ended = stale_records.may_have_ended_at(
            mine.newest, theirs.newest, theirs.newest_named, hold_ids=mine.hold_ids
        )
        rejects = frames.concat(mine.rejects)
        counted = rejects["sent_at"].notna() | evidence.untimed
        local = replace(
            held.local_side(frames.empty_local(), rejects.loc[counted].reset_index(drop=True)),
            newest=readers.newest(reader, end, later) if have_ended else None,
            other_rejects=rejects.loc[~counted],
        )
        return StoredPartitions(
            row_count=mine.rows + theirs.rows,
            is_waiting=theirs.is_waiting,
            local=local,
            provider=evidence.side(frames.empty_provider()),
            fields=mine.fields,
            digests={day: (mine.digests[day], theirs.digests[day]) for day in reading.spans},
            _held=held,
            _sizes=sizes,
            _rows={
                day: BasisRows(mine.ids[day], theirs.waiting[day], RowsOfOtherDays(*span))
                for day, span in reading.spans.items()
            },
            _times=(mine.times, theirs.times) if have_ended else None,
            _files=stack.pop_all(),
        )


def _claims(
    engine: Engine, account: str, days: Sequence[Window], evidence: StoredEvidence
) -> pd.DataFrame | None:
    """Return findings that a run of days with a gap can only resolve if their row is found."""
    spans = evidence.proof.spans
    open_ = [day for day in days if coverage.gaps(day.span, spans)]
    if not open_:
        return None
    labels = [date.fromisoformat(day.label) for day in open_]
    return absence_claims.of_days(engine, account, labels)


def _read_messages(reading: _Reading, engine: Engine, start: datetime, end: datetime) -> _Messages:
    def split(parts: Iterable[pd.DataFrame]) -> _Messages:
        side = _Messages(reading)
        with reading.held.writer("provider") as writer:
            for part in parts:
                reading.held.write(writer, part)
                side.add(part)
        return side

    return messages.read_in_parts(engine, reading.account, start, end, split)


def _read_records(
    reading: _Reading, reader: RecordsReader, gone: Forgotten, start: datetime, end: datetime
) -> _Records:
    region = reading.policy.region

    def split(parts: Iterable[RecordsRead]) -> _Records:
        side = _Records(reading)
        with reading.held.writer("local") as writer:
            for part in parts:
                read = replace(
                    part,
                    frame=gone.blanked(part.frame, region, None),
                    rejects=gone.blanked(part.rejects, region, None),
                )
                reading.held.write(writer, read.frame)
                side.add_read(read)
        return side

    return reader.read_in_parts(start, end, split)


def _add_other_days(
    reading: _Reading,
    engine: Engine,
    reader: RecordsReader,
    gone: Forgotten,
    mine: _Records,
    theirs: _Messages,
) -> None:
    """Add the rows of other days that have ids of these days, see `out_of_window_ids`."""
    start, end = around(reading.days, reading.policy)
    named = [np.zeros(0, dtype=np.int64)]
    listed = []
    for place in range(reading.held.count):
        local, provider = reading.held.read(place)
        theirs.add_named(provider, local["message_id"])
        named.append(out_of_window_ids.wanted_messages(local, provider))
        if reader.can_find:
            wanted = out_of_window_ids.wanted_records(local, provider, start, end)
            listed.append(provider.loc[provider["message_id"].isin(wanted), _OF_AN_ID])
    far = messages.find(engine, reading.account, np.unique(np.concatenate(named)))
    theirs.add_named(far, far["message_id"])
    _add_far(reading.held, "provider", theirs, far)
    if reader.can_find:
        # A message of another day may have a record of another day that is nearer.
        open_ = frames.concat([*listed, far[_OF_AN_ID]])
        found = reader.find(np.unique(open_["message_id"].to_numpy(dtype=np.int64))).frame
        found = gone.blanked(found, reading.policy.region, None)
        found = found.loc[~time_spans.inside(found, start, end)].reset_index(drop=True)
        theirs.add_named(open_, found["message_id"])
        _add_far(reading.held, "local", mine, found)


def _add_far(held: Partitions, side: str, seen: _Side, frame: pd.DataFrame) -> None:
    if len(frame):
        with held.writer(side, part=_FAR) as writer:
            held.write(writer, frame)
        seen.add_far(frame)


def _all_times(paths: Sequence[Path]) -> Iterator[Positions]:
    for path in paths:
        if not path.exists():
            continue
        with path.open("rb") as file:
            while (times := np.fromfile(file, dtype=np.int64, count=_TIMES_AT_ONCE)).size:
                yield times
