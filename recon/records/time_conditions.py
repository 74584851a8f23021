"""Conditions that leave out rows of other days, but never a row that may be in the span.

A row is left out only if its time is certainly readable and certainly outside. All other rows are
read: null, garbage, impossible years, spellings that do not compare as text. The exact selection is
made when times are read, so a condition only saves work.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from recon.core.frames.timestamps import EARLIEST, EPOCH_UNITS, LATEST, TEXT_SHAPE
from recon.records import mysql_columns, postgres_columns

Column: TypeAlias = sa.ColumnElement[Any]
Condition: TypeAlias = sa.ColumnElement[bool]

#: The first ten characters of a text are its date in some zone, which is less than a day off UTC.
_TEXT_DAYS: Final = timedelta(days=1)
_DAYS: Final = timedelta(days=2)
#: How far wall clocks jump, and more; and how far the zones of the runtime lie apart.
_CLOCKS: Final = timedelta(hours=3)
_ZONES: Final = timedelta(hours=26)
_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_RARE_YEARS: Final = tuple(
    f"{year}-[01][0-9]-[0-3][0-9]*" for year in ("2009", "21[0-9][0-9]", "2200")
)

#: Days that SQLite takes for real, and that are not of `TEXT_SHAPE`.
_ODD_DAYS: Final = ("02-29", "02-30", "02-31", "04-31", "06-31", "09-31", "11-31")

#: Databases of which it is known in what zone a time without an offset is returned.
_READ_IN_ZONE: Final = mysql_columns.DIALECTS | {"postgresql", "duckdb"}
#: Databases whose regular expressions know `TEXT_SHAPE`.
_WITH_PATTERNS: Final = mysql_columns.DIALECTS | {"postgresql", "duckdb"}
#: Databases that have a type for instants, beside one for times without an offset.
_WITH_INSTANTS: Final = frozenset({"postgresql", "duckdb"})


def within(
    column: Column,
    kind: sa.types.TypeEngine[Any],
    span: tuple[datetime | None, datetime | None],
    *,
    dialect: str,
    zone: str,
) -> Condition:
    """Return the condition for rows that may lie in `span`, or whose time may be unreadable.

    Args:
        column: the times, untyped.
        kind: the column's type in the database. On SQLite each row's own type decides.
        span: `[start, end)`, aware; `None` is without bound.
        dialect: SQLAlchemy's name of the database.
        zone: of times without an offset.
    """
    if span == (None, None):
        return sa.true()
    kind = postgres_columns.of_domain(kind, dialect)
    if dialect == "sqlite":
        return _by_stored_type(column, span)
    if isinstance(kind, sa.Date | sa.DateTime):
        near = (
            _dates(column, span)
            if isinstance(kind, sa.Date)
            else _times(column, kind, span, dialect, zone)
        )
        return sa.or_(near, _impossible_days(column)) if dialect in mysql_columns.DIALECTS else near
    if isinstance(kind, sa.Integer | sa.Numeric):
        return epochs(column, span)
    is_text = isinstance(kind, sa.String) and not isinstance(kind, sa.Enum)
    if is_text and dialect in _WITH_PATTERNS:
        shaped = column.regexp_match(sa.literal(TEXT_SHAPE, sa.String()))
        return sa.or_(column.is_(None), sa.not_(sa.and_(_of_other_days(column, span), shaped)))
    return sa.true()


#: A stretch of readable values and what of it is wanted: first readable, first wanted, first no
#: longer wanted, first no longer readable.
_Stretch: TypeAlias = tuple[Any, Any, Any, Any]


def _kept(
    column: Column, kind: sa.types.TypeEngine[Any], stretches: Iterable[_Stretch]
) -> Condition:
    """Keep null, the wanted rows of each stretch, and everything outside the stretches.

    The result is a union of ranges, for which an index can be used.
    """
    kept: list[Condition] = [column.is_(None)]
    readable_up_to: Any = None
    for low, start, end, high in stretches:
        below = column < sa.literal(low, kind)
        if readable_up_to is not None:
            below = sa.and_(column >= sa.literal(readable_up_to, kind), below)
        wanted = sa.and_(column >= sa.literal(start, kind), column < sa.literal(end, kind))
        kept += [below, wanted]
        readable_up_to = high
    return sa.or_(*kept, column >= sa.literal(readable_up_to, kind))


def _times(
    column: Column,
    kind: sa.DateTime,
    span: tuple[datetime | None, datetime | None],
    dialect: str,
    zone: str,
) -> Condition:
    if kind.timezone and dialect in _WITH_INSTANTS:
        start, end = span
        return _kept(
            column,
            sa.DateTime(timezone=True),
            [(EARLIEST, start or EARLIEST, end or LATEST, LATEST)],
        )
    if isinstance(kind, sa.TIMESTAMP) and dialect in mysql_columns.DIALECTS:
        zone = "UTC"  # an instant, given in the zone of the session
    margin = _CLOCKS if dialect in _READ_IN_ZONE else _ZONES
    start, end = (
        None if time is None else time.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        for time in span
    )
    # What is near the ends of the readable years may be readable or not: it is read.
    low, high = (time.replace(tzinfo=None) for time in (EARLIEST + _DAYS, LATEST - _DAYS))
    wanted = (low if start is None else start - margin, high if end is None else end + margin)
    return _kept(column, sa.DateTime(), [(low, *wanted, high)])


def _dates(column: Column, span: tuple[datetime | None, datetime | None]) -> Condition:
    low, high = (EARLIEST + _DAYS).date(), (LATEST - _DAYS).date()
    start, end = span
    wanted = (
        low if start is None else (start - _DAYS).date(),
        high if end is None else (end + _DAYS).date(),
    )
    return _kept(column, sa.Date(), [(low, *wanted, high)])


def _impossible_days(column: Column) -> Condition:
    """Keep dates that MySQL stores but no calendar has: `2026-11-00`, `2026-02-31`.

    They sort among the others (sql_mode without NO_ZERO_IN_DATE, or with ALLOW_INVALID_DATES). No
    index finds them, so such a table is read completely.
    """
    day, last = sa.func.dayofmonth(column), sa.func.last_day(column)
    return sa.or_(day == 0, last.is_(None), day > sa.func.dayofmonth(last))


def _first_and_last_day(span: tuple[datetime | None, datetime | None]) -> tuple[Any, Any]:
    """Return the days, both included, with which texts of times in the span may begin."""
    start, end = span
    return (
        None if start is None else (start - _TEXT_DAYS).date(),
        None if end is None else (end + _TEXT_DAYS).date(),
    )


def epochs(column: Column, span: tuple[datetime | None, datetime | None]) -> Condition:
    """Keep numbers that lie in the span as seconds, milliseconds or microseconds."""
    bounds = (EARLIEST, span[0] or EARLIEST, span[1] or LATEST, LATEST)
    low, start, end, high = ((time - _EPOCH) // _MICROSECOND for time in bounds)
    stretches = [
        (
            low // unit,
            max(low // unit, start // unit - 1),
            min(high // unit, end // unit + 2),
            high // unit,
        )
        for unit in EPOCH_UNITS
    ]
    return _kept(column, sa.BigInteger(), stretches)


def _of_other_days(column: Column, span: tuple[datetime | None, datetime | None]) -> Condition:
    """Select texts that begin with a date before or after the span."""
    day = sa.func.substr(column, 1, 10)
    first, last = _first_and_last_day(span)
    outside = [
        *([] if first is None else [day < sa.literal(first.isoformat(), sa.String())]),
        *([] if last is None else [day > sa.literal(last.isoformat(), sa.String())]),
    ]
    return sa.or_(*outside)


def _by_stored_type(column: Column, span: tuple[datetime | None, datetime | None]) -> Condition:
    """Compare each row of an SQLite table by its stored type, whatever the column's type."""
    # Only in the conditions of a CASE does SQLite stop as soon as it knows.
    return sa.case((texts_near(column, span), sa.true()), else_=all_but_texts_near(column, span))


