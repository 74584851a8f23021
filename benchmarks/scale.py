"""What `recon diff` takes for days larger than memory, beside DuckDB with the same limit.

Run `python -m benchmarks.scale [ROWS ...]`; without arguments 1,000,000 and 10,000,000 rows a side,
which take 2 GB of disk and 4 GB of memory (in one piece). 50,000,000 rows take 20 GB of disk, and
14 GB of memory while the files are generated. Each command runs once in a process of its own: in
one piece where that is possible, in partitions, and in partitions with two workers. The CSV files
have to be equal. DuckDB gets an environment of its own; where it cannot be
installed, it is skipped.
"""

from __future__ import annotations

import hashlib
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks import diff
from benchmarks.diff import Measure

ROWS: Final = (1_000_000, 10_000_000)
LIMIT: Final = "512MB"
#: All processes together: two workers, and the one that waits for them.
LIMIT_OF_WORKERS: Final = "1GB"
#: More rows than this in one piece are too many for most machines.
MOST_IN_ONE_PIECE: Final = 20_000_000
GOAL_GROWTH: Final = 1.1
GOAL_DUCKDB: Final = 1.2
GOAL_MEMORY: Final = 1.5
GOAL_WORKERS: Final = 1.6
WAYS: Final = {
    "in one piece": ["--memory-limit", "1TB"],
    f"in partitions, {LIMIT}": ["--memory-limit", LIMIT],
    f"two workers, {LIMIT_OF_WORKERS}": ["--memory-limit", LIMIT_OF_WORKERS, "--workers", "2"],
}
DUCKDB: Final = f"""
import duckdb
duckdb.sql("SET memory_limit = '{LIMIT}'; SET temp_directory = 'duckdb.tmp'")
duckdb.sql({diff.DUCKDB_DIFFERENCES!r})
"""


def command(way: str, output: str) -> list[str]:
    """Return what compares the two files of the directory."""
    files = ["local.parquet", "provider.parquet"]
    return [sys.executable, "-m", "recon", "-q", "diff", *files, "--output", output, *WAYS[way]]


def digest(output: Path) -> str:
    """Return what tells the findings of a CSV file from others, without the name of the run."""
    made = hashlib.sha256()
    with (output / "diff" / "all.csv").open("rb") as file:
        for line in file:
            cells = line.split(b",", 2)
            made.update(cells[0] + cells[2])
    return made.hexdigest()


def measured(rows: int, folder: Path, foreign: str | None) -> dict[str, Measure]:
    """Generate two files, compare them in each way, and print what it took.

    Raises:
        AssertionError: two ways found something else.
    """
    diff.process([sys.executable, "-m", "benchmarks.diff", "generate", str(rows)], folder)
    print(f"\n{rows:,} rows a side")
    taken: dict[str, Measure] = {}
    digests = set[str]()
    for number, way in enumerate(WAYS):
        if number == 0 and rows > MOST_IN_ONE_PIECE:
            continue
        output = f"reports-{number}"
        taken[way] = diff.process(command(way, output), folder)
        digests.add(digest(folder / output))
        _show(way, taken[way])
    assert len(digests) == 1, "the ways differ in what they found"
    if foreign is not None:
        taken["DuckDB"] = diff.process([foreign, "-c", DUCKDB], folder)
        _show(f"DuckDB, {LIMIT}", taken["DuckDB"])
    return taken


def _show(way: str, one: Measure) -> None:
    print(
        f"  {way:<32}{one.seconds:>8.2f} s{one.processor:>8.2f} s CPU{one.megabytes:>8.0f} MB",
        flush=True,
    )


def judge(taken: dict[str, Measure]) -> None:
    """Print which goals are reached."""
    whole, parts, workers = (taken.get(way) for way in WAYS)
    assert parts is not None
    assert workers is not None
    _say("memory to the limit", parts.megabytes / 512, GOAL_MEMORY, most=True)
    _say("two workers, times as fast", parts.seconds / workers.seconds, GOAL_WORKERS, most=False)
    if whole is not None:
        print(f"  {'partitions to one piece':<32}{parts.seconds / whole.seconds:>8.2f} x")
    if "DuckDB" in taken:
        _say("to DuckDB", parts.seconds / taken["DuckDB"].seconds, GOAL_DUCKDB, most=True)


def _say(what: str, ratio: float, goal: float, *, most: bool) -> None:
    reached = ratio <= goal if most else ratio >= goal
    word = "reached" if reached else "MISSED"
    print(f"  {what:<32}{ratio:>8.2f} x  (goal {goal:g}: {word})", flush=True)


def main(arguments: Sequence[str]) -> None:
    """Print the tables."""
    sizes = [int(word.replace("_", "")) for word in arguments] or list(ROWS)
    partitioned = [*WAYS][1]
    with tempfile.TemporaryDirectory() as name:
        foreign = diff.others(Path(name) / "environment")
        taken = []
        for rows in sizes:
            taken.append(measured(rows, Path(name), foreign))
            judge(taken[-1])
    if len(sizes) > 1:
        seconds = [one[partitioned].seconds for one in taken]
        growth = math.log(seconds[-1] / seconds[0]) / math.log(sizes[-1] / sizes[0])
        print("\ngrowth from the least to the greatest size:")
        _say("exponent", growth, GOAL_GROWTH, most=True)


if __name__ == "__main__":
    main(sys.argv[1:])
