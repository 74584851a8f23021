"""How much memory a comparison of two files may take, and how many rows that is."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from recon.errors import InputError, UsageError
from recon.records import file_formats, parquet_files, text_files

#: Bytes that the interpreter and the libraries take, whatever the files contain.
BASE_BYTES: Final = 160_000_000
#: The most bytes that a row of either side takes while both are judged in one piece.
ROW_BYTES: Final = 300
#: Partitions of fewer rows than this are no use.
_LEAST_ROWS: Final = 10

#: How many times smaller compressed text is, at most usually.
_COMPRESSED: Final = 10
#: The share of the memory that is there which is taken without being asked.
_SHARE: Final = 0.5
#: Used if the system does not say how much memory there is.
_UNKNOWN: Final = 1 << 31
#: More files than this at once may be more than a process can open.
_MOST_PARTITIONS: Final = 200
#: The beginning of a text that tells how long its rows are.
_HEAD_BYTES: Final = 1 << 16
_MEMINFO: Final = Path("/proc/meminfo")
_CGROUPS: Final = Path("/proc/self/cgroup")
_CGROUP_ROOT: Final = Path("/sys/fs/cgroup")


#: Without the option, a run may take at least as much as these rows need.
_LEAST_OF_RUN: Final = 200_000


class PartitionSizes(NamedTuple):
    """How many rows of both sides are processed at once."""

    by_id: int
    """The number of partitions by message id."""
    rows: int
    """How many rows of both sides fit into memory together."""
    ahead: int = 0
    """How many partitions are started before one is done: those of other processes."""


@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """How much memory a comparison may take."""

    limit: int
    """Bytes, of all processes together."""
    workers: int = 1
    """Processes that work on partitions; if more than one, in addition to this process."""
    base: int = BASE_BYTES
    """Bytes that a process takes without any rows."""
    row: int = ROW_BYTES
    """Bytes that a row takes while it is judged."""

    @property
    def rows(self) -> int:
        """How many rows of both sides together fit into memory, in one process."""
        return (self.limit - self.base) // self.row

    def sizes(self, rows: int) -> PartitionSizes | None:
        """Return how both sides are divided to stay below the limit; `None` if they fit.

        Args:
            rows: of both sides together.

        Raises:
            UsageError: the limit leaves no room for rows.
        """
        if self.base + rows * self.row <= self.limit:
            return None
        processes = 1 if self.workers == 1 else self.workers + 1
        fit = (self.limit - self.base * processes) // self.row
        least = _LEAST_ROWS * self.row + self.base * processes
        if self.limit < least:
            needed = -(-least // 1_000_000)
            raise UsageError(
                f"--memory-limit: {self.limit / 1e6:,.0f}MB is too little for {processes} "
                f"process{'' if processes == 1 else 'es'}. Give {needed:,}MB or more"
                + (", or fewer --workers." if processes > 1 else ".")
            )
        of_each = fit // self.workers
        return PartitionSizes(
            by_id=min(-(-rows // of_each), _MOST_PARTITIONS),
            rows=fit,
            ahead=0 if self.workers == 1 else self.workers,
        )


@dataclass(frozen=True, slots=True)
class RunMemory:
    """How much memory reading and judging days may take in a run."""

    limit: int | None
    """Bytes, of all processes together. `None` is half of the memory available to the process that
    reads the days, and is never too little."""
    beside: Path | None
    """The directory of partitions without `TMPDIR`; `None` is that of temporary files."""
    processes: int = 0
    """How many other processes judge days; with 0 this process does."""
    base: int = BASE_BYTES
    """See `MemoryBudget`."""
    row: int = ROW_BYTES
    """See `MemoryBudget`."""

    def budget(self) -> MemoryBudget:
        """Return how much memory each process that judges days may take.

        Raises:
            UsageError: the limit leaves no room for rows.
        """
        waiting, sharing = (self.base, self.processes) if self.processes else (0, 1)
        if self.limit is None:
            least = self.base + _LEAST_OF_RUN * self.row
            size = max((default_limit() - waiting) // sharing, least)
        else:
            size = (self.limit - waiting) // sharing
            least = self.base + _LEAST_ROWS * self.row
            if size < least:
                needed = -(-(waiting + sharing * least) // 1_000_000)
                raise UsageError(
                    f"--memory-limit: {self.limit / 1e6:,.0f}MB is too little. Give {needed:,}MB "
                    + ("or more, or fewer --workers." if self.processes else "or more.")
                )
        return MemoryBudget(size, base=self.base, row=self.row)


def estimated_rows(path: Path) -> int:
    """Return about how many rows a file, or a directory of Parquet files, has.

    Parquet files contain the number; for text, the first lines show the length of a row. It is 0
    for a path that is not a file or cannot be read; the reader reports that later.
    """
    if not (path.is_file() or path.is_dir()):
        return 0
    try:
        kind = file_formats.format_of(path)
        if kind == "parquet":
            return parquet_files.row_count(path)
        with text_files.open_binary(path) as file:
            head = file.read(_HEAD_BYTES)
    except (InputError, OSError, EOFError, zlib.error):
        return 0
    ends = head.count(b"}") if kind == "jsonl" else max(head.count(b"\n"), head.count(b"\r"))
    size = path.stat().st_size * (_COMPRESSED if path.suffix.lower() == ".gz" else 1)
    return round(size * ends / max(len(head), 1))


def default_limit(
    meminfo: Path = _MEMINFO, cgroups: Path = _CGROUPS, cgroup_root: Path = _CGROUP_ROOT
) -> int:
    """Return half of the available memory in bytes, also within a container's limit.

    Args:
        meminfo: the file in which Linux shows the free memory.
        cgroups: the file that shows the control groups of this process.
        cgroup_root: where control groups are mounted.
    """
    there = [
        size
        for size in (_free_memory(meminfo), *_left_in_cgroups(cgroups, cgroup_root))
        if size is not None
    ]
    return round(min(there) * _SHARE) if there else _UNKNOWN


def _free_memory(meminfo: Path) -> int | None:
    """Return what Linux could give to a process without swapping."""
    for line in _lines(meminfo):
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024
    return None


def _left_in_cgroups(cgroups: Path, root: Path) -> Iterator[int]:
    """Yield the bytes left within each control group of this process, of version 1 or 2."""
    for line in _lines(cgroups):
        _, controllers, group = line.split(":", 2)
        if controllers == "":
            folder, names = root, ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            folder = root / "memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        below = folder / group.strip().lstrip("/")
        # In a container its own group is often mounted as the root.
        for at in dict.fromkeys((*_up_to(below, folder), folder)):
            most, used = (_number(at / name) for name in names)
            if most is not None and used is not None:
                yield max(most - used, 0)


def _up_to(below: Path, folder: Path) -> Iterator[Path]:
    while below != folder:
        yield below
        below = below.parent


def _number(path: Path) -> int | None:
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdecimal() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except OSError:
        return []
