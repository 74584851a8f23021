"""Explaining a row searches records without a readable time only as far as they matter."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from recon.config import Settings
from recon.jobs import wiring
from recon.jobs.explain import explain
from recon.model import VerdictKind
from recon.records.connections import read_only_engine
from recon.records.reader import RecordsRead, RecordsReader
from recon.records.sql_source import SqlReader
from recon.store import runs
from tests.factories import NOON, run
from tests.jobs.stage import NUMBERS, Stage, staged

TODAY = NOON.date()
OLD_TIME = "2019-01-01 12:00:00"
#: It begins with a real day and hour, so that only a look at all of the text tells.
BAD_TIME = "2019-01-01 12:61:00"
#: Of no message.
OTHER_ID = 77_777
#: What kind of id a record has that has no readable time.
UNREADABLE = ("", "of another", "of the message", "none", "fraction", "of a recorded one")


class _Counted(SqlReader):
    """Reads an SQLite table of any size as a large one; counts searches of all times and ids."""

    searches = 0
    lookups = 0

    def read(
        self, start: datetime | None, end: datetime | None, *, all_rejects: bool = True
    ) -> RecordsRead:
        self.searches += all_rejects
        return super().read(start, end, all_rejects=all_rejects)

    def find_record(self, local_id: str) -> RecordsRead:
        self.lookups += 1
        return super().find_record(local_id)


def counted(settings: Settings, account: str) -> _Counted:
    source = wiring.source(settings.accounts[account].local)
    assert source.url is not None
    return _Counted(source, read_only_engine(source.url, source.timezone), range_rows=3)


@pytest.fixture
def stage(tmp_path: Path, engine: sa.Engine) -> Iterator[Stage]:
    """Some messages of today, collected; the table of records is long and has indexes."""
    with staged(tmp_path, engine) as made:
        yield made


def send(stage: Stage, *, unrecorded: int, unreadable: str) -> list[int]:
    """Send messages, three with a record, on the newest day of a run; return their ids."""
    sent = []
    for n in range(3 + unrecorded):
        stage.clock.advance(60)
        sent.append(stage.channel.send(NUMBERS.format(n), stage.clock.now))
    stage.clock.advance(900)
    stage.collect(force=True)
    rows: list[tuple[Any, ...]] = [
        (one.message_id, one.phone_number, one.sent_at.isoformat()) for one in sent[:3]
    ]
    rows += [(9_000 + n, NUMBERS.format(9), OLD_TIME) for n in range(100)]
    ids = {
        "of another": OTHER_ID,
        "of the message": sent[-1].message_id,
        "none": None,
        "fraction": sent[-1].message_id + 0.5,
        "of a recorded one": sent[0].message_id,
    }
    if unreadable:
        rows.append((ids[unreadable], sent[-1].phone_number, BAD_TIME))
    with closing(sqlite3.connect(stage.room / "records.db")) as connection, connection:
        insert = "INSERT INTO sends (message_id, phone_number, sent_at) VALUES (?, ?, ?)"
        connection.executemany(insert, rows)
        connection.execute("CREATE INDEX by_time ON sends (sent_at)")
        connection.execute("CREATE INDEX by_message ON sends (message_id)")
    runs.save(stage.engine, run([]), mode="run")
    return [one.message_id for one in sent]


@pytest.mark.parametrize(
    ("unrecorded", "unreadable"),
    [(0, ""), (0, "of another"), (0, "none"), *((2, one) for one in UNREADABLE)],
)
def test_a_row_of_the_newest_day_is_explained_as_if_all_records_were_searched(
    stage: Stage, unrecorded: int, unreadable: str
) -> None:
    ids = send(stage, unrecorded=unrecorded, unreadable=unreadable)

    def rows(wanted: int, open_reader: Any) -> Any:  # noqa: ANN401 - a reader's factory
        return explain(
            stage.settings,
            stage.engine,
            ["main"],
            str(wanted),
            stage.runtime,
            open_reader=open_reader,
        ).rows

    for wanted in (ids[-1], ids[0] if unreadable == "of a recorded one" else OTHER_ID):
        assert rows(wanted, counted) == rows(wanted, wiring.open_reader)


@pytest.mark.parametrize("unreadable", ["", "of another", "none"])
def test_of_a_day_with_discrepancies_no_text_of_all_times_is_searched(
    stage: Stage, unreadable: str
) -> None:
    ids = send(stage, unrecorded=2, unreadable=unreadable)
    readers: list[_Counted] = []

    def opened(settings: Settings, account: str) -> RecordsReader:
        readers.append(counted(settings, account))
        return readers[-1]

    [one] = explain(
        stage.settings,
        stage.engine,
        ["main"],
        str(ids[-2]),
        stage.runtime,
        open_reader=opened,
    ).rows
    assert one.day is not None
    assert one.day.label == TODAY.isoformat()
    assert one.verdict == VerdictKind.DISCREPANCIES.value
    assert [(reader.searches, reader.lookups) for reader in readers] == [(0, 1)]


def test_what_is_proven_and_the_notes_about_it_are_read_once(stage: Stage) -> None:
    wanted = send(stage, unrecorded=1, unreadable="")[-1]
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:  # noqa: ANN401
        asked.append(statement)

    sa.event.listen(stage.engine, "before_cursor_execute", note)
    [one] = explain(stage.settings, stage.engine, ["main"], str(wanted), stage.runtime).rows
    sa.event.remove(stage.engine, "before_cursor_execute", note)
    assert one.surroundings is not None
    for table in ("coverage", "absences"):
        assert sum(f"FROM {table} " in " ".join(each.split()) for each in asked) == 1, table
