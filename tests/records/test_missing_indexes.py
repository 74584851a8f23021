"""A large table that is read whole for each look-up: which indexes its owner can add."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from recon.records.connections import read_only_engine
from recon.records.reader_factory import open_reader
from recon.records.source import Source
from recon.records.sql_source import SqlReader

COLUMNS = "phone_number varchar(20), status varchar(20)"


def advised(url: str, table: str = "sends", *, large: int = 0, where: str | None = None) -> str:
    source = Source(url=url, table=table, where=where)
    reader = SqlReader(source, read_only_engine(url, "UTC"), large_rows=large)
    return "\n".join(reader.advised_indexes())


def sqlite_file(path: Path, *statements: str) -> str:
    with closing(sqlite3.connect(path / "a.db")) as connection, connection:
        for one in statements:
            connection.execute(one)
    return f"sqlite:///{path / 'a.db'}"


TABLE = f"CREATE TABLE sends (id INTEGER PRIMARY KEY, message_id, sent_at TEXT, {COLUMNS})"
ROW = "INSERT INTO sends (id) VALUES (1)"
BOTH = (
    "CREATE INDEX sends_message_id_idx ON sends (message_id);\n"
    "CREATE INDEX sends_sent_at_idx ON sends (sent_at);"
)


@pytest.mark.parametrize(
    ("index", "advice"),
    [
        ("SELECT 1", BOTH),
        ("CREATE INDEX i ON sends (status, sent_at)", BOTH),
        ("CREATE INDEX i ON sends (sent_at) WHERE status = 'sent'", BOTH),
        ("CREATE INDEX i ON sends (date(sent_at))", BOTH),
        ("CREATE UNIQUE INDEX i ON sends (Message_ID, status)", BOTH.splitlines()[1]),
        ("CREATE INDEX i ON sends (sent_at, status)", BOTH.splitlines()[0]),
    ],
)
def test_in_sqlite_an_index_begins_with_the_column(tmp_path: Path, index: str, advice: str) -> None:
    url = sqlite_file(tmp_path, TABLE, ROW, index)
    assert advised(url) == advice
    sqlite_file(tmp_path, *advice.splitlines())
    assert advised(url) == ""


def test_an_index_of_the_rows_that_are_ours_is_enough(tmp_path: Path) -> None:
    partial = "CREATE INDEX i{0} ON sends ({0}) WHERE status = 'sent'"
    indexes = [partial.format(name) for name in ("message_id", "sent_at")]
    url = sqlite_file(tmp_path, TABLE, ROW, *indexes)
    assert advised(url, where="status = 'sent'") == ""


def test_a_small_table_a_view_a_query_and_a_file_need_none(tmp_path: Path) -> None:
    url = sqlite_file(tmp_path, TABLE, ROW, "CREATE VIEW seen AS SELECT * FROM sends")
    assert advised(url, large=1) == ""
    assert advised(url, "seen") == ""
    assert open_reader(Source(url=url, query="SELECT * FROM sends")).advised_indexes() == ()
    assert open_reader(Source(file=tmp_path / "a.csv")).advised_indexes() == ()


def test_in_postgres_the_statement_does_not_stop_the_application(
    server: psycopg.Connection, schema: str, postgres_url: str
) -> None:
    kinds = "id uuid, message_id text, sent_at timestamptz"
    for name, more in (("Sends", ""), ("parts", "PARTITION BY RANGE (sent_at)")):
        server.execute(f'CREATE TABLE {schema}."{name}" ({kinds}, {COLUMNS}) {more}'.encode())
    server.execute(f"CREATE TABLE {schema}.part PARTITION OF {schema}.parts DEFAULT".encode())
    for name in ("Sends", "parts"):
        server.execute(f'INSERT INTO {schema}."{name}" (sent_at) VALUES (now())'.encode())  # noqa: S608
    # Of ids that are texts all are read, however they are spelled.
    assert advised(postgres_url, f"{schema}.Sends").splitlines() == [
        f'CREATE INDEX CONCURRENTLY "Sends_id_idx" ON {schema}."Sends" (id);',
        f'CREATE INDEX CONCURRENTLY "Sends_sent_at_idx" ON {schema}."Sends" (sent_at);',
    ]
    assert advised(postgres_url, f"{schema}.parts").splitlines() == [
        f"CREATE INDEX parts_id_idx ON {schema}.parts (id);",
        f"CREATE INDEX parts_sent_at_idx ON {schema}.parts (sent_at);",
    ]
    for name in ("Sends", "parts"):
        for one in advised(postgres_url, f"{schema}.{name}").splitlines():
            server.execute(one.encode())
        assert advised(postgres_url, f"{schema}.{name}") == ""


def test_in_mariadb(mariadb_url: str) -> None:
    engine = sa.create_engine(mariadb_url, poolclass=sa.NullPool)
    kinds = "id varchar(36), message_id bigint PRIMARY KEY, sent_at datetime"
    with engine.begin() as connection:
        # The server is shared with other tests.
        connection.exec_driver_sql("DROP TABLE IF EXISTS sends")
        connection.exec_driver_sql(f"CREATE TABLE sends ({kinds}, {COLUMNS})")
        connection.exec_driver_sql("INSERT INTO sends (message_id) VALUES (1)")
    try:
        advice = advised(mariadb_url).splitlines()
        assert advice == [
            "CREATE INDEX sends_id_idx ON sends (id);",
            "CREATE INDEX sends_sent_at_idx ON sends (sent_at);",
        ]
        with engine.begin() as connection:
            for one in advice:
                connection.exec_driver_sql(one)
        assert advised(mariadb_url) == ""
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE sends")
