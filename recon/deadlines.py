"""A total deadline for work that waits on a network.

The time-outs of sockets limit only a single read, and looking up a host's name has no time-out. So
the work runs in its own thread. At the deadline the caller stops waiting for the thread, and shuts
down the connection for which it waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar, cast

Result = TypeVar("Result")


class DeadlineError(Exception):
    """The deadline has passed."""


def run(
    seconds: float, work: Callable[[], Result], *, give_up: Callable[[], None], name: str
) -> Result:
    """Call `work` in a thread and return its result or raise its exception.

    Args:
        seconds: the longest time that it may take, in real time.
        work: what to do.
        give_up: called when the caller stops waiting, also if a signal interrupts it. It must end
            the wait of `work`, and keep it from continuing.
        name: of the thread.

    Raises:
        DeadlineError: it took longer.
    """
    ended: SimpleQueue[_Ended[Result]] = SimpleQueue()
    threading.Thread(target=lambda: ended.put(_Ended.of(work)), name=name, daemon=True).start()
    whole = False
    try:
        end = ended.get(timeout=seconds)
        whole = True
    except Empty:
        raise DeadlineError from None
    finally:
        if not whole:
            give_up()
    return end.result()


class _Ended(Generic[Result]):
    """The outcome of the work: a result or an exception."""

    def __init__(self, value: Result | None, error: BaseException | None) -> None:
        self._value, self._error = value, error

    @classmethod
    def of(cls, work: Callable[[], Result]) -> _Ended[Result]:
        try:
            return cls(work(), None)
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            return cls(None, error)

    def result(self) -> Result:
        if self._error is not None:
            raise self._error
        return cast("Result", self._value)
