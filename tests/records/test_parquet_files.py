"""Parquet files in directories, and rows of nothing but nulls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recon.errors import InputError
from recon.records import parquet_files
from recon.records.reader import RecordsRead
from recon.records.reader_factory import open_reader
from recon.records.source import Source

NAMES: Final = ("id", "message_id", "phone_number", "sent_at", "status")


def row(n: int) -> dict[str, Any]:
    values = (n, 700100 + n, f"+35386{n:07}", f"2026-04-23T12:{n:02}:00Z", "sent")
    return dict(zip(NAMES, values, strict=True))


def write(path: Path, rows: Sequence[dict[str, Any]], *without: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows)).drop_columns(list(without)), path)


def read(path: Path) -> RecordsRead:
    return open_reader(Source(file=path)).read(None, None)


def test_a_directory_is_read_part_by_part(tmp_path: Path) -> None:
    write(tmp_path / "sends.parquet" / "part-0.snappy.parquet", [row(0), row(1)])
    write(tmp_path / "sends.parquet" / "part-1.snappy.parquet", [row(2)])
    write(tmp_path / "sends.parquet" / "_temporary" / "part-9.parquet", [row(9)])
    (tmp_path / "sends.parquet" / "_SUCCESS").touch()
    (tmp_path / "sends.parquet" / ".part-0.crc").touch()
    assert read(tmp_path / "sends.parquet").frame["local_id"].tolist() == [0, 1, 2]


def test_partitions_of_a_directory_are_columns(tmp_path: Path) -> None:
    write(tmp_path / "sends" / "status=sent" / "a.parquet", [row(0)], "status")
    write(tmp_path / "sends" / "status=not%20sent" / "b.parquet", [row(1)], "status")
    write(
        tmp_path / "sends" / "status=__HIVE_DEFAULT_PARTITION__" / "c.parquet", [row(2)], "status"
    )
    frame = read(tmp_path / "sends").frame.set_index("local_id")
    assert frame.loc[0, "status"] == "sent"
    assert frame.loc[1, "status"] == "not sent"
    assert frame.isna().loc[2, "status"]


def test_a_part_that_lacks_a_column_is_named(tmp_path: Path) -> None:
    write(tmp_path / "d" / "a.parquet", [row(0)])
    write(tmp_path / "d" / "b.parquet", [row(1)], "status")
    with pytest.raises(InputError, match=r"b\.parquet has no column 'status'"):
        read(tmp_path / "d")


@pytest.mark.parametrize("name", ["d.parquet", "d.csv", "d"])
def test_a_directory_without_parquet_files_is_called_a_directory(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "part-0.csv").touch()
    with pytest.raises(InputError, match="is a directory"):
        read(tmp_path / name)


@pytest.mark.parametrize("rows", [2, 1000])
def test_rows_of_nothing_but_nulls_are_no_records(tmp_path: Path, rows: int) -> None:
    blank = dict.fromkeys(NAMES)
    written = [{**one, "note": None} for one in (row(0), blank, row(1), blank, blank)]
    written += [{**blank, "note": "hello"}, {**row(2), "note": None}]
    write(tmp_path / "a.parquet", written)
    read_rows = [
        cell
        for chunk in parquet_files.chunks(tmp_path / "a.parquet", NAMES, rows=rows)
        for cell in chunk.columns["id"].to_pylist()
    ]
    assert read_rows == [0, 1, None, 2]


def test_what_was_read_is_not_held_until_the_file_is_closed(tmp_path: Path) -> None:
    path, count, rows = tmp_path / "sends.parquet", 40, 20_000
    ids = pa.array(np.random.default_rng(1).integers(0, 2**62, count * rows))
    pq.write_table(pa.table({"message_id": ids}), path, row_group_size=rows)
    before, held = pa.total_allocated_bytes(), []
    for chunk in parquet_files.chunks(path, ["message_id"], rows=rows):
        held.append(pa.total_allocated_bytes() - before)
        del chunk
    assert len(held) == count
    assert max(held) < path.stat().st_size / 4
