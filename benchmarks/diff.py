"""How fast and how small `recon diff` is, as ratios against well-known yardsticks.

Against each it says whether the goal is reached, where there is one for that size.

Run `python -m benchmarks.diff [ROWS ...]`; without arguments 100,000, 1,000,000 and 5,000,000 rows
a side. Each measure runs in a process of its own, five times; the median counts. Measures within a
process have one turn to warm up. All of it happens in a temporary directory, where `datacompy` and
`duckdb` get an environment of their own; where they cannot be installed, they are skipped.
"""

from __future__ import annotations

import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

ROWS: Final = (100_000, 1_000_000, 5_000_000)
REPEATS: Final = 5
DAY_US: Final = 86_400_000_000
MIDNIGHT_US: Final = 1_776_902_400_000_000
OURS: Final = "recon diff, whole process"
#: At most so many times each yardstick's time, and so many megabytes (10**6 bytes) at the peak.
#: That of DuckDB is for all rows of its join; to write only those that differ is a lesser task.
GOALS: Final = {"(a)": 0.35, "(b)": 0.12, "(c) DuckDB join, whole process, all rows to CSV": 1.1}
GOAL_ROWS: Final = 1_000_000
GOAL_MEGABYTES: Final = {1_000_000: 500, 5_000_000: 1200}
GOAL_GROWTH: Final = 1.1
#: More than so many rows a side are too many for this yardstick's patience.
MOST_FOR_DATACOMPY: Final = 1_000_000

DUCKDB_COLUMNS: Final = """
    FROM 'local.parquet' l FULL OUTER JOIN 'provider.parquet' p USING (message_id)
"""
DUCKDB_DIFFERENCES: Final = f"""
    COPY (SELECT message_id, l.id, l.phone_number, l.sent_at, l.status,
                 p.phone_number, p.sent_at, p.status {DUCKDB_COLUMNS}
          WHERE l.id IS NULL OR p.phone_number IS NULL OR l.status <> p.status
             OR l.phone_number <> p.phone_number) TO 'duckdb.csv' (HEADER)
"""
DUCKDB_ROWS: Final = f"""
    COPY (SELECT message_id, l.id, l.phone_number, l.sent_at, l.status,
                 p.phone_number, p.sent_at, p.status {DUCKDB_COLUMNS}) TO 'duckdb.csv' (HEADER)
"""
DUCKDB: Final = {
    "(c) DuckDB join, whole process, all rows to CSV": DUCKDB_ROWS,
    "(c) DuckDB join, whole process, differences to CSV": DUCKDB_DIFFERENCES,
}
DATACOMPY: Final = """
import pandas, datacompy
local, provider = (pandas.read_parquet(f"{side}.parquet") for side in ("local", "provider"))
Compare = getattr(datacompy, "PandasCompare", None) or datacompy.Compare
compare = Compare(local, provider, join_columns="message_id")
len(compare.df1_unq_rows), len(compare.df2_unq_rows), compare.count_matching_rows()
"""


class Measure(NamedTuple):
    """What one process took."""

    seconds: float
    megabytes: float
    """Resident at the peak, of the largest process."""
    processor: float = 0.0
    """Seconds of processor time, of a process with its children."""


