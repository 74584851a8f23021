"""Connect to the store, and translate its errors.

All access to the database is through `reading` or `writing`, so all its errors are translated in
one place.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from threading import RLock
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event, exc

from recon.errors import ConfigError
from recon.store.dialects import is_postgres
from recon.store.store_errors import URL_HINT, sqlite_file, translated
from recon.store.url_options import ensure_directory, readable_options

if TYPE_CHECKING:
    import psycopg

log = logging.getLogger(__name__)

#: How long a statement waits for another program's lock before the database counts as busy.
BUSY_SECONDS: Final = 10

_CONNECT_SECONDS: Final = 10
#: A server that has not acknowledged anything for so long is lost; by default that takes hours.
_LOST_SECONDS: Final = 120
#: How long other processes are waited for when the write-ahead log is emptied at the end.
_CHECKPOINT_SECONDS: Final = 0.5
_WRITES: Final = "recon_writes"
#: SQLite has one writer at a time. Threads of this process wait for each other as long as it takes.
_SQLITE_WRITER: Final = RLock()
_DRIVERS: Final = {"sqlite": "pysqlite", "postgresql": "psycopg", "postgres": "psycopg"}


def connect(url: str) -> sa.Engine:
    """Return an engine for the store, without connecting or creating anything.

    SQLite: write-ahead log, foreign keys on, waits up to `BUSY_SECONDS` (or the URL's `timeout`)
    for a lock. PostgreSQL: through psycopg, even if the URL does not name it.

    Raises:
        ConfigError: the URL cannot be read or names another database or driver.
        OutputError: the directory of the SQLite file does not exist.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        ensure_directory(parsed)
        options = {} if "timeout" in parsed.query else {"timeout": BUSY_SECONDS}
        with readable_options(parsed):
            engine = sa.create_engine(parsed, connect_args=options, hide_parameters=True)
        event.listen(engine, "connect", _settle_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    settings: dict[str, str | int] = {
        "application_name": "octopods-recon",
        "connect_timeout": _CONNECT_SECONDS,
        "keepalives_idle": 60,
        "keepalives_interval": 15,
        "keepalives_count": 4,
        "tcp_user_timeout": _LOST_SECONDS * 1000,
        "client_encoding": "UTF8",
    }
    settings = {key: value for key, value in settings.items() if key not in parsed.query}
    with translated(parsed), readable_options(parsed):
        engine = sa.create_engine(
            parsed, connect_args=settings, hide_parameters=True, pool_pre_ping=True
        )
    event.listen(engine, "connect", settle_postgres)
    return engine


@contextmanager
def opened(url: str) -> Iterator[sa.Engine]:
    """Provide the engine of `connect`; at the end of the block close its connections.

    Then an SQLite store is completely in its one file, which may be copied alone: the write-ahead
    log is emptied into it, also after an error. This waits at most half a second for other
    processes. While they use the file, a part of the log may stay; the last of them empties it.

    Raises:
        ConfigError, OutputError: as `connect` does.
    """
    engine = connect(url)
    try:
        yield engine
    finally:
        engine.dispose()
        _checkpoint(engine.url)


def _checkpoint(url: sa.URL) -> None:
    """Empty the write-ahead log of an SQLite file into the file, as far as possible now.

    SQLite does so itself when the last connection is closed; this is for all other cases.
    """
    path = sqlite_file(url)
    if path is None or url.query.get("mode") == "ro":
        return
    if not path.with_name(f"{path.name}-wal").exists():
        return
    try:
        # A connection of its own: those of the engine wait much longer for other processes.
        with closing(
            sqlite3.connect(
                f"file:{quote(str(path))}?mode=rw", uri=True, timeout=_CHECKPOINT_SECONDS
            )
        ) as connection:
            # https://www.sqlite.org/pragma.html#pragma_wal_checkpoint
            [busy, *_] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        # All is stored, if in two files; the next process that can will empty the log.
        log.debug("the write-ahead log of %s was not emptied: %s", path, error)
        return
    if busy:
        log.debug("another process still needs a part of the write-ahead log of %s", path)


def _parse(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (exc.ArgumentError, ValueError):
        # Not chained: the parser's words may quote a piece of the password.
        raise ConfigError("database.url cannot be read", hint=URL_HINT) from None
    backend, _, driver = parsed.drivername.partition("+")
    if backend not in _DRIVERS or driver not in {"", _DRIVERS[backend]}:
        raise ConfigError(
            f"database.url names {parsed.drivername!r}; recon's own database must be SQLite or "
            "PostgreSQL (with the driver psycopg)",
            hint=URL_HINT,
        )
    full = "postgresql" if backend == "postgres" else backend
    return parsed.set(drivername=f"{full}+{_DRIVERS[backend]}")


def _settle_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own transactions do not begin before a SELECT and commit before DDL.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    # Some builds sync the write-ahead log only when it is emptied. What a power cut then takes back
    # may have been mailed (https://www.sqlite.org/pragma.html#pragma_synchronous).
    connection.execute("PRAGMA synchronous = FULL")
    # The mode stays with the file. Where it cannot be set (read-only, or another program is just
    # setting it), the file works in the mode it has, or the first statement says why it cannot.
    with suppress(sqlite3.OperationalError):
        if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            connection.execute("PRAGMA journal_mode = WAL")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that reads first and writes later would fail on, or lose, what another one
    # wrote in between; it takes the write lock at once.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def settle_postgres(connection: psycopg.Connection, _record: object) -> None:
    """Set the session options that the store needs, for a new connection to PostgreSQL."""
    before = connection.autocommit
    connection.autocommit = True
    # A value that is set for this user, or in the URL, is left as it is.
    if connection.execute("SHOW lock_timeout").fetchone() == ("0",):
        connection.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
    # Of the server, database or user these may be others. In another style the driver reads no
    # time; each time is in UTC; what waited for a lock has to see what was stored meanwhile.
    connection.execute("SET DateStyle = 'ISO, YMD'")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET default_transaction_isolation = 'read committed'")
    connection.autocommit = before


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Provide a connection in a read-only transaction. Errors are translated."""
    with translated(engine.url), engine.begin() as connection:
        yield connection


@contextmanager
def counting(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Provide a connection of `reading` for statements that count many rows.

    PostgreSQL does not compile them, which would take longer than running them
    (https://www.postgresql.org/docs/current/jit-decision.html).
    """
    with reading(engine) as connection:
        if is_postgres(connection):
            connection.exec_driver_sql("SET LOCAL jit = off")
        yield connection


@contextmanager
def writing(engine: sa.Engine, *, foreign_keys: bool = True) -> Iterator[sa.Connection]:
    """Provide a connection in one transaction: all is stored, or nothing. Errors are translated.

    Args:
        engine: the store.
        foreign_keys: whether SQLite enforces them, which it cannot change within a transaction.
    """
    alone = nullcontext() if is_postgres(engine) else _SQLITE_WRITER
    with alone, translated(engine.url), engine.connect() as connection:
        marked = connection.execution_options(**{_WRITES: True})
        enforced = foreign_keys or is_postgres(engine)
        with nullcontext() if enforced else _without_foreign_keys(marked), marked.begin():
            yield marked


@contextmanager
def _without_foreign_keys(connection: sa.Connection) -> Iterator[None]:
    # Past SQLAlchemy, which would begin a transaction.
    driver: Any = connection.connection.dbapi_connection
    driver.execute("PRAGMA foreign_keys = OFF")
    # A table that is built again takes its old name while views still name it, which SQLite
    # otherwise refuses (https://www.sqlite.org/pragma.html#pragma_legacy_alter_table).
    driver.execute("PRAGMA legacy_alter_table = ON")
    try:
        yield
    finally:
        driver.execute("PRAGMA legacy_alter_table = OFF")
        driver.execute("PRAGMA foreign_keys = ON")
