"""One function that reads a result of many rows from any database.

A driver makes a Python object for each cell, which takes most of the time of reading. So many rows
are read as Arrow columns if possible: from PostgreSQL through another driver (see
`postgres_arrow`), from SQLite as JSON (see `sqlite_arrow`). A result that cannot be read in this
way with exactly the driver's values is read through the driver.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeVar

import sqlalchemy as sa

from recon.sqlread import postgres_arrow, rowid_ranges, sqlite_arrow
from recon.sqlread.arrow import ArrowUnavailable
from recon.sqlread.driver_rows import FIRST, Batch, read_rows
from recon.sqlread.read_ahead import read_ahead
from recon.sqlread.sqlite_arrow import JsonColumns

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A query, with information that helps to read many rows fast."""

    statements: Sequence[sa.Select[Any] | sa.TextClause]
    """The statements select the same columns; their rows are read one after another."""
    batch_rows: int
    """About how many rows exist as Python objects at the same time."""
    are_parts: bool = False
    """Whether the statements are parts of a large result, each small enough to fit into memory
    twice, and select stored columns of tables."""
    table: sa.TableClause | None = None
    """The table, if the only statement selects its stored columns."""
    range_rows: int = rowid_ranges.RANGE_ROWS
    """A table of SQLite with more rows is read in ranges of this size."""
    binary: Sequence[sa.Select[Any] | sa.TextClause] | None = None
    """Other statements for the same rows in PostgreSQL's binary format, if these are needed."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings of PostgreSQL's session, if it needs others than the connection has."""
    is_same: Callable[[Batch], bool] = lambda _: True
    """Returns whether a batch in PostgreSQL's binary format has the same values as the driver."""


def read(
    connection: sa.Connection, query: Query, collect: Callable[[Iterable[Batch]], Read]
) -> Read:
    """Read a result; return the result of `collect` for its batches.

    Args:
        connection: to the database.
        query: what to ask.
        collect: called with the batches as they are read. It may be called a second time with all
            batches from the first one on, and then has to start again.
    """
    if query.are_parts and sqlite_arrow.is_possible(connection):
        with closing(_from_sqlite(connection, query.statements, query.batch_rows)) as parts:
            return collect(parts)
    with closing(read_rows(connection, query.statements, query.batch_rows)) as batches:
        first = next(batches, None)
        if first is None:
            return collect(())
        # Few rows are not worth another way; and errors have been reported by now.
        if len(first.columns[0]) >= min(query.batch_rows, query.range_rows, FIRST):
            ranges = _ranges(connection, query)
            if ranges is not None:
                with closing(_from_sqlite(connection, ranges, query.batch_rows)) as parts:
                    return collect(parts)
            if postgres_arrow.is_possible(connection):
                with (
                    suppress(ArrowUnavailable),
                    closing(_from_postgres(connection, query)) as found,
                    closing(read_ahead(found)) as ahead,
                ):
                    return collect(ahead)
        return collect(chain([first], batches))


def _ranges(connection: sa.Connection, query: Query) -> Iterable[sa.Select[Any]] | None:
    if query.table is None:
        return None
    if not rowid_ranges.are_possible(connection, query.table, query.range_rows):
        return None
    (statement,) = query.statements
    assert isinstance(statement, sa.Select)
    ranges = rowid_ranges.ranges(connection, query.table, query.range_rows)
    return (statement.where(condition) for condition in ranges)


def _from_sqlite(
    connection: sa.Connection,
    statements: Iterable[sa.Select[Any] | sa.TextClause],
    batch_rows: int,
) -> Generator[Batch]:
    """Yield each result as an Arrow batch, and the driver's rows after the first impossible one."""
    is_asked = True

    def answers() -> Iterator[tuple[sa.Select[Any], JsonColumns | None]]:
        for statement in statements:
            assert isinstance(statement, sa.Select)
            yield statement, sqlite_arrow.ask(connection, statement) if is_asked else None

    left: list[sa.Select[Any]] = []
    with closing(read_ahead(answers())) as answered:
        for statement, answer in answered:
            columns = None if answer is None else answer.parsed()
            if columns is not None:
                yield Batch(list(columns), (), list(columns.values()))
                continue
            is_asked = False
            left = [statement, *(each for each, _ in answered)]
    yield from read_rows(connection, left, batch_rows)


def _from_postgres(connection: sa.Connection, query: Query) -> Generator[Batch]:
    for statement in query.binary or query.statements:
        with postgres_arrow.read_batches(connection, statement, query.settings) as found:
            names = found.schema.names
            types = [postgres_arrow.type_name(each) for each in found.schema]
            for columns in found:
                batch = Batch(names, types, columns.columns)
                if not query.is_same(batch):
                    raise ArrowUnavailable
                yield batch
