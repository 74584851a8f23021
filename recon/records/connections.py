"""Read-only connections to the user's database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from recon.errors import ConfigError, ReconError, TemporaryError
from recon.records import db_errors, duckdb_tables, mysql_columns
from recon.records.sqlite_file import SqliteFile, file_of
from recon.sqlite_options import DRIVER, URI, refuse_unknown

Result = TypeVar("Result")
#: What SQLAlchemy calls with each new connection of the driver's.
Listener: TypeAlias = Callable[[Any, object], None]

_CONNECT_SECONDS: Final = 15
#: How long a lock of the application that owns the records is waited for. By themselves MySQL waits
#: a day for a table that is locked, and PostgreSQL for ever.
LOCK_SECONDS: Final = 30.0
#: Drivers that take the patience for a connection under the name `connect_timeout`.
_WITH_TIMEOUT: Final = frozenset({"psycopg", "psycopg2", "pymysql", "mysqldb"})
#: PostgreSQL's types that come as text, and their numbers (its catalogue `pg_type`). What Python
#: cannot hold (`infinity`, the year 20000, years before Christ) would otherwise end the whole read,
#: and text is read faster than Python's own values.
_AS_TEXT: Final = {
    "timestamptz": 1184,
    "timestamp": 1114,
    "date": 1082,
    "numeric": 1700,
    "uuid": 2950,
}
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class ReadOnlyDatabase:
    """The user's database."""

    url: sa.URL
    engine: sa.Engine
    zone: str
    """The zone of times without an offset. PostgreSQL's session uses it; MySQL's session uses
    UTC."""
    lock_seconds: float = LOCK_SECONDS
    """How many seconds to wait for a lock of the application."""
    file: SqliteFile | None = None
    setting: str = ""
    """The section of the configuration with the URL, for errors; "" for none."""

    def run(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Run `work` in one read-only transaction, which is always rolled back.

        Raises:
            TemporaryError: the database is out of reach or busy.
            ConfigError: the URL, driver or credentials are wrong.
            InputError: the file does not exist, or the database refuses the statement.
        """
        for _ in range(_ATTEMPTS):
            try:
                with self._connection() as connection:
                    result = work(connection)
            except SQLAlchemyError as error:
                if self._was_misread(error):
                    continue
                raise self._error(error, connecting=False) from error
            if self.file is None or not self.file.disturbed:
                return result
        raise TemporaryError(
            f"the records at {self.shown} changed while they were read", hint="Try again later."
        )

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return db_errors.shown(self.url)

    def _error(self, error: SQLAlchemyError, *, connecting: bool) -> ReconError:
        return db_errors.translated(error, self.url, connecting=connecting, setting=self.setting)

    def _was_misread(self, error: SQLAlchemyError) -> bool:
        """Say whether another attempt can do better."""
        if self.file is None:
            return False
        if "Could not decode to UTF-8" in str(error) and not self.file.lenient:
            self.file.lenient = True
            return True
        return self.file.disturbed

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        try:
            connection = self.engine.connect()
        except SQLAlchemyError as error:
            raise self._error(error, connecting=True) from error
        except (TypeError, ValueError, OSError, RuntimeError) as error:
            # A driver that takes no such option or lacks a package, or an impossible host name.
            why = db_errors.driver_text(error, self.url)
            raise ConfigError(f"the records at {self.shown} cannot be opened: {why}") from error
        with connection:
            if self.engine.dialect.name == "postgresql":
                connection = connection.execution_options(postgresql_readonly=True)
                # For this transaction only: behind a pooler, the session is shared with others.
                connection.execute(
                    sa.text(
                        "SELECT set_config('TimeZone', :zone, true),"
                        " set_config('DateStyle', 'ISO, YMD', true),"
                        " set_config('lock_timeout', :lock, true)"
                    ),
                    {"zone": self.zone, "lock": f"{int(self.lock_seconds * 1000)}ms"},
                )
            elif self.engine.dialect.name == "sqlite":
                # The driver begins none for what only reads: each statement would be on its own.
                connection.exec_driver_sql("BEGIN")
            elif self.engine.dialect.name == "duckdb":
                connection.execute(sa.text(f"SET TimeZone = '{self.zone}'"))
            # Nothing is committed: closing rolls back.
            yield connection


def read_only_engine(
    url: str, zone: str, *, lock_seconds: float = LOCK_SECONDS, setting: str = ""
) -> ReadOnlyDatabase:
    """Return the database of a URL, without connecting.

    Args:
        url: SQLAlchemy's URL of the database.
        zone: of times without an offset, an IANA name.
        lock_seconds: how many seconds to wait for a lock of the application.
        setting: the section of the configuration with the URL, for errors; "" for none.

    Raises:
        ConfigError: the URL is wrong, or its driver is not installed.
    """
    try:
        made = sa.make_url(url)
    except (ArgumentError, ValueError):
        # The words of the cause quote the URL, and with it perhaps the password.
        raise ConfigError(
            "the url of the records cannot be read",
            hint='Write for example "postgresql+psycopg://user:password@host/database", with '
            "special characters of the password percent-encoded.",
        ) from None
    try:
        return _database(made, zone, lock_seconds, setting)
    except NoSuchModuleError as cause:
        raise ConfigError(
            f"the url of the records names an unknown database type: {made.drivername}"
        ) from cause
    except ImportError as cause:
        raise ConfigError(
            f"the driver of {made.drivername} is not installed: {cause}",
            hint="Install it in recon's environment, or name another driver in the url.",
        ) from cause
    except (SQLAlchemyError, TypeError, ValueError) as cause:
        said = db_errors.driver_text(cause, made)
        raise ConfigError(f"the url of the records cannot be used: {said}") from cause


def _database(url: sa.URL, zone: str, lock_seconds: float, setting: str) -> ReadOnlyDatabase:
    if url.get_backend_name() == "sqlite":
        refuse_unknown(url.query, DRIVER | URI, f"{setting}.url" if setting else "the url")
        file = file_of(url, patience_seconds=lock_seconds, setting=setting)
        # Made of the bare name: the path goes to the file alone, options for it do not apply.
        engine = sa.create_engine("sqlite://", creator=file.connect, poolclass=NullPool)
        return ReadOnlyDatabase(url, engine, zone, lock_seconds, file, setting)
    options: dict[str, Any] = {}
    driver = url.get_dialect().driver
    if driver in _WITH_TIMEOUT and "connect_timeout" not in url.query:
        options["connect_timeout"] = _CONNECT_SECONDS
    if url.get_backend_name() == "duckdb":
        options["read_only"] = True
        duckdb_tables.require_file(url, setting)
    engine = sa.create_engine(url, poolclass=NullPool, connect_args=options)
    prepare = _READ_AS_TEXT.get((url.get_backend_name(), driver))
    if url.get_backend_name() in mysql_columns.DIALECTS:
        prepare = _only_read_mysql(lock_seconds)
    if prepare is not None:
        sa.event.listen(engine, "connect", prepare)
    return ReadOnlyDatabase(url, engine, zone, lock_seconds, setting=setting)


def _text_of_psycopg(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
    from psycopg.types.string import TextLoader

    for name in _AS_TEXT:
        connection.adapters.register_loader(name, TextLoader)


def _text_of_psycopg2(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
    from psycopg2 import extensions

    numbers = tuple(_AS_TEXT.values())
    as_it_comes = extensions.new_type(numbers, "TEXT", lambda text, _cursor: text)
    extensions.register_type(as_it_comes, connection)


def _text_of_pg8000(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
    for number in _AS_TEXT.values():
        connection.register_in_adapter(number, str)


#: How to make each driver of PostgreSQL leave values as text.
_READ_AS_TEXT: Final[Mapping[tuple[str, str], Listener]] = {
    ("postgresql", "psycopg"): _text_of_psycopg,
    ("postgresql", "psycopg2"): _text_of_psycopg2,
    ("postgresql", "pg8000"): _text_of_pg8000,
}


def _only_read_mysql(lock_seconds: float) -> Listener:
    seconds = max(1, round(lock_seconds))

    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
            # A TIMESTAMP comes in the session's zone. As an offset, it needs no tables of zones.
            cursor.execute("SET time_zone = '+00:00'")
            cursor.execute(f"SET lock_wait_timeout = {seconds}")

    return prepare
