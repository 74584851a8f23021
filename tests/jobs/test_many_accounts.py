"""Several accounts of one run: they wait for Octopods together, and find what each finds alone."""

from __future__ import annotations

import csv
import gc
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from threading import Barrier, Lock, get_ident

import pytest
import sqlalchemy as sa

from recon.errors import ConfigError, TemporaryError
from recon.jobs import night, wiring
from recon.jobs.both_sides import BothSides
from recon.jobs.memory_budget import RunMemory
from recon.jobs.run_options import RunOptions
from recon.jobs.run_results import AccountRun, ReportedRun
from recon.jobs.runtime import Runtime
from recon.simulator.channel import Channel
from recon.simulator.server import fingerprint
from recon.store import lock, runs, stored_pauses
from recon.store.engine import connect
from tests.factories import NOON
from tests.jobs.stage import NUMBERS, Stage, staged

NAMES = ("first", "second", "third")
PATIENCE = 60
TODAY = NOON.date()
#: Days of a run; three are a range, which is done in another way.
FEW_AND_MANY = (1, pytest.param(3, marks=pytest.mark.thorough))


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """A store that is ready; SQLite does not wait for other connections."""
    waits = "?timeout=0" if database_url.startswith("sqlite") else ""
    made = connect(database_url + waits)
    yield made
    made.dispose()


@contextmanager
def accounts(
    room: Path, engine: sa.Engine, keys: Sequence[str] = NAMES, names: Sequence[str] = NAMES
) -> Iterator[Stage]:
    """Accounts with messages that are recorded, and records that Octopods does not know."""
    room.mkdir(exist_ok=True)
    channel = Channel(keys=sorted(set(keys)))
    with staged(room, engine, accounts=names, channel=channel) as stage:
        stage.environ.update({f"KEY_{name}": key for name, key in zip(names, keys, strict=True)})
        stage.clock.advance(-3600)
        records = []
        for n in range(10):
            stage.clock.advance(60)
            for key in sorted(set(keys)):
                sent = channel.send(NUMBERS.format(n), stage.clock.now, key=key)
                records.append((sent.message_id, sent.phone_number, sent.sent_at.isoformat()))
            unknown = 9_000_000 + n, NUMBERS.format(100 + n), stage.clock.now.isoformat()
            records.append(unknown)
        stage.clock.advance(3000)
        with closing(sqlite3.connect(room / "records.db")) as connection, connection:
            connection.executemany("INSERT INTO sends VALUES (?, ?, ?)", records)
        yield stage


def runtime(stage: Stage, on_pause: Callable[[float], None] = lambda _: None) -> Runtime:
    """A runtime in which pauses let the clock go on, also those of several threads."""
    moving = Lock()

    def sleep(seconds: float) -> None:
        on_pause(seconds)
        with moving:
            stage.clock.advance(seconds)

    def monotonic() -> float:
        return stage.clock.now.timestamp()

    return Runtime(
        clock=stage.clock,
        monotonic=monotonic,
        sleep=sleep,
        environ=stage.environ,
    )


def options(
    stage: Stage, *, days: int = 1, at_once: int = 3, limit: int | None = None
) -> RunOptions:
    reports = stage.room / "reports"
    return RunOptions(
        (TODAY - timedelta(days=days - 1), TODAY),
        stage.names,
        directory=reports,
        memory=RunMemory(limit, None),
        at_once=at_once,
    )


def status_calls(stage: Stage) -> list[str | None]:
    return [one.key_fingerprint for one in stage.requests if one.limit is None]


def rows(day: ReportedRun) -> list[dict[str, str]]:
    """The findings of a report, without the id of the run."""
    with day.written.csv.open(encoding="utf-8-sig", newline="") as file:
        return [{**row, "run_id": ""} for row in csv.DictReader(file)]


def said(outcomes: Sequence[AccountRun]) -> list[object]:
    """What a run gave and stored, without the ids of runs."""
    return [
        (
            one.account,
            (one.exit_code, one.exit_code_if_asked),
            (day.run.verdict.window.label, day.run.verdict.kind, rows(day)),
            (day.run.requests, day.run.confirmation, day.run.input_digest),
        )
        for one in outcomes
        for day in [*one.days, *one.judged_again]
    ]


@pytest.mark.parametrize("days", FEW_AND_MANY)
@pytest.mark.parametrize("limit", [None, 10**9], ids=["rows are kept", "rows are read again"])
def test_accounts_with_other_keys_wait_together_and_hold_few_rows(
    tmp_path: Path, engine: sa.Engine, days: int, limit: int | None
) -> None:
    seen: set[int] = set()
    held: list[int] = []

    def count() -> None:
        gc.collect()
        held.append(sum(isinstance(one, BothSides) for one in gc.get_objects()))

    met = Barrier(3, action=count)

    def on_pause(_seconds: float) -> None:
        # The first pause of each account is before its first status call.
        if get_ident() not in seen:
            seen.add(get_ident())
            if len(seen) <= len(NAMES):
                met.wait(PATIENCE)

    with accounts(tmp_path, engine) as stage:
        run = options(stage, days=days, limit=limit)
        outcomes = list(night.run(stage.settings, engine, run, runtime(stage, on_pause)))
    assert [(one.account, one.error) for one in outcomes] == [(name, None) for name in NAMES]
    calls = status_calls(stage)
    assert all(calls.count(fingerprint(name)) > 10 for name in NAMES)
    # Ranges hold only ids meanwhile.
    assert held == [3 if days == 1 and limit is None else 0]


