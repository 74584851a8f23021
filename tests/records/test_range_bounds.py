"""The range of records is half open, to the microsecond, wherever they come from."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recon.records.reader import RecordsReader
from recon.records.reader_factory import open_reader
from recon.records.source import Source
from tests.records.samples import END, START, local_ids, sqlite_records

TICK = timedelta(microseconds=1)
#: At both bounds, and as near to them as times can be.
TIMES = {
    "before": START - TICK,
    "first": START,
    "second": START + TICK,
    "last": END - TICK,
    "at the end": END,
    "after": END + TICK,
}
INSIDE = ["first", "last", "second"]


def rows(spelled: dict[str, object]) -> list[tuple[object, ...]]:
    return [(name, n, "+353871234567", at, "sent") for n, (name, at) in enumerate(spelled.items())]


def dicts() -> list[dict[str, object]]:
    return [
        {"id": name, "message_id": n, "phone_number": "+353871234567", "sent_at": at.isoformat()}
        for n, (name, at) in enumerate(TIMES.items())
    ]


def inside(reader: RecordsReader) -> list[str]:
    return local_ids(reader.read(START, END).frame)


@pytest.mark.parametrize(
    "spelling",
    [
        lambda at: at.isoformat(),
        lambda at: at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
        lambda at: at.isoformat().replace("+00:00", "Z"),
        lambda at: (at - datetime.fromtimestamp(0, UTC)) // TICK / 1_000_000,
    ],
    ids=["offset", "blank", "Z", "epoch seconds"],
)
def test_a_table_of_sqlite(spelling: object, tmp_path: Path) -> None:
    assert callable(spelling)
    spelled = {name: spelling(at) for name, at in TIMES.items()}
    assert inside(sqlite_records(tmp_path / "a.db", rows(spelled))) == INSIDE


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "text"])
def test_a_table_of_postgresql(
    kind: str, server: psycopg.Connection, schema: str, postgres_url: str
) -> None:
    server.execute(
        f"CREATE TABLE {schema}.sends "
        f"(id text, message_id int, phone_number text, sent_at {kind}, status text)".encode()
    )
    for row in rows({name: at.strftime("%Y-%m-%d %H:%M:%S.%f") for name, at in TIMES.items()}):
        statement = f"INSERT INTO {schema}.sends VALUES (%s, %s, %s, %s, %s)"  # noqa: S608 - ours
        server.execute(statement.encode(), row)
    assert inside(open_reader(Source(url=postgres_url, table=f"{schema}.sends"))) == INSIDE


def test_a_query(tmp_path: Path) -> None:
    sqlite_records(tmp_path / "a.db", rows({n: at.isoformat() for n, at in TIMES.items()}))
    source = Source(url=f"sqlite:///{tmp_path / 'a.db'}", query="SELECT * FROM sends")
    assert inside(open_reader(source)) == INSIDE


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_file(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"sends.{ending}"
    match ending:
        case "csv":
            lines = [",".join(dicts()[0])]
            lines += [",".join(map(str, row.values())) for row in dicts()]
            path.write_text("\n".join(lines))
        case "jsonl":
            path.write_text("\n".join(map(json.dumps, dicts())))
        case _:
            times = pa.array(list(TIMES.values()), pa.timestamp("us", "UTC"))
            table = pa.Table.from_pylist(dicts())
            pq.write_table(table.set_column(3, "sent_at", times), path)
    source = Source(file=path, columns={"status": ""})
    assert inside(open_reader(source)) == INSIDE
