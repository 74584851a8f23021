"""A total deadline for work that waits on a network.

The time-outs of sockets limit only a single read, and looking up a host's name has no time-out. So
the work runs in its own thread. At the deadline the caller stops waiting for the thread, and shuts
down the connection for which it waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

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
    ended: Future[Result] = Future()

    def target() -> None:
        try:
            ended.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            ended.set_exception(error)

    threading.Thread(target=target, name=name, daemon=True).start()
    in_time = False
    try:
        in_time = bool(wait([ended], timeout=seconds).done)
    finally:
        if not in_time:
            give_up()
    if not in_time:
        raise DeadlineError
    return ended.result()
