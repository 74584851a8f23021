"""Rows of a database as columns of plain values."""

from __future__ import annotations

import gc
from contextlib import closing

import pytest
import sqlalchemy as sa

from recon import rows


@pytest.mark.parametrize("count", [0, 1, 1999, 2000, 2001, 4000, 9001, 40_000])
@pytest.mark.parametrize("least", [1, 2000, 5000, 20_000])
def test_no_row_is_lost_or_read_twice(postgres_url: str, count: int, least: int) -> None:
    numbers = sa.text(
        "WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n WHERE a < 50000)"
        " SELECT a, -a AS b FROM n WHERE a <= :count ORDER BY a"
    ).bindparams(count=count)
    for url in ("sqlite://", postgres_url):
        with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
            found = list(rows.read_parts(connection, numbers, least))
        assert {tuple(names) for names, _, _ in found} == {("a", "b")}
        assert [a for _, _, (column, _) in found for a in column] == list(range(1, count + 1))
        assert [b for _, _, (_, column) in found for b in column] == list(range(-1, -count - 1, -1))
        assert all(len(column) >= least for _, _, (column, _) in found[1:-1])
        assert len(found[0].cells[0]) >= min(count, least, rows.FIRST)


def test_the_first_part_is_small(postgres_url: str) -> None:
    numbers = sa.text("SELECT * FROM generate_series(1, 100000) n")
    with sa.create_engine(postgres_url, poolclass=sa.NullPool).connect() as connection:
        sizes = [len(column) for _, _, (column,) in rows.read_parts(connection, numbers, 50_000)]
    assert sizes == [10_000, 50_000, 40_000]


def test_a_reader_may_stop_early(postgres_url: str) -> None:
    statement = sa.text("SELECT * FROM generate_series(1, 100000) n")
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        with closing(rows.read_parts(connection, statement, 1)) as parts:
            next(parts)
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1


def test_the_search_for_cycles_goes_on_as_before() -> None:
    with rows.gc_paused(), rows.gc_paused():
        assert not gc.isenabled()
    assert gc.isenabled()
