"""Reading both sides while a collector stores answers, and linking them once."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon.core import buckets, calendar
from recon.core.buckets import Case
from recon.jobs import judging, night, reconcile, wiring
from recon.jobs.both_sides import BothSides
from recon.jobs.memory_budget import RunMemory
from recon.jobs.run_options import RunOptions
from recon.model import Verdict
from recon.records.connections import read_only_engine
from recon.records.reader import Read, RecordsRead, RecordsReader
from recon.records.sql_source import SqlReader
from recon.store import messages
from tests.factories import DAY
from tests.jobs.stage import NUMBERS, Stage, staged

TODAY = date.fromisoformat(DAY)


@pytest.fixture
def stage(tmp_path: Path, engine: sa.Engine) -> Iterator[Stage]:
    """Three recorded messages of today, collected."""
    with staged(tmp_path, engine) as made:
        made.send(3, seconds=60)
        made.clock.advance(600)
        made.collect(force=True)
        yield made


class _Interrupted:
    """A reader during whose reading something else happens."""

    def __init__(self, reader: RecordsReader, *, before: Callable[[], object]) -> None:
        self._reader = reader
        self._before = before
        self.can_find = False

    def read(
        self, start: datetime | None, end: datetime | None, *, all_rejects: bool = True
    ) -> RecordsRead:
        self._before()
        self._before = lambda: None
        return self._reader.read(start, end, all_rejects=all_rejects)

    def read_in_parts(
        self,
        start: datetime | None,
        end: datetime | None,
        collect: Callable[[Iterable[RecordsRead]], Read],
    ) -> Read:
        self._before()
        self._before = lambda: None
        return self._reader.read_in_parts(start, end, collect)


def read(
    stage: Stage,
    reader: object,
    now: datetime | None = None,
    memory: RunMemory | None = None,
) -> BothSides:
    return reconcile.read(
        "main",
        [calendar.window(TODAY, "UTC")],
        reader=reader,  # type: ignore[arg-type]
        engine=stage.engine,
        policy=wiring.policy(stage.settings),
        now=now,
        memory=memory,
    )


def judged(stage: Stage, reader: object) -> Verdict:
    [verdict] = read(stage, reader).judge(stage.engine)
    return verdict


def send_and_collect(stage: Stage) -> None:
    stage.send(4, seconds=30)
    stage.clock.advance(900)
    stage.collect(force=True)


def test_an_answer_stored_while_the_records_are_read_makes_nothing_missing(stage: Stage) -> None:
    reader = wiring.open_reader(stage.settings, "main")
    meanwhile = _Interrupted(reader, before=lambda: send_and_collect(stage))
    seen = judged(stage, meanwhile)
    assert seen.local.total == 7
    assert seen.local.matched == seen.provider.total == 3
    assert seen.local.unverifiable == 4
    assert judged(stage, reader).local.matched == 7


def test_an_answer_stored_just_after_the_messages_are_read_proves_nothing_of_them(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_now = messages.read

    def read_early(*args: object) -> object:
        early = read_now(*args)  # type: ignore[arg-type]
        send_and_collect(stage)
        return early

    monkeypatch.setattr(messages, "read", read_early)
    seen = judged(stage, wiring.open_reader(stage.settings, "main"))
    assert seen.local.matched == seen.provider.total == 3
    assert seen.local.unverifiable == 4


def test_a_message_that_is_sent_and_recorded_before_messages_are_read_again_has_its_record(
    stage: Stage,
) -> None:
    reader = wiring.open_reader(stage.settings, "main")
    both_sides = read(stage, reader)
    send_and_collect(stage)
    [seen] = reconcile.refreshed(both_sides, stage.engine, reader).judge(stage.engine)
    assert seen.local.matched == seen.provider.total == seen.provider.matched == 7


@pytest.mark.parametrize(
    ("days_later", "many", "memory", "at_once"),
    [
        (0, 0, None, False),
        (2, 0, None, True),
        (0, 3, RunMemory(None, None), False),
        (2, 3, RunMemory(None, None), True),
        (2, 4, RunMemory(None, None), False),
    ],
)
def test_both_sides_are_read_at_the_same_time_only_of_large_days_that_have_ended(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    *,
    days_later: int,
    many: int,
    memory: RunMemory | None,
    at_once: bool,
) -> None:
    begun, read_now = threading.Event(), messages.read
    seen: list[bool] = []

    def read_late(*args: object) -> object:
        seen.append(begun.wait(10 if at_once else 0.05))
        return read_now(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(messages, "read", read_late)
    monkeypatch.setattr(reconcile, "_MANY", many)
    stage.clock.advance(days_later * 86_400)
    reader = _Interrupted(wiring.open_reader(stage.settings, "main"), before=begun.set)
    both_sides = read(stage, reader, stage.clock(), memory)
    assert seen == [at_once]
    [verdict] = both_sides.judge(stage.engine)
    assert verdict.local.matched == verdict.provider.total == 3


def test_the_basis_of_a_day_is_the_same_before_and_beside_its_verdict(stage: Stage) -> None:
    both_sides = read(stage, wiring.open_reader(stage.settings, "main"))
    [beside] = judging.judged(both_sides, stage.engine, "settings")
    [before] = judging.judged(both_sides, stage.engine, "settings", {DAY: "another basis"})
    [same] = judging.judged(both_sides, stage.engine, "settings", {DAY: beside.basis})
    assert beside.basis == before.basis == same.basis
    assert beside.input_digest == before.input_digest
    assert beside.verdict is not None
    assert before.verdict is not None
    assert beside.verdict.local == before.verdict.local
    assert same.verdict is None


def test_a_night_in_which_no_status_call_brings_anything_links_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.clock.advance(86_400)
    classify, linked = buckets.classify, []

    def counted(*args: object) -> Case:
        linked.append(1)
        return classify(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(buckets, "classify", counted)
    options = RunOptions((TODAY, TODAY), stage.names, directory=stage.room / "reports")
    [outcome] = night.run(stage.settings, stage.engine, options, stage.runtime)
    assert outcome.error is None
    assert len(linked) == 1


#: A row of another day whose time cannot be read.
BAD_TIME = "2019-01-01 12:61:00"


@pytest.mark.parametrize("recorded", [True, False])
def test_unreadable_records_of_other_days_are_read_only_where_a_message_has_no_record(
    stage: Stage, *, recorded: bool
) -> None:
    stage.send(1, recorded=recorded)
    stage.clock.advance(900)
    stage.collect(force=True)
    with closing(sqlite3.connect(stage.room / "records.db")) as connection, connection:
        rows = [(NUMBERS.format(7), "2019-01-01 12:00:00")] * 100
        rows.append((NUMBERS.format(0), BAD_TIME))
        connection.executemany("INSERT INTO sends (phone_number, sent_at) VALUES (?, ?)", rows)
        connection.execute("CREATE INDEX by_time ON sends (sent_at)")
    source = wiring.source(stage.settings.accounts["main"].local)
    assert source.url is not None
    reader = SqlReader(source, read_only_engine(source.url, source.timezone), range_rows=3)

    def both(*, all_rejects: bool) -> BothSides:
        return reconcile.read(
            "main",
            [calendar.window(TODAY, "UTC")],
            reader=reader,
            engine=stage.engine,
            policy=wiring.policy(stage.settings),
            untimed=False,
            all_rejects=all_rejects,
        )

    [whole] = both(all_rejects=True).judge(stage.engine)
    few = both(all_rejects=False)
    assert few.local.unreadable.empty
    completed = reconcile.with_shielding_rejects(few, stage.engine, reader)
    assert len(completed.local.unreadable) == (0 if recorded else 1)
    [seen] = completed.judge(stage.engine)
    assert (seen.kind, seen.local, seen.provider) == (whole.kind, whole.local, whole.provider)
    assert seen.provider.unverifiable == (0 if recorded else 1)
