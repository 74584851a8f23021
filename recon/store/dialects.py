"""The few differences between the SQL of SQLite and of PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.dialects import postgresql

#: How many ids one statement asks for.
_IDS: Final = 20_000

#: Rows that are written out while the server takes in those before them.
_POURED: Final = 8_192

T = TypeVar("T")


def is_postgres(bind: sa.Connection | sa.Engine) -> bool:
    """Say whether this is PostgreSQL; if not, it is SQLite."""
    return bind.dialect.name == "postgresql"


def insert(connection: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Return an insert that supports `on_conflict_do_update`."""
    if not is_postgres(connection):
        return sqlite.insert(table)
    # Imported where it is used: a store in SQLite does not need it.
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def id_chunks(ids: Sequence[T]) -> Iterator[Sequence[T]]:
    """Divide ids into chunks that fit into one statement."""
    for start in range(0, len(ids), _IDS):
        yield ids[start : start + _IDS]


def among(
    connection: sa.Connection, column: sa.Column[Any], ids: Sequence[int] | Sequence[str]
) -> sa.ColumnElement[bool]:
    """Return the condition that `column` is one of `ids`, passed as a single parameter.

    So the limits on parameters do not matter, and one cached statement serves all. Texts are
    searched for only if they are printable.
    """
    given: list[int] | list[str]
    if isinstance(column.type, sa.BigInteger):
        given = [int(one) for one in ids]
        if is_postgres(connection):
            from sqlalchemy.dialects import postgresql

            return _is_any(column, sa.literal(given, postgresql.ARRAY(column.type)))
    else:
        given = [text for text in map(str, ids) if text.isprintable()]
        if is_postgres(connection):
            # The server cuts one text faster than the driver writes an array of them.
            joined = sa.literal("\n".join(given), column.type)
            return _is_any(column, sa.func.string_to_array(joined, "\n"))
    each = sa.func.json_each(json.dumps(given)).table_valued("value")
    return column.in_(sa.select(each.c.value))


def _is_any(column: sa.Column[Any], array: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return column == sa.any_(array)  # type: ignore[no-any-return,unused-ignore]


def microseconds(connection: sa.Connection, column: sa.ColumnElement[Any]) -> sa.Label[int]:
    """Return a time column as whole microseconds since the epoch, as frames need it.

    No `datetime` object is made for each row.
    """
    name = str(getattr(column, "name", "time"))
    if is_postgres(connection):
        # A float of seconds is less than half a microsecond off until 2242, so the cast, which
        # rounds, is exact; `extract` counts in `numeric`, which takes twice as long.
        exact = sa.cast(sa.func.date_part("epoch", column) * 1_000_000, sa.BigInteger)
        return exact.label(name)
    return sa.type_coerce(column, sa.BigInteger).label(name)


def bulk_insert(
    connection: sa.Connection,
    table: sa.TableClause,
    columns: pa.Table,
    constants: Mapping[str, str | int | date | datetime] | None = None,
) -> None:
    """Insert many rows by columns, with the driver's fastest method, without SQLAlchemy.

    Args:
        connection: to the store.
        table: the table of the rows.
        columns: texts (`storable`), numbers, and times in UTC; some of the table's columns.
        constants: values that are the same in every row.
    """
    if not len(columns):
        return
    put = _bulk_insert_postgres if is_postgres(connection) else _bulk_insert_sqlite
    put(connection, table, columns, constants or {})


def _bulk_insert_postgres(
    connection: sa.Connection,
    table: sa.TableClause,
    columns: pa.Table,
    constants: Mapping[str, Any],
) -> None:
    import pyarrow as pa
    from pyarrow import csv

    for place, column in enumerate(columns.columns):
        if pa.types.is_timestamp(column.type):
            columns = columns.set_column(place, columns.column_names[place], _zoned(column))
    for name, value in constants.items():
        text = value.isoformat() if isinstance(value, date) else value
        columns = columns.append_column(name, pa.repeat(pa.scalar(text), len(columns)))
    names = ", ".join(f'"{name}"' for name in columns.column_names)
    # Arrow quotes every text, so an empty value is null.
    copy = f"COPY \"{table.name}\" ({names}) FROM STDIN (FORMAT csv, ENCODING 'UTF8')"
    options = csv.WriteOptions(include_header=False)
    driver: Any = connection.connection.dbapi_connection
    with driver.cursor() as cursor, cursor.copy(copy) as copying:
        for batch in columns.to_batches(max_chunksize=_POURED):
            lines = pa.BufferOutputStream()
            csv.write_csv(batch, lines, options)
            copying.write(memoryview(lines.getvalue()))


def _zoned(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return times in UTC as texts. Arrow takes many times as long if the column has a zone."""
    import pyarrow as pa
    import pyarrow.compute as pc

    naive = times.cast(pa.timestamp(times.type.unit)).cast(pa.string())
    return pc.binary_join_element_wise(naive, "Z", "")


def _bulk_insert_sqlite(
    connection: sa.Connection,
    table: sa.TableClause,
    columns: pa.Table,
    constants: Mapping[str, Any],
) -> None:
    import pyarrow as pa

    cells: list[Iterable[Any]] = [_as_sqlite(columns[name]) for name in columns.column_names]
    cells += [repeat(*_as_sqlite(pa.array([value]))) for value in constants.values()]
    names = [*columns.column_names, *constants]
    listed, marks = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
    statement = f'INSERT INTO "{table.name}" ({listed}) VALUES ({marks})'  # noqa: S608 - our own names
    # Not strict: constants are repeated without end.
    connection.exec_driver_sql(statement, list(zip(*cells, strict=False)))


def _as_sqlite(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """Return a column as what the store keeps of it in SQLite."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
    elif pa.types.is_date(column.type):
        column = column.cast(pa.string())
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        texts: list[Any] = column.to_numpy(zero_copy_only=False).tolist()
        return texts
    values: list[Any] = column.to_pylist()
    return values
