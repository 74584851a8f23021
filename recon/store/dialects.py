"""The few things that SQLite and PostgreSQL say differently."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

#: How many ids one statement asks for.
_IDS: Final = 20_000

T = TypeVar("T")


def is_postgres(bind: sa.Connection | sa.Engine) -> bool:
    """Say whether this is PostgreSQL; if not, it is SQLite."""
    return bind.dialect.name == "postgresql"


def insert(connection: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Return an insert that knows `on_conflict_do_update`."""
    if not is_postgres(connection):
        return sqlite.insert(table)
    # Imported where it is used: whoever works with SQLite should not pay for it.
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def chunks(ids: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut any number of ids into as many as one statement takes."""
    for start in range(0, len(ids), _IDS):
        yield ids[start : start + _IDS]


def among(
    connection: sa.Connection, column: sa.Column[Any], ids: Sequence[int] | Sequence[str]
) -> sa.ColumnElement[bool]:
    """Return the condition that `column` is one of `ids`, given as a single parameter.

    So no backend's limit of parameters matters, and one statement is cached for all.
    """
    if is_postgres(connection):
        from sqlalchemy.dialects import postgresql

        given = sa.literal(list(ids), postgresql.ARRAY(column.type))
        return column == sa.any_(given)  # type: ignore[no-any-return,unused-ignore]
    each = sa.func.json_each(json.dumps(list(ids))).table_valued("value")
    return column.in_(sa.select(each.c.value))


def microseconds(connection: sa.Connection, column: sa.ColumnElement[Any]) -> sa.Label[int]:
    """Return a time column as whole microseconds since the epoch, which is what frames are of.

    No `datetime` is made of each row on the way.
    """
    name = str(getattr(column, "name", "time"))
    if is_postgres(connection):
        # A float of seconds is less than half a microsecond off until 2242, so the cast, which
        # rounds, is exact; `extract` counts in `numeric`, which takes twice as long.
        exact = sa.cast(sa.func.date_part("epoch", column) * 1_000_000, sa.BigInteger)
        return exact.label(name)
    return sa.type_coerce(column, sa.BigInteger).label(name)


def fill(connection: sa.Connection, table: sa.Table, rows: Iterable[Sequence[Any]]) -> None:
    """Insert many rows, whose values stand in the order of the table's columns.

    This is the drivers' fastest way, past SQLAlchemy: values must already be what the driver
    takes (times: microseconds for SQLite, aware for PostgreSQL; texts `storable`).
    """
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    if is_postgres(connection):
        driver: Any = connection.connection.dbapi_connection
        with (
            driver.cursor() as cursor,
            cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy,
        ):
            for row in rows:
                copy.write_row(row)
        return
    marks = ", ".join("?" * len(table.columns))
    given = list(rows)
    if given:
        statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})'  # noqa: S608 - our own names
        connection.exec_driver_sql(statement, given)
