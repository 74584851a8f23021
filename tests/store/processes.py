"""Other processes: what they do at the same time, and what is left when they are killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from textwrap import dedent

_ROOT = Path(__file__).parents[2]

#: Longer than anything here takes, however busy the machine.
_SECONDS = 120


@contextmanager
def started(code: str) -> Iterator[subprocess.Popen[str]]:
    """Start a Python process, and kill it if it still runs at the end."""
    process = subprocess.Popen(  # noqa: S603 - the test's own code
        [sys.executable, "-c", dedent(code)],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def awaited(process: subprocess.Popen[str]) -> str:
    """Return the next line that a process says."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "it ended: " + process.communicate()[1]
    return line.strip()


def ended(process: subprocess.Popen[str], said: str = "") -> str:
    """Say something to a process, and return what it says until it ends well."""
    output, errors = process.communicate(said, timeout=_SECONDS)
    assert process.returncode == 0, errors
    return output


def together(code: str, count: int) -> None:
    """Run the same code in several processes, which say `ready` and then wait for a line."""
    at_once([code] * count)


def at_once(codes: Sequence[str], *, word: Callable[[], str] = lambda: "go") -> None:
    """Run code in a process each; all say `ready`, then each is told `word`, and ends well."""
    with ExitStack() as stack:
        processes = [stack.enter_context(started(code)) for code in codes]
        for process in processes:
            assert awaited(process) == "ready"
        said = word()
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(f"{said}\n")
            process.stdin.flush()
        for process in processes:
            ended(process)
