"""How fast linking and reading numbers is, as ratios against well-known yardsticks of pandas.

Run `python -m benchmarks.linking`. Each measure runs in a process of its own, five times after
one to warm up; the median counts. Yardsticks answer a lesser question: `pandas.merge` on the id
does not choose among duplicates, `pandas.merge_asof` takes the nearest message for each record
again and again, so that one message may serve many.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import pandas as pd

from recon.core import link_by_id, link_by_number, phones

if TYPE_CHECKING:
    from numpy.typing import NDArray

Job: TypeAlias = Callable[[], object]

SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND
TOLERANCE: Final = 120 * SECOND
REPEATS: Final = 5


def ids(count: int, *, shuffled: bool) -> tuple[Job, Job]:
    """`count` messages, as many records; one in a thousand records names another's message."""
    rng = np.random.default_rng(1)
    provider = np.unique(rng.integers(0, 50 * count, 2 * count))[:count]
    local = provider.copy()
    local[::1000] = local[1::1000]
    if shuffled:
        rng.shuffle(provider)
        rng.shuffle(local)
    times = rng.integers(0, DAY, count)
    order, has_id = np.arange(count), np.ones(count, dtype=np.bool_)
    left = pd.DataFrame({"id": local, "time": times})
    right = pd.DataFrame({"id": provider, "time": times})
    return (
        lambda: link_by_id.link(local, has_id, times, order, provider, times),
        lambda: left.merge(right, on="id", how="outer", indicator=True),
    )


def clusters(
    sends: int, messages: int, numbers: int, span: int, tolerance: int = TOLERANCE
) -> tuple[Job, Job]:
    """Sends and messages spread by chance over so many numbers and that span of time."""
    rng = np.random.default_rng(2)

    def side(count: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        return rng.integers(0, numbers, count), rng.integers(0, span, count), np.arange(count)

    local, provider = side(sends), side(messages)

    def frame(key: NDArray[np.int64], times: NDArray[np.int64], order: object) -> pd.DataFrame:
        return pd.DataFrame({"key": key, "time": times, "order": order})

    left, right = frame(*local), frame(*provider)
    return (
        lambda: link_by_number.link(*local, *provider, tolerance),
        lambda: pd.merge_asof(
            left.sort_values("time"),
            right.sort_values("time"),
            on="time",
            by="key",
            direction="nearest",
            tolerance=tolerance,
        ),
    )


def spellings(count: int, pattern: str) -> tuple[Job, Job]:
    """`count` distinct numbers of one pattern; the yardstick is pandas' `factorize`."""
    rng = np.random.default_rng(3)
    numbers = 1_000_000 + rng.permutation(9_000_000)[:count]
    column = pd.Series([pattern.format(number) for number in numbers], dtype="str")
    return lambda: phones.keys(column, "IE"), lambda: pd.factorize(column)


#: What is measured, by name: what makes the data, and the name of the yardstick.
CASES: Final[dict[str, tuple[Callable[[], tuple[Job, Job]], str]]] = {
    "by id, 1M x 1M, in order": (lambda: ids(1_000_000, shuffled=False), "merge"),
    "by id, 1M x 1M, shuffled": (lambda: ids(1_000_000, shuffled=True), "merge"),
    "20k a side in clusters": (lambda: clusters(20_000, 20_000, 5000, DAY // 24), "merge_asof"),
    "200k a side in clusters": (
        lambda: clusters(200_000, 200_000, 50_000, DAY // 24),
        "merge_asof",
    ),
    "200k a side, all near": (
        lambda: clusters(200_000, 200_000, 50_000, TOLERANCE),
        "merge_asof",
    ),
    "one number, 5,000 x 4,500, a day": (lambda: clusters(5000, 4500, 1, DAY), "merge_asof"),
    "one number, 5,000 x 4,500, all near": (
        lambda: clusters(5000, 4500, 1, TOLERANCE),
        "merge_asof",
    ),
    "one number, 50,000 x 45,000, a day": (lambda: clusters(50_000, 45_000, 1, DAY), "merge_asof"),
    "one number, 50,000 x 45,000, all near": (
        lambda: clusters(50_000, 45_000, 1, TOLERANCE),
        "merge_asof",
    ),
    "numbers, 1M clean": (lambda: spellings(1_000_000, "+35387{}"), "factorize"),
    "numbers, 1M with spaces": (lambda: spellings(1_000_000, "+353 87 {}"), "factorize"),
    "numbers, 20k national": (lambda: spellings(20_000, "087 {}"), "factorize"),
}


#: The most milliseconds that linking may take, on a machine of two cores.
GOALS: Final = {
    "20k a side in clusters": 150,
    "200k a side in clusters": 1000,
    "200k a side, all near": 1000,
    "one number, 5,000 x 4,500, a day": 100,
    "one number, 5,000 x 4,500, all near": 100,
    "one number, 50,000 x 45,000, a day": 1000,
    "one number, 50,000 x 45,000, all near": 1000,
}


def median_seconds(job: Job) -> float:
    """Run the job once, then five times; return the median time in seconds."""
    job()
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        job()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def in_own_process(name: str, which: str) -> float:
    """Measure ours (`0`) or the yardstick (`1`) of a case in a new interpreter."""
    command = [sys.executable, "-m", "benchmarks.linking", name, which]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Print the table, or one measure when called with its name."""
    if arguments := sys.argv[1:]:
        name, which = arguments
        print(median_seconds(CASES[name][0]()[int(which)]))
        return
    print(f"{'':<40}{'ours':>10}{'yardstick':>12}{'ratio':>8}")
    for name, (_, yardstick) in CASES.items():
        ours, theirs = in_own_process(name, "0"), in_own_process(name, "1")
        line = f"{name:<40}{ours * 1e3:>7.1f} ms{theirs * 1e3:>9.1f} ms{ours / theirs:>8.2f}"
        line += f"  {yardstick:<12}"
        if goal := GOALS.get(name):
            line += f"goal {goal:>5} ms: {'reached' if ours * 1e3 <= goal else 'MISSED'}"
        print(line.rstrip())


if __name__ == "__main__":
    main()
