"""Connections that can only read, by every driver: odd values, errors, locks."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from recon.errors import ConfigError, InputError, ReconError, TemporaryError
from recon.records.connections import read_only_engine
from recon.records.reader_factory import open_reader
from recon.records.source import Source
from recon.records.sql_source import SqlReader
from tests.postgres import PASSWORD_USER
from tests.records.samples import END, NOON, START, local_ids

DRIVERS = ("psycopg", "psycopg2", "pg8000")


def by_driver(url: str, driver: str, **parts: Any) -> str:  # noqa: ANN401
    """Return the URL of the tests' PostgreSQL as a driver takes it."""
    made = sa.make_url(url).set(drivername=f"postgresql+{driver}", **parts)
    if driver == "pg8000":
        socket = f"{made.query['host']}/.s.PGSQL.5432"
        made = made.set(query={"unix_sock": socket})
    return made.render_as_string(hide_password=False)


ODD_TIMES = ["infinity", "-infinity", "0044-03-15 12:00:00 BC", "20000-01-01", "0001-01-01"]


@pytest.fixture(autouse=True)
def _sockets_of_drivers_are_collected() -> Iterator[None]:
    """Collect what drivers leave open: pg8000 never closes the socket of a refused connection."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.mark.parametrize("asked", ["table", "query"])
@pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "date"])
@pytest.mark.parametrize("driver", DRIVERS)
def test_a_time_that_python_cannot_hold_costs_one_row(
    driver: str, kind: str, asked: str, server: psycopg.Connection, schema: str, postgres_url: str
) -> None:
    columns = f"id int, message_id bigint, phone_number text, sent_at {kind}, status text"
    server.execute(f"CREATE TABLE {schema}.sends ({columns})".encode())
    for number, time in enumerate([NOON, *ODD_TIMES]):
        insert = f"INSERT INTO {schema}.sends VALUES (%s, %s, '+1', %s::text::{kind}, 'sent')"  # noqa: S608
        server.execute(insert.encode(), [number, number, time])
    select = f"SELECT * FROM {schema}.sends"  # noqa: S608 - of the tests' own
    what: dict[str, Any] = {"table": f"{schema}.sends"} if asked == "table" else {"query": select}
    source = Source(url=by_driver(postgres_url, driver), **what)
    read = open_reader(source).read(START, END)
    assert local_ids(read.frame) == ["0"]
    assert local_ids(read.rejects) == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"table": "nothing"}, InputError),
        ({"query": "SELECT * FROM nothing"}, InputError),
        ({"query": "SELEC"}, InputError),
        ({"query": "DELETE FROM pg_description RETURNING *"}, InputError),
        ({"username": PASSWORD_USER, "password": "wrong", "query": "SELECT 1"}, ConfigError),
        ({"database": "nothing", "query": "SELECT 1"}, ConfigError),
    ],
)
def test_errors_of_each_driver_of_postgres(
    driver: str, change: dict[str, str], error: type[ReconError], postgres_url: str
) -> None:
    what: dict[str, Any] = {
        name: text for name, text in change.items() if name in ("table", "query")
    }
    place = {name: text for name, text in change.items() if name not in what}
    reader = open_reader(Source(url=by_driver(postgres_url, driver, **place), **what))
    with pytest.raises(error):
        reader.read(START, END)


def impatient(source: Source) -> SqlReader:
    assert source.url is not None
    return SqlReader(source, read_only_engine(source.url, source.timezone, lock_seconds=0.1))


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_locked_table_of_postgres_is_temporary(
    driver: str, server: psycopg.Connection, schema: str, postgres_url: str
) -> None:
    columns = "id int, message_id bigint, phone_number text, sent_at timestamptz, status text"
    server.execute(f"CREATE TABLE {schema}.sends ({columns})".encode())
    reader = impatient(Source(url=by_driver(postgres_url, driver), table=f"{schema}.sends"))
    with server.transaction():
        server.execute(f"LOCK TABLE {schema}.sends IN ACCESS EXCLUSIVE MODE".encode())
        with pytest.raises(TemporaryError):
            reader.read(START, END)


# --- MariaDB -------------------------------------------------------------------------------------


@pytest.fixture
def maria(mariadb_url: str) -> Iterator[Callable[[str], None]]:
    """Run statements as an application does, in one session; the table `sends` is there."""
    engine = sa.create_engine(mariadb_url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:

        def execute(statement: str) -> None:
            connection.exec_driver_sql(statement)

        execute(
            "CREATE OR REPLACE TABLE sends (id int, message_id bigint, phone_number varchar(30),"
            " sent_at datetime, status varchar(20))"
        )
        yield execute
        execute("UNLOCK TABLES")
        execute("DROP TABLE sends")


def test_a_locked_table_of_mariadb_is_temporary(
    maria: Callable[[str], None], mariadb_url: str
) -> None:
    maria("LOCK TABLES sends WRITE")
    for source in (
        Source(url=mariadb_url, table="sends"),
        Source(url=mariadb_url, query="SELECT * FROM sends"),
    ):
        with pytest.raises(TemporaryError, match="Lock wait timeout"):
            impatient(source).read(START, END)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"table": "nothing"}, InputError),
        ({"table": "nothing.sends"}, InputError),
        ({"query": "SELECT * FROM nothing"}, InputError),
        ({"query": "SELECT nope FROM sends"}, InputError),
        ({"query": "SELEC"}, InputError),
        ({"query": "DELETE FROM sends"}, InputError),
        ({"username": "ops", "password": "wrong", "table": "sends"}, ConfigError),
        ({"username": "nobody", "table": "sends"}, ConfigError),
        ({"username": "ops", "password": "right", "table": "sends"}, ConfigError),
        ({"database": "nothing", "table": "sends"}, ConfigError),
        ({"host": "127.0.0.1", "port": 1, "query": {}, "table": "sends"}, TemporaryError),
    ],
)
def test_errors_of_mariadb(
    maria: Callable[[str], None], mariadb_url: str, change: dict[str, Any], error: type[ReconError]
) -> None:
    maria("CREATE OR REPLACE USER ops@localhost IDENTIFIED BY 'right'")
    what: dict[str, Any] = {
        name: text
        for name, text in change.items()
        if name in ("table", "query") and isinstance(text, str)
    }
    place = {name: text for name, text in change.items() if name not in what}
    url = sa.make_url(mariadb_url).set(**place).render_as_string(hide_password=False)
    with pytest.raises(error) as raised:
        open_reader(Source(url=url, **what)).read(START, END)
    assert "wrong" not in str(raised.value)


def test_mariadb_is_only_read(maria: Callable[[str], None], mariadb_url: str) -> None:
    maria("INSERT INTO sends (id) VALUES (1)")
    database = read_only_engine(mariadb_url, "UTC")
    with pytest.raises(InputError, match="READ ONLY"):
        database.run(lambda connection: connection.exec_driver_sql("DELETE FROM sends"))
