"""Reduce two sides larger than memory, in partitions, until the rest can be judged in one piece.

The rows of both sides are in files, divided by message id. In each partition, pairs without a
finding are left out and counted (`recon.core.agreement`). If too many rows are left, because many
records hold no id, the rows that no id pairs are divided again, by phone number.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from recon.core import agreed_rows, agreement, buckets, frames, link, settled_rows
from recon.core.agreed_rows import AgreedPairs, AgreedRows, Column, NearMessages
from recon.core.agreement import Rest
from recon.core.buckets import Case
from recon.core.coverage import COMPLETE
from recon.core.duplicate_sends import KeySet
from recon.core.link import Positions, Side
from recon.core.policy import Policy
from recon.jobs import executors, partition_files
from recon.jobs.memory_budget import PartitionSizes
from recon.jobs.partition_files import PartitionWriter
from recon.model import Window
from recon.report.atomic_files import translated

log = logging.getLogger(__name__)

_COLUMNS: Final[Sequence[Column]] = ("local_time", "provider_time", "keys", "names")


@dataclass(frozen=True, slots=True)
class Partitions:
    """Both sides in partitions by message id, and the data that each task needs."""

    days: Sequence[Window]
    policy: Policy
    folder: Path
    """The directory of the files; every process that works on them can write there."""
    count: int
    has_numbers: bool
    """Whether the records have phone numbers."""
    has_statuses: bool
    """Whether the records have statuses."""
    seen_at: datetime | None = None
    """When the statuses of the messages were seen, aware, if the messages come from a file, in
    which several rows may have one id. `None` if they come from the store."""
    is_complete: bool = True
    """Whether the messages are complete."""
    claims: pd.DataFrame | None = None
    """Findings for which the caller asks whether their row is settled now."""

    def writer(self, side: str, *, part: str = "") -> PartitionWriter:
        """Return a writer of the rows of a side, `local` or `provider`; see `write`."""
        return PartitionWriter(self.folder, side, self.count, part=part)

    def write(self, writer: PartitionWriter, frame: pd.DataFrame) -> None:
        """Write some rows of a side.

        Raises:
            OutputError: the disk is full, or it cannot be written otherwise.
        """
        ids, has_id = link.id_column(frame["message_id"])
        writer.write(frame, partition_files.places(ids, has_id, self.count))

    def read(self, place: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the records and the messages of a partition."""
        local = partition_files.read(self.folder, "local", place, frames.empty_local())
        if self.seen_at is None:
            empty = frames.empty_provider()
            return local, partition_files.read(self.folder, "provider", place, empty)
        held = partition_files.read(self.folder, "provider", place, no_messages().frame)
        return local, frames.one_per_id(held, self.seen_at)

    def local_side(self, frame: pd.DataFrame, rejects: pd.DataFrame) -> Side:
        """Return these records as a side."""
        return Side(frame, rejects, has_numbers=self.has_numbers, has_statuses=self.has_statuses)


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """The rows that cannot be judged in parts, and counts of all others."""

    local: pd.DataFrame
    provider: pd.DataFrame
    local_rejects: pd.DataFrame
    """Records that cannot be read or linked."""
    provider_rejects: pd.DataFrame
    agreed: AgreedRows
    settled: frozenset[str]
    """The `discrepancy_id` of each claim that is settled by a row that was left out."""


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A finished partition by id; the rows that are left are in files."""

    local_rejects: pd.DataFrame
    provider_rejects: pd.DataFrame
    paired: int
    """How many rows of both sides are left that an id pairs."""
    alone: int
    """How many that none pairs."""
    agreed: AgreedRows
    settled: frozenset[str]


@dataclass(frozen=True, slots=True)
class StoredColumns:
    """Columns of numbers in files; a column is read each time it is needed."""

    stem: Path

    def __call__(self, name: str) -> Positions:
        """Read a column."""
        column: Positions = np.load(f"{self.stem}-{name}.npy")
        return column

    def store(self, name: str, column: Positions) -> None:
        """Write a column.

        Raises:
            OutputError: it cannot be written.
        """
        with translated(self.stem.parent):
            np.save(f"{self.stem}-{name}.npy", column)


def reduced(
    held: Partitions,
    local_rejects: Sequence[pd.DataFrame],
    provider_rejects: Sequence[pd.DataFrame],
    *,
    sizes: PartitionSizes,
    executor: Executor,
    seen: Callable[[pd.DataFrame, pd.DataFrame], None] | None = None,
) -> Reduced:
    """Return the rows that cannot be judged in parts.

    Args:
        held: both sides, all rows in files.
        local_rejects: records that could not be read; at least one frame.
        provider_rejects: likewise messages.
        sizes: how many rows are processed at once.
        executor: runs the work on partitions.
        seen: called with the records and the messages of each partition, in the process that works
            on it.

    Raises:
        OutputError: a partition cannot be written.
        TemporaryError: a process of `executor` was ended from outside.
    """
    parts: list[_Part] = []
    for _, part in executors.in_order(
        executor, partial(_pair, held, seen), range(held.count), ahead=sizes.ahead
    ):
        parts.append(part)
    unread = (
        frames.concat([*local_rejects, *(part.local_rejects for part in parts)]),
        frames.concat([*provider_rejects, *(part.provider_rejects for part in parts)]),
    )
    agreed = [part.agreed for part in parts]
    settled = [part.settled for part in parts]
    paired, alone = sum(part.paired for part in parts), sum(part.alone for part in parts)
    names, count = ("local-alone", "provider-alone"), held.count
    if paired + alone > sizes.rows and alone:
        names, count = ("local-number", "provider-number"), -(-2 * alone // sizes.rows)
        _split_by_number(held, count)
        rest = 0
        for _, (left, known, found) in executors.in_order(
            executor, partial(_group, held, unread), range(count), ahead=sizes.ahead
        ):
            agreed.append(known)
            settled.append(found)
            rest += left
        names = "local-rest", "provider-rest"
        alone = rest
    if paired + alone > sizes.rows:
        log.warning(
            "%s rows differ or have no counterpart: judging them takes more memory than the limit",
            f"{paired + alone:,}",
        )
    mine, theirs = (_read_all(held, name, count) for name in names)
    return Reduced(
        frames.concat([mine, _read_all(held, "local-paired", held.count)]),
        frames.concat([theirs, _read_all(held, "provider-paired", held.count)]),
        *unread,
        agreed_rows.joined(agreed, _near(held, theirs, agreed)),
        frozenset().union(*settled),
    )


@cache
def no_messages() -> frames.MessageChunk:
    """Return the frame for a file of messages without rows."""
    return frames.message_chunk({name: [] for name in frames.PROVIDER_FIELDS})


# --- partitions by id -------------------------------------------------------------------------


def _pair(
    held: Partitions, seen: Callable[[pd.DataFrame, pd.DataFrame], None] | None, place: int
) -> _Part:
    """Leave out the pairs of a partition that agree, and write the other rows."""
    local, provider = held.read(place)
    if seen is not None:
        seen(local, provider)
    case = buckets.classify(
        held.days,
        held.local_side(local, frames.empty_local_rejects()),
        Side(provider, frames.empty_provider_rejects()),
        COMPLETE,
        held.policy,
    )
    del local, provider
    rest = agreement.pairs_by_id(case, held.policy)
    left = {
        "local-paired": rest.paired_local,
        "provider-paired": rest.paired_provider,
        "local-alone": rest.local,
        "provider-alone": rest.provider,
    }
    for name, frame in left.items():
        _write(held, f"{name}-{place}", frame)
    part = _Part(
        case.local.rejects,
        case.provider.rejects,
        len(rest.paired_local) + len(rest.paired_provider),
        len(rest.local) + len(rest.provider),
        _stored(rest.agreed, held.folder / f"agreed-{place}"),
        _settled(held, case, rest),
    )
    del case, rest, left
    pa.default_memory_pool().release_unused()
    return part


def _settled(held: Partitions, case: Case, rest: Rest) -> frozenset[str]:
    claims = held.claims
    if claims is None or claims.empty:
        return frozenset()
    found = settled_rows.settled_by(case, *rest.left_out, claims)
    return frozenset(claims.loc[found, "discrepancy_id"])


def _write(held: Partitions, name: str, frame: pd.DataFrame) -> None:
    if len(frame):
        partition_files.write(frame, held.folder, name)


def _stored(agreed: AgreedRows, stem: Path) -> AgreedRows:
    """Return the rows that were left out with their columns in files."""
    [pairs], [alone] = agreed.pairs, agreed.alone
    columns = StoredColumns(stem)
    for name in _COLUMNS:
        columns.store(name, pairs.column(name))
    columns.store("alone", alone())
    return replace(
        agreed,
        pairs=[AgreedPairs(columns, pairs.bounds, pairs.by_id)],
        alone=[partial(columns, "alone")],
    )


# --- partitions by number ---------------------------------------------------------------------


def _split_by_number(held: Partitions, count: int) -> None:
    """Write what no id pairs into partitions by number."""
    for side in ("local", "provider"):
        with PartitionWriter(held.folder, f"{side}-number", count) as writer:
            for place in range(held.count):
                frame = _read(held, f"{side}-alone", place)
                tails = agreement.tails(_number_keys(held, side, frame))
                writer.write(frame, partition_files.places(tails, tails >= 0, count))


def _number_keys(held: Partitions, side: str, frame: pd.DataFrame) -> Positions:
    region = held.policy.region
    if side == "local":
        return link.number_keys(held.local_side(frame, frames.empty_local_rejects()), region)
    return link.number_keys(Side(frame, frames.empty_provider_rejects()), region, is_provider=True)


def _group(
    held: Partitions, unread: tuple[pd.DataFrame, pd.DataFrame], place: int
) -> tuple[int, AgreedRows, frozenset[str]]:
    """Leave out the numbers of a partition that agree, and write and count the other rows."""
    case = buckets.classify(
        held.days,
        held.local_side(_read(held, "local-number", place), unread[0]),
        Side(_read(held, "provider-number", place), unread[1]),
        COMPLETE,
        held.policy,
    )
    rest = agreement.groups_by_number(case, held.policy, is_complete=held.is_complete)
    _write(held, f"local-rest-{place}", rest.local)
    _write(held, f"provider-rest-{place}", rest.provider)
    left = len(rest.local) + len(rest.provider)
    agreed = _stored(rest.agreed, held.folder / f"agreed-number-{place}")
    return left, agreed, _settled(held, case, rest)


# --- what is left -----------------------------------------------------------------------------


def _read(held: Partitions, name: str, place: int) -> pd.DataFrame:
    """Return rows of one of the files that a task has written."""
    empty = frames.empty_local() if name.startswith("local") else frames.empty_provider()
    return partition_files.read(held.folder, name, place, empty)


def _read_all(held: Partitions, name: str, count: int) -> pd.DataFrame:
    return frames.concat([_read(held, name, place) for place in range(count)])


def _near(held: Partitions, left: pd.DataFrame, agreed: Sequence[AgreedRows]) -> NearMessages:
    """Return the messages of agreed pairs that an unrecorded message may repeat."""
    if left.empty:
        return agreed_rows.NONE_NEAR
    keys, times = _number_keys(held, "provider", left), link.microseconds(left["sent_at"])
    numbers = KeySet.of(keys)
    found = [
        agreement.near_messages(pairs, numbers, keys, times, held.policy)
        for part in agreed
        for pairs in part.pairs
        if pairs.by_id
    ]
    return NearMessages(
        np.concatenate([one.keys for one in found]),
        np.concatenate([one.times for one in found]),
        np.concatenate([one.names for one in found]),
    )
