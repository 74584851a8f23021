"""Count the sends in the records since a moment, as a fast hint whether a poll is due.

The count may be wrong by a few. It decides only when Octopods is polled, never what is found. So
the database alone reads the times, no rows are loaded, and slow counting is stopped.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from recon.errors import InputError, TemporaryError
from recon.model import NOT_SENT
from recon.records import mysql_columns, sql_syntax, table_columns, user_sql
from recon.records.connections import ReadOnlyDatabase, read_only_engine
from recon.records.source import Source
from recon.records.suggestions import not_found_error
from recon.records.text_time_windows import SLOTS, windows

Condition: TypeAlias = sa.ColumnElement[bool]
#: Makes a value of a condition from the bounds of its span.
Value: TypeAlias = Callable[[datetime, datetime], object]
#: Makes a parameter of the statement, which has another value each time.
Bind: TypeAlias = Callable[[Value, sa.types.TypeEngine[Any]], sa.BindParameter[Any]]
Span: TypeAlias = Callable[[Bind], Condition]

#: Longer than this no statement of ours may take: it comes each minute, on the user's database.
STATEMENT_SECONDS: Final = 2.0

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Seconds, milliseconds and microseconds since the epoch.
_UNITS: Final = tuple(timedelta(microseconds=unit) for unit in (1_000_000, 1_000, 1))
#: The dates of one moment in all zones are at most this far apart.
_DAY: Final = timedelta(days=1)
#: How many steps of SQLite's virtual machine are between two readings of the clock.
_STEPS: Final = 10_000


class _Statement:
    """A statement that counts the records of several spans with one end.

    It is built once, because building takes longer than running it on a table with an index.
    """

    def __init__(self, spans: int, span: Span, around: Span) -> None:
        self._values: list[tuple[int, Value]] = []
        counted = [self._condition(n, span) for n in range(spans)]
        #: The last span is the union of the others.
        self.query = sa.select(*(sa.func.count(sa.case((one, 1))) for one in counted)).where(
            self._condition(spans, around)
        )

    def _condition(self, number: int, span: Span) -> Condition:
        def bind(value: Value, kind: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
            self._values.append((number, value))
            return sa.bindparam(f"value_{len(self._values)}", type_=kind)

        return span(bind)

    def parameters(self, moments: Sequence[datetime], until: datetime) -> dict[str, object]:
        """Return the values of the statement's parameters for spans from `moments` on."""
        starts = [*moments, min(moments)]
        return {
            f"value_{place}": value(starts[number], until)
            for place, (number, value) in enumerate(self._values, start=1)
        }


class SendCounter:
    """Counts the records of one account; it may be reused, and connects anew each time.

    Args:
        source: the records.
        patience_seconds: how many seconds to wait for a statement or a lock of the application.
    """

    def __init__(self, source: Source, *, patience_seconds: float = STATEMENT_SECONDS) -> None:
        self._source = source
        self._patience = patience_seconds
        self._database: ReadOnlyDatabase | None = None
        self._built: tuple[object, _Statement] | None = None

    def since(self, moments: Sequence[datetime], until: datetime) -> tuple[int, ...] | None:
        """Return how many records lie in `[moment, until]`, for each of `moments`.

        Records marked as not sent, and records without a time, do not count.

        Args:
            moments: aware, for example the time of the last poll.
            until: aware; records may be planned for later.

        Returns:
            `None` if counting would be slow or not reliable: for files, queries, and times stored
            as dates or (except in SQLite) as text.

        Raises:
            InputError: the table or a column does not exist, or the SQL is refused.
            TemporaryError: the database is out of reach, busy or too slow.
            ConfigError: the URL, its driver or its credentials are wrong.
        """
        source = self._source
        if source.url is None or source.table is None:
            return None
        if self._database is None:
            self._database = read_only_engine(
                source.url,
                source.timezone,
                lock_seconds=self._patience,
                setting=source.setting,
            )
        database = self._database

        def count(connection: sa.Connection) -> tuple[int, ...] | None:
            _bound(connection, self._patience)
            return self._count(connection, moments, until)

        try:
            return database.run(count)
        except InputError as error:
            cause = getattr(error.__cause__, "orig", None)
            if getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                raise TemporaryError(
                    f"the records at {database.shown} were not counted within {self._patience:g} s",
                    hint="If `recon check` advises an index on these records, create it. Otherwise "
                    "the machine may be overloaded.",
                ) from error
            raise

    def _count(
        self, connection: sa.Connection, moments: Sequence[datetime], until: datetime
    ) -> tuple[int, ...] | None:
        source, asked = self._source, self._source.table or ""
        table, kinds = table_columns.find_table(connection, asked)
        syntax = sql_syntax.syntax_of(connection)
        # A table that changes, or a server with other settings, makes another statement.
        key = len(moments), str(table), repr(kinds), syntax
        if self._built is None or self._built[0] != key:
            spans = _spans(connection, source, kinds, asked)
            if spans is None:
                return None
            made = _Statement(len(moments), *spans)
            made.query = made.query.select_from(table)
            if "status" in source.fields:
                went_out = _went_out(sa.column(source.mapping["status"]), source)
                made.query = made.query.where(went_out)
            if source.where:
                made.query = made.query.where(user_sql.condition(source.where, syntax))
            self._built = key, made
        statement = self._built[1]
        row = connection.execute(statement.query, statement.parameters(moments, until)).one()
        return tuple(int(count) for count in row)


