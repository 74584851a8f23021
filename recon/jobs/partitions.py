"""Two files larger than memory, in partitions, until what is left can be judged in one piece.

One pass over each file writes its rows into partitions by their message id. Of each partition the
pairs that nothing is wrong with are left out and counted (`recon.core.agreement`). If too much is
left, because many records hold no id, what no id pairs is divided again, by phone number.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from recon.core import agreed_rows, agreement, buckets, frames, link
from recon.core.agreed_rows import AgreedPairs, AgreedRows, Column, NearMessages
from recon.core.link import Positions, Side
from recon.core.policy import Policy
from recon.jobs import executors, partition_files
from recon.jobs.memory_budget import PartitionSizes
from recon.jobs.partition_files import PartitionWriter
from recon.jobs.provider_file import raw_chunks, with_unparsed
from recon.model import Span, Window
from recon.records.file_source import FileReader
from recon.report.atomic_files import translated

if TYPE_CHECKING:
    from recon.records.source import Source

log = logging.getLogger(__name__)

_COMPLETE: Final = (Span(None, None),)
_COLUMNS: Final[Sequence[Column]] = ("local_time", "provider_time", "keys", "names")


@dataclass(frozen=True, slots=True)
class _Work:
    """What every task needs to know."""

    local: Source
    provider: Path
    seen_at: datetime
    days: Sequence[Window]
    policy: Policy
    folder: Path
    parts: int

    def local_side(self, frame: pd.DataFrame, rejects: pd.DataFrame) -> Side:
        fields = self.local.fields
        return Side(
            frame,
            rejects,
            has_numbers="phone_number" in fields,
            has_statuses="status" in fields,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A partition by id that is done; the rows that are left lie in files."""

    local_rejects: pd.DataFrame
    provider_rejects: pd.DataFrame
    paired: int
    """How many rows of both sides are left that an id pairs."""
    alone: int
    """How many that none pairs."""
    agreed: AgreedRows


@dataclass(frozen=True, slots=True)
class StoredColumns:
    """Columns of numbers in files, read whenever one is asked for."""

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


