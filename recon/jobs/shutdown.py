"""End a long-running job at once and cleanly after a signal."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(BaseException):
    """The job was asked to end. As with `KeyboardInterrupt`, no handler of errors may catch it."""


class Stop:
    """Whether the job was asked to end, and where it may be interrupted.

    A signal interrupts only code inside `interruptible`: a pause, or a request without an answer
    yet. Everything else, including each transaction, is finished first. The handler runs in the
    main thread between two of its steps, so it must not take a lock that this thread may hold. So
    it sets a flag and raises an exception; an `Event` would not be safe.
    """

    def __init__(self) -> None:
        self._asked = False
        self._interruptible = False

    def __bool__(self) -> bool:
        """Say whether the job was asked to end."""
        return self._asked

    def ask(self) -> None:
        """Ask the job to end.

        Raises:
            Stopped: the first time, if the job may be interrupted at this moment.
        """
        first, self._asked = not self._asked, True
        if first and self._interruptible:
            raise Stopped

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Mark code that may be interrupted.

        Raises:
            Stopped: at once if the job was already asked to end, else when it is.
        """
        self._interruptible = True
        try:
            if self._asked:
                raise Stopped
            yield
        finally:
            self._interruptible = False

    def interruptible_sleep(self, sleep: Callable[[float], None]) -> Callable[[float], None]:
        """Return a `sleep` that is interrupted by a request to end."""

        def pause(seconds: float) -> None:
            with self.interruptible():
                sleep(seconds)

        return pause


@contextmanager
def on_signals(stop: Stop) -> Iterator[None]:
    """Let SIGTERM and SIGINT ask the job to end, until the block ends; main thread only."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.ask()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
