"""Records in a table or a query: what is read, what is found, and that nothing is written."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recon.errors import ConfigError, InputError, TemporaryError
from recon.records.connections import read_only_engine
from recon.records.reader_factory import open_reader
from recon.records.source import Source
from tests.records.samples import END, NOON, ROW, START, local_ids, sqlite_records

INT64 = st.integers(-(2**63), 2**63 - 1).filter(lambda n: n not in (0, -1))  # they are no ids


def wanted(*ids: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(ids, dtype=np.int64)


def id_rows(ids: list[Any]) -> list[tuple[Any, ...]]:
    return [(place, one, "+1", NOON, "sent") for place, one in enumerate(ids)]


def found(frame: pd.DataFrame) -> list[int | None]:
    ordered = frame.sort_values("local_id")["message_id"]
    return [None if value is pd.NA else int(value) for value in ordered]


# --- reading -------------------------------------------------------------------------------------


def test_a_table_is_read_with_the_users_names_words_and_zone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute('CREATE TABLE "Sent Messages" (pk, msg, "to", "at", state, body)')
        connection.execute(
            'INSERT INTO "Sent Messages" VALUES'
            " (7, 3851828, '+353 87 123 4567', '2026-04-23 13:00:00', 'Accepted', 'Hi')"
        )
    records = open_reader(
        Source(
            url=f"sqlite:///{path}",
            table="Sent Messages",
            timezone="Europe/Dublin",
            columns={
                "id": "pk", "message_id": "msg", "phone_number": "to", "sent_at": "at",
                "status": "state",
            },
            statuses={"accepted": "sent"},
        )
    )  # fmt: skip
    read = records.read(START, END)
    assert read.frame.iloc[0].to_dict() == {
        "local_id": 7,
        "message_id": 3851828,
        "odd_message_id": pytest.approx(np.nan, nan_ok=True),
        "phone_number": "+353 87 123 4567",
        "sent_at": pd.Timestamp("2026-04-23T12:00:00Z"),
        "other_minutes": 0,
        "status": "sent",
    }
    assert read.fields == {"id", "message_id", "phone_number", "sent_at", "status"}


def test_fields_that_the_records_do_not_keep_are_null(tmp_path: Path) -> None:
    records = sqlite_records(
        tmp_path / "a.db", columns={"id": "", "phone_number": "", "status": ""}
    )
    read = records.read(START, END)
    assert read.fields == {"message_id", "sent_at"}
    assert read.frame[["local_id", "phone_number", "status"]].isna().all(axis=None)


def test_where_says_which_rows_are_ours_when_reading_and_when_finding(tmp_path: Path) -> None:
    rows = [ROW, ("2", "12", "sms:1", NOON, "sent")]
    where = "phone_number LIKE '+%' AND '10:30' = '10:30' -- not :start"
    records = sqlite_records(tmp_path / "a.db", rows, where=where)
    assert local_ids(records.read(START, END).frame) == ["1"]
    assert local_ids(records.find(wanted(12, 3851828)).frame) == ["1"]


def test_many_rows_are_read_in_chunks_and_none_is_lost(tmp_path: Path) -> None:
    count = 70_001
    rows = ((n, n, "+1", NOON, "sent" if n % 2 else "read") for n in range(count))
    read = sqlite_records(tmp_path / "a.db", rows).read(START, END)
    assert sorted(read.frame["local_id"]) == list(range(count))
    assert isinstance(read.frame["status"].dtype, pd.CategoricalDtype)
    assert read.frame.index.tolist()[-1] == count - 1


def test_an_empty_table_is_empty_records(tmp_path: Path) -> None:
    read = sqlite_records(tmp_path / "a.db", []).read(None, None)
    assert len(read.frame) == len(read.rejects) == 0


def test_a_text_that_is_not_utf8_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    records = sqlite_records(path, [ROW, ("2", "2", "+2", NOON, "sent")])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE sends SET phone_number = CAST(x'2BFF' AS TEXT) WHERE id = '2'")
    read = records.read(START, END)
    assert sorted(read.frame["phone_number"]) == ["+353871234567", "+\ufffd"]


def test_a_view_is_as_good_as_a_table(tmp_path: Path) -> None:
    sqlite_records(tmp_path / "a.db")
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection, connection:
        connection.execute("CREATE VIEW ours AS SELECT * FROM sends")
    read = open_reader(Source(url=f"sqlite:///{tmp_path / 'a.db'}", table="ours")).read(START, END)
    assert local_ids(read.frame) == ["1"]


def test_a_query_with_two_columns_of_one_name_is_refused(tmp_path: Path) -> None:
    sqlite_records(tmp_path / "a.db")
    query = "SELECT *, 'later' AS status FROM sends"
    records = open_reader(Source(url=f"sqlite:///{tmp_path / 'a.db'}", query=query))
    with pytest.raises(InputError, match="several columns 'status'"):
        records.read(START, END)
    others = {"status": ""}
    records = open_reader(Source(url=f"sqlite:///{tmp_path / 'a.db'}", query=query, columns=others))
    assert local_ids(records.read(START, END).frame) == ["1"]


# --- ids -----------------------------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["", "INTEGER", "TEXT", "NUMERIC", "BLOB"])
@settings(max_examples=40)
@given(ids=st.lists(INT64, max_size=5, unique=True))
def test_ids_of_64_bits_survive_sqlite_and_are_found_in_it(kind: str, ids: list[int]) -> None:
    with tempfile.TemporaryDirectory() as room:
        records = sqlite_records(Path(room) / "a.db", id_rows(ids), f",{kind},,,")
        assert found(records.read(START, END).frame) == ids
        assert found(records.find(wanted(*ids)).frame) == ids
        assert found(records.find(wanted(*ids[:1])).frame) == ids[:1]


@pytest.mark.parametrize("kind", ["bigint", "text", "varchar(20)", "char(30)", "numeric"])
@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(ids=st.lists(st.none() | INT64, max_size=5, unique=True))
def test_ids_of_64_bits_survive_postgres_and_are_found_in_it(
    kind: str, ids: list[int | None], server: psycopg.Connection, schema: str, postgres_url: str
) -> None:
    server.execute(f"DROP TABLE IF EXISTS {schema}.sends".encode())
    _postgres_table(server, schema, id_rows(ids), message_id=kind)
    records = open_reader(Source(url=postgres_url, table=f"{schema}.sends"))
    assert found(records.read(START, END).frame) == ids
    known = [one for one in ids if one is not None]
    assert found(records.find(wanted(*known)).frame) == known


def test_an_id_is_found_whatever_the_time_of_its_record(tmp_path: Path) -> None:
    rows = [("1", 7, "+1", "2019-01-01", "sent"), ("2", 7, "+1", "never", "sent"), ROW]
    read = sqlite_records(tmp_path / "a.db", rows).find(wanted(7))
    assert local_ids(read.frame) == ["1"]
    assert local_ids(read.rejects) == ["2"]


def test_very_many_ids_are_found_at_once(tmp_path: Path) -> None:
    records = sqlite_records(tmp_path / "a.db", id_rows(list(range(2, 3002, 2))))
    assert len(records.find(np.arange(200_000, dtype=np.int64)).frame) == 1500


@pytest.mark.parametrize("options", [{"columns": {"message_id": ""}}, {}])
def test_nothing_is_found_without_ids(tmp_path: Path, options: dict[str, Any]) -> None:
    records = sqlite_records(tmp_path / "a.db", **options)
    read = records.find(wanted() if not options else wanted(3851828))
    assert len(read.frame) == len(read.rejects) == 0


# --- PostgreSQL ----------------------------------------------------------------------------------


def _postgres_table(
    server: psycopg.Connection, schema: str, rows: list[tuple[Any, ...]], **kinds: str
) -> None:
    types = {"id": "int", "message_id": "bigint", "phone_number": "text", "sent_at": "timestamptz",
             "status": "text", **kinds}  # fmt: skip
    columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
    server.execute(f"CREATE TABLE {schema}.sends ({columns})".encode())
    values = ", ".join(f"%s::text::{kind}" for kind in types.values())
    insert = f"INSERT INTO {schema}.sends VALUES ({values})"  # noqa: S608 - of the tests' own
    with server.cursor() as cursor:
        cursor.executemany(insert.encode(), rows)


def test_every_type_that_an_application_may_choose_is_read_from_postgres(
    server: psycopg.Connection, schema: str, postgres_url: str
) -> None:
    server.execute(f"CREATE TYPE {schema}.state AS ENUM ('queued', 'sent')".encode())
    server.execute(f"CREATE DOMAIN {schema}.moment AS timestamptz".encode())
    uuid = "123e4567-e89b-12d3-a456-426614174000"
    _postgres_table(
        server, schema, [(uuid, "2" + "0" * 18, "353871234567", NOON, "queued")],
        id="uuid", message_id="numeric(30,2)", phone_number="numeric", status=f"{schema}.state",
        sent_at=f"{schema}.moment",
    )  # fmt: skip
    source = Source(url=postgres_url, table=f"{schema}.sends", statuses={"queued": "not_sent"})
    row = open_reader(source).read(START, END).frame.iloc[0]
    assert row["local_id"] == uuid
    assert row["message_id"] == 2 * 10**18
    assert row["phone_number"] == "353871234567"
    assert row["sent_at"] == pd.Timestamp(NOON)
    assert row["status"] == "not_sent"


def test_a_query_is_read_in_the_zone_of_the_records(
    server: psycopg.Connection, schema: str, postgres_url: str
) -> None:
    rows = [
        (n, n, "+1", time, "sent")
        for n, time in enumerate(
            [
                "2026-04-23 00:00:00",
                "2026-04-22 23:59:59",
                "2026-04-23 23:59:59",
                "2026-04-24 00:00:00",
            ]
        )
    ]
    _postgres_table(server, schema, rows, sent_at="timestamp")
    query = f"""
        SELECT id AS id, message_id, phone_number, status, sent_at::timestamp AS sent_at,
               '{{"a": "::text"}}'::jsonb ->> 'a' AS other -- :start
        FROM {schema}.sends
        WHERE sent_at >= :start AND sent_at < :end::timestamptz AND phone_number LIKE '+%';
    """  # noqa: S608 - of the tests' own
    records = open_reader(Source(url=postgres_url, query=query, timezone="Europe/Dublin"))
    assert local_ids(records.read(START, END).frame) == ["0", "2"]
    assert not records.can_find
    assert len(records.find(wanted(0)).frame) == 0


def test_a_time_that_python_cannot_hold_is_a_reject_also_in_a_query(
    server: psycopg.Connection, schema: str, postgres_url: str
) -> None:
    _postgres_table(server, schema, [(1, 1, "+1", NOON, "sent"), (2, 2, "+2", "infinity", "sent")])
    query = f"SELECT * FROM {schema}.sends"  # noqa: S608 - of the tests' own
    read = open_reader(Source(url=postgres_url, query=query)).read(START, END)
    assert local_ids(read.frame) == ["1"]
    assert read.rejects["reason"].tolist() == ["sent_at cannot be read: 'infinity'"]


def test_postgres_is_only_read(server: psycopg.Connection, schema: str, postgres_url: str) -> None:
    _postgres_table(server, schema, [(1, 1, "+1", NOON, "sent")])
    server.execute(
        f"CREATE FUNCTION {schema}.empty() RETURNS void LANGUAGE sql "  # noqa: S608 - our own
        f"AS 'DELETE FROM {schema}.sends'".encode()
    )
    with pytest.raises(InputError, match="read-only transaction"):
        open_reader(Source(url=postgres_url, query=f"SELECT {schema}.empty()")).read(START, END)
    gone = f"WITH gone AS (DELETE FROM {schema}.sends RETURNING *) SELECT * FROM gone"  # noqa: S608
    with pytest.raises(InputError):
        open_reader(Source(url=postgres_url, query=gone)).read(START, END)
    count = server.execute(f"SELECT count(*) FROM {schema}.sends".encode()).fetchone()  # noqa: S608
    assert count == (1,)


def test_the_session_is_left_as_it_was_found(postgres_url: str) -> None:
    """Behind a pooler another application gets the session next."""
    database = read_only_engine(postgres_url, "Asia/Tokyo")
    ask = "SELECT current_setting('TimeZone'), current_setting('default_transaction_read_only')"
    inside = database.run(lambda one: one.exec_driver_sql("SHOW TimeZone").scalar())
    assert inside == "Asia/Tokyo"

    def after_the_transaction(connection: sa.Connection) -> Any:  # noqa: ANN401
        connection.commit()
        return connection.exec_driver_sql(ask).one()

    zone, only_read = database.run(after_the_transaction)
    assert zone != "Asia/Tokyo"
    assert only_read == "off"


# --- SQLite --------------------------------------------------------------------------------------


def test_a_query_on_sqlite_misses_no_spelling(tmp_path: Path) -> None:
    spelled = ["2026-04-23 00:00:00", "2026-04-23T12:00:00Z", "2026-04-24T01:00:00+14:00"]
    rows = [(n, n, "+1", time, "sent") for n, time in enumerate([*spelled, "2026-04-20"])]
    sqlite_records(tmp_path / "a.db", rows)
    query = "SELECT * FROM sends WHERE sent_at >= :start AND sent_at < :end"
    records = open_reader(Source(url=f"sqlite:///{tmp_path / 'a.db'}", query=query))
    assert local_ids(records.read(START, END).frame) == ["0", "1", "2"]


def test_a_query_may_ask_for_epochs_or_for_no_bounds_at_all(tmp_path: Path) -> None:
    noon = int(datetime(2026, 4, 23, 12, tzinfo=UTC).timestamp())
    rows = [(n, n, "+1", time, "sent") for n, time in enumerate([noon, noon - 9 * 86400])]
    sqlite_records(tmp_path / "a.db", rows)
    for condition in ("sent_at BETWEEN :start_epoch AND :end_epoch", "1", "sent_at < :end_ms"):
        query = f"SELECT * FROM sends WHERE {condition}"  # noqa: S608 - of the tests' own
        records = open_reader(Source(url=f"sqlite:///{tmp_path / 'a.db'}", query=query))
        assert local_ids(records.read(START, END).frame) == ["0"]


def _state(room: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in room.iterdir()}


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_nothing_is_written_to_a_database_or_beside_it(tmp_path: Path, mode: str) -> None:
    records = sqlite_records(tmp_path / "a.db")
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
    before = _state(tmp_path)
    assert len(records.read(START, END).frame) == 1
    assert len(records.find(wanted(3851828)).frame) == 1
    assert _state(tmp_path) == before


def test_what_a_live_application_has_just_written_is_read_in_wal_mode(tmp_path: Path) -> None:
    records = sqlite_records(tmp_path / "a.db")
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as application:
        application.execute("PRAGMA journal_mode = WAL")
        application.execute("INSERT INTO sends VALUES (2, 2, '+2', ?, 'sent')", [NOON])
        assert (tmp_path / "a.db-wal").stat().st_size
        assert local_ids(records.read(START, END).frame) == ["1", "2"]


def test_an_application_that_wakes_up_while_its_database_is_read_makes_it_read_again(
    tmp_path: Path,
) -> None:
    sqlite_records(tmp_path / "a.db")
    application = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    application.execute("PRAGMA journal_mode = WAL")
    application.close()
    database = read_only_engine(f"sqlite:///{tmp_path / 'a.db'}", "UTC")
    seen: list[Any] = []

    def work(connection: sa.Connection) -> int:
        seen.append(connection.exec_driver_sql("SELECT count(*) FROM sends").scalar())
        if len(seen) == 1:
            writer = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
            writer.execute("INSERT INTO sends VALUES (2, 2, '+2', '2026', 'sent')")
            writers.append(writer)
        return int(seen[-1])

    writers: list[sqlite3.Connection] = []
    assert database.run(work) == 2
    assert seen == [1, 2]
    writers[0].close()


@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO sends VALUES (9, 9, 9, 9, 9)", "DROP TABLE sends", "CREATE TABLE x(a)"],
)
def test_sqlite_is_only_read(tmp_path: Path, statement: str) -> None:
    sqlite_records(tmp_path / "a.db")
    database = read_only_engine(f"sqlite:///{tmp_path / 'a.db'}", "UTC")
    with pytest.raises(InputError, match="readonly"):
        database.run(lambda connection: connection.exec_driver_sql(statement))


def test_sqlite_cannot_be_talked_into_writing(tmp_path: Path) -> None:
    sqlite_records(tmp_path / "a.db")
    database = read_only_engine(f"sqlite:///{tmp_path / 'a.db'}", "UTC")

    def talk(connection: sa.Connection) -> object:
        connection.exec_driver_sql("PRAGMA query_only = OFF")
        return connection.exec_driver_sql("DELETE FROM sends")

    with pytest.raises(InputError, match="readonly"):
        database.run(talk)


def test_odd_characters_in_a_path_are_no_options(tmp_path: Path) -> None:
    path = tmp_path / "a?mode=rwc#1 %41.db"
    sqlite_records(tmp_path / "plain.db")
    shutil.copy(tmp_path / "plain.db", path)
    url = sa.URL.create("sqlite", database=str(path)).render_as_string()
    assert len(open_reader(Source(url=url, table="sends")).read(START, END).frame) == 1


def test_sqlites_own_spelling_of_a_file_is_understood(tmp_path: Path) -> None:
    sqlite_records(tmp_path / "a b.db")
    for name in (f"file:{tmp_path}/a%20b.db", f"file://{tmp_path}/a%20b.db?mode=rwc"):
        records = open_reader(
            Source(url=f"sqlite:///{name}&uri=true".replace("db&", "db?"), table="sends")
        )
        assert len(records.read(START, END).frame) == 1


# --- what is not there ---------------------------------------------------------------------------


def test_a_missing_file_is_reported_and_not_made(tmp_path: Path) -> None:
    sqlite_records(tmp_path / "records.db")
    records = open_reader(Source(url=f"sqlite:///{tmp_path / 'recods.db'}", table="sends"))
    with pytest.raises(
        InputError, match=r"there is no file .*recods\.db\n.*Similar names there: records\.db"
    ):
        records.read(START, END)
    assert [path.name for path in tmp_path.iterdir()] == ["records.db"]


def test_a_directory_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    records = open_reader(Source(url=f"sqlite:///{tmp_path}", table="sends"))
    with pytest.raises(InputError, match=f"{tmp_path} is a directory, not a file"):
        records.read(START, END)


def test_a_missing_table_names_the_near_ones_and_all(tmp_path: Path) -> None:
    sqlite_records(tmp_path / "a.db")
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("CREATE TABLE users (id)")
    records = open_reader(Source(url=f"sqlite:///{tmp_path / 'a.db'}", table="send"))
    with pytest.raises(InputError) as raised:
        records.read(START, END)
    assert str(raised.value) == (
        "the database has no table 'send'; did you mean 'sends'?\n  It has: sends, users."
    )


def test_missing_columns_are_all_reported_with_the_near_ones(tmp_path: Path) -> None:
    records = sqlite_records(
        tmp_path / "a.db", columns={"phone_number": "phone", "status": "Staus"}
    )
    with pytest.raises(InputError) as raised:
        records.read(START, END)
    assert str(raised.value) == (
        "table sends has no column 'phone'; did you mean 'phone_number'?\n"
        "table sends has no column 'Staus'; did you mean 'status'?\n"
        "  It has: id, message_id, phone_number, sent_at, status."
    )


def test_a_missing_column_of_a_query_is_reported(tmp_path: Path) -> None:
    sqlite_records(tmp_path / "a.db")
    query = "SELECT id, message_id, phone_number, status, sent_at AS send_at FROM sends"
    records = open_reader(Source(url=f"sqlite:///{tmp_path / 'a.db'}", query=query))
    with pytest.raises(InputError, match="answer has no column 'sent_at'; did you mean 'send_at'"):
        records.read(START, END)


@pytest.mark.parametrize("table", ["nowhere.sends", "pg_catalog.sends"])
def test_a_missing_schema_or_a_table_of_one_is_reported(postgres_url: str, table: str) -> None:
    with pytest.raises(InputError, match=r"schema \w+ has no table 'sends'"):
        open_reader(Source(url=postgres_url, table=table)).read(START, END)


# --- errors --------------------------------------------------------------------------------------


def _reading(**options: Any) -> Callable[[], object]:  # noqa: ANN401
    return lambda: open_reader(Source(**{"table": "sends", **options})).read(START, END)


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("nonsense", ConfigError, "cannot be read"),
        ("postgresql://u:p@ss:w0rd@host:x/db", ConfigError, "cannot be read"),
        ("oracel://u:w0rd@host/db", ConfigError, "unknown database type: oracel"),
        ("mysql+nothere://u:w0rd@host/db", ConfigError, "unknown database type: mysql"),
        ("mssql+pymssql://u:w0rd@host/db", ConfigError, "is not installed"),
        ("sqlite://", ConfigError, "names no file"),
        ("sqlite:///file:a?mode=memory&uri=true", ConfigError, "names no file"),
        ("postgresql+psycopg://u:w0rd@127.0.0.1:1/db", TemporaryError, "cannot be reached"),
        ("postgresql+psycopg://u:w0rd@127.0.0.1:1/db?nonsense=1", ConfigError, "nonsense"),
    ],
)
def test_a_database_that_cannot_be_opened_is_reported_without_its_password(
    url: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as raised:
        _reading(url=url)()
    assert "w0rd" not in str(raised.value)


def test_a_refused_user_or_database_is_a_matter_of_configuration(
    server: psycopg.Connection, postgres_url: str
) -> None:
    server.execute("DROP ROLE IF EXISTS locked")
    server.execute("CREATE ROLE locked LOGIN PASSWORD 'right'")
    url = sa.make_url(postgres_url)
    refused = [
        url.set(username="locked", password="wr0ng/word"),
        url.set(username="nobody_at_all", password="wr0ng/word"),
        url.set(database="no_such_database", password="wr0ng/word"),
    ]
    for one in refused:
        with pytest.raises(ConfigError, match="refuses access") as raised:
            _reading(url=one.render_as_string(hide_password=False))()
        assert "wr0ng" not in str(raised.value)


def test_a_table_that_may_not_be_read_is_a_matter_of_configuration(
    server: psycopg.Connection, schema: str, postgres_url: str
) -> None:
    _postgres_table(server, schema, [])
    server.execute("DROP ROLE IF EXISTS stranger")
    server.execute("CREATE ROLE stranger LOGIN")
    server.execute(f"GRANT USAGE ON SCHEMA {schema} TO stranger".encode())
    url = sa.make_url(postgres_url).set(username="stranger").render_as_string()
    with pytest.raises(ConfigError, match="permission denied for table sends"):
        _reading(url=url, table=f"{schema}.sends")()
    server.execute("DROP OWNED BY stranger")


def test_sql_that_the_database_refuses_is_reported_in_its_own_words(
    tmp_path: Path, server: psycopg.Connection, schema: str, postgres_url: str
) -> None:
    _postgres_table(server, schema, [])
    sqlite_records(tmp_path / "a.db")
    url = f"sqlite:///{tmp_path / 'a.db'}"
    for reading, words in [
        (_reading(url=url, where="chanel = 1"), "no such column: chanel"),
        (_reading(url=url, where="("), "syntax error|incomplete input"),
        (_reading(url=url, table=None, query="SELEC 1"), "syntax error"),
        (_reading(url=url, table=None, query="SELECT :strat"), "bindings supplied"),
        (
            _reading(url=postgres_url, table=f"{schema}.sends", where="chanel = 1"),
            '"chanel" does not',
        ),
        (_reading(url=postgres_url, table=None, query="SELECT 1/0"), "division by zero"),
    ]:
        with pytest.raises(InputError, match=words):
            reading()


def test_a_file_that_is_no_database_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(InputError, match="not a database"):
        _reading(url=f"sqlite:///{tmp_path / 'a.db'}")()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_reported(tmp_path: Path) -> None:
    sqlite_records(tmp_path / "a.db")
    (tmp_path / "a.db").chmod(0)
    with pytest.raises(ConfigError, match="cannot be opened"):
        _reading(url=f"sqlite:///{tmp_path / 'a.db'}")()


def test_a_locked_database_is_temporary(tmp_path: Path) -> None:
    sqlite_records(tmp_path / "a.db")
    database = read_only_engine(f"sqlite:///{tmp_path / 'a.db'}", "UTC")
    assert database.file is not None
    database.file.patience_seconds = 0.0
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as application:
        application.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TemporaryError, match="busy: database is locked"):
            database.run(lambda one: one.exec_driver_sql("SELECT * FROM sends").all())


def test_a_statement_that_takes_too_long_is_temporary(postgres_url: str) -> None:
    database = read_only_engine(postgres_url, "UTC")

    def slow(connection: sa.Connection) -> object:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 1")
        return connection.exec_driver_sql("SELECT pg_sleep(10)").all()

    with pytest.raises(TemporaryError, match="statement timeout"):
        database.run(slow)


def test_a_connection_that_breaks_is_temporary(
    server: psycopg.Connection, postgres_url: str
) -> None:
    database = read_only_engine(postgres_url, "UTC")

    def broken(connection: sa.Connection) -> object:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        server.execute("SELECT pg_terminate_backend(%s)", [pid])
        return connection.exec_driver_sql("SELECT 1").all()

    with pytest.raises(TemporaryError):
        database.run(broken)


# --- what a reader says of itself -----------------------------------------------------------------


def test_the_columns_of_a_table_come_with_their_types(
    server: psycopg.Connection, schema: str, postgres_url: str
) -> None:
    _postgres_table(server, schema, [])
    records = open_reader(Source(url=postgres_url, table=f"{schema}.sends", columns={"status": ""}))
    assert records.columns()["sent_at"] == "sent_at (TIMESTAMP WITH TIME ZONE)"
    assert "status" not in records.columns()
    assert f"table {schema}.sends at postgresql+psycopg://" in records.describe()


def test_the_columns_of_a_query_are_those_of_the_mapping(tmp_path: Path) -> None:
    source = Source(url=f"sqlite:///{tmp_path / 'a.db'}", query="SELECT 1", columns={"id": "pk"})
    assert open_reader(source).columns()["id"] == "pk"


def test_a_description_shows_no_password() -> None:
    source = Source(url="postgresql+psycopg://u:w0rd@db/x?password=w0rd", query="SELECT 1")
    assert open_reader(source).describe() == "a query at postgresql+psycopg://u:***@db/x"
