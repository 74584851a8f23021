"""RecordsReader in a database: a table or view, or the user's own query."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from recon import rows
from recon.arrow import ArrowUnavailable, postgres_arrow, sqlite_arrow
from recon.errors import InputError
from recon.records import (
    id_conditions,
    missing_indexes,
    mysql_columns,
    postgres_columns,
    rowid_ranges,
    sql_syntax,
    sqlite_time_index,
    table_columns,
    time_conditions,
    user_sql,
)
from recon.records.connections import ReadOnlyDatabase
from recon.records.reader import RecordsCollector, RecordsRead
from recon.records.source import Source
from recon.records.suggestions import not_found_error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recon.core.frames import Raw

#: Rows typed at once, about.
_TYPED: Final = 32_000


class SqlReader:
    """The records of a table or a query."""

    def __init__(
        self,
        source: Source,
        database: ReadOnlyDatabase,
        *,
        stretch_rows: int = rowid_ranges.STRETCH_ROWS,
        large_rows: int = missing_indexes.LARGE_ROWS,
    ) -> None:
        """Read what `source` names in `database`.

        Args:
            source: what to read.
            database: where it is.
            stretch_rows: a large SQLite table is read in such stretches.
            large_rows: for a table of more rows indexes are advised.
        """
        self._source = source
        self._database = database
        self._stretch_rows = stretch_rows
        self._large_rows = large_rows

    @property
    def can_find(self) -> bool:
        """Whether there is a table to search; a query only returns its span."""
        return self._source.table is not None

    def describe(self) -> str:
        """Name table or query, and the database."""
        what = f"table {self._source.table}" if self._source.table else "a query"
        return f"{what} at {self._database.shown}"

    def read(self, start: datetime | None, end: datetime | None) -> RecordsRead:
        """See `RecordsReader.read`."""
        with rows.gc_paused():
            return self._database.run(lambda connection: self._read(connection, start, end))

    def find(self, message_ids: NDArray[np.int64]) -> RecordsRead:
        """See `RecordsReader.find`."""
        if not self.can_find or not len(message_ids) or "message_id" not in self._source.fields:
            return RecordsCollector(self._source).result()
        return self._database.run(lambda connection: self._find(connection, message_ids))

    def find_record(self, local_id: str) -> RecordsRead:
        """See `RecordsReader.find_record`."""
        if not self.can_find or "id" not in self._source.fields:
            return RecordsCollector(self._source).result()
        return self._database.run(lambda connection: self._find_record(connection, local_id))

    def columns(self) -> Mapping[str, str]:
        """See `RecordsReader.columns`."""
        if not self.can_find:
            return self._source.mapping
        kinds = self._database.run(lambda connection: self._table(connection)[1])
        return {
            field: f"{name} ({_type_name(kinds[name])})"
            for field, name in self._source.mapping.items()
        }

    def advised_indexes(self) -> Sequence[str]:
        """See `RecordsReader.advised_indexes`."""
        if not self.can_find:
            return ()
        return self._database.run(self._advised_indexes)

    def _advised_indexes(self, connection: sa.Connection) -> Sequence[str]:
        table, kinds = self._table(connection)
        return missing_indexes.statements(
            connection,
            table,
            kinds,
            self._source.mapping,
            filtered=bool(self._source.where),
            large=self._large_rows,
        )

    def _read(
        self, connection: sa.Connection, start: datetime | None, end: datetime | None
    ) -> RecordsRead:
        dialect = connection.dialect.name
        if self._source.query is not None:
            syntax = sql_syntax.syntax_of(connection)
            asked = user_sql.query(self._source.query, start, end, dialect, syntax)
            return self._rows(connection, asked, asked, (start, end))
        table, kinds = self._table(connection)
        name = self._source.mapping["sent_at"]
        if dialect == "sqlite":
            parts = sqlite_time_index.parts(
                connection, table, name, (start, end), self._stretch_rows
            )
            if parts is not None:
                every = self._select(connection, table)
                return self._collected(self._paged(connection, every, parts), (start, end))
        near = time_conditions.within(
            sa.column(name), kinds[name], (start, end), dialect=dialect, zone=self._source.timezone
        )
        return self._rows(
            connection,
            self._select(connection, table).where(near),
            self._select(connection, table, kinds).where(near),
            (start, end),
            table,
        )

    def _rows(
        self,
        connection: sa.Connection,
        statement: sa.Select[Any] | sa.TextClause,
        by_columns: sa.Select[Any] | sa.TextClause,
        span: tuple[datetime | None, datetime | None],
        table: sa.TableClause | None = None,
    ) -> RecordsRead:
        """Read the rows of a statement; of many, the rest as Arrow columns where that is possible.

        Args:
            connection: to the user's database.
            statement: what to ask in the plain way.
            by_columns: the same, as Arrow can have it from PostgreSQL.
            span: what of the rows is wanted.
            table: what `statement` selects from, where that is known.
        """
        with closing(self._chunks(connection, statement)) as chunks:
            first = next(chunks)
            # Few rows are not worth another way; and errors have been reported by now.
            are_many = len(first["sent_at"]) >= min(self._stretch_rows, rows.FIRST)
            if (
                are_many
                and table is not None
                and rowid_ranges.are_possible(connection, table, self._stretch_rows)
            ):
                assert isinstance(statement, sa.Select)
                stretches = rowid_ranges.stretches(connection, table, self._stretch_rows)
                return self._collected(self._paged(connection, statement, stretches), span)
            if are_many and postgres_arrow.is_possible(connection):
                with suppress(ArrowUnavailable):
                    batches = postgres_columns.chunks(
                        connection,
                        by_columns,
                        self._source.mapping,
                        self._database.zone,
                        self._database.lock_seconds,
                    )
                    return self._collected(batches, span)
            return self._collected(chain([first], chunks), span)

    def _paged(
        self,
        connection: sa.Connection,
        statement: sa.Select[Any],
        parts: Iterable[sa.ColumnElement[bool]],
    ) -> Iterator[Raw]:
        """Yield the rows of a statement of SQLite part by part, as Arrow columns.

        From the first part on that cannot be had so, it goes on in the plain way.
        """
        as_arrow = True
        for condition in parts:
            part = statement.where(condition)
            if as_arrow:
                try:
                    cells = sqlite_arrow.read_columns(connection, part)
                except ArrowUnavailable:
                    as_arrow = False
                else:
                    yield {field: cells[name] for field, name in self._source.mapping.items()}
                    continue
            yield from self._chunks(connection, part)

    def _collected(
        self, chunks: Iterable[Raw], span: tuple[datetime | None, datetime | None]
    ) -> RecordsRead:
        collected = RecordsCollector(self._source)
        for raw in chunks:
            collected.add(raw, span=span)
        return collected.result()

    def _find(self, connection: sa.Connection, message_ids: NDArray[np.int64]) -> RecordsRead:
        table, kinds = self._table(connection)
        name = self._source.mapping["message_id"]
        select = self._select(connection, table)
        collected = RecordsCollector(self._source)
        for condition in id_conditions.conditions(
            sa.column(name), kinds[name], message_ids.tolist(), connection.dialect.name
        ):
            for raw in self._chunks(connection, select.where(condition)):
                collected.add(raw, message_ids=message_ids)
        return collected.result()

    def _find_record(self, connection: sa.Connection, local_id: str) -> RecordsRead:
        table, kinds = self._table(connection)
        name = self._source.mapping["id"]
        condition = id_conditions.own_id(
            sa.column(name), kinds[name], local_id, connection.dialect.name
        )
        collected = RecordsCollector(self._source)
        for raw in self._chunks(connection, self._select(connection, table).where(condition)):
            collected.add(raw, local_id=local_id)
        return collected.result()

    def _select(
        self,
        connection: sa.Connection,
        table: sa.TableClause,
        kinds: Mapping[str, sa.types.TypeEngine[Any]] | None = None,
    ) -> sa.Select[*tuple[Any, ...]]:
        """Select the mapped columns; with their `kinds`, as Arrow can have them."""
        # Untyped columns: what the driver gives is taken as it is, without a step in between.
        wanted: list[sa.ColumnClause[Any]] = [
            sa.column(name) for name in dict.fromkeys(self._source.mapping.values())
        ]
        select: sa.Select[*tuple[Any, ...]] = sa.select(
            *(
                one if kinds is None else postgres_columns.readable(one, kinds[one.name])
                for one in wanted
            )
        ).select_from(table)
        if self._source.where:
            syntax = sql_syntax.syntax_of(connection)
            select = select.where(user_sql.condition(self._source.where, syntax))
        return select

    def _chunks(
        self, connection: sa.Connection, statement: sa.Executable
    ) -> Generator[Mapping[str, Sequence[Any]]]:
        """Yield the rows of a statement as raw columns by field, many rows at a time.

        There is always a chunk; how many rows each has says `rows.read_parts` (of `_TYPED`).
        """
        mapping = self._source.mapping
        is_mysql = connection.dialect.name in mysql_columns.DIALECTS
        for names, kinds, cells in rows.read_parts(connection, statement, _TYPED):
            places = _places(mapping, names)
            yield {
                field: mysql_columns.convert(cells[at], kinds[at]) if is_mysql else cells[at]
                for field, at in places.items()
            }

    def _table(
        self, connection: sa.Connection
    ) -> tuple[sa.TableClause, Mapping[str, sa.types.TypeEngine[Any]]]:
        """Find the table, and the types of its columns.

        Raises:
            InputError: the table, or a mapped column of it, is not there.
        """
        asked = self._source.table or ""
        table, kinds = table_columns.find_table(connection, asked)
        mapped = list(self._source.mapping.values())
        absent = [one for one in mapped if one not in kinds]
        if absent:
            raise not_found_error("column", absent, kinds, where=f"table {asked}", mapped=mapped)
        return table, kinds


def _type_name(kind: sa.types.TypeEngine[Any]) -> str:
    return f"{kind} WITH TIME ZONE" if getattr(kind, "timezone", False) else str(kind)


def _places(mapping: Mapping[str, str], names: Sequence[str]) -> dict[str, int]:
    """Return where the column of each field stands in an answer.

    Raises:
        InputError: it is not there, or there are several of its name.
    """
    absent = [one for one in mapping.values() if one not in names]
    if absent:
        raise not_found_error(
            "column", absent, names, where="the query's answer", mapped=mapping.values()
        )
    for name in mapping.values():
        if names.count(name) > 1:
            raise InputError(
                f"the query's answer has several columns '{name}'",
                hint="select the columns by name, each once",
            )
    return {field: names.index(name) for field, name in mapping.items()}
