"""A float of four bytes holds seven digits: what looks like an id in it is another id."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from recon.errors import InputError
from recon.jobs.provider_file import provider_side
from recon.records.reader_factory import open_reader
from recon.records.source import Source
from tests.records.samples import END, START, local_ids

COLUMNS = "id int, message_id {}, phone_number varchar(20), sent_at varchar(30), status varchar(9)"
ROWS = "INSERT INTO {} VALUES (1, {}, '+353871234567', '2026-04-23T12:00:00Z', 'sent')"
WRONG = r"column 'message_id' is a four-byte float, .* lost"

Execute = Callable[[str], object]


def check(
    execute: Execute, url: str, kind: str, fits: int, too_long: int, table: str = "narrow"
) -> None:
    """Read an id that fits into the column, then one that does not, from table and query."""
    execute(f"DROP TABLE IF EXISTS {table}")
    execute(f"CREATE TABLE {table} ({COLUMNS.format(kind)})")
    execute(ROWS.format(table, fits))
    sources: list[dict[str, Any]] = [{"table": table}, {"query": f"SELECT * FROM {table}"}]  # noqa: S608
    for source in sources:
        read = open_reader(Source(url=url, **source)).read(START, END)
        assert read.frame["message_id"].tolist() == [fits]
        assert local_ids(read.frame) == ["1"]
    execute(ROWS.format(table, too_long))
    for source in sources:
        with pytest.raises(InputError, match=WRONG):
            open_reader(Source(url=url, **source)).read(START, END)
    execute(f"DROP TABLE {table}")


def test_postgresql(server: psycopg.Connection, schema: str, postgres_url: str) -> None:
    def execute(statement: str) -> None:
        server.execute(statement.encode())

    check(execute, postgres_url, "real", 16_777_215, 16_777_219, f"{schema}.narrow")


def test_mariadb(mariadb_url: str) -> None:
    engine = sa.create_engine(mariadb_url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        check(connection.exec_driver_sql, mariadb_url, "float", 123_456, 1_234_567)


def test_duckdb(tmp_path: Path) -> None:
    def execute(statement: str) -> None:
        with closing(duckdb.connect(tmp_path / "records.duckdb")) as connection:
            connection.execute(statement)

    check(execute, f"duckdb:///{tmp_path / 'records.duckdb'}", "float", 16_777_215, 16_777_219)


@pytest.mark.parametrize("column", ["message_id", "phone_number", "sent_at", "id"])
def test_a_parquet_file_of_records(tmp_path: Path, column: str) -> None:
    values = {"message_id": 3851828.0, "phone_number": 353871234567.0, "sent_at": 1776945600.0}
    row = {"id": 1.0, **values, "status": "sent"}
    table = pa.Table.from_pylist([row])
    path = tmp_path / "records.parquet"
    pq.write_table(table, path)
    assert len(open_reader(Source(file=path)).read(None, None).frame) == 1
    at = table.column_names.index(column)
    narrow = table.set_column(at, column, table[column].cast(pa.float32()))
    pq.write_table(narrow, path)
    if column in {"message_id", "id"}:
        assert len(open_reader(Source(file=path)).read(None, None).frame) == 1
        return
    with pytest.raises(InputError, match=f"column '{column}' is a four-byte float"):
        open_reader(Source(file=path)).read(None, None)


def test_a_parquet_file_of_messages(tmp_path: Path) -> None:
    ids = pa.array([38_518_281.0, None], pa.float32())
    when = pa.array([datetime(2026, 4, 23, 12, tzinfo=UTC)] * 2)
    columns = {"message_id": ids, "phone_number": ["+353871234567"] * 2, "sent_at": when}
    pq.write_table(pa.table({**columns, "status": ["sent"] * 2}), tmp_path / "messages.parquet")
    with pytest.raises(InputError, match=WRONG):
        provider_side(tmp_path / "messages.parquet", datetime(2026, 4, 24, tzinfo=UTC))
