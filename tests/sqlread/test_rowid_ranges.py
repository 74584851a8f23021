"""Large tables of SQLite are read as Arrow columns, and come out as in the plain way."""

from __future__ import annotations

import logging
import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from recon.errors import InputError
from recon.records.connections import read_only_engine
from recon.records.reader_factory import open_reader
from recon.records.source import Source
from recon.records.sql_source import SqlReader
from tests.records.samples import END, NOON, ROW, START, sqlite_source

#: Rows of a stretch, here, and one more.
FEW = 3
TAKEN = "an answer was read as Arrow"

Ways: TypeAlias = Callable[[], list[str]]

TIMES = st.sampled_from(
    [NOON, "2026-04-23 12:00:00", "2026-04-23", "2019-01-01", "soon", "", None, 1776945600,
     1776945600123, 12, 1776945600.5, b"2026-04-23"]
)  # fmt: skip
#: No float that a column of texts would hold as `7.0`: what becomes of that is decided by chunks.
#: No `7.0`: in a column of texts, what becomes of it is decided chunk by chunk.
IDS = (
    st.none() | st.integers(-(2**63), 2**63 - 1) | st.sampled_from(["07", "7", "a", "", 7.5, b"7"])
)
WORDS = (
    st.none() | st.text(max_size=4) | st.sampled_from(["sent", "READ", "null", 'a "b"', 1, b"\xff"])
)
ROWS = st.lists(st.tuples(IDS, IDS, WORDS, TIMES, WORDS), max_size=14)
TYPES = st.sampled_from(
    [
        ",,,,",
        "TEXT,TEXT,TEXT,TEXT,TEXT",
        "INTEGER,BIGINT,TEXT,DATETIME,TEXT",
        "INTEGER PRIMARY KEY,REAL,BLOB,INTEGER,NUMERIC",
    ]
)


def in_stretches(source: Source) -> SqlReader:
    assert source.url is not None
    return SqlReader(source, read_only_engine(source.url, source.timezone), range_rows=FEW)


def assert_alike(source: Source) -> None:
    one = in_stretches(source).read(START, END)
    other = open_reader(source).read(START, END)  # so few rows are read in the plain way
    # Rows that are left out may have words, which stay behind as categories, and textual ids,
    # beside which the other ids are texts as well: both chunk by chunk.
    texts = {"status": "str", "local_id": "str"}
    left, right = (read.frame.astype(texts) for read in (one, other))
    assert_frame_equal(left, right)
    assert_frame_equal(one.rejects, other.rejects)


def row(number: int, **fields: object) -> tuple[object, ...]:
    names = ("id", "message_id", "phone_number", "sent_at", "status")
    ordinary = {**dict(zip(names, ROW, strict=True)), "id": number, "message_id": 10 * number}
    return tuple({**ordinary, **fields}.values())


@pytest.fixture
def ways(caplog: pytest.LogCaptureFixture) -> Ways:
    """Tell how each stretch was read."""
    caplog.set_level(logging.DEBUG, logger="recon.sqlread")
    return lambda: [record.getMessage() for record in caplog.records]


@pytest.mark.thorough
@settings(max_examples=40)
@given(rows=ROWS, types=TYPES)
def test_any_table_is_read_as_in_the_plain_way(rows: list[tuple[Any, ...]], types: str) -> None:
    if "PRIMARY KEY" in types:
        rows = [(place * 5, *rest) for place, (_, *rest) in enumerate(rows)]
    with tempfile.TemporaryDirectory() as room:
        assert_alike(sqlite_source(Path(room) / "a.db", rows, types))


@pytest.mark.parametrize(
    "types",
    ["INTEGER PRIMARY KEY,BIGINT,TEXT,DATETIME,TEXT", "TEXT,TEXT,TEXT,TEXT,TEXT", ",,,,"],
)
@pytest.mark.parametrize("time", [NOON, "2026-04-23 12:00:00.5", 1776945600, 1776945600123])
def test_ordinary_records_come_as_arrow(
    types: str, time: object, tmp_path: Path, ways: Ways
) -> None:
    rows = [row(n, sent_at=time, status=None if n % 2 else "sent") for n in range(10)]
    source = sqlite_source(tmp_path / "a.db", rows, types)
    assert len(in_stretches(source).read(START, END).frame) == 10
    assert ways() == [TAKEN] * 3
    assert_alike(source)


def test_odd_cells_are_read_in_the_plain_way_from_there_on(tmp_path: Path, ways: Ways) -> None:
    rows = [row(n, message_id=b"7" if n == 5 else n) for n in range(12)]
    source = sqlite_source(tmp_path / "a.db", rows)
    assert len(in_stretches(source).read(START, END).frame) == 12
    # The second answer is asked for, and may be refused, before the first is looked at.
    assert sorted(ways()) == sorted([TAKEN, "an answer was not read as Arrow: OperationalError"])
    assert_alike(source)


def test_row_ids_may_lie_anywhere(tmp_path: Path, ways: Ways) -> None:
    ids = [-(2**63), -5, 0, 1, 2, 10**15, 2**63 - 2, 2**63 - 1]
    rows = [row(n, message_id=n) for n in ids]
    records = in_stretches(sqlite_source(tmp_path / "a.db", rows, "INTEGER PRIMARY KEY,,,,"))
    assert records.read(START, END).frame["local_id"].tolist() == ids
    assert set(ways()) == {TAKEN}


