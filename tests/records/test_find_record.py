"""A record is found by the user's own id, whatever keeps that id."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from recon.records.reader import RecordsReader
from recon.records.reader_factory import open_reader
from recon.records.source import Source
from tests.records.samples import NOON, local_ids, sqlite_records

NAME = "0b5cf8a2-3f6e-4d51-9f0e-1c2d3e4f5a6b"


def found(reader: RecordsReader, local_id: str) -> tuple[list[str], list[str]]:
    """Return the ids of the readable and of the unreadable records that are found."""
    read = reader.find_record(local_id)
    ids, unread = local_ids(read.frame), local_ids(read.rejects)
    return [one.strip() for one in ids], [one.strip() for one in unread]


@pytest.mark.parametrize("kind", ["", "INTEGER", "TEXT"])
def test_in_sqlite(tmp_path: Path, kind: str) -> None:
    rows = [(7, 1, "+1", NOON, "sent"), ("8", 2, "+1", "2019-01-01T00:00:00Z", "sent"),
            ("9", 3, "+1", "soon", "sent"), ("77", 4, "+1", NOON, "sent")]  # fmt: skip
    reader = sqlite_records(tmp_path / "a.db", rows, f"{kind},,,,")
    assert found(reader, "7") == (["7"], [])
    assert found(reader, "8") == (["8"], [])
    assert found(reader, "9") == ([], ["9"])
    assert found(reader, "x") == ([], [])


@pytest.mark.parametrize(
    ("kind", "ids"),
    [
        ("bigint", ["7", "77"]),
        ("numeric", ["7", "77"]),
        ("text", ["7", "o'brien", "07"]),
        ("char(9)", ["7", "77"]),
        ("uuid", [NAME, str(UUID(int=7))]),
    ],
)
def test_in_postgres(
    kind: str, ids: list[str], server: psycopg.Connection, schema: str, postgres_url: str
) -> None:
    columns = f"id {kind}, message_id bigint, phone_number text, sent_at text, status text"
    server.execute(f"CREATE TABLE {schema}.sends ({columns})".encode())
    for one in ids:
        insert = f"INSERT INTO {schema}.sends VALUES (%s::text::{kind}, 1, '+1', %s, 'sent')"  # noqa: S608
        server.execute(insert.encode(), [one, NOON])
    reader = open_reader(Source(url=postgres_url, table=f"{schema}.sends"))
    for one in ids:
        assert found(reader, one) == ([one], [])
    assert found(reader, "nobody") == ([], [])
    assert found(reader, str(10**30)) == ([], [])


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_in_a_file(tmp_path: Path, name: str) -> None:
    row = {"id": "k-7", "message_id": 1, "phone_number": "+1", "sent_at": NOON, "status": "sent"}
    text = {
        "a.csv": ",".join(row) + "\n" + ",".join(map(str, row.values())) + "\n",
        "a.jsonl": str(row).replace("'", '"') + "\n",
    }
    (tmp_path / name).write_text(text[name])
    reader = open_reader(Source(file=tmp_path / name))
    assert found(reader, "k-7") == (["k-7"], [])
    assert found(reader, "7") == ([], [])


def test_a_query_and_records_without_ids_find_nothing(tmp_path: Path) -> None:
    reader = sqlite_records(tmp_path / "a.db", columns={"id": ""})
    assert found(reader, "1") == ([], [])
    url = f"sqlite:///{tmp_path / 'a.db'}"
    assert found(open_reader(Source(url=url, query="SELECT * FROM sends")), "1") == ([], [])


def test_the_condition_says_which_records_are_ours(tmp_path: Path) -> None:
    reader = sqlite_records(tmp_path / "a.db", where="status = 'read'")
    assert found(reader, "1") == ([], [])
