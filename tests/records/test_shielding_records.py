"""Of the records without a readable time, those that a message may be are found by message id."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
import sqlalchemy as sa

from recon.records import shielding_records
from recon.records.connections import read_only_engine
from recon.records.reader import RecordsReader
from recon.records.reader_factory import open_reader
from recon.records.source import Source
from recon.records.sql_source import SqlReader
from tests.records.samples import NOON, local_ids, sqlite_source

#: Rows of a stretch, here.
FEW = 3
WANTED = np.array([7, 2**53 + 1], dtype=np.int64)
BAD_TIME = "2019-01-01 12:61:00"
#: No ids that can be read.
NONE: list[Any] = [None, 0, "", "soon", b"x", 1.5, -2.5, 1e-310, 2.0**60, 1e300, float("inf"), "0"]
#: The wanted ids, as they may be kept.
OWN: list[Any] = [7, "7", " 7", "#7", 7.0, "7.0", 2**53 + 1]
OTHER: list[Any] = [8, -8, 123_456]


def table(path: Path, kind: str, ids: list[Any]) -> Source:
    """Make a table of many good records, and of some with these ids and an unreadable time."""
    rows: list[tuple[Any, ...]] = [(n, 1_000 + n, "+1", NOON, "sent") for n in range(500)]
    rows += [(1_000 + n, one, "+1", BAD_TIME, "sent") for n, one in enumerate(ids)]
    source = sqlite_source(path, rows, f",{kind},,,")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE INDEX by_message ON sends (message_id)")
        connection.execute("CREATE INDEX by_time ON sends (sent_at)")
    return source


def reader(source: Source) -> SqlReader:
    assert source.url is not None
    return SqlReader(source, read_only_engine(source.url, source.timezone), range_rows=FEW)


def condition(connection: sa.Connection, name: str = "message_id") -> sa.ColumnElement[bool] | None:
    return shielding_records.condition(
        connection, sa.table("sends"), name, sa.BigInteger(), WANTED.tolist(), FEW
    )


def found(records: RecordsReader) -> list[str]:
    """Return the ids of the records without a readable time; no others may be there."""
    read = records.find_untimed(WANTED)
    assert read.frame.empty
    return local_ids(read.rejects)


@pytest.mark.parametrize("kind", ["", "BIGINT", "NUMERIC"])
def test_sqlite_gives_all_but_those_with_the_id_of_another_message(
    tmp_path: Path, kind: str
) -> None:
    ids = [*NONE, *OWN, *OTHER]
    source = table(tmp_path / "records.db", kind, ids)
    of_others = {str(1_000 + ids.index(one)) for one in OTHER}
    everything = set(found(open_reader(source)))
    assert len(everything) == len(ids)
    assert set(found(reader(source))) == everything - of_others


def test_of_a_column_of_texts_all_are_given(tmp_path: Path) -> None:
    source = table(tmp_path / "records.db", "TEXT", [*NONE, *OWN, *OTHER])
    assert found(reader(source)) == found(open_reader(source))


def test_no_text_of_a_time_is_searched(tmp_path: Path) -> None:
    source = table(tmp_path / "records.db", "BIGINT", [None, 7, 1.5])
    assert source.url is not None
    with sa.create_engine(source.url, poolclass=sa.NullPool).connect() as connection:
        may_be = condition(connection)
        assert may_be is not None
        asked = sa.select(sa.text("*")).select_from(sa.table("sends")).where(may_be)
        compiled = asked.compile(connection, compile_kwargs={"literal_binds": True})
        plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")]
    places = [step for step in plan if " sends" in step]
    assert places
    assert [step for step in places if step.startswith("SCAN")] == []
    assert not [step for step in places if "by_time" in step]
    # What lies below all ids has an end; the search for fractions among the ids has none, which
    # would be compared with each of them.
    assert sum(step.endswith("(message_id<?)") for step in places) == 1
    assert len(places) == 8


def test_the_value_of_a_whole_number_is_read_once(tmp_path: Path) -> None:
    counts = []
    for more in (0, 1_000):
        source = table(tmp_path / f"{more}.db", "BIGINT", [123_456 + n for n in range(more)])
        assert source.url is not None
        with sa.create_engine(source.url, poolclass=sa.NullPool).connect() as connection:
            may_be = condition(connection)
            assert may_be is not None
            instructions = count()
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.set_progress_handler(lambda: next(instructions) and None, 1)  # noqa: B023
            asked = sa.select(sa.text("*")).select_from(sa.table("sends")).where(may_be)
            assert connection.execute(asked).all() == []
            driver.set_progress_handler(None, 1)
            counts.append(next(instructions))
    # The value, the division, the comparison and the step to the next id; with a second reading of
    # the value there would be five.
    assert (counts[1] - counts[0]) / 1_000 == 4


def test_where_no_index_leads_to_ids_or_many_have_none_they_are_of_no_help(tmp_path: Path) -> None:
    source = table(tmp_path / "records.db", "BIGINT", [None] * 100)
    assert source.url is not None
    with sa.create_engine(source.url, poolclass=sa.NullPool).connect() as connection:
        assert condition(connection) is None
        assert condition(connection, "phone_number") is None
    assert len(found(reader(source))) == 100


@pytest.mark.parametrize(("kind", "others"), [("bigint", 0), ("text", 1)])
def test_postgres_gives_all_but_those_with_the_id_of_another_message(
    kind: str, others: int, server: psycopg.Connection, schema: str, postgres_url: str
) -> None:
    columns = f"id bigint, message_id {kind}, phone_number text, sent_at text, status text"
    server.execute(f"CREATE TABLE {schema}.sends ({columns})".encode())
    for at, one in enumerate(["7", "8", None, "0"]):
        insert = f"INSERT INTO {schema}.sends VALUES (%s, %s::text::{kind}, '+1', 'soon', 'sent')"  # noqa: S608
        server.execute(insert.encode(), [at, one])
    server.execute(
        f"INSERT INTO {schema}.sends VALUES (9, 7, '+1', '{NOON}', 'sent')".encode()  # noqa: S608
    )
    records = open_reader(Source(url=postgres_url, table=f"{schema}.sends"))
    assert found(records) == ["0", *["1"] * others, "2", "3"]