def _spans(
    connection: sa.Connection, source: Source, kinds: table_columns.Kinds, asked: str
) -> tuple[Span, Span] | None:
    """Return two functions that make conditions for a span; `None` if times cannot be compared.

    The second makes the condition for searching an index, which other records may also meet.

    Raises:
        InputError: the column does not exist.
    """
    column: sa.ColumnClause[Any] = sa.column(source.mapping["sent_at"])
    if column.name not in kinds:
        raise not_found_error("column", [column.name], kinds, where=f"table {asked}")
    zone = ZoneInfo(source.timezone)
    if connection.dialect.name == "sqlite":
        return (
            lambda bind: _of_any_type(column, bind, zone),
            lambda bind: _around_any_type(column, bind, zone),
        )
    span = _of_typed(connection, column, kinds, zone)
    return None if span is None else (span, span)


def _of_typed(
    connection: sa.Connection,
    column: sa.ColumnClause[Any],
    kinds: table_columns.Kinds,
    zone: ZoneInfo,
) -> Span | None:
    # A domain of PostgreSQL counts as its base type.
    kind = getattr(kinds[column.name], "data_type", kinds[column.name])
    if isinstance(kind, sa.DateTime):
        if kind.timezone and connection.dialect.name in ("postgresql", "duckdb"):
            return lambda bind: _times(column, bind, None)
        if isinstance(kind, sa.TIMESTAMP) and connection.dialect.name in mysql_columns.DIALECTS:
            zone = ZoneInfo("UTC")  # an instant, given in the zone of the session
        return lambda bind: _times(column, bind, zone)
    if isinstance(kind, sa.Integer | sa.Numeric):
        return lambda bind: _epochs(column, bind)
    return None


def _bound(connection: sa.Connection, seconds: float) -> None:
    """Let no statement of this connection take longer."""
    milliseconds = int(seconds * 1000)
    dialect: Any = connection.dialect
    # MariaDB answers to a URL that begins with mysql, too.
    match "mariadb" if getattr(dialect, "is_mariadb", False) else dialect.name:
        case "postgresql":
            # For this transaction only: behind a pooler, the session is shared with others.
            limit = {"limit": f"{milliseconds}ms"}
            connection.execute(
                sa.text("SELECT set_config('statement_timeout', :limit, true)"), limit
            )
        case "mysql":
            connection.exec_driver_sql(f"SET SESSION max_execution_time = {milliseconds}")
        case "mariadb":
            connection.exec_driver_sql(f"SET SESSION max_statement_time = {seconds}")
        case "sqlite":
            driver: Any = connection.connection.dbapi_connection
            assert isinstance(driver, sqlite3.Connection)
            deadline = time.monotonic() + seconds
            driver.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)


