"""The cheap count: a hint, close enough, that never loads a row and never waits long."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from recon.errors import ConfigError, InputError, ReconError, TemporaryError
from recon.records.send_counts import SendCounter
from recon.records.source import Source

SINCE = datetime(2026, 4, 23, 12, tzinfo=UTC)
UNTIL = SINCE + timedelta(minutes=10)
DUBLIN = "Europe/Dublin"  # an hour ahead of UTC on that day


def count_since(source: Source, since: datetime, until: datetime, **patience: float) -> int | None:
    """Count from one moment on."""
    counts = SendCounter(source, **patience).since([since], until)
    return None if counts is None else counts[0]


def in_sqlite(path: Path, *times: Any, **options: Any) -> Source:  # noqa: ANN401
    """Return records in SQLite with these times."""
    with closing(sqlite3.connect(path / "records.db")) as connection, connection:
        connection.execute("CREATE TABLE sends (message_id, sent_at, status)")
        connection.executemany("INSERT INTO sends (sent_at) VALUES (?)", [(one,) for one in times])
    return Source(
        **{
            "url": f"sqlite:///{path / 'records.db'}",
            "table": "sends",
            "columns": {"id": "", "phone_number": "", "status": ""},
            **options,
        }
    )


@pytest.mark.parametrize(
    ("time", "zone", "counts"),
    [
        ("2026-04-23T12:00:01Z", "UTC", 1),
        ("2026-04-23 12:10:00", "UTC", 1),
        ("2026-04-23 12:10:00.5", "UTC", 0),
        ("2026-04-23T12:00:00Z", "UTC", 1),
        ("2026-04-23T11:59:59.9Z", "UTC", 0),
        ("2026-04-23 13:05", DUBLIN, 1),
        ("2026-04-23 12:05:00", DUBLIN, 0),
        ("2026-04-23T12:05:00Z", DUBLIN, 1),
        ("2026-04-23T14:05:00+02:00", DUBLIN, 1),
        ("2026-04-22T23:05:00-13:00", "UTC", 1),
        ("2026-04-23 12:05:00,250", "UTC", 1),
        (1776945900, "UTC", 1),
        (1776945900.5, "UTC", 1),
        (1776945900_000, DUBLIN, 1),
        (1776945900_000_000, "UTC", 1),
        (1776945600, "UTC", 1),
        (1776945599, "UTC", 0),
        (1776947000_000, "UTC", 0),
        ("yesterday", "UTC", 0),
        (None, "UTC", 0),
    ],
)
def test_each_spelling_of_a_time_is_counted_where_it_lies(
    tmp_path: Path, time: object, zone: str, counts: int
) -> None:
    source = in_sqlite(tmp_path, time, timezone=zone)
    assert count_since(source, SINCE, UNTIL) == counts


def test_what_is_planned_for_later_is_no_send_yet(tmp_path: Path) -> None:
    times = ["2026-04-23T12:00:30Z", "2026-04-23T12:20:00Z", "2027-01-01T00:00:00Z"]
    assert count_since(in_sqlite(tmp_path, *times), SINCE, UNTIL) == 1


def test_several_moments_are_counted_at_once(tmp_path: Path) -> None:
    times = [(SINCE + timedelta(minutes=n)).isoformat() for n in range(11)]
    moments = [SINCE + timedelta(minutes=9), SINCE, SINCE + timedelta(minutes=20)]
    counter = SendCounter(in_sqlite(tmp_path, *times))
    for _ in range(2):
        assert counter.since(moments, UNTIL) == (2, 11, 0)


def test_a_count_does_not_look_at_the_records_of_two_days(tmp_path: Path) -> None:
    times = [(UNTIL - timedelta(seconds=30 * n)).isoformat() for n in range(5_000)]
    source = in_sqlite(tmp_path, *times)
    with closing(sqlite3.connect(tmp_path / "records.db")) as connection:
        connection.execute("CREATE INDEX by_time ON sends (sent_at)")
    # SQLite is interrupted as soon as it has done some work.
    assert count_since(source, SINCE, UNTIL, patience_seconds=0) == 21


def test_where_and_the_words_for_not_sent_leave_rows_out(tmp_path: Path) -> None:
    source = in_sqlite(
        tmp_path,
        where="message_id > 1 AND '10:30' = '10:30' -- ours",
        columns={"id": "", "phone_number": ""},
        statuses={"Queued": "not_sent", "accepted": "sent"},
    )
    rows = [(1, "sent"), (2, "queued "), (3, "NOT_SENT"), (4, "Accepted"), (5, None), (6, "odd")]
    with closing(sqlite3.connect(tmp_path / "records.db")) as connection, connection:
        connection.executemany("INSERT INTO sends VALUES (?, '2026-04-23T12:05:00Z', ?)", rows)
    assert count_since(source, SINCE, UNTIL) == 3


def test_files_and_queries_are_not_counted(tmp_path: Path) -> None:
    assert count_since(Source(file=tmp_path / "no.csv"), SINCE, UNTIL) is None
    query = "SELECT * FROM sends WHERE sent_at BETWEEN :start AND :end"
    assert count_since(Source(url="sqlite:///no.db", query=query), SINCE, UNTIL) is None


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("timestamptz", "2026-04-23 14:05:00+02", 1),
        ("timestamptz", "2026-04-23 12:05:00+02", 0),
        ("timestamp", "2026-04-23 13:05:00", 1),
        ("timestamp", "2026-04-23 12:05:00", 0),
        ("ours", "2026-04-23 13:05:00", 1),
        ("bigint", "1776945900000", 1),
        ("integer", "1776945900", 1),
        ("numeric", "1776945900.25", 1),
        ("integer", "1776947000", 0),
        ("date", "2026-04-23", None),
        ("text", "2026-04-23T12:05:00Z", None),
    ],
)
def test_postgresql_counts_by_the_type_of_the_column(
    postgres_url: str,
    server: psycopg.Connection,
    schema: str,
    kind: str,
    value: str,
    found: int | None,
) -> None:
    typed = f"{schema}.ours" if kind == "ours" else kind
    server.execute(f"CREATE DOMAIN {schema}.ours AS timestamp".encode())
    server.execute(f"CREATE TABLE {schema}.sends (message_id int, sent_at {typed})".encode())
    server.execute(f"INSERT INTO {schema}.sends VALUES (1, '{value}'), (2, NULL)".encode())  # noqa: S608 - our own words
    source = Source(
        url=postgres_url,
        table=f"{schema}.sends",
        timezone=DUBLIN,
        columns={"id": "", "phone_number": "", "status": ""},
    )
    assert count_since(source, SINCE, UNTIL) == found


@pytest.mark.parametrize("kind", ["timestamptz", "bigint"])
def test_an_index_serves_the_count(
    postgres_url: str, server: psycopg.Connection, schema: str, kind: str
) -> None:
    server.execute(f"CREATE TABLE {schema}.sends (message_id int, sent_at {kind})".encode())
    value = "now()" if kind == "timestamptz" else "1700000000000"
    fill = f"INSERT INTO {schema}.sends SELECT n, {value} FROM generate_series(1, 20000) n"  # noqa: S608
    server.execute(fill.encode())
    server.execute(f"CREATE INDEX ON {schema}.sends (sent_at)".encode())
    server.execute(f"ANALYZE {schema}.sends".encode())
    source = Source(
        url=postgres_url,
        table=f"{schema}.sends",
        columns={"id": "", "phone_number": "", "status": ""},
    )
    before = _rows_read(server, schema)
    assert count_since(source, SINCE, UNTIL) == 0
    assert _rows_read(server, schema) == before


def _rows_read(server: psycopg.Connection, schema: str) -> int:
    """Return how many sequential scans the table has seen."""
    query = "SELECT seq_scan FROM pg_stat_user_tables WHERE schemaname = %s"
    server.execute("SELECT pg_stat_force_next_flush()")
    server.execute("SELECT pg_stat_clear_snapshot()")
    row = server.execute(query, [schema]).fetchone()
    assert row is not None
    return int(row[0])


def test_sqlite_serves_the_count_by_an_index_too(tmp_path: Path) -> None:
    source = in_sqlite(tmp_path)
    with closing(sqlite3.connect(tmp_path / "records.db")) as connection, connection:
        connection.execute("CREATE INDEX by_time ON sends (sent_at)")
        # More rows of long ago than the machine could go through in so short a time.
        connection.execute(
            "INSERT INTO sends (sent_at) WITH RECURSIVE n(i) AS "
            "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
            "SELECT '2025-01-01T00:00:00Z' FROM n"
        )
    assert count_since(source, SINCE, UNTIL, patience_seconds=0.01) == 0


@pytest.fixture
def maria(mariadb_url: str) -> Iterator[sa.Connection]:
    """A connection to MariaDB that may write, in UTC."""
    engine = sa.create_engine(mariadb_url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("SET time_zone = '+00:00', sql_mode = ''")
        yield connection
        connection.exec_driver_sql("DROP TABLE IF EXISTS sends")
        connection.exec_driver_sql("DROP VIEW IF EXISTS sends")


def in_mariadb(mariadb_url: str, **options: Any) -> Source:  # noqa: ANN401
    columns = {"id": "", "phone_number": "", "status": ""}
    return Source(
        **{
            "url": mariadb_url,
            "table": "sends",
            "timezone": DUBLIN,
            "columns": columns,
            **options,
        }
    )


@pytest.mark.parametrize("scheme", ["mysql", "mariadb"])
@pytest.mark.parametrize(
    ("kind", "times", "found"),
    [
        (
            "timestamp",
            ["2026-04-23 12:00:00", "2026-04-23 12:10:00", "2026-04-23 13:05:00", "0000-00-00"],
            2,
        ),
        (
            "datetime(3)",
            ["2026-04-23 13:00:00", "2026-04-23 13:10:00", "2026-04-23 12:05:00", "2026-04-00"],
            2,
        ),
        ("bigint", ["1776945900", "1776945900000", "1776945599", "1776946201"], 2),
        ("decimal(16,3)", ["1776945900.25", "1776946200.5"], 1),
        ("date", ["2026-04-23"], None),
        ("varchar(40)", ["2026-04-23T12:05:00Z"], None),
    ],
)
def test_mariadb_counts_by_the_type_of_the_column(
    maria: sa.Connection,
    mariadb_url: str,
    scheme: str,
    kind: str,
    times: list[str],
    found: int | None,
) -> None:
    maria.exec_driver_sql(f"CREATE TABLE sends (message_id int, sent_at {kind} NULL)")
    for time in [*times, None]:
        maria.exec_driver_sql("INSERT INTO sends VALUES (1, %s)", (time,))
    source = in_mariadb(mariadb_url.replace("mysql+", f"{scheme}+"))
    assert count_since(source, SINCE, UNTIL) == found


def test_mariadb_leaves_out_what_where_and_the_statuses_leave_out(
    maria: sa.Connection, mariadb_url: str
) -> None:
    maria.exec_driver_sql(
        "CREATE TABLE sends (message_id int, sent_at timestamp, status varchar(20))"
    )
    rows = [(1, "sent"), (2, "queued "), (3, "NOT_SENT"), (4, "Accepted"), (5, None), (6, "odd")]
    for row in rows:
        maria.exec_driver_sql("INSERT INTO sends VALUES (%s, '2026-04-23 12:05', %s)", row)
    source = in_mariadb(
        mariadb_url,
        where=r"message_id > 1 AND 'it\'s 10:30' LIKE '%:30' # ours; it's",
        columns={"id": "", "phone_number": ""},
        statuses={"queued": "not_sent"},
    )
    assert count_since(source, SINCE, UNTIL) == 3


def test_a_slow_mariadb_is_not_waited_for(maria: sa.Connection, mariadb_url: str) -> None:
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000000)"
    maria.exec_driver_sql("SET GLOBAL max_recursive_iterations = 4294967295")
    view = f"CREATE VIEW sends AS {numbers} SELECT i AS sent_at FROM n"  # noqa: S608 - our own
    maria.exec_driver_sql(view)
    source = in_mariadb(mariadb_url, columns={"id": "", "message_id": "sent_at",
                                              "phone_number": "", "status": ""})  # fmt: skip
    with pytest.raises(TemporaryError):
        count_since(source, SINCE, UNTIL, patience_seconds=0.1)


def test_a_lock_in_mariadb_is_not_waited_for(maria: sa.Connection, mariadb_url: str) -> None:
    maria.exec_driver_sql("CREATE TABLE sends (message_id int, sent_at timestamp)")
    maria.exec_driver_sql("LOCK TABLES sends WRITE")
    with pytest.raises(TemporaryError):
        count_since(in_mariadb(mariadb_url), SINCE, UNTIL, patience_seconds=0.1)
    maria.exec_driver_sql("UNLOCK TABLES")


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i"


def test_records_that_are_slow_are_not_waited_for(
    tmp_path: Path, postgres_url: str, server: psycopg.Connection, schema: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "records.db")) as connection, connection:
        connection.execute(f"CREATE VIEW sends AS {ENDLESS} AS sent_at FROM n")
    server.execute(f"CREATE VIEW {schema}.sends AS {ENDLESS}::bigint AS sent_at FROM n".encode())
    columns = {"id": "", "message_id": "sent_at", "phone_number": "", "status": ""}
    for url, table in (
        (f"sqlite:///{tmp_path / 'records.db'}", "sends"),
        (postgres_url, f"{schema}.sends"),
    ):
        with pytest.raises(TemporaryError):
            count_since(
                Source(url=url, table=table, columns=columns), SINCE, UNTIL, patience_seconds=0.1
            )


def test_a_lock_of_the_application_is_not_waited_for(tmp_path: Path) -> None:
    source = in_sqlite(tmp_path)
    with closing(sqlite3.connect(tmp_path / "records.db", isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TemporaryError):
            count_since(source, SINCE, UNTIL, patience_seconds=0.1)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"table": "nothing"}, InputError),
        ({"columns": {"id": "", "phone_number": "", "status": "", "sent_at": "at"}}, InputError),
        ({"where": "nonsense("}, InputError),
        ({"url": "sqlite:////no/such/file.db"}, InputError),
        ({"url": "postgresql+psycopg://user@127.0.0.1:1/records"}, TemporaryError),
        ({"url": "nonsense://"}, ConfigError),
    ],
)
def test_what_is_wrong_with_the_records_is_reported(
    tmp_path: Path, options: dict[str, Any], error: type[ReconError]
) -> None:
    source = in_sqlite(tmp_path, "2026-04-23T12:05:00Z", **options)
    with pytest.raises(error):
        count_since(source, SINCE, UNTIL)


def test_a_column_that_is_not_there_names_the_near_one(
    postgres_url: str, server: psycopg.Connection, schema: str
) -> None:
    server.execute(f"CREATE TABLE {schema}.sends (message_id int, send_at timestamptz)".encode())
    columns = {"id": "", "phone_number": "", "status": ""}
    source = Source(url=postgres_url, table=f"{schema}.sends", columns=columns)
    with pytest.raises(InputError, match="did you mean 'send_at'"):
        count_since(source, SINCE, UNTIL)


def test_counting_changes_nothing_and_loads_nothing_heavy(tmp_path: Path) -> None:
    in_sqlite(tmp_path, "2026-04-23T12:05:00Z")
    path = tmp_path / "records.db"
    before = path.read_bytes()
    code = f"""
import sys
from datetime import datetime, timedelta
from recon.records.send_counts import SendCounter
from recon.records.source import Source
columns = {{"id": "", "phone_number": "", "status": ""}}
source = Source(url="sqlite:///{path}", table="sends", columns=columns)
since = datetime.fromisoformat("{SINCE.isoformat()}")
assert SendCounter(source).since([since], since + timedelta(hours=1)) == (1,)
assert not {{"pandas", "numpy", "pyarrow", "requests", "alembic"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - the test's own code
    assert path.read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["records.db"]
