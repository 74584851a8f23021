"""Find records without a readable time that may belong to some messages, by message id.

A record with the readable id of another message does not belong to them, whatever its time. So only
records with one of the ids, or without a readable id, are read: in most tables these are few.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from recon.records import postgres_columns, sqlite_time_index
from recon.sqlread import rowid_ranges

Condition: TypeAlias = sa.ColumnElement[bool]

#: Up to this part of an SQLite table is looked up row by row; more costs as much as a scan.
_SHARE: Final = 16
#: Larger numbers may be floats, which are no ids then, see `frames.columns.whole_numbers`.
_EXACT: Final = 2**53
#: No exact number divided by it, without a rest, is other than 0; a number with a fraction is.
_DIVISOR: Final = 2**62
#: PostgreSQL is asked for no more ids at once.
_MOST_IDS: Final = 10_000


def condition(
    connection: sa.Connection,
    table: sa.TableClause,
    name: str,
    kind: sa.types.TypeEngine[Any],
    ids: Sequence[int],
    range_rows: int,
) -> Condition | None:
    """Return a condition for records of some messages, and records without a readable message id.

    Args:
        connection: to the database.
        table: the records.
        name: the name of the column of message ids.
        kind: its type. On SQLite each row's own type decides.
        ids: of the messages.
        range_rows: an SQLite table with at most this many rows is read completely.

    Returns:
        `None` if the ids do not help: there is no index on them, or many cannot be read.
    """
    column: sa.ColumnClause[Any] = sa.column(name)
    if connection.dialect.name == "sqlite":
        return _of_sqlite(connection, table, column, ids, range_rows)
    kind = postgres_columns.of_domain(kind, connection.dialect.name)
    if connection.dialect.name != "postgresql" or not isinstance(kind, sa.Integer):
        return None
    if len(ids) > _MOST_IDS:
        return None
    from sqlalchemy.dialects import postgresql

    wanted = sa.literal([0, *ids], postgresql.ARRAY(sa.BigInteger()))
    return sa.or_(column.is_(None), column == sa.any_(wanted))


def _of_sqlite(
    connection: sa.Connection,
    table: sa.TableClause,
    column: sa.ColumnClause[Any],
    ids: Sequence[int],
    range_rows: int,
) -> Condition | None:
    if not rowid_ranges.are_possible(connection, table, range_rows):
        return None
    if not sqlite_time_index.is_indexed(connection, table, column.name):
        return None
    row_id = rowid_ranges.row_id()
    known = sa.func.json_each(sa.literal(json.dumps(list(ids)), sa.String()))
    # Texts and blobs come after all numbers, and null before them.
    text = sa.literal("", sa.String())
    ranges = [
        column.is_(None),
        column.in_(sa.select(known.table_valued("value").c.value)),
        sa.and_(column > -1, column < 1),
        column < -_EXACT,
        sa.and_(column > _EXACT, column < text),
        column >= text,
    ]
    rows = sa.select(row_id).select_from(table).correlate(None)
    odd = sa.union_all(*(rows.where(one) for one in ranges)).subquery()
    first, last = connection.execute(
        sa.select(
            sa.select(sa.func.min(row_id)).select_from(table).scalar_subquery(),
            sa.select(sa.func.max(row_id)).select_from(table).scalar_subquery(),
        )
    ).one()
    most = (last - first) // _SHARE
    some = sa.select(sa.literal(1).label("one")).select_from(odd).limit(most + 1).subquery()
    if connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one() > most:
        return None
    # A number with a fraction lies among the whole ones: the index is read through. A whole number
    # divided is 0, so that its value is read once, which takes two thirds of the time of comparing
    # it with what an operator on bits makes of it. What is left may be a whole number that is
    # stored as a float. Texts, which are found twice then, are not left out: to compare each number
    # with the end takes as long again.
    divided = column.op("/")(sa.literal_column(str(_DIVISOR)))
    fractions = sa.and_(column > -_EXACT, divided != 0, column.bitwise_or(0) != column)
    return row_id.in_(sa.union(*(rows.where(one) for one in [*ranges, fractions])))
