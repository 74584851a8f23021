"""Read rows of a database as columns of the plain values from its driver."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

#: Rows that one fetch brings at most: few enough to stay in the processor's cache until turned.
_FETCHED: Final = 2_000

#: About the most rows of the first batch; after it the caller may choose another way to read.
FIRST: Final = 10_000


class Batch(NamedTuple):
    """Some rows of a result, by columns."""

    names: Sequence[str]
    types: Sequence[Any]
    """The type of each column: the driver's code (PEP 249, `description`), or for Arrow columns of
    PostgreSQL its name of the type; empty for Arrow columns of SQLite."""
    columns: Sequence[Any]
    """For each column a list of the driver's values, or an Arrow array of the same values."""


def read_rows(
    connection: sa.Connection, statements: Iterable[sa.Executable], least: int
) -> Generator[Batch]:
    """Yield the rows of the results of `statements`, one after another, at least `least` at a time.

    Only the first batch of a result (with at most `FIRST` rows) and the last one may have fewer.
    """
    for statement in statements:
        yield from _answer(connection, statement, least)


def _answer(connection: sa.Connection, statement: sa.Executable, least: int) -> Generator[Batch]:
    fetched = min(_FETCHED, least)
    # SQLite's rows come one by one anyway: a buffer would only cost time.
    options = {} if connection.dialect.name == "sqlite" else {"yield_per": fetched}
    with connection.execute(statement, execution_options=options) as result:
        names, wanted = list(result.keys()), min(least, FIRST)
        types = [column[1] for column in result.cursor.description or ()]
        columns: list[list[Any]] = [[] for _ in names]
        for rows in fetches(result, fetched):
            for column, values in zip(columns, zip(*rows, strict=True), strict=True):
                column.extend(values)
            if len(columns[0]) >= wanted:
                yield Batch(names, types, columns)
                columns, wanted = [[] for _ in names], least
    yield Batch(names, types, columns)


def fetches(result: sa.CursorResult[Any], size: int) -> Iterator[Sequence[Sequence[Any]]]:
    """Yield the driver's own rows, `size` at a time.

    SQLAlchemy would make a `Row` of each, which takes 4 % of a nightly run of 100,000 sends in
    PostgreSQL, and a tenth of reading them. The way around that is not public; in a version without
    it, SQLAlchemy's rows are used. `make test-sqlalchemy` tests the oldest allowed version.
    """
    if not hasattr(result, "cursor_strategy"):
        yield from result.partitions(size)
        return
    # It is another strategy after the last row.
    while rows := result.cursor_strategy.fetchmany(result, result.cursor, size):
        yield rows
