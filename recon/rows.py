"""Rows of a database as columns of plain values, as fast as its driver can give them."""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

#: Rows that one fetch brings at most: few enough to stay in the processor's cache until turned.
_FETCHED: Final = 2_000

#: Rows that the first part has, at most about: who reads may then know a better way for all.
FIRST: Final = 10_000


class Part(NamedTuple):
    """Some rows of an answer, by columns. The values are as the driver gave them."""

    names: list[str]
    kinds: list[Any]
    """The driver's code for the type of each column (PEP 249, `description`)."""
    cells: list[list[Any]]


def read_parts(connection: sa.Connection, statement: sa.Executable, least: int) -> Generator[Part]:
    """Yield the rows of an answer, `least` or more at a time.

    Only the last part may have fewer rows, or none, and the first one, which has `FIRST` of them if
    those are fewer.
    """
    fetched = min(_FETCHED, least)
    # SQLite's rows come one by one anyway: a buffer would only cost time.
    options = {} if connection.dialect.name == "sqlite" else {"yield_per": fetched}
    with connection.execute(statement, execution_options=options) as result:
        names, wanted = list(result.keys()), min(least, FIRST)
        kinds = [column[1] for column in result.cursor.description or ()]
        cells: list[list[Any]] = [[] for _ in names]
        # Past SQLAlchemy's rows: to make one of each takes as long again as to fetch it.
        while rows := result.cursor_strategy.fetchmany(result, result.cursor, fetched):
            for column, values in zip(cells, zip(*rows, strict=True), strict=True):
                column.extend(values)
            if len(cells[0]) >= wanted:
                yield Part(names, kinds, cells)
                cells, wanted = [[] for _ in names], least
    yield Part(names, kinds, cells)


@contextmanager
def gc_paused() -> Iterator[None]:
    """Keep Python's search for cycles from going through millions of values that have none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
