"""A short span of a large SQLite table, read by the index of its times.

A condition that also keeps what cannot be read (see `time_conditions`) reads the whole table. With
an index whose first column is the time, it is cut in two: texts of the days, a range of the index,
and all other rows that are kept, which are found by reading through the index alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeAlias

import sqlalchemy as sa

from recon.records import rowid_ranges, time_conditions

Condition: TypeAlias = sa.ColumnElement[bool]

#: Up to this part of the table the index is used: row by row it costs more than a scan.
_SHARE: Final = 8
#: How many stretches are had in one part at most, since each part is in memory as a whole.
_STRETCHES: Final = 16


def parts(
    connection: sa.Connection,
    table: sa.TableClause,
    name: str,
    span: tuple[datetime | None, datetime | None],
    stretch_rows: int,
) -> list[Condition] | None:
    """Return conditions, of which each row that `time_conditions.within` keeps meets just one.

    Args:
        connection: to the database, an SQLite file.
        table: the records.
        name: of the column of times.
        span: `[start, end)`, aware; `None` is without bound.
        stretch_rows: a table of no more rows is read as a whole.

    Returns:
        `None` where the table is better read through.
    """
    if span == (None, None) or not rowid_ranges.are_possible(connection, table, stretch_rows):
        return None
    column: sa.ColumnClause[str] = sa.column(name)
    near = time_conditions.texts_near(column, span)
    row_id = rowid_ranges.row_id()
    if not _is_indexed(connection, table, name):
        return None
    first, last = connection.execute(
        sa.select(
            sa.select(sa.func.min(row_id)).select_from(table).scalar_subquery(),
            sa.select(sa.func.max(row_id)).select_from(table).scalar_subquery(),
        )
    ).one()
    most = min((last - first) // _SHARE, _STRETCHES * stretch_rows)
    some = sa.select(sa.literal(1).label("one")).select_from(table).where(near).limit(most + 1)
    if (
        connection.execute(sa.select(sa.func.count()).select_from(some.subquery())).scalar_one()
        > most
    ):
        return None
    others = sa.select(row_id).select_from(table).correlate(None)
    kept = others.where(time_conditions.all_but_texts_near(column, span))
    return [near, row_id.in_(kept)]


def _is_indexed(connection: sa.Connection, table: sa.TableClause, name: str) -> bool:
    """Say whether the column is the first one of an index of all rows."""
    schema = table.schema or "main"
    found = connection.exec_driver_sql(
        "SELECT 1 FROM pragma_index_list(?, ?) AS known, pragma_index_info(known.name, ?) AS place"
        " WHERE NOT known.partial AND place.seqno = 0 AND lower(place.name) = lower(?)",
        (table.name, schema, schema, name),
    )
    return found.first() is not None
