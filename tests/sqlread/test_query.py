"""Answers of many rows: the same cells from every database, and each row once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import sqlalchemy as sa

from recon.sqlread.driver_rows import FIRST, Batch
from recon.sqlread.query import Query, read

SENDS = sa.table("sends", sa.column("id"), sa.column("word"))
SERIES = sa.text("SELECT n AS id, 'w' || n AS word FROM generate_series(1, :count) n")
#: The same, but for its last row, which divides by zero.
BROKEN = sa.text(
    "SELECT n AS id, 'w' || n / sign(:count - n) AS word FROM generate_series(1, :count) n"
)


def cells(batches: Iterable[Batch]) -> list[tuple[Any, ...]]:
    """Return the rows of batches, sorted."""
    found: list[tuple[Any, ...]] = []
    for names, _, columns in batches:
        assert list(names) == ["id", "word"]
        plain = [one if isinstance(one, list) else one.to_pylist() for one in columns]
        found += zip(*plain, strict=True)
    return sorted(found)


@pytest.fixture
def sqlite() -> Iterable[sa.Connection]:
    engine = sa.create_engine("sqlite://", connect_args={"check_same_thread": False})
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE sends (id INTEGER PRIMARY KEY, word)")
        connection.execute(
            sa.text("INSERT INTO sends VALUES (:id, :word)"),
            [{"id": number, "word": f"w{number}"} for number in range(50)],
        )
        yield connection
    engine.dispose()


def test_a_table_in_ranges_has_each_row_once(sqlite: sa.Connection) -> None:
    query = Query([sa.select(SENDS)], batch_rows=5, table=SENDS, range_rows=7)
    assert read(sqlite, query, cells) == [(number, f"w{number}") for number in range(50)]


@pytest.mark.parametrize("at", [0, 20, 49])
def test_a_value_that_is_no_json_is_read_with_all_after_it_by_the_driver(
    sqlite: sa.Connection, at: int
) -> None:
    sqlite.execute(sa.text("UPDATE sends SET word = 1.5 WHERE id = :at"), {"at": at})
    parts = [
        sa.select(SENDS).where(SENDS.c.id >= start, SENDS.c.id < start + 10)
        for start in range(0, 50, 10)
    ]
    expected = [(number, 1.5 if number == at else f"w{number}") for number in range(50)]
    assert read(sqlite, Query(parts, batch_rows=5, are_parts=True), cells) == expected
    ranges = Query([sa.select(SENDS)], batch_rows=5, table=SENDS, range_rows=7)
    assert read(sqlite, ranges, cells) == expected


@pytest.mark.parametrize("count", [0, 3, FIRST + 2])
def test_postgres_gives_the_same_in_either_way(postgres_url: str, count: int) -> None:
    asked = SERIES.bindparams(count=count)
    expected = sorted((number, f"w{number}") for number in range(1, count + 1))
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        for is_same in (lambda _: True, lambda _: False):
            assert read(connection, Query([asked], 50_000, is_same=is_same), cells) == expected


def test_what_fails_halfway_in_binary_is_read_whole_by_the_driver(postgres_url: str) -> None:
    pytest.importorskip("adbc_driver_postgresql")
    asked, broken = (one.bindparams(count=FIRST) for one in (SERIES, BROKEN))
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        found = read(connection, Query([asked], 50_000, binary=[broken]), cells)
    assert found == sorted((number, f"w{number}") for number in range(1, FIRST + 1))


def test_nothing_asked_for_is_nothing_found(sqlite: sa.Connection) -> None:
    for are_parts in (False, True):
        assert read(sqlite, Query([], batch_rows=5, are_parts=are_parts), cells) == []


def test_an_error_of_the_collector_is_not_taken_for_one_of_the_answer(
    sqlite: sa.Connection,
) -> None:
    def refuse(_: Iterable[Batch]) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        read(sqlite, Query([sa.select(SENDS)], batch_rows=5, table=SENDS, range_rows=7), refuse)
