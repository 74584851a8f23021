"""RecordsReader in a database: a table or view, or the user's own query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from recon.core.frames.timestamps import EARLIEST
from recon.errors import InputError
from recon.records import (
    id_conditions,
    missing_indexes,
    mysql_columns,
    narrow_floats,
    postgres_columns,
    shielding_records,
    sql_syntax,
    sqlite_time_index,
    table_columns,
    time_conditions,
    user_sql,
)
from recon.records.connections import ReadOnlyDatabase, Result
from recon.records.reader import RecordsCollector, RecordsRead
from recon.records.source import Source
from recon.records.suggestions import not_found_error
from recon.sqlread import rowid_ranges
from recon.sqlread.driver_rows import Batch, read_rows
from recon.sqlread.query import Query, read

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
        range_rows: int = rowid_ranges.RANGE_ROWS,
        large_rows: int = missing_indexes.LARGE_ROWS,
    ) -> None:
        """Read the table or query of `source` in `database`.

        Args:
            source: what to read.
            database: where it is.
            range_rows: a large SQLite table is read in ranges of this many rows.
            large_rows: for a table with more rows, indexes are advised.
        """
        self._source = source
        self._database = database
        self._range_rows = range_rows
        self._large_rows = large_rows

    @property
    def can_find(self) -> bool:
        """Whether there is a table to search; a query only returns its span."""
        return self._source.table is not None

    def describe(self) -> str:
        """Name the table or query and the database."""
        what = f"table {self._source.table}" if self._source.table else "a query"
        return f"{what} at {self._database.shown}"

    def read(
        self, start: datetime | None, end: datetime | None, *, all_rejects: bool = True
    ) -> RecordsRead:
        """See `RecordsReader.read`."""
        return self._database.run(
            lambda connection: self._read(connection, start, end, all_rejects=all_rejects)
        )

    def read_in_parts(
        self,
        start: datetime | None,
        end: datetime | None,
        collect: Callable[[Iterable[RecordsRead]], Result],
        *,
        all_rejects: bool = True,
    ) -> Result:
        """See `RecordsReader.read_in_parts`."""
        return self._database.run(
            lambda connection: read(
                connection,
                self._query(connection, start, end, all_rejects=all_rejects),
                lambda batches: collect(
                    replace(part, has_all_rejects=all_rejects)
                    for part in self._parts(connection, batches, (start, end))
                ),
            )
        )

    def find(self, message_ids: NDArray[np.int64]) -> RecordsRead:
        """See `RecordsReader.find`."""
        if not self.can_find or not len(message_ids) or "message_id" not in self._source.fields:
            return RecordsCollector(self._source).result()
        return self._database.run(lambda connection: self._find(connection, message_ids))

    def find_untimed(self, message_ids: NDArray[np.int64]) -> RecordsRead:
        """See `RecordsReader.find_untimed`."""
        return self._database.run(lambda connection: self._find_untimed(connection, message_ids))

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
        self,
        connection: sa.Connection,
        start: datetime | None,
        end: datetime | None,
        *,
        all_rejects: bool,
    ) -> RecordsRead:
        query = self._query(connection, start, end, all_rejects=all_rejects)
        found = read(
            connection,
            query,
            lambda batches: self._collected(
                connection, batches, lambda kept, raw: kept.add(raw, span=(start, end))
            ),
        )
        return replace(found, has_all_rejects=all_rejects or not query.are_parts)

    def _parts(
        self,
        connection: sa.Connection,
        batches: Iterable[Batch],
        span: tuple[datetime | None, datetime | None],
    ) -> Iterator[RecordsRead]:
        yield RecordsCollector(self._source).result()
        for batch in batches:
            yield self._collected(connection, [batch], lambda kept, raw: kept.add(raw, span=span))

    def _query(
        self,
        connection: sa.Connection,
        start: datetime | None,
        end: datetime | None,
        *,
        all_rejects: bool,
    ) -> Query:
        dialect, mapping = connection.dialect.name, self._source.mapping
        query = partial(
            Query,
            batch_rows=_TYPED,
            range_rows=self._range_rows,
            settings=postgres_columns.settings(self._database.zone, self._database.lock_seconds),
            is_same=partial(postgres_columns.are_same, mapping=mapping),
        )
        if self._source.query is not None:
            syntax = sql_syntax.syntax_of(connection)
            asked = user_sql.query(self._source.query, start, end, dialect, syntax)
            return query([asked])
        table, kinds = self._table(connection)
        name = mapping["sent_at"]
        select = self._select(connection, table)
        if dialect == "sqlite":
            parts = sqlite_time_index.parts(
                connection,
                table,
                name,
                (start, end),
                self._range_rows,
                all_rejects=all_rejects,
            )
            if parts is not None:
                return query([select.where(part) for part in parts], are_parts=True)
        near = time_conditions.within(
            sa.column(name), kinds[name], (start, end), dialect=dialect, zone=self._source.timezone
        )
        exact = self._select(connection, table, kinds)
        return query([select.where(near)], table=table, binary=[exact.where(near)])

    def _collected(
        self,
        connection: sa.Connection,
        batches: Iterable[Batch],
        add: Callable[[RecordsCollector, Raw], None],
    ) -> RecordsRead:
        collected = RecordsCollector(self._source)
        dialect = connection.dialect.name
        is_mysql = dialect in mysql_columns.DIALECTS
        for names, types, columns in batches:
            places = _places(self._source.mapping, names)
            for at in places.values():
                if types:
                    narrow_floats.require_exact_answer(names[at], columns[at], types[at], dialect)
            raw = {
                field: mysql_columns.convert(columns[at], types[at]) if is_mysql else columns[at]
                for field, at in places.items()
            }
            add(collected, raw)
        return collected.result()

    def _find(self, connection: sa.Connection, message_ids: NDArray[np.int64]) -> RecordsRead:
        table, kinds = self._table(connection)
        name = self._source.mapping["message_id"]
        conditions = id_conditions.conditions(
            sa.column(name), kinds[name], message_ids.tolist(), connection.dialect.name
        )
        return self._rows_with(
            connection, table, conditions, lambda kept, raw: kept.add(raw, message_ids=message_ids)
        )

    def _find_untimed(
        self, connection: sa.Connection, message_ids: NDArray[np.int64]
    ) -> RecordsRead:
        # Of a moment before all records, so that there are no others.
        span = (EARLIEST, EARLIEST)
        name = self._source.mapping.get("message_id")
        if self._source.table is not None and name is not None:
            table, kinds = self._table(connection)
            may_be = shielding_records.condition(
                connection, table, name, kinds[name], message_ids.tolist(), self._range_rows
            )
            if may_be is not None:
                at = self._source.mapping["sent_at"]
                untimed = time_conditions.within(
                    sa.column(at),
                    kinds[at],
                    span,
                    dialect=connection.dialect.name,
                    zone=self._source.timezone,
                )
                found = self._rows_with(
                    connection,
                    table,
                    [sa.and_(may_be, untimed)],
                    lambda kept, raw: kept.add(raw, span=span),
                )
                return replace(found, has_all_rejects=False)
        return self._read(connection, *span, all_rejects=True)

    def _find_record(self, connection: sa.Connection, local_id: str) -> RecordsRead:
        table, kinds = self._table(connection)
        name = self._source.mapping["id"]
        condition = id_conditions.own_id(
            sa.column(name), kinds[name], local_id, connection.dialect.name
        )
        return self._rows_with(
            connection, table, [condition], lambda kept, raw: kept.add(raw, local_id=local_id)
        )

    def _rows_with(
        self,
        connection: sa.Connection,
        table: sa.TableClause,
        conditions: Iterable[sa.ColumnElement[bool]],
        add: Callable[[RecordsCollector, Raw], None],
    ) -> RecordsRead:
        select = self._select(connection, table)
        found = read_rows(connection, (select.where(each) for each in conditions), _TYPED)
        return self._collected(connection, found, add)

    def _select(
        self,
        connection: sa.Connection,
        table: sa.TableClause,
        kinds: Mapping[str, sa.types.TypeEngine[Any]] | None = None,
    ) -> sa.Select[*tuple[Any, ...]]:
        """Select the mapped columns; with their `kinds`, in a form for Arrow."""
        # Untyped columns: the driver's values are used without conversion.
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

    def _table(
        self, connection: sa.Connection
    ) -> tuple[sa.TableClause, Mapping[str, sa.types.TypeEngine[Any]]]:
        """Find the table, and the types of its columns.

        Raises:
            InputError: the table or a mapped column does not exist.
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
    """Return the position of each field's column in a result.

    Raises:
        InputError: it does not exist, or several columns have its name.
    """
    absent = [one for one in mapping.values() if one not in names]
    if absent:
        raise not_found_error(
            "column", absent, names, where="the query's answer", mapped=mapping.values()
        )
    for name in mapping.values():
        if names.count(name) > 1:
            raise InputError(
                f"the query returns several columns '{name}'",
                hint="Select the columns by name, each once.",
            )
    return {field: names.index(name) for field, name in mapping.items()}
