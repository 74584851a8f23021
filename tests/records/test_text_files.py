"""Text files in every encoding that can be told, and what is no text by its name."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Final

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


def test_nul_bytes_that_are_no_utf_16_are_refused_without_being_shown(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="NUL bytes") as raised:
        read(tmp_path / "a.csv", b"id\0\0\0\x05\x07\0message_id\0\0")
    assert "\0" not in str(raised.value)


def test_a_plain_text_under_a_name_of_gzip_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not compressed with gzip") as raised:
        read(tmp_path / "a.csv.gz", f"{HEAD}\n{LINE}".encode())
    assert "353" not in str(raised.value)
