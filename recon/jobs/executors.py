"""Run tasks in this process or in several others."""

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
    """Runs each task at once, in the thread that submits it."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a task; the returned future is done."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - raised again where the result is asked for
            future.set_exception(error)
        return future


@contextmanager
def workers(count: int) -> Iterator[Executor]:
    """Provide an executor with `count` processes, see `processes`; with 1, it is this process."""
    if count == 1:
        yield InProcessExecutor()
        return
    with processes(count) as pool:
        yield pool


@contextmanager
def processes(count: int) -> Iterator[Executor]:
    """Provide an executor with `count` processes, each with a fresh interpreter.

    They end at the end of the block, and at once if it ends with an error or a signal. They also
    end if this process is killed. Only this process handles signals. Their log messages are logged
    here. Tasks and their results are pickled.
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
            # Their work is no longer needed, and may take long.
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
    """Run tasks, and yield each with its result, in their order.

    Args:
        executor: runs the tasks.
        do: the function that is called with each task.
        tasks: the tasks.
        ahead: how many tasks are submitted before a result is taken, which limits how many results
            are held.

    Raises:
        TemporaryError: another program ended a process that ran one of them.
    """
    submitted: deque[tuple[T, Future[U]]] = deque()
    for task in tasks:
        submitted.append((task, submit(executor, do, task)))
        if len(submitted) > ahead:
            first, future = submitted.popleft()
            yield first, result(future)
    while submitted:
        first, future = submitted.popleft()
        yield first, result(future)


def submit(
    executor: Executor, do: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
) -> Future[T]:
    """Submit a task.

    Raises:
        TemporaryError: a process was ended from outside before, or a cluster was lost.
    """
    try:
        return executor.submit(do, *args, **kwargs)
    except BrokenExecutor as error:
        raise _lost(error) from error


def result(future: Future[T]) -> T:
    """Wait for a task, and return its result.

    Raises:
        TemporaryError: another program ended the process that ran it, or a cluster was lost.
    """
    try:
        return future.result()
    except BrokenExecutor as error:
        raise _lost(error) from error


def _lost(error: BrokenExecutor) -> TemporaryError:
    if isinstance(error, BrokenProcessPool):
        return TemporaryError(
            "a worker process was killed, perhaps because memory ran out",
            hint="Run the same command again; finished days of a range are kept. If it happens "
            "again, use fewer --workers.",
        )
    return TemporaryError(
        str(error), hint="Run the same command again; finished days of a range are kept."
    )


class _LogHere(logging.Handler):
    """Logs records of another process as if they were logged here."""

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
    """End this process when the other end of the pipe is closed, because its process has ended."""
    watched.poll(None)
    os._exit(1)
