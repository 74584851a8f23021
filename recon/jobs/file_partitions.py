"""Read two files larger than memory in chunks, and write them to partitions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from recon.core import frames
from recon.core.agreed_rows import AgreedRows
from recon.core.link import Side
from recon.core.policy import Policy
from recon.jobs import executors, partitions
from recon.jobs.memory_budget import PartitionSizes
from recon.jobs.partitions import Partitions
from recon.jobs.provider_file import raw_chunks, with_unparsed
from recon.model import Window
from recon.records.file_source import FileReader

if TYPE_CHECKING:
    from recon.records.reader import RecordsRead
    from recon.records.source import Source


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
    """Read both files, and return the rows that cannot be judged in parts.

    Args:
        local: the user's file, and which column holds which field.
        provider: the file of messages.
        seen_at: the time that counts as the time of the statuses, aware.
        days: in order and without holes, or the one window without bounds.
        policy: how strict to be.
        folder: an empty directory that every process of `executor` can write to.
        sizes: how many rows are processed at once.
        executor: runs the work on partitions.
        progress: called with a text for people after each part of the work.

    Returns:
        The records and messages that are left, and counts of the others.

    Raises:
        InputError: a file cannot be used.
        OutputError: a partition cannot be written.
        TemporaryError: a process of `executor` was ended from outside.
    """
    held = Partitions(
        days,
        policy,
        folder,
        sizes.by_id,
        has_numbers="phone_number" in local.fields,
        has_statuses="status" in local.fields,
        seen_at=seen_at,
    )
    reading = executors.submit(executor, _split_provider, held, provider) if sizes.ahead else None
    local_rejects = executors.result(executors.submit(executor, _split_local, held, local))
    progress("your records read")
    if reading is None:
        reading = executors.submit(executor, _split_provider, held, provider)
    provider_rejects = executors.result(reading)
    progress("Octopods' messages read")
    made = partitions.reduced(
        held, [local_rejects], [provider_rejects], sizes=sizes, executor=executor
    )
    return (
        held.local_side(made.local, made.local_rejects),
        Side(made.provider, made.provider_rejects),
        made.agreed,
    )


def _split_local(held: Partitions, source: Source) -> pd.DataFrame:
    """Write the records into partitions; return the unreadable ones."""

    def split(parts: Iterable[RecordsRead]) -> pd.DataFrame:
        rejects = [frames.empty_local_rejects()]
        with held.writer("local") as writer:
            for read in parts:
                held.write(writer, read.frame)
                rejects.append(read.rejects)
        return frames.concat(rejects)

    return FileReader(source).read_in_parts(None, None, split)


def _split_provider(held: Partitions, path: Path) -> pd.DataFrame:
    """Write the messages into partitions; return the unreadable ones."""
    broken: list[str] = []
    rejects = []
    with held.writer("provider") as writer:
        for raw in raw_chunks(path, broken):
            chunk = frames.message_chunk(raw)
            held.write(writer, chunk.frame)
            if len(chunk.rejects):
                rejects.append((chunk.rejects, chunk.spelled))
    nothing = partitions.no_messages()
    unread = frames.message_rejects([*rejects] or [(nothing.rejects, nothing.spelled)])
    return with_unparsed(unread, broken)
