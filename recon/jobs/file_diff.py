"""Compare two files, without network, database or earlier runs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from recon.core import agreed_rows, judge
from recon.core.coverage import COMPLETE
from recon.core.link import Side
from recon.core.policy import Policy
from recon.jobs import memory_budget
from recon.jobs.memory_budget import MemoryBudget
from recon.jobs.provider_file import provider_side
from recon.model import DIFF_ACCOUNT, Changes, RequestCounts, Run, Window
from recon.report import report_files

if TYPE_CHECKING:
    from recon.records.source import Source

#: Called with a text for people whenever a part of the work is done.
Progress: TypeAlias = Callable[[str], None]

#: Bytes of both files together. What reading takes on the way is there twice if they are read at
#: once; for as long as Arrow reads, Python's lock is free.
_READ_AT_ONCE: Final = 100_000_000


@dataclass(frozen=True, slots=True)
class DiffOptions:
    """What to compare."""

    local: Source
    """The user's file, and which column holds which field."""
    provider: Path
    """The file of Octopods' messages: `message_id`, `phone_number`, `sent_at`, `status` and
    optionally `failure_reason`; in JSON Lines also items in the form of the API."""
    days: Sequence[Window]
    """Days in order and without holes, or the one window without bounds."""
    policy: Policy
    directory: Path
    mask: bool
    budget: MemoryBudget
    """A comparison that would need more memory is done in partitions."""


def step_count(options: DiffOptions) -> int:
    """Return how many parts of the work `diff` reports as done."""
    return 3 + len(options.days)


def diff(
    options: DiffOptions, clock: datetime, progress: Progress = lambda _: None
) -> list[tuple[Run, report_files.WrittenFiles]]:
    """Compare the files and write a report for each day.

    Args:
        options: what to compare.
        clock: the current time, which counts as the time of the statuses in the provider's file.
        progress: called after each part of the work.

    Raises:
        InputError: a file cannot be used.
        OutputError: a report cannot be written.
    """
    sizes = options.budget.sizes(sum(map(memory_budget.estimated_rows, _files(options))))
    with ExitStack() as stack:
        if sizes is None:
            local, provider = _both_sides(options, clock, progress)
            agreed = agreed_rows.NONE
        else:
            from recon.jobs import executors, file_partitions
            from recon.jobs.scratch_directory import scratch_directory

            folder = stack.enter_context(scratch_directory(options.directory))
            local, provider, agreed = file_partitions.reduced_sides(
                options.local,
                options.provider,
                seen_at=clock,
                days=options.days,
                policy=options.policy,
                folder=folder,
                sizes=sizes,
                executor=stack.enter_context(executors.workers(options.budget.workers)),
                progress=progress,
            )
        verdicts = judge.judge(
            DIFF_ACCOUNT,
            options.days,
            local,
            provider,
            spans=COMPLETE,
            policy=options.policy,
            agreed=agreed,
        )
    progress("linked and judged")
    done = []
    for verdict in verdicts:
        run = Run(
            run_id=str(uuid.uuid4()),
            verdict=verdict,
            started_at=clock,
            finished_at=clock,
            requests=RequestCounts(),
            changes=Changes(new=len(verdict.findings)),
        )
        done.append((run, report_files.write(run, options.directory, mask=options.mask)))
        progress(f"{verdict.window.label} written")
    return done


def _both_sides(options: DiffOptions, clock: datetime, progress: Progress) -> tuple[Side, Side]:
    """Read both files, at the same time unless they are so large that it would need much memory."""
    sizes = [path.stat().st_size for path in _files(options) if path.is_file()]
    with ThreadPoolExecutor(1) as other:
        at_once = sum(sizes) <= _READ_AT_ONCE
        reading = other.submit(provider_side, options.provider, clock) if at_once else None
        local = _local_side(options.local)
        _release()
        progress("your records read")
        provider = provider_side(options.provider, clock) if reading is None else reading.result()
    _release()
    progress("Octopods' messages read")
    return local, provider


def _files(options: DiffOptions) -> tuple[Path, Path]:
    assert options.local.file is not None
    return options.local.file, options.provider


def _release() -> None:
    """Release the memory that reading used; the allocators would otherwise keep it."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    pa.system_memory_pool().release_unused()  # numpy's too, where the C library can do that


def _local_side(source: Source) -> Side:
    from recon.records.reader_factory import open_reader

    read = open_reader(source).read(None, None)
    return Side(
        read.frame,
        read.rejects,
        has_numbers="phone_number" in read.fields,
        has_statuses="status" in read.fields,
    )
