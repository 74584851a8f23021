"""Read results of PostgreSQL as Arrow columns, if a driver for that is installed.

The extra `fast` installs `adbc-driver-postgresql`, which reads a result in binary, by columns and
without a Python object for each value. It uses a separate connection to the same server as the same
user, in a read-only transaction that is always rolled back. The corresponding driver for SQLite is
not used. It has its own copy of SQLite, and when that copy closes a file, the system drops every
lock that Python's copy holds on it (sqlite.org/howtocorrupt.html, 2.2.1): another program could
write into our transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from recon.sqlread.arrow import ArrowUnavailable

if TYPE_CHECKING:
    import pyarrow as pa
    import sqlalchemy as sa

log = logging.getLogger(__name__)

#: Execution option of connections that see what they have not committed: another one, which answers
#: as Arrow, does not.
UNCOMMITTED: Final = "recon_uncommitted"


def is_possible(connection: sa.Connection) -> bool:
    """Say whether results of this database can be read as Arrow: driver and encoding are right."""
    if connection.dialect.name != "postgresql" or connection.dialect.driver != "psycopg":
        return False
    if connection.get_execution_options().get(UNCOMMITTED):
        return False
    driver: Any = connection.connection.dbapi_connection
    return driver.info.encoding == "utf-8" and _is_installed()


def _is_installed() -> bool:
    try:
        return find_spec("adbc_driver_postgresql") is not None and (
            find_spec("adbc_driver_manager") is not None
        )
    except ValueError:  # in `sys.modules`, but not there
        return False


@contextmanager
def read_batches(
    connection: sa.Connection,
    statement: sa.Select[Any] | sa.TextClause,
    settings: Mapping[str, str] | None = None,
) -> Iterator[pa.RecordBatchReader]:
    """Provide the result of a statement in batches. Its schema has the types of PostgreSQL.

    Args:
        connection: to a database for which `is_possible`. Uncommitted changes of its transaction
            are not seen.
        statement: what to ask.
        settings: of the server, for this answer only.

    Raises:
        ArrowUnavailable: it cannot be read in this way, or the caller refuses it.
    """
    import psycopg

    try:
        import adbc_driver_manager as adbc
        from adbc_driver_postgresql import dbapi
    except ImportError as cause:
        raise ArrowUnavailable from cause
    driver: Any = connection.connection.dbapi_connection
    known = {"password": driver.info.password} if driver.info.password else {}
    try:
        sql = _spelled(connection, statement)
        place = psycopg.conninfo.make_conninfo(driver.info.dsn, **known)
        with dbapi.connect(place) as made, made.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            for name, value in (settings or {}).items():
                cursor.execute(f"SET LOCAL {name} = {psycopg.sql.Literal(value).as_string()}")
            cursor.execute(sql)
            with cursor.fetch_record_batch() as batches:
                yield batches
        log.debug("an answer was read as Arrow")
    except (adbc.Error, psycopg.Error, OSError, ValueError) as cause:
        # Arrow's errors are ValueErrors or OSErrors. Reading through the driver will report the
        # error.
        log.debug("an answer was not read as Arrow: %s", type(cause).__name__)
        raise ArrowUnavailable from cause


def _spelled(connection: sa.Connection, statement: sa.Select[Any] | sa.TextClause) -> str:
    """Return a statement with its parameters inserted, because COPY has no parameters."""
    import psycopg

    compiled: Any = statement.compile(connection, compile_kwargs={"render_postcompile": True})
    driver: Any = connection.connection.dbapi_connection
    with psycopg.ClientCursor(driver) as cursor:
        return cursor.mogrify(str(compiled), compiled.params)


def type_name(field: pa.Field) -> str:
    """Return PostgreSQL's name for the type of a column, such as `int8`."""
    kind: bytes = (field.metadata or {}).get(b"POSTGRESQL:type", b"")
    return kind.decode()
