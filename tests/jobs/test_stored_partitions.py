"""Days of a run in partitions: the same verdicts, digests and files as in one piece."""

from __future__ import annotations

import os
import random
import re
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from recon import config
from recon.core import calendar, lookup_priority
from recon.core.policy import Policy
from recon.jobs import night, reconcile
from recon.jobs.both_sides import BothSides
from recon.jobs.memory_budget import RunMemory
from recon.jobs.run_options import RunOptions
from recon.model import FINDING_COLUMNS, Listing, Message, RejectedItem, Verdict, Window
from recon.records.reader_factory import open_reader
from recon.records.source import Source
from recon.store import messages, status_answers
from recon.store.engine import opened
from tests.cli.nights import nights
from tests.cli.workshop import minute
from tests.factories import KEY
from tests.jobs import odd_days
from tests.jobs.odd_days import OddDay, Row

ZONE = "Europe/Dublin"
NOON = datetime(2026, 10, 27, 12, tzinfo=UTC)
_RUN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture(autouse=True)
def _without_tmpdir(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)


# --- a store and records of an odd day ---------------------------------------------------------


def item(row: Row, number: int) -> Message | RejectedItem:
    """Return a row of the provider as the list would show it."""
    name, sent = row["message_id"] or "", row["sent_at"] or ""
    time = datetime.fromisoformat(sent) if sent.endswith("Z") else None
    message_id = int(name) if name.isdigit() else None
    if message_id is not None and time is not None:
        return Message(
            message_id, row["phone_number"] or "", time, row["status"] or "", row["failure_reason"]
        )
    return RejectedItem(
        f"{number:032x}", "it cannot be read", message_id, row["phone_number"], time, row["status"]
    )


