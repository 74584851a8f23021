"""One way to read an answer of many rows, whichever database gives it.

The driver makes a Python object of each cell, which takes most of the time that reading takes. So
many rows are read as Arrow columns where the database can give them: PostgreSQL through another
driver (see `postgres_arrow`), SQLite as JSON (see `sqlite_arrow`). Whatever cannot be had so with
exactly the driver's values is read through the driver.
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
    """What to ask a database, and what helps to read many rows of the answer fast."""

    statements: Sequence[sa.Select[Any] | sa.TextClause]
    """They ask for the same columns; their rows come one after another."""
    batch_rows: int
    """About how many rows are Python objects at the same time."""
    are_parts: bool = False
    """Whether the statements are parts of a large answer, each of which fits into memory twice,
    and ask for columns of tables as they are stored."""
    table: sa.TableClause | None = None
    """The table of which the one statement asks for columns as they are stored."""
    range_rows: int = rowid_ranges.RANGE_ROWS
    """A table of SQLite with more rows is read in ranges of so many."""
    binary: Sequence[sa.Select[Any] | sa.TextClause] | None = None
    """Statements to ask PostgreSQL for the same in its binary format, if they are others."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Of PostgreSQL's session, if it needs another one than the connection has."""
    is_same: Callable[[Batch], bool] = lambda _: True
    """Whether a batch in PostgreSQL's binary format has the values that its driver would give."""


def read(
    connection: sa.Connection, query: Query, collect: Callable[[Iterable[Batch]], Read]
) -> Read:
    """Read an answer; return what `collect` makes of its batches.

    Args:
        connection: to the database.
        query: what to ask.
        collect: takes batches as they come and returns its result. It may be called a second time,
            with all batches from the first one on, and then has to start again.
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
    """Yield each answer as a batch; from the first one on that cannot be had so, driver's rows."""
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
