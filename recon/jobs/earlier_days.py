"""Late news: judge days before a run's own again if something about them has changed."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from functools import partial

from recon.core import calendar, lookup_priority
from recon.core.lookup_priority import Candidates
from recon.core.policy import LOOK_BACK_DAYS
from recon.jobs.account_job import AccountJob
from recon.jobs.both_sides import BothSides
from recon.jobs.status_lookups import StatusLookups
from recon.jobs.waiting import Steps, waiting
from recon.model import Window
from recon.store import finding_list, runs


class EarlierDays:
    """The days before a run's own, which are judged again if something has changed.

    A day that a run has judged is judged again if it has an open finding or a message that is not
    terminal, if its proof was contradicted in this run, or if its records, messages or coverage
    have changed.
    """

    def __init__(
        self, job: AccountJob, first: date, zone: str, look_back: int = LOOK_BACK_DAYS
    ) -> None:
        """Look up which of the `look_back` days before `first` have a run or open findings."""
        since = first - timedelta(days=min(look_back, first.toordinal() - 1))
        self._job = job
        self._digests = runs.input_digests(job.engine, job.account, since, first)
        self._open = frozenset(
            finding_list.days_with_open(job.engine, job.account, since=since, before=first)
        )
        # The newest first: a finding that moved to a later day is not resolved on its way.
        self._days = [calendar.window(day, zone) for day in sorted(self._digests, reverse=True)]
        self._held: dict[str, BothSides] = {}
        self._unchanged: set[str] = set()

    @property
    def start(self) -> datetime | None:
        """The beginning of the earliest day, `None` without any."""
        return self._days[-1].start if self._days else None

    def confirm(self, lookups: StatusLookups, held_rows: int) -> Steps[None]:
        """Ask for the recorded ids of the days that will be judged again.

        Days of up to `held_rows` rows together are kept in memory and not read a second time.
        """
        for day in self._days:
            if not lookups.may_ask:
                return
            found = self._candidates(day, held_rows)
            if found is not None:
                yield from waiting(partial(lookups.confirm, *found))

    def _candidates(self, day: Window, held_rows: int) -> tuple[Candidates, Candidates] | None:
        with self._job.read([day], untimed=False) as both_sides:
            if not self._has_changed(day, both_sides):
                self._unchanged.add(day.label)
                return None
            found = lookup_priority.of_case(both_sides.case, [day], self._job.policy)
        held = both_sides.row_count + sum(one.row_count for one in self._held.values())
        if both_sides.is_in_memory and held <= held_rows:
            self._held[day.label] = both_sides
        return found

    def changed(
        self, *, learnt: bool = False, contradicted: AbstractSet[str] = frozenset()
    ) -> Iterator[BothSides]:
        """Yield the days to judge again, each with both sides as they are now.

        Args:
            learnt: whether any answer to a status call was stored since `confirm` began.
            contradicted: the days whose proof an answer contradicted, as ISO dates.
        """
        for day in self._days:
            if day.label in self._unchanged - contradicted:
                continue
            held = self._held.pop(day.label, None)
            if held is not None:
                yield self._job.refreshed(held) if learnt else held
                continue
            with self._job.read([day], untimed=False) as both_sides:
                if day.label in contradicted or self._has_changed(day, both_sides):
                    yield both_sides

    def _has_changed(self, day: Window, both_sides: BothSides) -> bool:
        date_ = date.fromisoformat(day.label)
        if date_ in self._open or both_sides.is_waiting():
            return True
        return self._digests[date_] != both_sides.digest(day)