def test_a_table_may_have_holes_and_rows_of_other_days(tmp_path: Path, ways: Ways) -> None:
    rows = [row(n, sent_at="2019-01-01" if n < 20 or n % 3 else NOON) for n in range(40)]
    source = sqlite_source(tmp_path / "a.db", rows)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection, connection:
        connection.execute("DELETE FROM sends WHERE id BETWEEN 22 AND 31")
    assert in_stretches(source).read(START, END).frame["local_id"].tolist() == [21, 33, 36, 39]
    assert set(ways()) == {TAKEN}
    assert_alike(source)


SENDS = "CREATE TABLE sends (id PRIMARY KEY, message_id, phone_number, sent_at, status"
VIEW = "CREATE VIEW sends AS SELECT * FROM t"


@pytest.mark.parametrize(
    "tables",
    [
        f"{SENDS}) WITHOUT ROWID",
        f"{SENDS}, rowid)",
        f"{SENDS}); ALTER TABLE sends RENAME TO t; {VIEW}",
        "CREATE VIRTUAL TABLE sends USING fts5(id, message_id, phone_number, sent_at, status)",
        "CREATE TABLE sends (id, message_id, phone_number, sent_at, j, status AS (j -> '$'))",
    ],
    ids=["without row ids", "row ids hidden", "view", "virtual", "computed"],
)
def test_what_is_no_ordinary_table_is_read_in_the_plain_way(
    tables: str, tmp_path: Path, ways: Ways
) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection, connection:
        connection.executescript(tables)
        table = "t" if "VIEW" in tables else "sends"
        last = "j" if " j," in tables else "status"
        names = f"id, message_id, phone_number, sent_at, {last}"
        rows = [row(n, status='["sent"]') for n in range(9)]
        connection.executemany(f"INSERT INTO {table} ({names}) VALUES (?, ?, ?, ?, ?)", rows)  # noqa: S608
    records = in_stretches(Source(url=f"sqlite:///{tmp_path / 'a.db'}", table="sends"))
    frame = records.read(START, END).frame
    assert frame["status"].tolist() == ['["sent"]'] * 9
    assert ways() == []


def test_a_column_may_be_of_several_fields_and_conditions_count(tmp_path: Path, ways: Ways) -> None:
    records = in_stretches(
        sqlite_source(
            tmp_path / "a.db",
            [row(n) for n in range(10)],
            columns={"id": "message_id", "message_id": "message_id"},
            where="message_id > 20 OR status = 'read' -- ours",
        )
    )
    frame = records.read(START, END).frame
    assert frame["local_id"].tolist() == frame["message_id"].tolist() == list(range(30, 100, 10))
    assert set(ways()) == {TAKEN}


def test_a_text_that_is_not_utf8_costs_nothing(tmp_path: Path, ways: Ways) -> None:
    records = in_stretches(sqlite_source(tmp_path / "a.db", [row(n) for n in range(10)]))
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection, connection:
        connection.execute("UPDATE sends SET phone_number = CAST(x'2BFF' AS TEXT) WHERE id = 7")
    numbers = records.read(START, END).frame["phone_number"]
    assert numbers.tolist() == [*["+353871234567"] * 7, "+\ufffd", *["+353871234567"] * 2]
    tried = len(ways())
    records.read(START, END)
    assert len(ways()) == tried


def test_refused_sql_is_reported_with_the_message_of_sqlite(tmp_path: Path) -> None:
    records = in_stretches(
        sqlite_source(tmp_path / "a.db", [row(n) for n in range(10)], where="chanel = 1")
    )
    with pytest.raises(InputError, match="no such column: chanel"):
        records.read(START, END)


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_nothing_is_written_beside_the_file(mode: str, tmp_path: Path) -> None:
    records = in_stretches(sqlite_source(tmp_path / "a.db", [row(n) for n in range(10)]))
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
    before = (tmp_path / "a.db").read_bytes()
    assert len(records.read(START, END).frame) == 10
    assert os.listdir(tmp_path) == ["a.db"]  # noqa: PTH208
    assert (tmp_path / "a.db").read_bytes() == before


def test_all_stretches_are_of_one_state_of_the_file(tmp_path: Path, ways: Ways) -> None:
    path = tmp_path / "a.db"
    records = in_stretches(sqlite_source(path, [row(n) for n in range(10)]))
    with closing(sqlite3.connect(path, isolation_level=None)) as application:
        application.execute("PRAGMA journal_mode = WAL")
        application.execute("CREATE TABLE other (a)")

        class Writing(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                if record.getMessage() == TAKEN:
                    application.execute("INSERT INTO sends SELECT * FROM sends")

        handler = Writing()
        logging.getLogger("recon.sqlread.sqlite_arrow").addHandler(handler)
        try:
            assert len(records.read(START, END).frame) == 10
        finally:
            logging.getLogger("recon.sqlread.sqlite_arrow").removeHandler(handler)
        assert ways() == [TAKEN] * 3
        assert len(records.read(START, END).frame) == 80