def _went_out(column: sa.ColumnElement[Any], source: Source) -> Condition:
    words = {word.lower() for word, ours in source.statuses.items() if ours == NOT_SENT}
    plain = sa.func.lower(sa.func.trim(sa.cast(column, sa.String())))
    return sa.or_(column.is_(None), plain.not_in(sorted(words | {NOT_SENT})))


def _times(column: sa.ColumnElement[Any], bind: Bind, zone: ZoneInfo | None) -> Condition:
    """Compare with a column of times; without an offset they are wall-clock times in `zone`."""
    kind = sa.DateTime(timezone=zone is None)

    def as_stored(at: datetime) -> datetime:
        return at if zone is None else at.astimezone(zone).replace(tzinfo=None)

    return sa.and_(
        column >= bind(lambda since, _: as_stored(since), kind),
        column <= bind(lambda _, until: as_stored(until), kind),
    )


def _epochs(column: sa.ColumnElement[Any], bind: Bind) -> Condition:
    """Keep numbers that lie in the span in one of the units, which cannot be confused."""
    kind = sa.BigInteger()

    def in_unit(unit: timedelta) -> Condition:
        return sa.and_(
            column >= bind(lambda since, _: (since - _EPOCH) // unit, kind),
            column <= bind(lambda _, until: (until - _EPOCH) // unit, kind),
        )

    return sa.or_(*(in_unit(unit) for unit in _UNITS))


def _of_any_type(column: sa.ColumnElement[Any], bind: Bind, zone: ZoneInfo) -> Condition:
    """Compare each row of an SQLite table by its type: a text or a number.

    SQLite sorts numbers before texts.
    """
    near = _near(column, bind)
    # In days. SQLite takes a text without an offset for UTC. A spelling that it
    # does not know (a comma, an offset without a colon) is read up to its seconds.
    at = sa.func.coalesce(
        sa.func.julianday(column), sa.func.julianday(sa.func.substr(column, 1, 19))
    )
    tail = sa.func.substr(column, 17)
    has_offset = sa.or_(*(tail.op("GLOB")(sa.literal(one)) for one in ("*[Zz+]*", "*-*")))
    shift = sa.case((has_offset, 0.0), else_=bind(lambda since, _: _shift(since, zone), sa.Float()))
    inside = sa.and_(
        at >= bind(lambda since, _: _julian(since), sa.Float()) + shift,
        at <= bind(lambda _, until: _julian(until), sa.Float()) + shift,
    )
    return sa.or_(_epochs(column, bind), sa.and_(near, inside))


def _near(column: sa.ColumnElement[Any], bind: Bind) -> Condition:
    """Keep texts of a span, with the days before and after it."""
    return sa.and_(
        column >= bind(lambda since, _: (since - _DAY).date().isoformat(), sa.String()),
        column < bind(lambda _, until: (until + 2 * _DAY).date().isoformat(), sa.String()),
    )


def _around_any_type(column: sa.ColumnElement[Any], bind: Bind, zone: ZoneInfo) -> Condition:
    """Keep the rows that an index of an SQLite table finds for a span, not all of two days."""
    tail = sa.func.substr(column, 17)

    def in_window(number: int) -> Condition:
        def of_window(place: int) -> sa.BindParameter[Any]:
            return bind(
                lambda since, until: windows(since, until, zone)[number][place], sa.String()
            )

        first, beyond, pattern = map(of_window, range(3))
        return sa.and_(column >= first, column < beyond, tail.op("GLOB")(pattern))

    # Where there is no index, few rows are compared with each window. A CASE uses none.
    is_near = sa.case((sa.or_(_epochs(column, bind), _near(column, bind)), 1), else_=0)
    is_in_one = sa.or_(_epochs(column, bind), *map(in_window, range(SLOTS)))
    return sa.and_(is_near == 1, is_in_one)


def _julian(at: datetime) -> float:
    """Return the Julian day as in SQLite, where the epoch is 2440587.5; exact to 0.1 ms."""
    return 2440587.5 + (at - _EPOCH) / _DAY


def _shift(at: datetime, zone: ZoneInfo) -> float:
    """Return how far the wall clock of `zone` is ahead of UTC, in days."""
    offset = at.astimezone(zone).utcoffset()
    return 0.0 if offset is None else offset / _DAY
