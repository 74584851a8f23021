"""Explain a row: everything known about it, judged by the code of the nightly run. No requests."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from recon.core import calendar, case_row_contents, case_rows, fired_rules, judge
from recon.core.case_rows import RowOfCase
from recon.core.explanation import Explanation, StoredFinding
from recon.core.frames.layout import unsent
from recon.core.policy import LOOK_BACK_DAYS, Policy
from recon.errors import ReconError
from recon.jobs import reconcile, row_explanation, wiring
from recon.jobs.account_errors import AccountError
from recon.jobs.row_explanation import JudgedDay
from recon.jobs.runtime import Runtime
from recon.model import Kind
from recon.store import row_evidence, runs

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings
    from recon.records.reader import RecordsRead, RecordsReader

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Explained:
    """What is known of the rows with an id."""

    rows: Sequence[Explanation]
    errors: Sequence[AccountError] = ()
    """Why the records of accounts could not be read: of an account that has the id, for which only
    the stored data is returned; without any rows, of all such accounts."""


def explain(
    settings: Settings,
    engine: Engine,
    accounts: Sequence[str],
    wanted: str,
    runtime: Runtime,
    *,
    day: date | None = None,
    open_reader: Callable[[Settings, str], RecordsReader] = wiring.open_reader,
) -> Explained:
    """Explain each row of the accounts that has an id.

    Args:
        settings: the configuration.
        engine: the job's own database, its schema ready.
        accounts: which accounts to search.
        wanted: the `discrepancy_id` of a finding, a message id, or the id of a record.
        runtime: its clock.
        day: another day to search, if the records come from a query: a query can only be read by
            days, and without this the last days are searched.
        open_reader: opens the records of an account.

    Returns:
        No rows if no account has the id. For an account whose records cannot be read, the stored
        data is returned. If nothing is stored and another account has the id, the account is left
        out with a warning.

    Raises:
        TemporaryError, OutputError, ConfigError: the store failed.
    """
    explained: list[Explanation] = []
    unsearched: dict[str, ReconError] = {}
    told_in_part: dict[str, ReconError] = {}
    for name in accounts:
        newest = runs.last_day(engine, name)
        search = _Search(
            account=name,
            engine=engine,
            source=partial(open_reader, settings, name),
            policy=wiring.policy(settings),
            zone=settings.timezone,
            newest=newest or calendar.yesterday(runtime.clock(), settings.timezone),
            today=calendar.day_at(runtime.clock(), settings.timezone),
            wanted=wanted,
            asked_day=day,
            number=case_rows.message_number(wanted),
        )
        try:
            explained += list(search.explanations())
            search.advise_indexes()
        except ReconError as error:
            stored = search.stored_only(error.one_line)
            explained += stored
            (told_in_part if stored else unsearched)[name] = error
    if not explained:
        return Explained([], [AccountError(*one) for one in unsearched.items()])
    for name, met in unsearched.items():
        log.warning("account %s was not searched: %s", name, met.one_line)
    return Explained(explained, [AccountError(*one) for one in told_in_part.items()])


@dataclass
class _Search:
    """The rows of one account with an id."""

    account: str
    engine: Engine
    source: Callable[[], RecordsReader]
    policy: Policy
    zone: str
    newest: date
    """The day that rows without a readable time belong to."""
    today: date
    wanted: str
    asked_day: date | None
    number: int | None
    """The id as that of a message, where it can be one."""

    @cached_property
    def reader(self) -> RecordsReader:
        """The account's records."""
        return self.source()

    @cached_property
    def stored(self) -> list[StoredFinding]:
        """The findings with the id."""
        return row_evidence.found(
            self.engine,
            self.account,
            discrepancy_ids=[self.wanted],
            message_id=self.wanted,
            local_id=self.wanted,
        )

    def stored_only(self, why: str) -> list[Explanation]:
        """Return the stored data only, because the records cannot be read.

        Args:
            why: why they cannot be read.
        """
        about: dict[int | None, list[StoredFinding]] = {}
        if self.number is not None and row_evidence.message(self.engine, self.account, self.number):
            about[self.number] = []
        for one in self.stored:
            about.setdefault(case_rows.message_number(one.message_id), []).append(one)
        return [
            row_explanation.from_store(
                self.engine,
                self.account,
                self.zone,
                list(dict.fromkeys(map(self._matched, findings))) or ["message_id"],
                message_id=message_id,
                stored=findings,
                records_error=why,
            )
            for message_id, findings in about.items()
        ]

    def explanations(self) -> Iterator[Explanation]:
        """Yield the explanation of each row, on the day that judges it."""
        waiting = sorted(self._days(), reverse=True)
        told: set[str] = set()
        seen: set[date] = set()
        while waiting:
            day = waiting.pop()
            if day in seen:
                continue
            seen.add(day)
            judged = self._judged(day)
            for row, matches in self._rows(judged).items():
                other = self._day_of(row, judged)
                if other is not None:
                    waiting.append(other)
                    continue
                one = row_explanation.of_row(judged, row, matches)
                told |= {finding.discrepancy_id for finding in one.findings}
                yield one
        yield from self._unsent()
        yield from self._gone([one for one in self.stored if one.discrepancy_id not in told])

    def advise_indexes(self) -> None:
        """Log which indexes would make looking up records fast, if their table lacks them."""
        from recon.records.missing_indexes import READ_WHOLE

        with suppress(ReconError):
            if lacking := self.reader.advised_indexes():
                log.info("account %s: %s %s", self.account, READ_WHOLE, " ".join(lacking))

    # --- where to look -----------------------------------------------------------------------

    def _days(self) -> set[date]:
        zone = self.zone
        times: list[datetime | None] = []
        if self.number is not None:
            if (
                message := row_evidence.message(self.engine, self.account, self.number)
            ) is not None:
                times.append(message.sent_at)
            times += row_evidence.reject_times(self.engine, self.account, self.number)
        for read in self.records:
            times += case_rows.times(read.frame)
            times += case_rows.times(read.rejects.loc[~unsent(read.rejects)])
        days = {self.newest if time is None else calendar.day_at(time, zone) for time in times}
        days |= {one.day for one in self.stored}
        if self.asked_day is not None:
            days.add(self.asked_day)
        return days or self._recent_days()

    @cached_property
    def records(self) -> list[RecordsRead]:
        """The records with the id, as their own or as that of their message."""
        read = [self.reader.find_record(self.wanted)]
        if self.number is not None:
            read.append(self.reader.find(np.array([self.number], dtype=np.int64)))
        return read

    def _recent_days(self) -> set[date]:
        """Return the last days, if the records can only be read by days."""
        if self.reader.can_find:
            return set()
        zone, days = self.zone, timedelta(days=LOOK_BACK_DAYS)
        windows = calendar.windows(self.today - days, self.today, zone)
        read = self.reader.read(windows[0].start, windows[-1].end, all_rejects=False)
        found = case_rows.with_id(read.frame, self.wanted)
        times = case_rows.times(read.frame.iloc[found])
        return {calendar.day_at(time, zone) for time in times if time is not None}

    # --- what is there -----------------------------------------------------------------------

    def _judged(self, day: date) -> JudgedDay:
        """Judge a day; records without a readable time are searched as far as they matter.

        To find all of them, each text of a large SQLite table is looked at. On days before the
        newest one they only shield messages, and the ids tell which may. On the newest day they
        count as well: to the row that is explained, if it is one of them, and to the verdict.
        """
        is_newest = day == self.newest
        sides = reconcile.read(
            self.account,
            [calendar.window(day, self.zone)],
            reader=self.reader,
            engine=self.engine,
            policy=self.policy,
            untimed=is_newest,
            all_rejects=False,
        )
        if is_newest and self._is_about_unreadable_records():
            sides = reconcile.with_all_rejects(sides, self.engine, self.reader)
        else:
            sides = reconcile.with_shielding_rejects(sides, self.engine, self.reader)
        judged = row_explanation.judge(self.engine, sides)
        if not is_newest or judge.is_same_with_more_unreadable_records(judged.verdict):
            return judged
        counted = reconcile.with_all_rejects(sides, self.engine, self.reader)
        return judged if counted is sides else row_explanation.judge(self.engine, counted)

    def _is_about_unreadable_records(self) -> bool:
        return any(len(read.rejects) for read in self.records) or any(
            one.kind == Kind.INVALID_LOCAL for one in self.stored
        )

    def _rows(self, judged: JudgedDay) -> dict[RowOfCase, list[str]]:
        """Return the rows that have the id, each with the kind of the id."""
        case, matches = judged.case, dict[RowOfCase, list[str]]()

        def add(rows: Iterator[RowOfCase], name: str) -> None:
            for row in rows:
                matches.setdefault(row, []).append(name)

        by_finding = list(case_rows.of_finding(judged.found, self.wanted))
        for one in self.stored:
            if one.discrepancy_id == self.wanted and not by_finding:
                by_finding += case_rows.of_stored(case, one)
        add(iter(dict.fromkeys(by_finding)), "discrepancy_id")
        add(case_rows.of_message_id(case, self.wanted), "message_id")
        add(case_rows.of_local_id(case, self.wanted), "local_id")
        return matches

    def _day_of(self, row: RowOfCase, judged: JudgedDay) -> date | None:
        """Return the day that judges a row, if it is another one."""
        if case_rows.is_owned(judged.case, row):
            return None
        time = case_rows.time_of(judged.case, row)
        day = self.newest if time is None else calendar.day_at(time, self.zone)
        # A row that counts for no day is shown on the day on which it was found.
        return None if day.isoformat() == judged.day.label else day

    def _unsent(self) -> Iterator[Explanation]:
        """Explain records without a time that wait to be sent: no day has them."""
        rejects = self.records[0].rejects
        for record in case_row_contents.unsent_records(rejects.loc[unsent(rejects)]):
            fired = [fired_rules.not_sent(self.policy)]
            yield row_explanation.of_no_day(
                self.account, self.zone, ["local_id"], record=record, fired=fired
            )

    def _gone(self, left: Sequence[StoredFinding]) -> Iterator[Explanation]:
        """Tell findings of rows that are no longer there."""
        for one in left:
            matches = [self._matched(one)]
            yield row_explanation.of_no_day(self.account, self.zone, matches, stored=[one])

    def _matched(self, finding: StoredFinding) -> str:
        if finding.discrepancy_id == self.wanted:
            return "discrepancy_id"
        return "message_id" if finding.message_id == self.wanted else "local_id"