def collect(engine: sa.Engine, day: OddDay, rng: random.Random) -> None:
    """Store the messages in a few answers, with gaps or without, and ids that were denied."""
    items = {one.message_id or one.key: one for one in map(item, day.provider, range(10**6))}  # type: ignore[union-attr]
    cuts = sorted(rng.uniform(0, 2) for _ in range(rng.choice([0, 1, 2])))
    before = odd_days.START - timedelta(days=1)
    has_gaps = rng.random() < 0.6
    for until in [*cuts, 3]:
        answered = odd_days.START + timedelta(days=until)
        shown = [
            one
            for one in items.values()
            if (one.sent_at or answered) < answered and (one.sent_at or answered) >= before
        ]
        read = [one for one in shown if isinstance(one, Message)]
        listing = Listing(
            messages=sorted(read, key=lambda one: one.sent_at, reverse=True),
            rejects=[one for one in shown if isinstance(one, RejectedItem)],
            item_count=len(shown),
            limit=len(shown) if has_gaps else 10**6,
            answered_at=answered,
        )
        messages.keep(engine, "main", KEY, listing, answered)
        if has_gaps:
            before = answered - timedelta(minutes=rng.choice([0, 90]))
    recorded = [int(name) for row in day.local if (name := row["message_id"] or "").isdigit()]
    some = rng.sample(recorded, len(recorded) // 50)
    status_answers.keep(engine, "main", KEY, found=[], denied=some, at=NOON)


def records(day: OddDay, rng: random.Random, folder: Path, url: str | None) -> Source:
    """Write the records into a table, of a database if one is given, or a file."""
    kind = rng.choice(["table", "table", "indexed", "csv", "parquet"])
    without = rng.choice([None, None, None, "phone_number", "status", "id"])
    told: dict[str, Any] = {
        "timezone": ZONE,
        "columns": {without: ""} if without else {},
        "statuses": {"queued": "not_sent"},
    }
    if url is not None:
        rows = [{name: row[name] for name in odd_days.LOCAL} for row in day.local]
        pd.DataFrame(rows, columns=list(odd_days.LOCAL)).to_sql("sends", url, index=False)
        return Source(url=url, table="sends", **told)
    if kind in ("csv", "parquet"):
        path = odd_days.write(day.local, odd_days.LOCAL, kind, folder / "local")
        return Source(file=path, **told)
    with closing(sqlite3.connect(folder / "records.db")) as connection, connection:
        connection.execute(f"CREATE TABLE sends ({', '.join(odd_days.LOCAL)})")
        if kind == "indexed":
            connection.execute("CREATE INDEX by_time ON sends (sent_at)")
        connection.executemany(
            "INSERT INTO sends VALUES (?, ?, ?, ?, ?)",
            [[row[name] for name in odd_days.LOCAL] for row in day.local],
        )
    return Source(url=f"sqlite:///{folder / 'records.db'}", table="sends", **told)


def memory(rows: int, folder: Path) -> RunMemory:
    """Return what so many rows just fit into."""
    return RunMemory(rows, folder / "parts", base=0, row=1)


def days_of(rng: random.Random) -> Sequence[Window]:
    first = rng.choice([24, 25])
    return calendar.windows(date(2026, 10, first), date(2026, 10, rng.choice([first, 25])), ZONE)


# --- what is compared --------------------------------------------------------------------------


def told(verdict: Verdict) -> dict[str, object]:
    """Return all that a verdict says."""
    said = {one.name: getattr(verdict, one.name) for one in fields(verdict)}
    del said["is_settled"]
    return said | {"findings": verdict.findings.to_csv(index=False)}


def every_claim(both_sides: BothSides) -> pd.DataFrame:
    """Return a finding about each record and each message, as if it had no counterpart."""
    local, provider = both_sides.local.frame, both_sides.provider.frame
    mine = pd.DataFrame(
        {
            "local_id": local["local_id"].astype("str"),
            "local_phone_number": local["phone_number"].astype("str"),
            "local_sent_at": local["sent_at"],
            "message_id": local["message_id"].astype("str"),
        }
    )
    theirs = pd.DataFrame({"message_id": provider["message_id"].astype("str")})
    claims = pd.concat([mine, theirs], ignore_index=True).reindex(columns=list(FINDING_COLUMNS))
    return claims.assign(discrepancy_id=[f"{place:016x}" for place in range(len(claims))])


def candidates(both_sides: BothSides, policy: Policy) -> list[list[tuple[object, ...]]]:
    """Return which ids Octopods may be asked for."""
    case, days = both_sides.case, both_sides.days
    return [
        sorted(zip(*(getattr(found, one.name).tolist() for one in fields(found)), strict=True))
        for found in (
            lookup_priority.accused(case, days, policy),
            lookup_priority.left_open(case, days),
        )
    ]


Read = Callable[[RunMemory | None], BothSides]


def check(
    read: Read,
    engine: sa.Engine,
    policy: Policy,
    memory: RunMemory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Read in one piece and in partitions, and compare all that a run takes of it."""
    with read(None) as whole:
        claims = every_claim(whole)
        monkeypatch.setattr("recon.store.absence_claims.of_days", lambda *_: claims)
        with read(memory) as parts:
            # Hardly any records, of which earlier ones tell when they ended.
            is_one_piece = whole.earlier is not None
            fits = whole.row_count < 2 * memory.budget().rows
            assert not parts.is_in_memory or fits or is_one_piece
            assert parts.row_count == whole.row_count
            assert parts.is_waiting() == whole.is_waiting()
            found, expected = parts.judge(engine), whole.judge(engine)
            for day, mine, theirs in zip(whole.days, found, expected, strict=True):
                assert told(mine) == told(theirs)
                assert parts.digest(day) == whole.digest(day)
                bases = {
                    one.basis(day, input_digest="", evidence=mine.evidence, settings="")
                    for one in (parts, whole)
                }
                assert len(bases) == 1
                if any(one.gaps for one in expected):  # claims are asked about only then
                    assert settled(mine, claims) == settled(theirs, claims)
            assert candidates(parts, policy) == candidates(whole, policy)
    assert memory.beside is not None
    assert not memory.beside.exists() or not list(memory.beside.iterdir())


def settled(verdict: Verdict, claims: pd.DataFrame) -> list[bool]:
    assert verdict.is_settled is not None
    return verdict.is_settled(claims).tolist()


def check_odd_day(
    seed: int,
    engine: sa.Engine,
    folder: Path,
    sends: int,
    monkeypatch: pytest.MonkeyPatch,
    url: str | None = None,
) -> None:
    """Compare an odd day of a store, its records in a file, in SQLite or in another database."""
    rng = random.Random(seed)
    day = odd_days.odd_day(seed, sends)
    collect(engine, day, rng)
    reader = open_reader(records(day, rng, folder, url))
    policy = Policy(region=rng.choice([None, "IE"]), trust_input=rng.random() < 0.7)
    days, untimed = days_of(rng), rng.random() < 0.7

    def read(limit: RunMemory | None) -> BothSides:
        return reconcile.read(
            "main",
            days,
            reader=reader,
            engine=engine,
            policy=policy,
            untimed=untimed,
            memory=limit,
        )

    check(read, engine, policy, memory(sends // 3, folder), monkeypatch)


@pytest.mark.parametrize("seed", [0, 5])
def test_partitions_change_nothing(
    seed: int, engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_odd_day(seed, engine, tmp_path, 100, monkeypatch)


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(100, 100 + int(os.environ.get("RECON_TESTS_DAYS", "4"))))
def test_partitions_of_many_odd_days_change_nothing(
    seed: int, engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_odd_day(seed, engine, tmp_path, 250, monkeypatch)


@pytest.mark.thorough
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("seed", [3, 7])
def test_partitions_of_a_postgresql_store_change_nothing(
    seed: int, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(database_url) as engine:
        check_odd_day(seed, engine, tmp_path, 250, monkeypatch, database_url)


# --- whole nights ------------------------------------------------------------------------------

#: The tables that a run writes, but for the answers that it keeps.
_TABLES = ("runs", "findings", "finding_changes")


@pytest.mark.thorough
def test_two_nights_store_and_report_the_same(migrated_sqlite: Path, tmp_path: Path) -> None:
    ways = {"whole": None, "parts": RunMemory(20, tmp_path / "scratch", base=0, row=1)}
    with ExitStack() as stack:
        stage = stack.enter_context(nights(tmp_path, "sqlite:///unused.db"))
        engines = {}
        for way in ways:
            shutil.copy(migrated_sqlite, tmp_path / f"{way}.db")
            engines[way] = stack.enter_context(opened(f"sqlite:///{tmp_path / f'{way}.db'}"))
        settings = config.load(tmp_path / "recon.toml", {"KEY": stage.key})
        stage.send(40, start=minute(-600), minutes=10)
        stage.send(3, start=minute(0), recorded=False)
        stage.workshop.add_records(
            (9001, 77_001, "+353871111111", minute(5), "sent"),
            (9002, None, "+353872222222", minute(6), "sent"),
            (9003, None, "+353873333333", minute(7), "not_sent"),
        )
        for number in range(2):
            found = {}
            for way, memory in ways.items():
                options = RunOptions(None, ["main"], directory=tmp_path / way, memory=memory)
                [outcome] = night.run(settings, engines[way], options, stage.runtime())
                assert outcome.error is None
                assert len(outcome.judged_again) == number
                found[way] = stored_and_reported(engines[way], tmp_path / way)
            assert found["parts"] == found["whole"]
            # The next night, with a record that came late.
            stage.clock.advance(86_400)
            stage.set_record(9002, message_id=str(140))
            stage.send(30, start=minute(1440 * (number + 1)), minutes=10)
    assert not list((tmp_path / "scratch").iterdir())


def stored_and_reported(engine: sa.Engine, directory: Path) -> dict[str, str]:
    """Return the rows of tables and the texts of files, without the names of runs."""
    said = {path.name: path.read_text() for path in sorted(directory.glob("*/*"))}
    with engine.connect() as connection:
        for table in sa.inspect(connection).get_table_names():
            if table in _TABLES:
                rows = connection.execute(sa.text(f"SELECT * FROM {table}"))  # noqa: S608 - our own
                said[table] = repr([*rows])
    return {name: _RUN.sub("RUN", text) for name, text in said.items()}
