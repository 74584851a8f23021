"""Other processes: what they do at the same time, and what is left when they are killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from textwrap import dedent

from tests.forked import Forked

#: Longer than anything here takes, however busy the machine.
_SECONDS = 120


@contextmanager
def started(code: str) -> Iterator[Forked]:
    """Start a process with recon imported, and kill it if it still runs at the end."""
    with Forked(dedent(code)) as process:
        try:
            yield process
        finally:
            process.kill()


def awaited(process: Forked) -> str:
    """Return the next line that a process says."""
    line = process.stdout.readline()
    assert line, "it ended: " + process.communicate()[1]
    return line.strip()


def ended(process: Forked, said: str = "") -> str:
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
            process.stdin.write(f"{said}\n")
            process.stdin.flush()
        for process in processes:
            ended(process)