def texts_near(column: Column, span: tuple[datetime | None, datetime | None]) -> Condition:
    """Return the condition for texts of SQLite that may lie in `span`, a range of an index."""
    first, last = _first_and_last_day(span)
    # Numbers come before, and blobs after, all text.
    return sa.and_(
        column >= sa.literal((first or EARLIEST.date()).isoformat(), sa.String()),
        column <= sa.literal(f"{(last or LATEST.date()).isoformat()}~", sa.String()),
    )


def all_but_texts_near(
    column: Column,
    span: tuple[datetime | None, datetime | None],
    *,
    hours_are_real: bool = False,
) -> Condition:
    """Return the condition for the other rows of SQLite that `within` keeps.

    Args:
        column: the times.
        span: see `within`.
        hours_are_real: whether every hour that SQLite reads is known to exist. Then a text in
            SQLite's own spelling is recognised in half the time.
    """
    stored = sa.func.typeof(column)
    spelled = sa.func.datetime(column, type_=sa.String()) == column
    usual = [(spelled, sa.false())] if hours_are_real else []
    unusual = [] if hours_are_real else [(_as_sqlite_writes_it(column), sa.false())]
    return sa.case(
        *usual,
        (texts_near(column, span), sa.false()),
        *unusual,
        (sa.and_(stored == "text", _plain_for_sqlite(column)), sa.false()),
        (sa.and_(stored == "text", _shaped_for_sqlite(column)), sa.false()),
        (sa.and_(stored.in_(["integer", "real"]), sa.not_(epochs(column, span))), sa.false()),
        else_=sa.true(),
    )


