"""Files that are no text are called by what they are, whatever their names end with."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from recon.errors import InputError
from recon.records.reader import RecordsRead
from recon.records.reader_factory import open_reader
from recon.records.source import Source

HEAD: Final = "id,message_id,phone_number,sent_at,status"
LINE: Final = "1,700100,+353861234567,2026-04-23T12:00:00Z,sent"


def read(path: Path, content: bytes) -> RecordsRead:
    path.write_bytes(content)
    return open_reader(Source(file=path)).read(None, None)


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return file.getvalue()


def parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"id": [1]}), file)
    return file.getvalue()


def feather() -> bytes:
    file = io.BytesIO()
    pyarrow.feather.write_feather(pa.table({"id": [1]}), file)
    return file.getvalue()


def arrow_stream() -> bytes:
    file = io.BytesIO()
    table = pa.table({"id": [1]})
    with pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


def orc_file() -> bytes:
    file = io.BytesIO()
    orc.write_table(pa.table({"id": [1]}), file)
    return file.getvalue()


def archive() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as made:
        made.addfile(tarfile.TarInfo("sends.csv"))
    return file.getvalue()


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.xlsx"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped("xl/workbook.xml"), "an Excel workbook"),
        (zipped("mimetype", "content.xml"), "an OpenDocument spreadsheet"),
        (zipped("sends.csv"), "a ZIP archive"),
        (b"PK\x03\x04 cut off", "a ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or protected Excel workbook"),
        (gzip.compress(b"id", mtime=0), "compressed with gzip"),
        (b"SQLite format 3\0" + bytes(84), "an SQLite database"),
        (b"<!DOCTYPE html><html><body>Sign in", "an HTML"),
        (b"%PDF-1.7", "a PDF"),
        (b"HTTP/2 200\r\nDate: now\r\n\r\n[]", "an answer with its HTTP headers"),
        (parquet(), "a Parquet file"),
        (feather(), "an Arrow"),
        (arrow_stream(), "an Arrow stream"),
        (orc_file(), "an ORC file"),
        (b"Obj\x01\x04\x14avro.codec", "an Avro file"),
        (b"\x28\xb5\x2f\xfd\x04\x00", "compressed with zstd"),
        (bz2.compress(b"id"), "compressed with bzip2"),
        (lzma.compress(b"id"), "compressed with xz"),
        (archive(), "a tar archive"),
        (bytes(8) + b"DUCK" + bytes(90), "a DuckDB database"),
        (b"\0\1\0\0Standard ACE DB\0", "an Access database"),
        (b"\xef\xbb\xbf\n<!-- proxy -->\n<HTML>", "an HTML"),
        (b"<?xml version='1.0'?><Workbook>", "an HTML or XML page"),
        (b"-- MySQL dump 10.13\n--\n-- Host: localhost\n", "an SQL script"),
        (b"/* by hand */\nINSERT INTO sends VALUES (1, 'x');", "an SQL script"),
    ],
)
def test_what_is_no_text_is_called_by_its_name(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    with pytest.raises(InputError, match=rf"{name} is {said}"):
        read(tmp_path / name, content)


def test_a_workbook_under_the_name_of_parquet_is_called_by_its_name_too(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not a Parquet file: it is an Excel workbook"):
        read(tmp_path / "a.parquet", zipped("xl/workbook.xml"))


@pytest.mark.parametrize("first", ["ORCHID", "BZh", "begin", "set", "insert into", "-- dump"])
def test_a_column_that_begins_like_something_else_is_a_column(tmp_path: Path, first: str) -> None:
    found = read(tmp_path / "a.csv", f"{first},{HEAD}\nx,{LINE}\n".encode())
    assert found.frame["message_id"].tolist() == [700100]


def test_a_workbook_that_is_not_there_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file .*a\.xlsx"):
        open_reader(Source(file=tmp_path / "a.xlsx")).read(None, None)
