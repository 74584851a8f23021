"""Let several jobs wait at the same time, while all other work stays in one thread.

A job is a generator. It yields each function that waits, for example for requests that have to be a
second apart. The function runs in a thread of its own, and other jobs go on meanwhile. All other
steps of all jobs run in the thread that iterates over `Waits.in_order`, one at a time. So only one
job at a time needs much memory or processor time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Final, Generic, TypeAlias, TypeVar

from recon.jobs.executors import InProcessExecutor
from recon.jobs.shutdown import Stopped

T = TypeVar("T")

#: A job: it yields functions that wait, and returns its result.
Steps: TypeAlias = Generator[Callable[[], None], None, T]
#: Begins a job; what is entered into the stack stays open until the result has been used.
Begin: TypeAlias = Callable[[ExitStack], Steps[T]]

#: A pause notices after at most so many seconds that it is no longer needed.
_SLICE: Final = 0.2
#: At an early end, requests may take so many more seconds; after that nobody waits for them.
_GRACE: Final = 1.0


def waiting(do: Callable[[], T]) -> Steps[T]:
    """Call a function that waits; use it with `yield from` in a job, and get its result."""
    done: list[Future[T]] = []
    yield lambda: done.append(InProcessExecutor().submit(do))
    return done[0].result()


@dataclass(frozen=True, slots=True, eq=False)
class _Job(Generic[T]):
    steps: Steps[T]
    held: ExitStack
    result: Future[T] = field(default_factory=Future)

    def close(self) -> None:
        """Give up the job, and close what it has open."""
        with self.held:
            self.steps.close()


class Waits:
    """Lets at most `most` jobs wait at the same time; with 1 there is no other thread."""

    def __init__(self, most: int, sleep: Callable[[float], None]) -> None:
        """Prepare for the jobs of one call of `in_order`.

        Args:
            most: how many jobs are begun before the result of the first of them is used.
            sleep: waits for a number of seconds.
        """
        self.most: Final = most
        self._sleep = sleep
        self._stopped = Event()
        self._turns: dict[str, Lock] = {}

    def sleep(self, seconds: float) -> None:
        """Wait for a number of seconds, in a function that a job has yielded.

        Raises:
            Stopped: the jobs are given up.
        """
        if self.most == 1:
            self._sleep(seconds)
            return
        while seconds > 0:
            self._check()
            self._sleep(min(seconds, _SLICE))
            seconds -= _SLICE
        self._check()

    @contextmanager
    def turn(self, of: str) -> Iterator[None]:
        """Wait until no other job is in the turn of the same name.

        Raises:
            Stopped: the jobs are given up.
        """
        lock = self._turns.setdefault(of, Lock())
        while not lock.acquire(timeout=_SLICE):
            self._check()
        try:
            self._check()
            yield
        finally:
            lock.release()

    def in_order(
        self, jobs: Iterable[Begin[T]]
    ) -> Generator[tuple[ExitStack, Future[T]], None, None]:
        """Run jobs, and yield the stack and the result of each, in their order.

        If the caller closes this iterator early, or a signal interrupts it, all other jobs are
        given up: pauses end at once, and requests have a second. The thread of a longer request
        closes its own job, so what the job has locked stays locked until its last step has ended.

        Args:
            jobs: begin the jobs. An error of one is its result and does not affect the others.
        """
        remaining = iter(jobs)
        begun: deque[_Job[T]] = deque()
        running: dict[Future[None], _Job[T]] = {}
        try:
            while True:
                while len(begun) < self.most and (begin := next(remaining, None)) is not None:
                    held = ExitStack()
                    begun.append(_Job(begin(held), held))
                    self._advance(begun[-1], running)
                if not begun:
                    return
                # First let the other jobs wait again: using a result may take long.
                is_next = begun[0].result.done()
                ended, _ = wait(running, 0 if is_next else None, return_when=FIRST_COMPLETED)
                for step in [step for step in running if step in ended]:
                    self._advance(running.pop(step), running)
                if is_next and not ended:
                    with begun[0].held as held:
                        yield held, begun[0].result
                    begun.popleft()
        finally:
            self._stopped.set()
            _, left = wait(running, _GRACE)
            with ExitStack() as stack:
                for job in begun:
                    if not any(running[step] is job for step in left):
                        stack.callback(job.close)

    def _advance(self, job: _Job[T], running: dict[Future[None], _Job[T]]) -> None:
        """Run a job until it waits in a thread, or has its result."""
        try:
            while True:
                step = next(job.steps)
                if self.most > 1:
                    ended: Future[None] = Future()
                    running[ended] = job
                    name = "octopods-waiting"
                    Thread(
                        target=self._run, args=(job, step, ended), name=name, daemon=True
                    ).start()
                    return
                step()
        except StopIteration as end:
            job.result.set_result(end.value)
        except Exception as error:  # noqa: BLE001 - raised again where the result is asked for
            job.result.set_exception(error)

    def _run(self, job: _Job[T], step: Callable[[], None], ended: Future[None]) -> None:
        with suppress(Stopped):
            step()
        if self._stopped.is_set():
            job.close()
        ended.set_result(None)

    def _check(self) -> None:
        if self._stopped.is_set():
            raise Stopped
