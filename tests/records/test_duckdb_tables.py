"""Records in a DuckDB file."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from recon.errors import ConfigError, InputError, ReconError, TemporaryError
from recon.records.reader import RecordsReader
from recon.records.reader_factory import open_reader
from recon.records.source import Source
from tests.records.samples import END, START, local_ids

COLUMNS = "id integer, message_id {ids}, phone_number varchar, sent_at {times}, status varchar"


def duckdb_records(
    path: Path,
    times: list[Any],
    kind: str = "timestamp",
    ids: str = "bigint",
    **options: Any,  # noqa: ANN401
) -> RecordsReader:
    with closing(duckdb.connect(path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE sends ({COLUMNS.format(ids=ids, times=kind)})")
        for number, time in enumerate(times):
            connection.execute(
                f"INSERT INTO sends VALUES (?, ?, '+353871234567', ?::{kind}, 'sent')",  # noqa: S608
                [number, number + 1, time],
            )
    return open_reader(Source(**{"url": f"duckdb:///{path}", "table": "sends", **options}))


@pytest.mark.parametrize("asked", ["table", "query"])
@pytest.mark.parametrize(
    ("kind", "inside", "outside", "odd"),
    [
        ("timestamp", "2026-04-23 21:00", "2026-04-24 09:00", "infinity"),
        ("timestamp_ns", "2026-04-23 21:00", "2026-04-24 09:00", "1999-01-01"),
        ("timestamptz", "2026-04-23 12:00+00", "2026-04-23 23:00+00", "infinity"),
        ("date", "2026-04-24", "2026-04-26", "0044-03-15 (BC)"),
        ("varchar", "2026-04-23T12:00:00Z", "2026-04-23T23:00:00Z", "never"),
        ("bigint", "1776945600", "1776985200", "7"),
        ("double", "1776945600.5", "1776985200", "nan"),
        ("decimal(20,3)", "1776945600.5", "1776985200", "7"),
    ],
)
def test_each_type_of_time_is_read_and_none_is_lost(
    tmp_path: Path, kind: str, inside: str, outside: str, odd: str, asked: str
) -> None:
    what: dict[str, Any] = (
        {} if asked == "table" else {"table": None, "query": "SELECT * FROM sends"}
    )
    records = duckdb_records(
        tmp_path / "a.duckdb", [inside, outside, odd, None], kind, timezone="Asia/Tokyo", **what
    )
    before = [path.name for path in tmp_path.iterdir()]
    read = records.read(START, END)
    assert local_ids(read.frame) == ["0"]
    assert local_ids(read.rejects) == ["2", "3"]
    assert [path.name for path in tmp_path.iterdir()] == before


def test_the_bounds_of_a_query_are_bound(tmp_path: Path) -> None:
    times = ["2026-04-23 12:00", "2026-04-10 12:00"]
    query = "SELECT * FROM sends WHERE sent_at >= :start AND sent_at < :end::timestamptz;"
    records = duckdb_records(tmp_path / "a.duckdb", times, table=None, query=query)
    assert local_ids(records.read(START, END).frame) == ["0"]


@pytest.mark.parametrize("ids", ["bigint", "varchar", "hugeint"])
def test_records_are_found_by_id(tmp_path: Path, ids: str) -> None:
    records = duckdb_records(tmp_path / "a.duckdb", [None, "2019-01-01", "2026-01-01"], ids=ids)
    read = records.find(np.array([1, 3, 9]))
    assert local_ids(read.frame) == ["2"]
    assert local_ids(read.rejects) == ["0"]


def test_a_view_and_a_table_of_another_schema_are_found(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    duckdb_records(path, ["2026-04-23 12:00"])
    with closing(duckdb.connect(path)) as connection:
        connection.execute("CREATE VIEW ours AS SELECT * FROM sends")
        connection.execute("CREATE SCHEMA shop")
        connection.execute('CREATE TABLE shop."odd.name" AS SELECT * FROM sends')
    for name in ("ours", "main.sends"):
        assert len(open_reader(Source(url=f"duckdb:///{path}", table=name)).read(START, END).frame)
    with pytest.raises(InputError, match="did you mean 'sends'"):
        open_reader(Source(url=f"duckdb:///{path}", table="send")).read(START, END)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"table": "nothing"}, InputError, "no table 'nothing'"),
        ({"columns": {"status": "state"}}, InputError, "no column 'state'"),
        ({"where": "nope = 1"}, InputError, "nope"),
        ({"url": "duckdb:///no/such/file.duckdb"}, InputError, "there is no file"),
        ({"url": "duckdb://"}, ConfigError, "names no DuckDB file"),
        ({"url": "duckdb:///:memory:"}, ConfigError, "names no DuckDB file"),
        ({"table": None, "query": "DELETE FROM sends"}, InputError, "read-only"),
    ],
)
def test_what_is_wrong_is_reported(
    tmp_path: Path, options: dict[str, Any], error: type[ReconError], said: str
) -> None:
    with pytest.raises(error, match=said):
        duckdb_records(tmp_path / "a.duckdb", [], **options).read(START, END)


def test_a_missing_file_is_not_created(tmp_path: Path) -> None:
    for url in (f"duckdb:///{tmp_path / 'a.duckdb'}", f"sqlite:///{tmp_path / 'a.db'}"):
        with pytest.raises(InputError, match="there is no file"):
            open_reader(Source(url=url, table="sends")).read(START, END)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_another_program_writes_is_busy(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    records = duckdb_records(path, [])
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True); input()"
    with subprocess.Popen(  # noqa: S603 - the test's own code
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(TemporaryError, match="lock"):
            records.read(START, END)
        writer.communicate(b"\n")
