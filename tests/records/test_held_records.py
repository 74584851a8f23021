"""What was read is held; what goes beyond it is asked for."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from recon.records import reader as readers
from recon.records.held_records import HeldRecords
from recon.records.reader import RecordsReader
from recon.records.reader_factory import open_reader
from recon.records.source import Source
from tests.factories import NOON

HOUR = timedelta(hours=1)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "sends.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE sends (id, message_id, phone_number, sent_at, status)")
        times = [(NOON + number * HOUR).isoformat() for number in range(6)]
        rows = [(n, n, "+353871234567", at, "sent") for n, at in enumerate([*times, "never"])]
        connection.executemany("INSERT INTO sends VALUES (?, ?, ?, ?, ?)", rows)
    return path


def reader_of(path: Path) -> RecordsReader:
    return open_reader(Source(url=f"sqlite:///{path}", table="sends"))


def test_a_part_is_as_the_reader_itself_gives_it(table: Path) -> None:
    reader = reader_of(table)
    held = HeldRecords(reader, NOON, NOON + 5 * HOUR)
    for start, end in ((NOON, NOON + 5 * HOUR), (NOON + HOUR, NOON + 3 * HOUR)):
        mine, theirs = held.read(start, end), reader.read(start, end)
        pd.testing.assert_frame_equal(mine.frame, theirs.frame)
        pd.testing.assert_frame_equal(mine.rejects, theirs.rejects)
        assert mine.fields == theirs.fields


def test_the_database_is_not_asked_for_a_part_again(table: Path) -> None:
    held = HeldRecords(reader_of(table), NOON, NOON + 5 * HOUR)
    table.unlink()
    assert len(held.read(NOON + HOUR, NOON + 3 * HOUR).frame) == 2


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [(NOON, None, 6), (None, NOON + HOUR, 1), (NOON + HOUR, NOON + 6 * HOUR, 5)],
)
def test_what_goes_beyond_it_is_asked_for(
    table: Path, start: datetime | None, end: datetime | None, count: int
) -> None:
    held = HeldRecords(reader_of(table), NOON, NOON + 5 * HOUR)
    assert len(held.read(start, end).frame) == count


@pytest.mark.parametrize("is_held", [True, False])
def test_parts_are_together_what_is_read_at_once(table: Path, *, is_held: bool) -> None:
    reader = reader_of(table)
    if is_held:
        reader = HeldRecords(reader, NOON, NOON + 5 * HOUR)
    whole = reader.read(NOON + HOUR, NOON + 4 * HOUR)
    parts = readers.joined(reader.read_in_parts(NOON + HOUR, NOON + 4 * HOUR, list))
    pd.testing.assert_frame_equal(parts.frame, whole.frame)
    pd.testing.assert_frame_equal(parts.rejects, whole.rejects)
    assert readers.newest(reader, NOON, NOON + 4 * HOUR) == NOON + 3 * HOUR
    assert readers.newest(reader, NOON - 4 * HOUR, NOON) is None
