"""Runs a sample of mutants against the tests that can notice them, and prints who survived.

`make mutants` draws the sample with `tests/mutation/sample.py`. Each mutant is written into a copy
of the code. The tests that run the changed line come first, the cheapest first, then the others
that run the module, up to a limit of time. The first failure ends the run.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tests import memory
from tests.mutation import reach, trial

ROOT = Path(__file__).parents[2]
#: The tests of the packages and of what calls them. Those of whole commands cost ten times as much:
#: only the two without which some lines run in no test.
TESTS = (
    "tests/core", "tests/octopods", "tests/store", "tests/jobs", "tests/report",
    "tests/cli/test_explain.py", "tests/cli/test_dry_run.py",
)  # fmt: skip
#: Rules of the code itself, but for those that start processes.
READING, READING_SECONDS = "tests/test_architecture.py", 2.0
PACKAGES = ("recon/core", "recon/octopods", "recon/store")
#: Measured with coverage on a busy machine; a mutant may make a test slower, and has to load it.
_MANY_TIMES, _LOADING = 3, 30.0


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one mutant."""

    path: str
    line: int
    diff: str
    outcome: str
    """`killed`, `broken`, `timeout`, `survived`, or `not covered` by any test."""
    tests: int
    """How many tests there were to notice it."""
    killer: str = ""
    seconds: float = 0.0

    @property
    def package(self) -> str:
        return "/".join(self.path.split("/")[:2])


def chosen(reached: reach.Reach, path: str, line: int, budget: float) -> list[str]:
    """Return the tests for a changed line: those that run it, its module, or read the code."""
    tests: list[str] = []
    spent = 0.0
    for test in reached.tests(path, line):
        spent += reached.seconds[test]
        if spent > budget and tests:
            break
        tests.append(test)
    if not tests:
        return []
    reading = (test for test in reached.seconds if test.startswith(READING))
    return [*tests, *(test for test in reading if reached.seconds[test] < READING_SECONDS)]


def judge(mutant: dict[str, object], tests: list[str], seconds: float, tree: Path) -> Result:
    """Run the tests on the mutant in this copy of the code."""
    path, line, diff = str(mutant["path"]), int(str(mutant["line"])), str(mutant["diff"])
    if not tests:
        return Result(path, line, diff, "not covered", 0)
    module = tree / path
    before = module.read_bytes()
    # The compiled module is thrown away: it counts as fresh if size and second are the same.
    compiled = module.parent / "__pycache__"
    for file in compiled.glob(f"{module.stem}.*.pyc"):
        file.unlink()
    try:
        module.write_text(str(mutant["source"]), encoding="utf-8")
        ran = trial.run(tree, tests, seconds)
    finally:
        module.write_bytes(before)
    outcome = {"passed": "survived", "failed": "killed"}.get(ran.outcome, ran.outcome)
    killer = ran.failed[0] if ran.failed else ""
    return Result(path, line, diff, outcome, len(tests), killer, round(ran.seconds, 1))


def copy(target: Path) -> Path:
    """Copy what belongs to the project: what git knows of, changed or not."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


_tree: Path


def _start(room: Path) -> None:
    global _tree  # noqa: PLW0603 - of a worker process, which has one copy of the code
    _tree = copy(room / f"tree-{os.getpid()}")


def _work(job: tuple[dict[str, object], list[str], float]) -> Result:
    return judge(*job, _tree)


def results(
    mutants: list[dict[str, object]], reached: reach.Reach, budget: float, workers: int, room: Path
) -> Iterator[Result]:
    """Judge the mutants in parallel; yield each result when it is there."""
    jobs = []
    for mutant in mutants:
        tests = chosen(reached, str(mutant["path"]), int(str(mutant["line"])), budget)
        predicted = sum(reached.seconds[test] for test in tests)
        jobs.append((mutant, tests, _LOADING + _MANY_TIMES * predicted))
    trial.preload()
    with multiprocessing.get_context("fork").Pool(workers, _start, [room]) as pool:
        yield from pool.imap_unordered(_work, jobs)


def doubtful(found: list[Result], room: Path) -> set[str]:
    """Return the tests that noticed a mutant, and fail on the unchanged code in this order too."""
    tests = sorted({result.killer for result in found if result.killer})
    if not tests:
        return set()
    tree = copy(room / "unchanged")
    return set(trial.run(tree, tests, 1e6, stop=False).failed)


def summary(found: list[Result]) -> str:
    """Return the survivors, then a table of counts."""
    outcomes = ("killed", "broken", "timeout", "survived", "not covered")
    lines = []
    for result in sorted(found, key=lambda one: (one.path, one.line)):
        if result.outcome in ("survived", "not covered"):
            lines += [f"{result.path}:{result.line}: {result.outcome} ({result.tests} tests)"]
            lines += [f"    {line}" for line in result.diff.splitlines()[3:]]
    lines.append(f"{'package':<16}" + "".join(f"{name:>13}" for name in outcomes) + "      noticed")
    for package in [*sorted({result.package for result in found}), ""]:
        own = [result for result in found if package in ("", result.package)]
        counts = Counter(result.outcome for result in own)
        noticed = sum(counts[name] for name in outcomes[:3]) / max(len(own), 1)
        cells = "".join(f"{counts[name]:>13}" for name in outcomes)
        lines.append(f"{package or 'all':<16}{cells}{noticed:>12.1%}")
    return "\n".join(lines)


def main() -> None:
    """Judge the sample that the arguments give."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sample", type=Path, help="the mutants, from sample.py")
    parser.add_argument("--keep", type=Path, default=ROOT / "build" / "mutants")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--budget", type=float, default=120.0, help="seconds of tests for a mutant")
    parser.add_argument("tests", nargs="*", default=[*TESTS, READING])
    arguments = parser.parse_intermixed_args()
    mutants = [json.loads(line) for line in arguments.sample.read_text().splitlines()]
    keep = arguments.keep.resolve()
    with tempfile.TemporaryDirectory(prefix="mutants-", dir=memory.directory()) as name:
        room = Path(name)
        tree = copy(room / "measured")
        reached = reach.measure(tree, arguments.tests, [*PACKAGES], keep, arguments.workers)
        found = []
        with (keep / "results.jsonl").open("w") as log:
            for result in results(mutants, reached, arguments.budget, arguments.workers, room):
                found.append(result)
                log.write(json.dumps(asdict(result)) + "\n")
                log.flush()
                sys.stderr.write(f"\r{len(found)} of {len(mutants)}")
        sys.stderr.write("\n")
        wrong = doubtful(found, room)
    for test in sorted(wrong):
        sys.stdout.write(f"fails without a mutant too: {test}\n")
    sys.stdout.write(summary(found) + "\n")


if __name__ == "__main__":
    main()
