"""Rows of a database as columns of plain values."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa

from recon.sqlread.driver_rows import FIRST, fetches, read_rows


@pytest.mark.parametrize("count", [0, 1, 1999, 2000, 2001, 4000, 9001, 40_000])
@pytest.mark.parametrize("least", [1, 2000, 5000, 20_000])
def test_no_row_is_lost_or_read_twice(postgres_url: str, count: int, least: int) -> None:
    numbers = sa.text(
        "WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n WHERE a < :count)"
        " SELECT a, -a AS b FROM n WHERE a <= :count ORDER BY a"
    ).bindparams(count=count)
    for url in ("sqlite://", postgres_url):
        with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
            found = list(read_rows(connection, [numbers], least))
        assert {tuple(names) for names, _, _ in found} == {("a", "b")}
        assert [a for _, _, (column, _) in found for a in column] == list(range(1, count + 1))
        assert [b for _, _, (_, column) in found for b in column] == list(range(-1, -count - 1, -1))
        assert all(len(column) >= least for _, _, (column, _) in found[1:-1])
        assert len(found[0].columns[0]) >= min(count, least, FIRST)


def test_the_first_part_is_small(postgres_url: str) -> None:
    numbers = sa.text("SELECT * FROM generate_series(1, 100000) n")
    with sa.create_engine(postgres_url, poolclass=sa.NullPool).connect() as connection:
        sizes = [len(column) for _, _, (column,) in read_rows(connection, [numbers], 50_000)]
    assert sizes == [10_000, 50_000, 40_000]


def test_a_reader_may_stop_early(postgres_url: str) -> None:
    statement = sa.text("SELECT * FROM generate_series(1, 100000) n")
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        with closing(read_rows(connection, [statement], 1)) as parts:
            next(parts)
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1


class PublicOnly:
    """A result of SQLAlchemy without what is not public of it."""

    def __init__(self, result: sa.CursorResult[Any]) -> None:
        self.partitions = result.partitions


def test_the_public_way_gives_the_same_rows() -> None:
    ways: list[Any] = [lambda result: result, PublicOnly]
    with sa.create_engine("sqlite://", poolclass=sa.NullPool).connect() as connection:
        for wrapped in ways:
            result = connection.exec_driver_sql("SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3")
            found = [[tuple(row) for row in rows] for rows in fetches(wrapped(result), 2)]
            assert found == [[(1,), (2,)], [(3,)]]
