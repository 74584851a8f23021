"""End a command cleanly after a signal, as after Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Terminated(BaseException):
    """A signal asked the process to end. Like `KeyboardInterrupt`, it is not an error."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = signal.Signals(number)

    @property
    def exit_code(self) -> int:
        """The exit code that a shell shows for a process ended by the signal: 128 + number."""
        return 128 + self.signal


@contextmanager
def raise_on_signals() -> Iterator[None]:
    """Let SIGTERM, SIGHUP and SIGQUIT raise `Terminated` in the block; main thread only.

    By default they end the process at once: temporary files stay, and connections are not closed.
    SIGINT raises `KeyboardInterrupt`, as usual. After the first signal all others are ignored, so
    that they do not interrupt the closing. A signal that is already ignored (SIGHUP under `nohup`)
    stays ignored.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)

    before = {
        number: handler
        for number in _SIGNALS
        if (handler := signal.getsignal(number)) is not signal.SIG_IGN
    }
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
