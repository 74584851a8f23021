"""Rows of a database as columns of plain values, as fast as its driver can give them."""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa

#: Rows that one fetch brings at most: few enough to stay in the processor's cache until turned.
_FETCHED: Final = 2_000

#: Rows that the first part has, at most about: who reads may then know a better way for all.
FIRST: Final = 10_000


def parts(
    connection: sa.Connection, statement: sa.Executable, least: int
) -> Generator[tuple[list[str], list[list[Any]]]]:
    """Yield the names of the columns, and so many rows or more as a list for each column.

    Only the last part may have fewer rows, or none, and the first one, which has `FIRST` of them if
    those are fewer. The values are the driver's own: no type of SQLAlchemy's works on them.
    """
    fetched = min(_FETCHED, least)
    # SQLite's rows come one by one anyway: a buffer would only cost time.
    options = {} if connection.dialect.name == "sqlite" else {"yield_per": fetched}
    with connection.execute(statement, execution_options=options) as result:
        names, wanted = list(result.keys()), min(least, FIRST)
        cells: list[list[Any]] = [[] for _ in names]
        # Past SQLAlchemy's rows: to make one of each takes as long again as to fetch it.
        while rows := result.cursor_strategy.fetchmany(result, result.cursor, fetched):
            for column, values in zip(cells, zip(*rows, strict=True), strict=True):
                column.extend(values)
            if len(cells[0]) >= wanted:
                yield names, cells
                cells, wanted = [[] for _ in names], least
    yield names, cells


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep Python's search for cycles from going through millions of values that have none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