def generate(count: int, folder: Path) -> None:
    """Write two Parquet files of one day's `count` messages, as the two sides keep them.

    1 % is missing on each side; 2 % of the records hold no id, and their messages went out in
    bursts of four to one number; 1 % contradict in status; 0.1 % are recorded twice. Each side is
    in the order of its own times, which differ by up to 20 s: by id, the records are nearly in
    order. Two ids of three, on average, are other customers'.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    rng = np.random.default_rng(7)
    times = np.sort(rng.integers(0, DAY_US, count)) + MIDNIGHT_US
    ids = 3_000_000_000 + np.cumsum(rng.integers(1, 6, count))
    numbers = rng.permutation(count) % 10_000_000
    status = rng.choice(["delivered", "read"], count)
    share = rng.permutation(count) / count
    here, there = share >= 0.01, (share < 0.01) | (share >= 0.02)  # noqa: PLR2004 - shares
    contradicts = (share >= 0.02) & (share < 0.03)  # noqa: PLR2004
    nameless = (np.arange(count) // 4) % 50 == 0
    numbers[nameless] = numbers[np.arange(count)[nameless] // 4 * 4]
    twice = np.flatnonzero((share >= 0.03) & (share < 0.031) & ~nameless)  # noqa: PLR2004
    rows = np.sort(np.concatenate((np.flatnonzero(here), twice)))
    padded = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), 7, "0")
    spelled = pc.binary_join_element_wise("+35387", padded, "")
    recorded = times + rng.integers(-20_000_000, 20_000_000, count)
    rows = rows[np.argsort(recorded[rows], kind="stable")]
    instant = pa.timestamp("us", "UTC")
    local = {
        "id": np.arange(len(rows)),
        "message_id": pa.array(ids[rows], mask=nameless[rows]),
        "phone_number": spelled.take(pa.array(rows)),
        "sent_at": pa.array(recorded[rows], instant),
        "status": np.where(contradicts, "failed", status)[rows],
    }
    provider = {
        "message_id": ids[there],
        "phone_number": spelled.filter(pa.array(there)),
        "sent_at": pa.array(times[there], instant),
        "status": status[there],
        "failure_reason": pa.nulls(int(there.sum()), pa.string()),
    }
    pq.write_table(pa.table(local), folder / "local.parquet")
    pq.write_table(pa.table(provider), folder / "provider.parquet")


# --- what is measured within a process ---------------------------------------------------------


def read() -> Callable[[], object]:
    """Just read both files."""
    import pyarrow.parquet as pq

    return lambda: [pq.read_table(f"{side}.parquet") for side in ("local", "provider")]


def merge() -> Callable[[], object]:
    """Merge two frames on the id with pandas and compare the columns of the pairs."""
    import pandas as pd

    local, provider = pd.read_parquet("local.parquet"), pd.read_parquet("provider.parquet")
    local["message_id"] = local["message_id"].astype("Int64")

    def job() -> int:
        merged = local.merge(provider, on="message_id", how="outer", indicator=True)
        drift = (merged["sent_at_x"] - merged["sent_at_y"]).abs() > pd.Timedelta(minutes=5)
        differ = (merged["status_x"] != merged["status_y"]) | drift
        differ |= merged["phone_number_x"] != merged["phone_number_y"]
        return len(merged.loc[(merged["_merge"] != "both") | differ])

    return job


def linked_and_judged() -> Callable[[], object]:
    """Link both sides, by id and by number and time, and judge them: our part in memory."""
    from recon.core import calendar, judge
    from recon.core.link import Side
    from recon.core.policy import Policy
    from recon.jobs.provider_file import provider_side
    from recon.model import Span
    from recon.records.reader_factory import open_reader
    from recon.records.source import Source

    records = open_reader(Source(file=Path("local.parquet"))).read(None, None)
    local = Side(records.frame, records.rejects)
    provider = provider_side(Path("provider.parquet"), datetime.now(UTC))
    days, spans = (calendar.unbounded("UTC"),), (Span(None, None),)
    return lambda: judge.judge("diff", days, local, provider, spans=spans, policy=Policy())


WITHIN: Final = {"read": read, "merge": merge, "judge": linked_and_judged}


def median_seconds(job: Callable[[], object]) -> float:
    """Run the job once, then five times; return the median time in seconds."""
    job()
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        job()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


# --- processes ---------------------------------------------------------------------------------


def process(command: Sequence[str], folder: Path) -> Measure:
    """Run a command to its end."""
    started = time.perf_counter()
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, code, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(code)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    seconds = time.perf_counter() - started
    return Measure(seconds, usage.ru_maxrss * 1024 / 1e6, usage.ru_utime + usage.ru_stime)


def whole(commands: Mapping[str, Sequence[str]], folder: Path) -> dict[str, Measure]:
    """Run commands in turn, five times; return the median time and the highest peak of each.

    In turn, so that whatever else the machine does slows all of them down alike.
    """
    taken = [
        {name: process(command, folder) for name, command in commands.items()}
        for _ in range(REPEATS)
    ]
    return {
        name: Measure(
            statistics.median(turn[name].seconds for turn in taken),
            max(turn[name].megabytes for turn in taken),
        )
        for name in commands
    }


def within(name: str, folder: Path) -> Measure:
    """Measure one of `WITHIN` in a new interpreter."""
    command = [sys.executable, __file__, name]
    said = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    return Measure(*map(float, said.split()))


def others(folder: Path) -> str | None:
    """Make an environment with the foreign yardsticks; return its interpreter, `None` without."""
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    command = [python, "-m", "pip", "install", "--quiet", "datacompy", "duckdb", "pyarrow"]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        print("datacompy and duckdb cannot be installed: skipped")
        return None
    return python


def measure(count: int, folder: Path, foreign: str | None) -> Measure:
    """Print the table of one size; return what `recon diff` took."""
    # Not in here: a process is as large as its parent was when it was started.
    process([sys.executable, __file__, "generate", str(count)], folder)
    recon = [sys.executable, "-m", "recon", "diff", "local.parquet", "provider.parquet"]
    commands = {OURS: [*recon, "--output", "reports"]}
    if foreign is not None:
        commands |= {
            title: [foreign, "-c", f"import duckdb; duckdb.sql({query!r})"]
            for title, query in DUCKDB.items()
        }
        if count <= MOST_FOR_DATACOMPY:
            title = "(b) datacompy on pandas, whole process"
            commands[title] = [foreign, "-W", "ignore", "-c", DATACOMPY]
    process(commands[OURS], folder)
    wholes = whole(commands, folder)
    ours, judged = wholes.pop(OURS), within("judge", folder)
    print(f"\n{count:,} rows a side")
    _say(OURS, ours)
    if most := GOAL_MEGABYTES.get(count):
        print(f"  {'':<52}{'':>10}{_verdict(ours.megabytes, most, 'MB')}")
    for title, theirs in (wholes | {"(d) reading both files": within("read", folder)}).items():
        _say(title, theirs, ours, count)
    _say("link and judge in memory", judged)
    _say("(a) pandas.merge and comparison in memory", within("merge", folder), judged, count)
    return ours


def _say(title: str, taken: Measure, ours: Measure | None = None, count: int = 0) -> None:
    line = f"  {title:<52}{taken.seconds:>8.2f} s{taken.megabytes:>8.0f} MB"
    if ours is not None:
        goal = next((goal for name, goal in GOALS.items() if title.startswith(name)), None)
        ratio = ours.seconds / taken.seconds
        judged = goal is not None and count == GOAL_ROWS
        line += f"  ours is {_verdict(ratio, goal, 'x') if judged and goal else f'{ratio:.2f} x'}"
    print(line, flush=True)


def _verdict(value: float, goal: float, unit: str) -> str:
    word = "reached" if value <= goal else "MISSED"
    return f"{value:.4g} {unit} (goal {goal:g}: {word})"


def main() -> None:
    """Print the tables, or one measure when called with its name."""
    if sys.argv[1:2] and sys.argv[1] in WITHIN:
        seconds = median_seconds(WITHIN[sys.argv[1]]())
        print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)
        return
    if sys.argv[1:2] == ["generate"]:
        generate(int(sys.argv[2]), Path())
        return
    sizes = [int(word.replace("_", "")) for word in sys.argv[1:]] or list(ROWS)
    with tempfile.TemporaryDirectory() as name:
        foreign = others(Path(name) / "environment")
        taken = [measure(count, Path(name), foreign).seconds for count in sizes]
    if len(sizes) > 1:
        growth = math.log(taken[-1] / taken[0]) / math.log(sizes[-1] / sizes[0])
        print(f"\ngrowth exponent from {sizes[0]:,} to {sizes[-1]:,} rows:", end=" ")
        print(_verdict(growth, GOAL_GROWTH, ""))


if __name__ == "__main__":
    main()