def _as_sqlite_writes_it(column: Column) -> Condition:
    """Say whether a time has SQLite's own spelling, `2026-04-23 12:00:00`.

    Such a text has `TEXT_SHAPE`, and is recognised in a third of the time of `_plain_for_sqlite`.
    """
    low, high = (time.date().isoformat() for time in (EARLIEST + _DAYS, LATEST - _DAYS))
    return sa.and_(
        sa.func.length(column) == len("2026-04-23 12:00:00"),
        column.between(sa.literal(low, sa.String()), sa.literal(high, sa.String())),
        # Without the addition, days that a month does not have would stay as they are.
        sa.func.datetime(column, sa.literal("+0 days", sa.String()), type_=sa.String()) == column,
    )


def _plain_for_sqlite(column: Column) -> Condition:
    """Recognise nearly all texts that have `TEXT_SHAPE`, in a sixth of the time.

    SQLite's own reading of times is less strict: it accepts day 31 in each month, the hour 24, and
    blanks between date and time, before the offset, and at the end.
    """

    def between(part: Column, low: str, high: str) -> Condition:
        return part.between(sa.literal(low, sa.String()), sa.literal(high, sa.String()))

    def part(start: int, *length: int) -> Column:
        return sa.func.substr(column, start, *length)

    low, high = (_julian_day(time) for time in (EARLIEST + _DAYS, LATEST - _DAYS))
    return sa.and_(
        # A blob would be read as the text that its bytes are.
        column < sa.literal_column("x''"),
        sa.func.julianday(column).between(low, high),
        sa.or_(between(part(11, 3), " 00", " 23"), between(part(11, 3), "T00", "T23")),
        sa.or_(
            between(part(9, 2), "01", "28"),
            part(6, 5).not_in([sa.literal(one, sa.String()) for one in _ODD_DAYS]),
        ),
        sa.or_(between(part(-1), "0", "9"), between(part(-2), "0Z", "9Z")),
        # Before an offset, and in all other places within the time, there is no blank.
        part(-7) > sa.literal("!", sa.String()),
    )


def _julian_day(time: datetime) -> float:
    """Return the days since noon of 24 November 4714 BC, as in SQLite."""
    return 2_440_587.5 + (time - _EPOCH) / timedelta(days=1)


def _shaped_for_sqlite(column: Column) -> Condition:
    """Return the condition of `TEXT_SHAPE` for SQLite, which has only GLOB.

    A text is divided into date, hour and minute, seconds, fraction and zone.
    """

    def glob(part: Column, *patterns: str) -> Condition:
        return sa.or_(*(part.op("GLOB")(sa.literal(one, sa.String())) for one in patterns))

    def text(value: str) -> Column:
        return sa.literal(value, sa.String())

    month_and_day = sa.func.substr(column, 6, 5)
    real_day = sa.and_(
        glob(column, "20[1-9][0-9]-[01][0-9]-[0-3][0-9]*", *_RARE_YEARS),
        month_and_day.between(text("01-01"), text("12-31")),
        sa.or_(
            sa.func.substr(column, 9, 2).between(text("01"), text("28")),
            glob(month_and_day, "0[13-9]-29", "1[0-2]-29", "0[13-9]-30", "1[0-2]-30"),
            glob(month_and_day, "0[13578]-31", "1[02]-31"),
        ),
    )
    time = sa.func.substr(column, 11, 6)
    real_time = glob(time, "[Tt ][01][0-9]:[0-5][0-9]", "[Tt ]2[0-3]:[0-5][0-9]")
    has_seconds = glob(sa.func.substr(column, 17, 3), ":[0-5][0-9]")
    has_fraction = glob(sa.func.substr(column, 20, 2), "[.,][0-9]")
    zone = sa.case(
        (
            sa.and_(has_seconds, has_fraction),
            sa.func.ltrim(sa.func.substr(column, 21), text("0123456789")),
        ),
        (has_seconds, sa.func.substr(column, 20)),
        else_=sa.func.substr(column, 17),
    )
    offsets = [
        f"[+-]{hour}{minute}"
        for hour in ("[01][0-9]", "2[0-3]")
        for minute in ("", "[0-5][0-9]", ":[0-5][0-9]")
    ]
    real_zone = sa.or_(zone.in_(["", "Z", "z"]), glob(zone, *offsets))
    return sa.and_(
        real_day, sa.or_(sa.func.substr(column, 11) == text(""), sa.and_(real_time, real_zone))
    )
