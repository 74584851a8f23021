"""Read a short span of a large SQLite table by the index of its times.

A condition that also keeps unreadable times (see `time_conditions`) reads the whole table. With an
index whose first column is the time, it is divided in two: texts of the days, which are a range of
the index, and the other kept rows, which are found by reading only the index. If some of the
unreadable rows may be left out, even that is not needed: the days with which texts begin are found
in steps along the index, and only texts that do not begin with a real day are read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, TypeAlias

import sqlalchemy as sa

from recon.records import time_conditions
from recon.sqlread import rowid_ranges

Condition: TypeAlias = sa.ColumnElement[bool]

#: Up to this part of the table the index is used: row by row it costs more than a scan.
_SHARE: Final = 8
#: How many stretches are had in one part at most, since each part is in memory as a whole.
_STRETCHES: Final = 16

#: More hours than these years have are not looked through one by one.
_MOST_HOURS: Final = 50_000
_MOST_UNREAL: Final = 50
#: The first characters of each text. A shorter text is a step of its own, since the next one may
#: begin with it.
_BEGINNINGS: Final = """
WITH RECURSIVE beginnings(one) AS (
  SELECT substr(min({column}), 1, {length}) FROM {table} WHERE {column} >= '' AND {column} < x''
  UNION ALL
  SELECT (
    SELECT substr(min({column}), 1, {length}) FROM {table}
    WHERE {column} > one || CASE length(one) WHEN {length} THEN '~' ELSE '' END AND {column} < x''
    AND substr({column}, 1, {length}) > one
  ) FROM beginnings WHERE one IS NOT NULL
)
SELECT one FROM beginnings WHERE one IS NOT NULL
"""
#: How many characters of a time are its day, and its day and hour.
_DAY, _HOUR = len("2026-04-23"), len("2026-04-23 12")
#: What SQLite writes of a time, as far as its hour; also of years that no message is of.
_SQLITE_HOUR: Final = re.compile(r"[-0-9][-0-9 ]*")
_REAL_HOUR: Final = re.compile(r"20[1-9][0-9]-[0-9]{2}-[0-9]{2} ([01][0-9]|2[0-3])")
_REAL_DAY: Final = re.compile(r"20[1-9][0-9]-[0-9]{2}-[0-9]{2}")


def parts(
    connection: sa.Connection,
    table: sa.TableClause,
    name: str,
    span: tuple[datetime | None, datetime | None],
    range_rows: int,
    *,
    all_rejects: bool = True,
) -> list[Condition] | None:
    """Return conditions; each row that `time_conditions.within` keeps meets exactly one of them.

    Args:
        connection: to the database, an SQLite file.
        table: the records.
        name: of the column of times.
        span: `[start, end)`, aware; `None` is without bound.
        range_rows: a table with at most this many rows is read completely.
        all_rejects: whether all rows of other days without a readable time must be included.

    Returns:
        `None` if reading the whole table is better.
    """
    if span == (None, None) or not rowid_ranges.are_possible(connection, table, range_rows):
        return None
    column: sa.ColumnClause[str] = sa.column(name)
    near = time_conditions.texts_near(column, span)
    row_id = rowid_ranges.row_id()
    if not is_indexed(connection, table, name):
        return None
    first, last = connection.execute(
        sa.select(
            sa.select(sa.func.min(row_id)).select_from(table).scalar_subquery(),
            sa.select(sa.func.max(row_id)).select_from(table).scalar_subquery(),
        )
    ).one()
    most = min((last - first) // _SHARE, _STRETCHES * range_rows)
    some = sa.select(sa.literal(1).label("one")).select_from(table).where(near).limit(most + 1)
    if (
        connection.execute(sa.select(sa.func.count()).select_from(some.subquery())).scalar_one()
        > most
    ):
        return None
    others = sa.select(row_id).select_from(table).correlate(None)
    if not all_rejects:
        days = _beginnings(connection, table, column, _DAY)
        if days is not None and len(ranges := _without_a_day(column, days)) <= _MOST_UNREAL:
            odd = [
                column.is_(None),
                sa.and_(column < sa.literal("", sa.String()), time_conditions.epochs(column, span)),
                *ranges,
                column >= sa.literal_column("x''"),
            ]
            return [near, row_id.in_(sa.union(*(others.where(one, _not(near)) for one in odd)))]
    hours = _beginnings(connection, table, column, _HOUR)
    unreal = [] if hours is None else [one for one in hours if _is_unreal(one)]
    if hours is None or len(unreal) > _MOST_UNREAL:
        return [near, row_id.in_(others.where(time_conditions.all_but_texts_near(column, span)))]
    # Each real hour is known to be one, which makes looking through the other rows twice as fast.
    rest = time_conditions.all_but_texts_near(column, span, hours_are_real=True)
    kept = [others.where(rest)]
    if unreal:
        of_them = sa.or_(*(_begins_with(column, hour) for hour in unreal))
        kept.append(others.where(of_them, sa.not_(near)))
    return [near, row_id.in_(sa.union(*kept))]


def _not(condition: Condition) -> Condition:
    """Return the opposite, also of what is not known of null."""
    return sa.func.coalesce(condition, sa.false()).is_(sa.false())


def _beginnings(
    connection: sa.Connection, table: sa.TableClause, column: sa.ColumnClause[str], length: int
) -> list[str] | None:
    """Return the distinct first characters of texts, in the order of the index.

    Each is found with one step along the index.

    Returns:
        `None` if there are too many.
    """
    preparer = connection.dialect.identifier_preparer
    place, quoted = preparer.format_table(table), preparer.quote(column.name)
    sql = _BEGINNINGS.format(table=place, column=quoted, length=length)
    found = connection.execute(sa.text(sql.replace(":", "\\:")))
    beginnings: list[str] = list(found.scalars().fetchmany(_MOST_HOURS + 1))
    found.close()
    return beginnings if len(beginnings) <= _MOST_HOURS else None


def _without_a_day(column: sa.ColumnClause[str], beginnings: Sequence[str]) -> list[Condition]:
    """Return ranges of all texts that do not begin with a day.

    A readable text that begins with a day has this date in some zone, or is the midnight after it
    (hour 24), which is within the range of zones.

    Args:
        column: the times.
        beginnings: of the texts; each text lies between its beginning and the next one.
    """
    ranges: list[Condition] = []
    low: str | None = None
    for one in beginnings:
        odd = not (_REAL_DAY.fullmatch(one) and _is_date(one))
        if odd and low is None:
            low = one
        elif not odd and low is not None:
            ranges.append(
                sa.and_(
                    column >= sa.literal(low, sa.String()), column < sa.literal(one, sa.String())
                )
            )
            low = None
    if low is not None:
        ranges.append(
            sa.and_(column >= sa.literal(low, sa.String()), column < sa.literal_column("x''"))
        )
    return ranges


def _is_unreal(hour: str) -> bool:
    """Say whether SQLite may read the beginning of a text as an hour that does not exist.

    An example is `2026-02-30 12`.
    """
    if _SQLITE_HOUR.fullmatch(hour) is None:
        return False
    return _REAL_HOUR.fullmatch(hour) is None or not _is_date(hour[:_DAY])


def _is_date(day: str) -> bool:
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True


def _begins_with(column: sa.ColumnClause[str], hour: str) -> Condition:
    return column.between(sa.literal(hour, sa.String()), sa.literal(f"{hour}~", sa.String()))


def is_indexed(connection: sa.Connection, table: sa.TableClause, name: str) -> bool:
    """Say whether a column of an SQLite table is the first one of an index of all rows."""
    schema = table.schema or "main"
    found = connection.exec_driver_sql(
        "SELECT 1 FROM pragma_index_list(?, ?) AS known, pragma_index_info(known.name, ?) AS place"
        " WHERE NOT known.partial AND place.seqno = 0 AND lower(place.name) = lower(?)",
        (table.name, schema, schema, name),
    )
    return found.first() is not None
