"""Where tasks are done: in this process, or in several others beside it."""

from __future__ import annotations

import logging
import logging.handlers
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection
from threading import Thread
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from recon import logs
from recon.errors import TemporaryError

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

P = ParamSpec("P")
T = TypeVar("T")
U = TypeVar("U")


class InProcessExecutor(Executor):
    """Does each task at once, in the thread that submits it."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do a task; the future that is returned is done."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - raised again where the result is asked for
            future.set_exception(error)
        return future


@contextmanager
def workers(count: int) -> Iterator[Executor]:
    """Give an executor of so many processes, see `processes`; one is this process itself."""
    if count == 1:
        yield InProcessExecutor()
        return
    with processes(count) as pool:
        yield pool


@contextmanager
def processes(count: int) -> Iterator[Executor]:
    """Give an executor of so many processes, each with a fresh interpreter.

    They end with the block, at once where it ends by an error or a signal, and with this process,
    however it ends. They leave signals to this process, and what they log is logged here. Tasks and
    their results are pickled.
    """
    context = multiprocessing.get_context("spawn")
    records: Queue[logging.LogRecord] = context.Queue()
    listener = logging.handlers.QueueListener(records, _LogHere())
    watched, held = context.Pipe(duplex=False)
    listener.start()
    try:
        pool = ProcessPoolExecutor(
            count,
            mp_context=context,
            initializer=_start_worker,
            initargs=(watched, records, logging.getLogger(logs.LOGGER).getEffectiveLevel()),
        )
        try:
            yield pool
        except BaseException:
            # What they are doing is of no use any more, and may take long.
            held.close()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
    finally:
        held.close()
        watched.close()
        listener.stop()
        records.close()


def in_order(
    executor: Executor, do: Callable[[T], U], tasks: Iterable[T], *, ahead: int
) -> Iterator[tuple[T, U]]:
    """Do tasks, and yield each with its result, in their order.

    Args:
        executor: where they are done.
        do: what is done with each.
        tasks: the tasks.
        ahead: how many are submitted before the result of the one before them is taken, so that no
            more results than that are held.

    Raises:
        TemporaryError: a process that did one of them was ended from outside.
    """
    submitted: deque[tuple[T, Future[U]]] = deque()
    for task in tasks:
        submitted.append((task, executor.submit(do, task)))
        if len(submitted) > ahead:
            first, future = submitted.popleft()
            yield first, result(future)
    while submitted:
        first, future = submitted.popleft()
        yield first, result(future)


def result(future: Future[T]) -> T:
    """Return the result of a task, when it is done.

    Raises:
        TemporaryError: the process that did it was ended from outside, or a cluster was lost.
    """
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise TemporaryError(
            "a worker process was killed, perhaps because memory ran out",
            hint="Run the same command again; finished days of a range are kept. If it happens "
            "again, use fewer --workers.",
        ) from error
    except BrokenExecutor as error:
        raise TemporaryError(
            str(error), hint="Run the same command again; it keeps what is done."
        ) from error


class _LogHere(logging.Handler):
    """Logs what another process has logged as if it had been logged here."""

    def emit(self, record: logging.LogRecord) -> None:
        """Hand the record to the logger of its name."""
        logging.getLogger(record.name).handle(record)


def _start_worker(watched: Connection, records: Queue[Any], level: int) -> None:
    """Prepare a process for its tasks."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    root = logging.getLogger()
    root.handlers[:] = [logging.handlers.QueueHandler(records)]
    logging.getLogger(logs.LOGGER).setLevel(level)
    Thread(target=_end_with, args=(watched,), daemon=True).start()


def _end_with(watched: Connection) -> None:
    """End this process when the other end of the pipe is closed, as it is when its holder ends."""
    watched.poll(None)
    os._exit(1)
