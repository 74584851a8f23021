"""Ending a job that stays, at once and cleanly, when a signal asks for it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(BaseException):
    """The job was asked to end. Like `KeyboardInterrupt`, no handler of errors may swallow it."""


class Stop:
    """Whether the job was asked to end, and the places where it may be broken off.

    A signal breaks off only what runs inside `interruptible`: a pause, or a request without an
    answer yet. All else, and so every transaction, is finished first. The handler runs in the
    main thread between two of its steps, so it must not take a lock that this thread may hold:
    it sets a flag and raises, which an `Event` could not do safely.
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
            Stopped: the first time, where the job may be broken off right now.
        """
        first, self._asked = not self._asked, True
        if first and self._interruptible:
            raise Stopped

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Mark what may be broken off.

        Raises:
            Stopped: at once where the job was asked to end already, else when it is.
        """
        self._interruptible = True
        try:
            if self._asked:
                raise Stopped
            yield
        finally:
            self._interruptible = False

    def interruptible_sleep(self, sleep: Callable[[float], None]) -> Callable[[float], None]:
        """Return `sleep` as one that is broken off."""

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
