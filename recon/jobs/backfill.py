"""Judge a range of an account's days; days that have not changed since a run are skipped.

Only this process asks Octopods and writes to the store. Reading, judging and rendering are tasks of
an executor. Each day is stored in its own transaction before its files are written. So if the
process is ended, the same command continues at that point.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from recon.core import lookup_priority
from recon.jobs import executors, stored_reports
from recon.jobs.account_job import AccountJob
from recon.jobs.executors import InProcessExecutor
from recon.jobs.judging import DayVerdict, Judge, RemoteJudge, Stretch, StretchCandidates
from recon.model import Run, RunFigures, Verdict, Window
from recon.report import report_files, trends
from recon.report.report_files import WrittenFiles
from recon.store import runs
from recon.store.runs import JudgedDay

if TYPE_CHECKING:
    from recon.config import Settings

#: Days that are read and linked together, so that memory stays bounded.
STRETCH_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Workers:
    """Where the tasks of a backfill run; without arguments in this process."""

    executor: Executor
    count: int
    """How many tasks run at a time outside this process; 0 if this process runs them."""
    have_our_files: bool = True
    """Whether files that a task writes are on this machine."""


#: In this process, one task after the other.
HERE: Final = Workers(InProcessExecutor(), 0)


@dataclass(frozen=True, slots=True, eq=False)
class BackfilledDay:
    """A day that is stored and written."""

    run: Run
    written: WrittenFiles
    unchanged: bool
    """Whether it was not judged again, because its basis is the same as before."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A day that is stored, and whose files are being written."""

    run: Run
    written: Future[WrittenFiles]
    unchanged: bool

    def done(self) -> BackfilledDay:
        """Wait for its files."""
        return BackfilledDay(self.run, executors.result(self.written), self.unchanged)


class History:
    """The counts of the days of a range and of those before it, for the trends of the pages."""

    def __init__(self, days: Sequence[RunFigures]) -> None:
        """Begin with the days that are stored."""
        self._by_day = {one.day: one for one in days}

    @classmethod
    def read(cls, job: AccountJob, days: Sequence[Window]) -> History:
        """Read what is stored, once for a range instead of once a day."""
        last = date.fromisoformat(days[-1].label)
        return cls(runs.figures(job.engine, job.account, last, len(days) + trends.DAYS))

    def add(self, run: Run) -> None:
        """Add a run that was stored."""
        self._by_day[run.figures.day] = run.figures

    def until(self, run: Run) -> list[RunFigures]:
        """Return the counts of the days up to a run, the newest first."""
        last = run.figures.day
        days = sorted((day for day in self._by_day if day <= last), reverse=True)
        return [self._by_day[day] for day in days[: trends.DAYS]]


@dataclass(frozen=True, slots=True)
class Backfill:
    """Days of one account, one after the other."""

    job: AccountJob
    settings: Settings
    days: Sequence[Window]
    directory: Path
    workers: Workers = HERE
    again: bool = False
    """Judge every day, even if nothing has changed."""
    untimed: bool = True
    """Whether rows without a readable time belong to the last day."""

    def candidates(self) -> StretchCandidates:
        """Return the ids of records that would be missing, for status calls.

        Days that have not changed since they were judged are left out.
        """
        _, stretches = self._stretches()
        work = executors.in_order(
            self.workers.executor, self._judge().candidates, stretches, ahead=self.workers.count
        )
        found = [candidates for _, candidates in work]
        return StretchCandidates(
            lookup_priority.joined([one.accused for one in found]),
            lookup_priority.joined([one.left_open for one in found]),
            unchanged=all(one.unchanged for one in found),
        )

    def judge(self, *, unchanged: bool = False) -> Iterator[BackfilledDay]:
        """Judge, store and write each day whose verdict may have changed; yield all, in order.

        Args:
            unchanged: whether it is known that no day has changed.

        Raises:
            OutputError: a file cannot be written.
            TemporaryError: a database is busy or out of reach, or a process was ended.
            InputError: the records cannot be used.
        """
        before, stretches = self._stretches()
        history = History.read(self.job, self.days)
        if unchanged:
            for day in self.days:
                yield self._unchanged(before[day.label], history).done()
            return
        waiting: deque[_Waiting] = deque()
        for _, verdicts in executors.in_order(
            self.workers.executor, self._judge().judge, stretches, ahead=self.workers.count
        ):
            for one in verdicts:
                waiting.append(
                    self._unchanged(before[one.window.label], history)
                    if one.verdict is None
                    else self._saved(one, one.verdict, history)
                )
                while len(waiting) > self.workers.count:
                    yield waiting.popleft().done()
        while waiting:
            yield waiting.popleft().done()

    def _stretches(self) -> tuple[dict[str, JudgedDay], list[Stretch]]:
        """Return the stored runs, and the days to read together."""
        first, last = (date.fromisoformat(day.label) for day in (self.days[0], self.days[-1]))
        before = runs.judged_days(self.job.engine, self.job.account, first, last)
        done = {} if self.again else {label: one.basis for label, one in before.items()}
        stretches = []
        for at in range(0, len(self.days), STRETCH_DAYS):
            days = tuple(self.days[at : at + STRETCH_DAYS])
            bases = {day.label: basis for day in days if (basis := done.get(day.label))}
            stretches.append(Stretch(days, self.untimed and days[-1] is self.days[-1], bases))
        return before, stretches

    def _judge(self) -> Judge | RemoteJudge:
        job = self.job
        if self.workers.count:
            memory = job.memory
            if memory is not None and not self.workers.have_our_files:
                memory = replace(memory, beside=None, processes=0)  # on its own machine
            return RemoteJudge(job.account, self.settings, job.policy.trust_input, memory)
        return Judge(
            job.account, job.engine, job.reader, job.policy, job.settings_digest, job.memory
        )

    def _saved(self, day: DayVerdict, verdict: Verdict, history: History) -> _Waiting:
        run = self.job.save(day, verdict, mode=runs.RUN)
        history.add(run)
        return _Waiting(run, self._writing(run, history), unchanged=False)

    def _unchanged(self, judged: JudgedDay, history: History) -> _Waiting:
        """Return a day as it is stored; write its files if they do not exist yet."""
        run = runs.load(self.job.engine, judged.run_id)
        assert run is not None
        written = report_files.written_before(run, self.directory)
        if written is None:
            return _Waiting(run, self._writing(run, history), unchanged=True)
        future: Future[WrittenFiles] = Future()
        future.set_result(written)
        return _Waiting(run, future, unchanged=True)

    def _writing(self, run: Run, history: History) -> Future[WrittenFiles]:
        write = stored_reports.prepared(self.settings, run, self.directory, history.until(run))
        writer = self.workers if self.workers.have_our_files else HERE
        return executors.submit(writer.executor, write)
