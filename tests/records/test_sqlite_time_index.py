"""A short span of a large SQLite table is read by the index of its times, and nothing is lost."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.records import sqlite_time_index
from recon.records.connections import read_only_engine
from recon.records.reader_factory import open_reader
from recon.records.source import Source
from recon.records.sql_source import SqlReader
from tests.records.samples import END, NOON, START, local_ids, sqlite_source
from tests.records.test_time_conditions import GARBAGE, NUMBERS, TEXTS

#: Rows of a stretch, here.
FEW = 3
BLANKS = st.sampled_from(
    ["2026-04-23 12:00:00.12 ", "2026-04-23 12:00:00 +00:00", "2026-04-23\t12:00:00",
     "2026-04-23  12:00", "2026-01-01 12:00:00\n", "2026-01-01 12:00:00Z ", "2026-01-01 24:00:00",
     "2026-01-01 12:00:00.1\t+01:00", "2026-01-01 12:00:00 Z", "2026-04-31 12:00:00",
     "2026-04-21 24:00:00-23:59", "2026-04-21T24:00-23:30", "2026/4/23 9:05", "2026-4-23 9:05",
     "Thu, 23 Apr 2026 10:00:00 +0000", "2026-04-23, 9:05 AM", "20260423100000"]
)  # fmt: skip


def table(path: Path, values: list[Any], kind: str = "", index: str = "sent_at") -> Source:
    """Make a table of many records of another year, and of some with these times."""
    times = ["2019-01-01 00:00:00"] * 100 + values
    rows = [(place, place, None, value, None) for place, value in enumerate(times)]
    source = sqlite_source(path, rows, f",,,{kind},")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE INDEX by_time ON sends ({index})")
    return source


def indexed(source: Source) -> SqlReader:
    assert source.url is not None
    return SqlReader(source, read_only_engine(source.url, source.timezone), range_rows=FEW)


def parts(source: Source) -> list[sa.ColumnElement[bool]] | None:
    assert source.url is not None
    with sa.create_engine(source.url, poolclass=sa.NullPool).connect() as connection:
        return sqlite_time_index.parts(connection, sa.table("sends"), "sent_at", (START, END), FEW)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["", "DATETIME", "INTEGER"])
@settings(max_examples=25)
@given(
    values=st.lists(
        TEXTS | GARBAGE | BLANKS | NUMBERS | NUMBERS.map(int) | TEXTS.map(str.encode), max_size=8
    )
)
def test_every_row_that_a_scan_finds_is_read(kind: str, values: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as room:
        source = table(Path(room) / "records.db", values, kind)
        assert parts(source) is not None
        one, other = indexed(source).read(START, END), open_reader(source).read(START, END)
        few = indexed(source).read(START, END, all_rejects=False)
    assert local_ids(one.frame) == local_ids(few.frame) == local_ids(other.frame)
    assert local_ids(one.rejects) == local_ids(other.rejects)
    assert set(local_ids(few.rejects)) <= set(local_ids(other.rejects))


UNREAL = [
    "2026-02-30 12:00:00",
    "2026-02-30",
    "2025-02-29 12:00:00",
    "2026-04-23 24:00:00",
    "2026-04-23 24:00:00é",
    "1999-12-31 12:00:00",
    "2250-01-01 12:00:00",
    "-0044-03-15 12:00:00",
    "2026-13-01 12:00:00",
]


@pytest.mark.parametrize("kind", ["", "DATETIME"])
@pytest.mark.parametrize("many", [0, 60])
def test_days_and_hours_that_are_none_are_among_the_unreadable_rows(
    tmp_path: Path, kind: str, many: int
) -> None:
    days = [
        f"2018-02-30 12:00:{n:02}" if n % 2 else f"20{10 + n}-02-30 12:00:00" for n in range(many)
    ]
    real = ["2026-01-01", "2026-01-01 12", "2026-01-01 12:00:00", "2028-02-29 23:59:59", NOON]
    source = table(tmp_path / "records.db", [*UNREAL, *days, *real], kind)
    with closing(sqlite3.connect(tmp_path / "records.db")) as connection, connection:
        # As often as is needed for these rows to be few.
        times = ((n, "2019-01-01 00:00:00") for n in range(1_000, 2_000))
        connection.executemany("INSERT INTO sends (id, sent_at) VALUES (?, ?)", times)
    assert parts(source) is not None
    one, other = indexed(source).read(START, END), open_reader(source).read(START, END)
    assert local_ids(one.frame) == local_ids(other.frame)
    assert local_ids(one.rejects) == local_ids(other.rejects)
    # 24:00 is the midnight after.
    assert len(one.rejects) == len(UNREAL) + many - 1


def test_the_index_alone_says_which_rows_are_read(tmp_path: Path) -> None:
    source = table(tmp_path / "records.db", [NOON, "soon"])
    assert source.url is not None
    conditions = parts(source)
    assert conditions is not None
    plans = []
    with sa.create_engine(source.url, poolclass=sa.NullPool).connect() as connection:
        for condition in conditions:
            asked = sa.select(sa.text("*")).select_from(sa.table("sends")).where(condition)
            compiled = asked.compile(connection, compile_kwargs={"literal_binds": True})
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")
            plans += [row.detail for row in plan]
            assert len(connection.execute(asked).all()) == 1
    assert not [step for step in plans if step == "SCAN sends"]
    assert "SCAN sends USING COVERING INDEX by_time" in plans


@pytest.mark.parametrize("index", ["status, sent_at", "sent_at) WHERE (id > 5"])
def test_an_index_that_does_not_lead_to_every_row_is_not_used(tmp_path: Path, index: str) -> None:
    assert parts(table(tmp_path / "records.db", [NOON], index=index)) is None


def test_a_span_of_much_of_the_table_is_read_through(tmp_path: Path) -> None:
    assert parts(table(tmp_path / "records.db", [NOON] * 20)) is None


def test_without_all_rejects_only_what_begins_with_no_real_hour_is_read(tmp_path: Path) -> None:
    near = [NOON, "2026-04-23 12:61:00", "2026-04-22 24:00:00"]
    elsewhere = [
        None,
        "soon",
        "23/04/2026",
        "20260423T120000",
        b"x",
        1776945600,
        "2026-04-23T12:00Z",
    ]
    left_out = ["2026-01-01 12:61:00", "2026-01-01 12:00:00 x"]
    source = table(tmp_path / "records.db", [*near, *elsewhere, *left_out])
    full = indexed(source).read(START, END)
    few = indexed(source).read(START, END, all_rejects=False)
    assert local_ids(few.frame) == local_ids(full.frame)
    assert len(few.frame) == 5
    lacking = set(local_ids(full.rejects)) - set(local_ids(few.rejects))
    assert lacking == {"110", "111"}


def test_without_all_rejects_the_index_is_only_searched(tmp_path: Path) -> None:
    values = [f"2018-01-{day:02} 12:00:00" for day in range(1, 29)]
    source = table(tmp_path / "records.db", [*values, NOON, "soon", None, 5])
    assert source.url is not None
    with sa.create_engine(source.url, poolclass=sa.NullPool).connect() as connection:
        conditions = sqlite_time_index.parts(
            connection, sa.table("sends"), "sent_at", (START, END), FEW, all_rejects=False
        )
        assert conditions is not None
        for condition in conditions:
            asked = sa.select(sa.text("*")).select_from(sa.table("sends")).where(condition)
            compiled = asked.compile(connection, compile_kwargs={"literal_binds": True})
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")
            assert not [row.detail for row in plan if row.detail.startswith("SCAN sends")]
