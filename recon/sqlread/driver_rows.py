"""Rows of a database as columns of the plain values that its driver gives."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

#: Rows that one fetch brings at most: few enough to stay in the processor's cache until turned.
_FETCHED: Final = 2_000

#: Rows that the first batch has, at most about: whoever reads may then take another way for all.
FIRST: Final = 10_000


class Batch(NamedTuple):
    """Some rows of an answer, by columns."""

    names: Sequence[str]
    types: Sequence[Any]
    """The type of each column: the driver's code for it (PEP 249, `description`), or PostgreSQL's
    name of it where the columns are Arrow's; nothing where they are SQLite's and Arrow's."""
    columns: Sequence[Any]
    """Of each column a list of the driver's values, or an Arrow array of the same values."""


def read_rows(
    connection: sa.Connection, statements: Iterable[sa.Executable], least: int
) -> Generator[Batch]:
    """Yield the rows of the answers to `statements`, one after another, `least` or more at a time.

    Only the last batch of an answer may have fewer rows, or none, and its first one, which has
    `FIRST` of them if those are fewer.
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

    SQLAlchemy makes a `Row` of each, which takes 4 % of a nightly run of 100,000 sends in
    PostgreSQL, and a tenth of reading them. The way past that is not public; a version without it
    gives its rows. `make test-sqlalchemy` tests the oldest version that is allowed.
    """
    if not hasattr(result, "cursor_strategy"):
        yield from result.partitions(size)
        return
    # It is another strategy after the last row.
    while rows := result.cursor_strategy.fetchmany(result, result.cursor, size):
        yield rows
