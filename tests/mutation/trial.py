"""Runs tests on a changed copy of the code, in a process forked with all packages imported."""

from __future__ import annotations

import importlib
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parents[2]
#: What most tests import, but for the code itself.
_PACKAGES = (
    "pandas", "numpy", "pyarrow", "pyarrow.parquet", "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite", "alembic.command", "psycopg", "pydantic", "requests",
    "phonenumbers", "click", "dateutil.parser",
)  # fmt: skip
#: So that a list which never ends does not take the memory of the machine.
_MAX_BYTES = 4 << 30
#: What a process gets to end by itself, before it is killed.
_GRACE = 20.0


@dataclass(frozen=True, slots=True)
class Trial:
    """How a run of tests ended."""

    outcome: str
    """`passed`, `failed`, `broken` (the code cannot be imported) or `timeout`."""
    failed: list[str]
    """The tests that failed; the first is enough to end the run."""
    seconds: float


def preload() -> None:
    """Import the packages in this process; what is forked has them at once."""
    for name in _PACKAGES:
        importlib.import_module(name)
    # The one thread besides is that of pyarrow's allocator, which knows of forks.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)


def run(tree: Path, tests: list[str], seconds: float, *, stop: bool = True) -> Trial:
    """Run these tests of a tree, in their order, up to the first that fails.

    Args:
        tree: the code and its tests.
        seconds: the time limit, of the processor and, ten times as long, of the clock.
        stop: end at the first failure.
    """
    began = time.monotonic()
    room = Path(tempfile.mkdtemp(prefix="trial-", dir=tree.parent))
    try:
        (room / "chosen.json").write_text(json.dumps(tests))
        child = os.fork()
        if child == 0:
            _in_child(tree, room, tests, seconds, stop=stop)
        code = _wait(child, 10 * seconds)
        report = room / "report.json"
        failed = json.loads(report.read_text())["failed"] if report.exists() else []
    finally:
        shutil.rmtree(room, ignore_errors=True)
    return Trial(_outcome(code, failed), failed, time.monotonic() - began)


def _outcome(code: int, failed: list[str]) -> str:
    if code == pytest.ExitCode.OK:
        return "passed"
    if failed:
        return "failed"
    return "timeout" if code < 0 or code == _TIMEOUT else "broken"


#: The exit code of a child that noticed its limit itself.
_TIMEOUT = 100


def _in_child(tree: Path, room: Path, tests: list[str], seconds: float, *, stop: bool) -> None:
    code: int = _TIMEOUT
    limits: list[int] = []

    def stop_by_limit(number: int, _: object) -> None:
        limits.append(number)
        raise KeyboardInterrupt

    try:
        os.setsid()
        signal.signal(signal.SIGXCPU, stop_by_limit)
        signal.signal(signal.SIGINT, stop_by_limit)
        limit = int(seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + int(_GRACE)))
        resource.setrlimit(resource.RLIMIT_DATA, (_MAX_BYTES, _MAX_BYTES))
        with (room / "output").open("w") as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
        os.chdir(tree)
        # Processes that tests start see the changed code too. Nothing compiled is kept of it.
        os.environ |= {
            "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(room),
            "OPENBLAS_NUM_THREADS": "1",
        }  # fmt: skip
        tempfile.tempdir = None
        sys.dont_write_bytecode = True
        sys.path[:] = [str(tree), *(one for one in sys.path if one and Path(one) != _ROOT)]
        for name in [name for name in sys.modules if name.split(".")[0] in ("tests", "recon")]:
            del sys.modules[name]
        files = dict.fromkeys(test.partition("::")[0] for test in tests)
        arguments: list[Any] = [
            "-q", "--tb=short", "-p", "tests.mutation.selection", "-p", "no:cacheprovider",
            "-p", "no:xdist", "-p", "no:cov", "--chosen", room / "chosen.json",
            "--report-to", room / "report.json", *files,
        ]  # fmt: skip
        code = int(pytest.main([str(one) for one in ["-x"] * stop + arguments]))
        code = _TIMEOUT if limits else code
    finally:
        os._exit(code)


def _wait(child: int, seconds: float) -> int:
    """Wait for a process; interrupt it after this time, then kill it and its children."""
    watched = os.pidfd_open(child)
    try:
        for number, patience in ((signal.SIGINT, seconds), (signal.SIGKILL, _GRACE)):
            if select.select([watched], [], [], patience)[0]:
                break
            os.kill(child, number)
        _, status = os.waitpid(child, 0)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    finally:
        os.close(watched)
    return os.waitstatus_to_exitcode(status)
