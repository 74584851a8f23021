"""A look-up by id finds exactly the rows in which the plain reading sees that id."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import numpy as np
import psycopg
import pytest
import sqlalchemy as sa

from recon.records import id_conditions
from recon.records.reader_factory import open_reader
from recon.records.source import Source
from tests.core.test_id_spellings import NOT_READ, PARTS, READ
from tests.records.samples import NOON, local_ids, sqlite_records

ID = 3851828
#: Many more ids than one statement takes, so that the others are looked for as well.
IDS = np.array([ID, -7, 2**62, *range(10**9, 10**9 + 500)], dtype=np.int64)

TEXTS: list[str | None] = [
    "3851828", "3851828.0", " 3851828", "3851828\r", "\t3851828\n", "03851828", "3851828.",
    "3851828.000", "\u00a03851828\u00a0", "\u30003851828", "3851828\v", "\x0c3851828", "'3851828",
    "#3851828", '="3851828"', "3,851,828", "3 851 828", "-7", "-07", " -7.0", "wamid.3851828",
    "3851829", "38518281", "13851828", "3851828x", "3.85e6", None, "", " ", "NULL",
    *(spelled.replace("3851800", "3851828") for spelled in (*READ, *NOT_READ)),
    "4611686018427387904", " 4611686018427387904", "9" * 30, "1000000499", "1000000499 ",
]  # fmt: skip


def assert_finds_what_reading_sees(source: Source, least: int) -> None:
    """Compare with all rows, read in the plain way and filtered by the ids that were seen."""
    reader = open_reader(source)
    every = reader.read(None, None).frame
    seen = every[every["message_id"].isin(IDS)]
    assert len(seen) >= least
    assert local_ids(reader.find(IDS).frame) == local_ids(seen)


def rows(ids: Sequence[Any]) -> list[tuple[Any, ...]]:
    return [(place, one, "+1", NOON, "sent") for place, one in enumerate(ids)]


@pytest.mark.parametrize("kind", ["", "TEXT", "INTEGER", "BLOB"])
def test_in_sqlite(tmp_path: Path, kind: str) -> None:
    ids = [*TEXTS, ID, float(ID), str(ID).encode(), b" 3851828\r", b"\x12\x34", ID + 1]
    sqlite_records(tmp_path / "a.db", rows(ids), f",{kind},,,")
    assert_finds_what_reading_sees(Source(url=f"sqlite:///{tmp_path / 'a.db'}", table="sends"), 20)


def _as_json(text: str | None) -> str | None:
    return None if text is None else json.dumps(text)


POSTGRES: dict[str, Sequence[str | None]] = {
    "text": TEXTS,
    "varchar(90)": TEXTS,
    "char(90)": TEXTS,
    "json": [
        *map(_as_json, TEXTS),
        "3851828",
        "3851828.0",
        "3.851828e6",
        "null",
        "{}",
        "[3851828]",
    ],
    "jsonb": [*map(_as_json, TEXTS), "3851828", "3851828.0", "3.851828e6", "null", "{}", "true"],
    "bytea": [None if text is None else rf"\x{text.encode().hex()}" for text in TEXTS],
    "numeric": ["3851828", "3851828.00", "-7", None, "4611686018427387904", "3851828.5", "NaN"],
    "double precision": ["3851828", "-7", None, "3851828.5"],
}


@pytest.mark.parametrize("kind", POSTGRES)
def test_in_postgres(kind: str, server: psycopg.Connection, schema: str, postgres_url: str) -> None:
    columns = f"id int, message_id {kind}, phone_number text, sent_at timestamptz, status text"
    server.execute(f"CREATE TABLE {schema}.sends ({columns})".encode())
    insert = f"INSERT INTO {schema}.sends VALUES (%s, %s::text::{kind}, %s, %s, %s)"  # noqa: S608
    with server.cursor() as cursor:
        cursor.executemany(insert.encode(), rows(POSTGRES[kind]))
    assert_finds_what_reading_sees(Source(url=postgres_url, table=f"{schema}.sends"), 2)


@pytest.mark.parametrize(
    "kind",
    ["varchar(90)", "char(90)", "text", "blob", "binary(90)", "json", "bit(64)", "decimal(30,2)"],
)
def test_in_mariadb(kind: str, mariadb_url: str) -> None:
    ids: Sequence[Any] = TEXTS
    if kind == "json":
        ids = [*map(_as_json, TEXTS), "3851828", "3851828.0"]
    elif kind in ("bit(64)", "decimal(30,2)"):
        ids = [ID, ID + 1, 2**62, None, *range(10**9, 10**9 + 500, 50)]
    engine = sa.create_engine(mariadb_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS sends")
        connection.exec_driver_sql(
            f"CREATE TABLE sends (id int, message_id {kind}, phone_number text,"
            " sent_at varchar(90), status text)"
        )
        connection.exec_driver_sql("INSERT INTO sends VALUES (%s, %s, %s, %s, %s)", rows(ids))
    assert_finds_what_reading_sees(Source(url=mariadb_url, table="sends"), 2)


def test_in_duckdb(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    with closing(duckdb.connect(path)) as connection:
        columns = "id int, message_id text, phone_number text, sent_at text, status text"
        connection.execute(f"CREATE TABLE sends ({columns})")
        connection.executemany("INSERT INTO sends VALUES (?, ?, ?, ?, ?)", rows(TEXTS))
    assert_finds_what_reading_sees(Source(url=f"duckdb:///{path}", table="sends"), len(READ))


def test_no_text_that_is_read_as_an_id_is_left_out(tmp_path: Path) -> None:
    rng = Random(7)
    texts = []
    for _ in range(5_000):
        before, after = (rng.choices(PARTS, k=rng.randrange(4)) for _ in range(2))
        texts.append("".join([*before, str(ID), *after]))
    sqlite_records(tmp_path / "a.db", rows(texts), ",TEXT,,,")
    assert_finds_what_reading_sees(Source(url=f"sqlite:///{tmp_path / 'a.db'}", table="sends"), 500)


def test_where_texts_cannot_be_distinguished_all_ids_are_read() -> None:
    made = id_conditions.conditions(sa.column("id"), sa.String(), [1, 2], "mssql")
    assert [str(one) for one in made] == ["id IS NOT NULL"]


def test_plain_texts_of_other_ids_are_not_even_read(tmp_path: Path) -> None:
    others = [str(ID + 1), f"{ID + 1}.0", "wamid.HBgL1", "9b2e7c1a-0f3d-4e5b", "", None]
    others += [f"msg_{ID}", f"message-{ID}", f"id{ID}", f"paid {ID}", "https://x.example/sms/1"]
    sqlite_records(tmp_path / "a.db", rows(others))
    (condition,) = id_conditions.conditions(sa.column("message_id"), sa.Text(), [ID], "sqlite")
    query = sa.select(sa.text("message_id")).select_from(sa.table("sends")).where(condition)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        said = query.compile(compile_kwargs={"literal_binds": True})
        assert connection.execute(str(said)).fetchall() == []
