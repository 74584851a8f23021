"""Text files in every encoding that can be told, and what is no text by its name."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recon.errors import InputError
from recon.records import text_files
from recon.records.reader import RecordsRead
from recon.records.reader_factory import open_reader
from recon.records.source import Source

HEAD: Final = "id,message_id,phone_number,sent_at,status"
LINE: Final = "1,700100,+353861234567,2026-04-23T12:00:00Z,envoyé"


def read(path: Path, content: bytes) -> RecordsRead:
    path.write_bytes(content)
    return open_reader(Source(file=path, statuses={"envoyé": "sent"})).read(None, None)


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be",
     "cp1252", "latin-1"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.txt"])
def test_a_text_is_read_in_its_encoding(tmp_path: Path, name: str, encoding: str) -> None:
    content = f"{HEAD}\n{LINE}\n".encode(encoding)
    found = read(tmp_path / name, gzip.compress(content) if name.endswith(".gz") else content)
    assert found.frame["status"].tolist() == ["sent"]
    assert found.frame["message_id"].tolist() == [700100]


@pytest.mark.parametrize("damage", [b"\xff", b"caf\xe9 and caf\xc3\xa9", b"\x81"])
def test_damaged_utf_8_loses_only_the_damaged_characters(tmp_path: Path, damage: bytes) -> None:
    lines = [f"{HEAD},body".encode(), f"{LINE},caf\u00e9".encode(), LINE.encode() + b"," + damage]
    found = read(tmp_path / "a.csv", b"\n".join(lines))
    assert found.frame["status"].tolist() == ["sent", "sent"]


def test_a_character_on_the_border_of_two_pieces_stays_whole(tmp_path: Path) -> None:
    text = "é" * 700_000 + "\n" + "é" * 700_000
    for encoding in ("utf-8", "utf-16", "utf-16-le"):
        (tmp_path / "a.txt").write_bytes(text.encode(encoding))
        assert b"".join(text_files.blocks(tmp_path / "a.txt", 1001)).decode() == text


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


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.xlsx"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped("xl/workbook.xml"), "an Excel workbook"),
        (zipped("mimetype", "content.xml"), "an OpenDocument spreadsheet"),
        (zipped("sends.csv"), "a ZIP archive"),
        (b"PK\x03\x04 cut off", "a ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"),
        (gzip.compress(b"id", mtime=0), "compressed with gzip"),
        (b"SQLite format 3\0" + bytes(84), "an SQLite database"),
        (b"<!DOCTYPE html><html><body>Sign in", "a page of HTML"),
        (b"%PDF-1.7", "a PDF"),
        (parquet(), "a Parquet file"),
    ],
)
def test_what_is_no_text_is_called_by_its_name(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    with pytest.raises(InputError, match=rf"{name} is {said}"):
        read(tmp_path / name, content)


def test_a_workbook_under_the_name_of_parquet_is_called_by_its_name_too(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no Parquet file: it is an Excel workbook"):
        read(tmp_path / "a.parquet", zipped("xl/workbook.xml"))


def test_nul_bytes_that_are_no_utf_16_are_refused_without_being_shown(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="NUL bytes") as raised:
        read(tmp_path / "a.csv", b"id\0\0\0\x05\x07\0message_id\0\0")
    assert "\0" not in str(raised.value)


def test_a_plain_text_under_a_name_of_gzip_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not compressed with gzip") as raised:
        read(tmp_path / "a.csv.gz", f"{HEAD}\n{LINE}".encode())
    assert "353" not in str(raised.value)
