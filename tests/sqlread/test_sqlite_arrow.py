"""Answers of SQLite as Arrow columns: the very cells of the plain way, or none at all."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.sqlread import sqlite_arrow

if TYPE_CHECKING:
    import pyarrow as pa

TEXTS = st.text() | st.sampled_from(
    [
        *(
            "",
            "0",
            "007",
            "7",
            "-1",
            "1.0",
            "1e3",
            "null",
            "NULL",
            "true",
            '"',
            '"a"',
            "','",
            '","',
        ),
        *(
            "\\",
            "\\u0041",
            "\0",
            "a\0b",
            "\n",
            "\r\n",
            ",null,",
            '",null,"',
            "[1]",
            "{}",
            "\x7f",
            "é🐙",
        ),
        *("9223372036854775807", "2026-04-23 12:00:00", "\u2028", "\ufeff", "\ud7ff", " 1 "),
    ]
)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
CELLS = (
    st.none()
    | INTEGERS
    | TEXTS
    | st.floats(allow_nan=False)
    | st.binary(max_size=3)
    # Binary JSON: null, the numbers 7 and 77, the text a, an empty array.
    | st.sampled_from([b"\x00", b"\x13\x37", b"\x2377", b"\x17a", b"\x1aa", b"\x0b"])
)
ALIKE = st.sampled_from([st.none() | INTEGERS, st.none() | TEXTS, INTEGERS, TEXTS, CELLS])
COLUMNS = st.integers(1, 12).flatmap(
    lambda count: st.lists(
        ALIKE.flatmap(lambda cells: st.lists(cells, min_size=count, max_size=count)),
        min_size=1,
        max_size=4,
    )
)
KINDS = st.lists(
    st.sampled_from(
        ["", "TEXT", "INTEGER", "REAL", "NUMERIC", "BLOB", "DATETIME", "TEXT COLLATE NOCASE"]
    ),
    min_size=4,
    max_size=4,
)


def engine() -> sa.Engine:
    return sa.create_engine("sqlite://", poolclass=sa.NullPool)


def filled(connection: sa.Connection, kinds: list[str], columns: list[list[Any]]) -> sa.Select[Any]:
    """Make a table of these columns, and return the statement that selects them."""
    names = [f"c{place}" for place in range(len(columns))]
    given = ", ".join(f"{name} {kind}" for name, kind in zip(names, kinds, strict=False))
    driver: Any = connection.connection.dbapi_connection
    driver.execute(f"CREATE TABLE kept ({given})")
    marks = ", ".join("?" * len(names))
    driver.executemany(f"INSERT INTO kept VALUES ({marks})", zip(*columns, strict=True))  # noqa: S608
    wanted: list[sa.ColumnClause[Any]] = [sa.column(name) for name in names]
    return sa.select(*wanted).select_from(sa.table("kept"))


def read_columns(
    connection: sa.Connection,
    statement: sa.Select[Any],
    *,
    count_blobs: bool = sqlite_arrow.BLOBS_MAY_BE_JSON,
) -> dict[str, pa.Array] | None:
    answer = sqlite_arrow.ask(connection, statement, count_blobs=count_blobs)
    return None if answer is None else answer.parsed()


def answered(
    kind: str, *cells: object, count_blobs: bool = sqlite_arrow.BLOBS_MAY_BE_JSON
) -> list[Any] | None:
    with engine().connect() as connection:
        statement = filled(connection, [kind], [[*cells]])
        columns = read_columns(connection, statement, count_blobs=count_blobs)
    if columns is None:
        return None
    (column,) = columns.values()
    found: list[Any] = column.to_pylist()
    return found


@settings(max_examples=150)
@given(columns=COLUMNS, kinds=KINDS, blobs_counted=st.booleans())
def test_each_cell_is_that_of_the_plain_way_or_there_is_none(
    *, columns: list[list[Any]], kinds: list[str], blobs_counted: bool
) -> None:
    count_blobs = blobs_counted or sqlite_arrow.BLOBS_MAY_BE_JSON
    with engine().connect() as connection:
        statement = filled(connection, kinds, columns)
        plain = [list(column) for column in zip(*connection.execute(statement), strict=True)]
        types = [{type(cell) for cell in column} - {type(None)} for column in plain]
        found = read_columns(connection, statement, count_blobs=count_blobs)
    if found is None:
        assert any(kinds not in ({int}, {str}, set()) for kinds in types)
        return
    assert [column.to_pylist() for column in found.values()] == plain
    assert all(len(kinds) < 2 and not kinds & {float, bytes} for kinds in types)


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param((1, "1"), id="texts beside numbers"),
        pytest.param(("a", 1234), id="a number as long as null"),
        pytest.param((1.5,), id="reals"),
        pytest.param((1e300, 1), id="large reals"),
        pytest.param((float("inf"), 1), id="infinity"),
        pytest.param((b"a",), id="blobs"),
        pytest.param(("a", b"\x17a"), id="blobs of binary JSON"),
        pytest.param((7, b"\x13\x37"), id="numbers of binary JSON"),
    ],
)
@pytest.mark.parametrize("count_blobs", {True, sqlite_arrow.BLOBS_MAY_BE_JSON})
def test_other_columns_are_declined(cells: tuple[object, ...], *, count_blobs: bool) -> None:
    assert answered("", *cells, count_blobs=count_blobs) is None


@pytest.mark.parametrize("bad", ["ff", "61ff5c", "eda080", "c080"])
@pytest.mark.parametrize("other", ["a", '"'])
def test_a_text_that_is_not_utf8_is_declined(bad: str, other: str) -> None:
    with engine().connect() as connection:
        statement = filled(connection, [""], [[other]])
        connection.exec_driver_sql(f"INSERT INTO kept VALUES (CAST(x'{bad}' AS TEXT))")  # noqa: S608
        assert read_columns(connection, statement) is None


def test_null_is_null_wherever_it_stands() -> None:
    assert answered("", None, None) == [None, None]
    assert answered("", None, 1, None, None, 2) == [None, 1, None, None, 2]
    assert answered("", None, "a", None, None, "", None) == [None, "a", None, None, "", None]
    assert answered("") == []


def test_what_sqlite_does_not_know_is_declined() -> None:
    with engine().connect() as connection:
        filled(connection, [""], [["a"]])
        unknown: sa.Select[Any] = sa.select(sa.column("nothing")).select_from(sa.table("kept"))
        assert read_columns(connection, unknown) is None


@pytest.mark.skipif(
    not hasattr(sqlite3.Connection, "setlimit"), reason="pysqlite3 cannot set limits"
)
def test_what_sqlite_cannot_hold_is_declined() -> None:
    with engine().connect() as connection:
        statement = filled(connection, [""], [["a" * 900]])
        driver: Any = connection.connection.dbapi_connection
        driver.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 900)
        assert read_columns(connection, statement) is None


def test_it_takes_texts_of_utf8() -> None:
    with engine().connect() as connection:
        assert sqlite_arrow.is_possible(connection)
        driver: Any = connection.connection.dbapi_connection
        driver.text_factory = bytes
        assert not sqlite_arrow.is_possible(connection)
    with engine().connect() as connection:
        connection.exec_driver_sql("PRAGMA encoding = 'UTF-16'")
        connection.exec_driver_sql("CREATE TABLE a (b)")
        assert not sqlite_arrow.is_possible(connection)


def test_postgres_has_another_way(postgres_url: str) -> None:
    with sa.create_engine(postgres_url, poolclass=sa.NullPool).connect() as connection:
        assert not sqlite_arrow.is_possible(connection)
