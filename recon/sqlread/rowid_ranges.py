"""Read a large table of SQLite in ranges of its row ids.

A row id is the position of a row in its table (sqlite.org/rowidtable.html): a range is read without
a search, and no row is read twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa

from recon.sqlread import sqlite_arrow

#: Rows of the table that one range has, by default.
RANGE_ROWS: Final = 64_000
_ROW_ID: Final = "rowid"


def are_possible(connection: sa.Connection, table: sa.TableClause, rows: int) -> bool:
    """Say whether this is a table of SQLite with row ids and more than `rows` rows."""
    if not sqlite_arrow.is_possible(connection):
        return False
    master = sa.table("sqlite_master", schema=table.schema)
    stored = (
        sa.select(sa.literal(1))
        .select_from(master)
        .where(
            sa.column("type") == "table",
            # No page of the file is a view's, or a virtual table's.
            sa.column("rootpage") > 0,
            sa.func.lower(sa.column("name")) == table.name.lower(),
        )
    )
    known = sa.func.pragma_table_xinfo(table.name, table.schema or "main")
    column = known.table_valued("name", "hidden").c
    odd = sa.select(column.name).where(
        # Computed columns, and one that hides the row ids.
        sa.or_(column.hidden > 0, sa.func.lower(column.name) == _ROW_ID)
    )
    try:
        if connection.execute(stored).first() is None or connection.execute(odd).first():
            return False
        return _end(connection, table, None, rows) is not None
    except sa.exc.DBAPIError:  # an old SQLite, or a table WITHOUT ROWID
        return False


def ranges(
    connection: sa.Connection, table: sa.TableClause, rows: int
) -> Iterator[sa.ColumnElement[bool]]:
    """Yield conditions that `rows` rows of the table meet, the last fewer; each row meets one."""
    low = None
    while (high := _end(connection, table, low, rows)) is not None:
        yield sa.and_(_above(low), row_id() <= high)
        low = high
    yield _above(low)


def _end(
    connection: sa.Connection, table: sa.TableClause, low: int | None, rows: int
) -> int | None:
    """Return the last row id of the range above `low`; `None` if the table ends in it."""
    ids = sa.select(row_id()).select_from(table).where(_above(low)).order_by(row_id())
    return connection.execute(ids.limit(1).offset(rows)).scalar()


def _above(low: int | None) -> sa.ColumnElement[bool]:
    return sa.true() if low is None else row_id() > low


def row_id() -> sa.ColumnClause[int]:
    """Return the column of row ids."""
    # Bare: in quotation marks a name that is not there would be a text.
    return sa.literal_column(_ROW_ID, sa.BigInteger())
