"""Where tasks are done: in this process or in others, which end with it."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

import pytest

from recon.errors import InputError, TemporaryError
from recon.jobs import executors
from recon.jobs.executors import InProcessExecutor, in_order, processes

ROOT = Path(__file__).parents[2]

#: Prints the process of a worker, which then has work for an hour.
BUSY = """
import os, time
from recon.jobs.executors import processes
if __name__ == "__main__":
    with processes(1) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, 3600).result()
"""


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    with processes(1) as made:
        yield made


def test_tasks_in_this_process_are_done_as_their_results_are_taken() -> None:
    done: list[int] = []

    def task(number: int) -> int:
        done.append(number)
        return -number

    work = in_order(InProcessExecutor(), task, iter([1, 2, 3]), ahead=0)
    assert (next(work), done) == ((1, -1), [1])
    assert list(work) == [(2, -2), (3, -3)]


def test_so_many_tasks_are_ahead_of_the_result_that_is_taken() -> None:
    done: list[int] = []
    work = in_order(InProcessExecutor(), done.append, iter(range(9)), ahead=2)
    next(work)
    assert done == [0, 1, 2]


def refuse(after: object = None) -> None:  # noqa: ARG001 - what is going on meanwhile
    raise InputError("no such table", hint="Correct it.")


def test_an_error_of_a_task_is_raised_where_its_result_is_taken() -> None:
    with pytest.raises(InputError, match="no such table"):
        executors.result(InProcessExecutor().submit(refuse))


def test_an_error_of_another_process_is_the_same(pool: Executor) -> None:
    missing = Path("/none/there")
    with pytest.raises(FileNotFoundError, match="/none/there"):
        executors.result(pool.submit(missing.read_text))
    error = executors.result(pool.submit(partial(TemporaryError, "busy", hint="Wait.")))
    assert (error.message, error.hint, error.exit_code) == ("busy", "Wait.", 75)


def test_what_another_process_logs_is_logged_here(
    pool: Executor, caplog: pytest.LogCaptureFixture
) -> None:
    pool.submit(logging.getLogger("recon.test").warning, "seen %s", "there").result()
    deadline = time.monotonic() + 60
    while not caplog.messages:
        assert time.monotonic() < deadline
        os.sched_yield()
    assert caplog.messages == ["seen there"]


def test_a_process_that_is_ended_from_outside_is_a_temporary_error() -> None:
    with processes(1) as pool:
        with pytest.raises(TemporaryError, match="fewer --workers"):
            executors.result(pool.submit(os._exit, 1))
        with pytest.raises(TemporaryError, match="fewer --workers"):
            executors.submit(pool, os.getpid)


def test_processes_end_at_once_where_their_user_fails() -> None:
    started = time.monotonic()
    with pytest.raises(InputError), processes(1) as pool:
        refuse(after=pool.submit(time.sleep, 3600))
    assert time.monotonic() - started < 300


def test_processes_end_with_the_one_that_uses_them(tmp_path: Path) -> None:
    script = tmp_path / "busy.py"
    script.write_text(BUSY)
    with subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 60
    while _runs(worker):
        assert time.monotonic() < deadline
        os.sched_yield()


def _runs(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