@pytest.mark.parametrize("days", FEW_AND_MANY)
def test_they_find_what_each_finds_after_the_other(
    tmp_path: Path, engine: sa.Engine, migrated_sqlite: Path, days: int
) -> None:
    copy = tmp_path / "alone.db"
    copy.write_bytes(migrated_sqlite.read_bytes())
    alone = connect(f"sqlite:///{copy}")
    found = []
    for store, at_once, name in ((alone, 1, "alone"), (engine, 3, "together")):
        with accounts(tmp_path / name, store) as stage:
            # The clock stands still, so that all times are the same.
            still = Runtime(
                clock=stage.clock, monotonic=lambda: 0, sleep=lambda _: None, environ=stage.environ
            )
            run = options(stage, days=days, at_once=at_once)
            for _ in range(2):
                outcomes = list(night.run(stage.settings, store, run, still))
                found.append(said(outcomes))
            assert [one.error for one in outcomes] == [None] * 3
    alone.dispose()
    assert found[:2] == found[2:]


def test_accounts_with_one_key_ask_after_each_other(tmp_path: Path, engine: sa.Engine) -> None:
    with accounts(tmp_path, engine, keys=["one", "one", "one"]) as stage:
        outcomes = list(night.run(stage.settings, engine, options(stage), runtime(stage)))
    assert [one.error for one in outcomes] == [None] * 3
    times = [one.at for one in stage.requests]
    assert len(times) > 10
    assert min(b - a for a, b in pairwise(times)) >= timedelta(seconds=1)


def test_a_pause_that_octopods_asked_for_stops_the_accounts_of_its_key_only(
    tmp_path: Path, engine: sa.Engine
) -> None:
    with accounts(tmp_path, engine, keys=["paused", "other", "paused"]) as stage:
        octopods = stage.settings.octopods.model_copy(update={"max_wait_seconds": 0})
        settings = stage.settings.model_copy(update={"octopods": octopods})
        at = runtime(stage)
        mark = wiring.fingerprint(settings, "first", at)
        stored_pauses.keep(engine, mark, NOON + timedelta(hours=1), NOON)
        first, second, third = night.run(settings, engine, options(stage), at)
    assert [type(one.error) for one in (first, second, third)] == [
        TemporaryError,
        type(None),
        TemporaryError,
    ]
    assert {one.key_fingerprint for one in stage.requests} == {fingerprint("other")}


def test_errors_are_those_of_their_accounts_in_order(tmp_path: Path, engine: sa.Engine) -> None:
    names = ("held", "lost", "broken", "well")

    def progress(day: ReportedRun) -> None:
        if day.run.verdict.account == "broken":
            raise RuntimeError("a bug")

    with accounts(tmp_path, engine, keys=names, names=names) as stage, lock.hold(engine, "held"):
        stage.environ.pop("KEY_lost")
        outcomes = list(night.run(stage.settings, engine, options(stage), runtime(stage), progress))
    assert [(one.account, type(one.error), len(one.days), one.exit_code) for one in outcomes] == [
        ("held", lock.LockHeldError, 0, 75),
        ("lost", ConfigError, 0, 78),
        ("broken", RuntimeError, 1, 70),
        ("well", type(None), 1, 0),
    ]


@pytest.mark.parametrize("days", FEW_AND_MANY)
def test_after_an_interrupt_nothing_is_locked_and_the_same_command_ends_the_same(
    tmp_path: Path, engine: sa.Engine, days: int
) -> None:
    def interrupt(day: ReportedRun) -> None:
        if day.run.verdict.account == "second":
            raise KeyboardInterrupt

    with accounts(tmp_path, engine) as stage:
        at, run = runtime(stage), options(stage, days=days)
        with pytest.raises(KeyboardInterrupt):
            list(night.run(stage.settings, engine, run, at, interrupt))
        for name in NAMES:
            with lock.hold(engine, name):
                pass
        assert runs.last_day(engine, "first") == TODAY
        assert runs.last_day(engine, "third") is None
        interrupted = list(night.run(stage.settings, engine, run, at))
        asked = len(status_calls(stage))
        again = list(night.run(stage.settings, engine, run, at))
    assert [one.error for one in interrupted] == [None] * 3
    assert [len(one.days) for one in interrupted] == [days] * 3
    assert [[rows(day) for day in one.days] for one in again] == [
        [rows(day) for day in one.days] for one in interrupted
    ]
    # What was answered before is stored, and not asked for again.
    assert len(status_calls(stage)) == asked