def reduced_sides(
    local: Source,
    provider: Path,
    *,
    seen_at: datetime,
    days: Sequence[Window],
    policy: Policy,
    folder: Path,
    sizes: PartitionSizes,
    executor: Executor,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Side, Side, AgreedRows]:
    """Read both files, and return what cannot be judged part by part.

    Args:
        local: the user's file, and what is what in it.
        provider: the file of messages.
        seen_at: when their statuses are taken to have been seen, aware.
        days: in order and without holes, or the one window without bounds.
        policy: how strict to be.
        folder: an empty directory that every process of `executor` can write to.
        sizes: how much is worked on at once.
        executor: where partitions are worked on.
        progress: called with a text for people whenever a part of the work is done.

    Returns:
        The records and the messages that are left, and what is known of the others.

    Raises:
        InputError: a file cannot be used.
        OutputError: a partition cannot be written.
        TemporaryError: a process of `executor` was ended from outside.
    """
    work = _Work(local, provider, seen_at, days, policy, folder, sizes.by_id)
    read = executor.submit(_split_provider, work) if sizes.ahead else None
    local_rejects = [executors.result(executor.submit(_split_local, work))]
    progress("your records read")
    if read is None:
        read = executor.submit(_split_provider, work)
    provider_rejects = [executors.result(read)]
    progress("Octopods' messages read")
    parts: list[_Part] = []
    for _, part in executors.in_order(
        executor, partial(_pair, work), range(sizes.by_id), ahead=sizes.ahead
    ):
        parts.append(part)
        local_rejects.append(part.local_rejects)
        provider_rejects.append(part.provider_rejects)
    unread = frames.concat(local_rejects), frames.concat(provider_rejects)
    agreed = [part.agreed for part in parts]
    paired, alone = sum(part.paired for part in parts), sum(part.alone for part in parts)
    names, count = ("local-alone", "provider-alone"), sizes.by_id
    if paired + alone > sizes.rows and alone:
        names, count = ("local-number", "provider-number"), -(-2 * alone // sizes.rows)
        _split_by_number(work, count)
        rest = 0
        for _, (left, known) in executors.in_order(
            executor, partial(_group, work, unread), range(count), ahead=sizes.ahead
        ):
            agreed.append(known)
            rest += left
        names = "local-rest", "provider-rest"
        alone = rest
    if paired + alone > sizes.rows:
        log.warning(
            "%s rows differ or have no counterpart: judging them takes more memory than the limit",
            f"{paired + alone:,}",
        )
    mine, theirs = (_read_all(work, name, count) for name in names)
    near = _near(work, theirs, agreed)
    rest_local = frames.concat([mine, _read_all(work, "local-paired", sizes.by_id)])
    rest_provider = frames.concat([theirs, _read_all(work, "provider-paired", sizes.by_id)])
    return (
        work.local_side(rest_local, unread[0]),
        Side(rest_provider, unread[1]),
        agreed_rows.joined(agreed, near),
    )


# --- reading ----------------------------------------------------------------------------------


def _split_local(work: _Work) -> pd.DataFrame:
    """Write the records into partitions; return those that cannot be read."""
    rejects = [frames.empty_local_rejects()]
    with PartitionWriter(work.folder, "local", work.parts) as writer:
        for read in FileReader(work.local).read_in_parts():
            writer.write(read.frame, _places_by_id(read.frame, work.parts))
            rejects.append(read.rejects)
    return frames.concat(rejects)


def _split_provider(work: _Work) -> pd.DataFrame:
    """Write the messages into partitions; return those that cannot be read."""
    broken: list[str] = []
    rejects = []
    with PartitionWriter(work.folder, "provider", work.parts) as writer:
        for raw in raw_chunks(work.provider, broken):
            chunk = frames.message_chunk(raw)
            writer.write(chunk.frame, _places_by_id(chunk.frame, work.parts))
            if len(chunk.rejects):
                rejects.append((chunk.rejects, chunk.spelled))
    nothing = _no_messages()
    unread = frames.message_rejects([*rejects] or [(nothing.rejects, nothing.spelled)])
    return with_unparsed(unread, broken)


@cache
def _no_messages() -> frames.MessageChunk:
    return frames.message_chunk({name: [] for name in frames.PROVIDER_FIELDS})


@cache
def _no_message(seen_at: datetime) -> pd.DataFrame:
    return frames.one_per_id(_no_messages().frame, seen_at)


def _places_by_id(frame: pd.DataFrame, count: int) -> Positions:
    ids, has_id = link.id_column(frame["message_id"])
    return partition_files.places(ids, has_id, count)


# --- partitions by id -------------------------------------------------------------------------


def _pair(work: _Work, place: int) -> _Part:
    """Leave out the pairs of a partition that agree, and write what is left."""
    local = partition_files.read(work.folder, "local", place, frames.empty_local())
    provider = partition_files.read(work.folder, "provider", place, _no_messages().frame)
    provider = frames.one_per_id(provider, work.seen_at)
    case = buckets.classify(
        work.days,
        work.local_side(local, frames.empty_local_rejects()),
        Side(provider, frames.empty_provider_rejects()),
        _COMPLETE,
        work.policy,
    )
    del local, provider
    rest = agreement.pairs_by_id(case, work.policy)
    left = {
        "local-paired": rest.paired_local,
        "provider-paired": rest.paired_provider,
        "local-alone": rest.local,
        "provider-alone": rest.provider,
    }
    for name, frame in left.items():
        _write(work, f"{name}-{place}", frame)
    part = _Part(
        case.local.rejects,
        case.provider.rejects,
        len(rest.paired_local) + len(rest.paired_provider),
        len(rest.local) + len(rest.provider),
        _stored(rest.agreed, work.folder / f"agreed-{place}"),
    )
    del case, rest, left
    pa.default_memory_pool().release_unused()
    return part


def _write(work: _Work, name: str, frame: pd.DataFrame) -> None:
    if len(frame):
        partition_files.write(frame, work.folder, name)


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


def _split_by_number(work: _Work, count: int) -> None:
    """Write what no id pairs into partitions by number."""
    for side in ("local", "provider"):
        with PartitionWriter(work.folder, f"{side}-number", count) as writer:
            for place in range(work.parts):
                frame = _read(work, f"{side}-alone", place)
                tails = agreement.tails(_number_keys(work, side, frame))
                writer.write(frame, partition_files.places(tails, tails >= 0, count))


def _number_keys(work: _Work, side: str, frame: pd.DataFrame) -> Positions:
    region = work.policy.region
    if side == "local":
        return link.number_keys(work.local_side(frame, frames.empty_local_rejects()), region)
    return link.number_keys(Side(frame, frames.empty_provider_rejects()), region, is_provider=True)


def _group(
    work: _Work, unread: tuple[pd.DataFrame, pd.DataFrame], place: int
) -> tuple[int, AgreedRows]:
    """Leave out the numbers of a partition that agree, write what is left, and count it."""
    case = buckets.classify(
        work.days,
        work.local_side(_read(work, "local-number", place), unread[0]),
        Side(_read(work, "provider-number", place), unread[1]),
        _COMPLETE,
        work.policy,
    )
    rest = agreement.groups_by_number(case, work.policy)
    _write(work, f"local-rest-{place}", rest.local)
    _write(work, f"provider-rest-{place}", rest.provider)
    left = len(rest.local) + len(rest.provider)
    return left, _stored(rest.agreed, work.folder / f"agreed-number-{place}")


# --- what is left -----------------------------------------------------------------------------


def _read(work: _Work, name: str, place: int) -> pd.DataFrame:
    """Return rows of one of the files that a task has written."""
    empty = frames.empty_local() if name.startswith("local") else _no_message(work.seen_at)
    return partition_files.read(work.folder, name, place, empty)


def _read_all(work: _Work, name: str, count: int) -> pd.DataFrame:
    return frames.concat([_read(work, name, place) for place in range(count)])


def _near(work: _Work, left: pd.DataFrame, agreed: Sequence[AgreedRows]) -> NearMessages:
    """Return the messages of agreed pairs that an unrecorded one may repeat."""
    if left.empty:
        return agreed_rows.NONE_NEAR
    keys, times = _number_keys(work, "provider", left), link.microseconds(left["sent_at"])
    found = [
        agreement.near_messages(pairs, keys, times, work.policy)
        for part in agreed
        for pairs in part.pairs
        if pairs.by_id
    ]
    return NearMessages(
        np.concatenate([one.keys for one in found]),
        np.concatenate([one.times for one in found]),
        np.concatenate([one.names for one in found]),
    )
