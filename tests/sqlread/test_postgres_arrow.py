"""Answers of PostgreSQL as Arrow columns, and who has to ask in the plain way."""

from __future__ import annotations

import sys
from contextlib import suppress

import pytest
import sqlalchemy as sa

from recon.records.connections import read_only_engine
from recon.sqlread import postgres_arrow
from recon.sqlread.arrow import ArrowUnavailable

pytest.importorskip("adbc_driver_postgresql")


def read_whole(connection: sa.Connection, sql: str) -> object:
    with postgres_arrow.read_batches(connection, sa.text(sql)) as batches:
        return batches.read_all()


@pytest.fixture
def engine(postgres_url: str) -> sa.Engine:
    return sa.create_engine(postgres_url, poolclass=sa.NullPool)


def test_an_answer_has_parameters_settings_and_types(engine: sa.Engine) -> None:
    statement = sa.select(
        sa.literal("50 % of 'it' \\ :x", sa.Text()).label("text"),
        sa.func.current_setting("TimeZone").label("zone"),
        sa.literal(7, sa.BigInteger()).label("number"),
    )
    with (
        engine.connect() as connection,
        postgres_arrow.read_batches(connection, statement, {"TimeZone": "Asia/Tokyo"}) as batches,
    ):
        assert [postgres_arrow.type_name(field) for field in batches.schema] == [
            "varchar",
            "text",
            "int8",
        ]
        table = batches.read_all()
    assert table.to_pylist() == [{"text": "50 % of 'it' \\ :x", "zone": "Asia/Tokyo", "number": 7}]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM kept RETURNING *",
        "WITH gone AS (DELETE FROM kept RETURNING *) SELECT * FROM gone",
        "SELECT emptied()",
        "COMMIT",
        "COMMIT; DELETE FROM kept",
    ],
)
def test_nothing_is_ever_written(engine: sa.Engine, sql: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE kept AS SELECT 1 AS a")
        connection.exec_driver_sql(
            "CREATE FUNCTION emptied() RETURNS void LANGUAGE sql AS 'DELETE FROM kept'"
        )
    try:
        with engine.connect() as connection, suppress(ArrowUnavailable):
            read_whole(connection, sql)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM kept").scalar() == 1
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP FUNCTION emptied")
            connection.exec_driver_sql("DROP TABLE kept")


def test_an_answer_that_breaks_off_is_asked_for_in_the_plain_way(engine: sa.Engine) -> None:
    halfway = "SELECT 1 / (n - 900000) FROM generate_series(1, 1000000) n"
    with engine.connect() as connection, pytest.raises(ArrowUnavailable):
        read_whole(connection, halfway)


def test_it_takes_the_driver_and_utf8(
    engine: sa.Engine, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.connect() as connection:
        assert postgres_arrow.is_possible(connection)
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "adbc_driver_postgresql", None)
            assert not postgres_arrow.is_possible(connection)
    latin = read_only_engine(f"{postgres_url}&client_encoding=latin1", "UTC")
    assert not latin.run(postgres_arrow.is_possible)
    with sa.create_engine("sqlite://", poolclass=sa.NullPool).connect() as connection:
        assert not postgres_arrow.is_possible(connection)
