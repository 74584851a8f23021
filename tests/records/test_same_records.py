"""The same thousand records give the same report, wherever and however they are kept.

In each zone they lie on the two days on which its clocks change (in Kolkata none do). An hour that
a wall clock shows twice has records in both passes: the messages tell them apart.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
import sqlalchemy as sa

from recon.core import calendar, judge
from recon.core.link import Side
from recon.core.policy import Policy
from recon.jobs.provider_file import provider_side
from recon.model import RequestCounts, Run, Span
from recon.records.connections import read_only_engine
from recon.records.reader import RecordsReader
from recon.records.reader_factory import open_reader
from recon.records.source import Source
from recon.records.sql_source import SqlReader
from recon.report import csv_report

pytestmark = pytest.mark.thorough  # a matrix of sources and zones

#: Zone to the days on which its clocks change: by an hour, on Lord Howe by half an hour.
DAYS = {
    "Europe/Dublin": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),
    "Asia/Kolkata": (date(2026, 3, 29), date(2026, 10, 25)),
}
CLOCK = datetime(2026, 12, 1, tzinfo=UTC)
A_DAY = 500
COLUMNS = ("id", "message_id", "phone_number", "sent_at", "status")


@dataclass(frozen=True, slots=True)
class Send:
    """A record as it is meant; its time is an instant, or none."""

    id: int
    message_id: int | None
    phone_number: str
    at: datetime | None
    status: str


def sends(zone: str) -> list[Send]:
    """Return the records of both days; of each, one has no time."""
    made: list[Send] = []
    for day in DAYS[zone]:
        span = calendar.window(day, zone).span
        assert span.start is not None
        assert span.end is not None
        step = (span.end - span.start) / (A_DAY - 1)
        for place in range(A_DAY):
            at = span.start + timedelta(seconds=int(step.total_seconds() * place))
            number = len(made)
            made.append(
                Send(
                    number,
                    None if number % 7 == 0 else 5_000_000 + number,
                    f"+35385{1000000 + number}",
                    None if place == A_DAY - 1 else at,
                    "failed" if number % 10 == 3 else "sent",
                )
            )
    return made


def messages(zone: str) -> list[dict[str, Any]]:
    """Return what Octopods lists: at business hours some are missing, others differ."""
    listed = []
    for send in sends(zone):
        if send.at is None:
            continue
        is_day = 9 <= send.at.astimezone(ZoneInfo(zone)).hour < 18
        if is_day and send.id % 20 == 1:
            continue  # missing at the provider
        listed.append(
            {
                "message_id": send.message_id or 5_000_000 + send.id,
                "phone_number": send.phone_number,
                "sent_at": (send.at + timedelta(seconds=4)).isoformat(),
                "status": "delivered",
            }
        )
        if is_day and send.id % 20 == 2:  # missing locally
            listed.append({**listed[-1], "message_id": 6_000_000 + send.id,
                           "phone_number": f"+35386{1000000 + send.id}"})  # fmt: skip
    return listed


# --- spellings of a time -------------------------------------------------------------------------


def wall(at: datetime, zone: str) -> str:
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


def with_offset(at: datetime, zone: str) -> str:
    return at.astimezone(ZoneInfo(zone)).isoformat()


def in_utc(at: datetime, _zone: str) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")


def zulu(at: datetime, _zone: str) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(at: datetime, _zone: str) -> int:
    return int(at.timestamp())


def milliseconds(at: datetime, _zone: str) -> int:
    return int(at.timestamp()) * 1000


Spelling = Callable[[datetime, str], Any]


def rows(zone: str, spelled: Spelling) -> list[tuple[Any, ...]]:
    return [
        (send.id, send.message_id, send.phone_number,
         None if send.at is None else spelled(send.at, zone), send.status)
        for send in sends(zone)
    ]  # fmt: skip


# --- the report ----------------------------------------------------------------------------------


def report(reader: RecordsReader, zone: str, provider: Path) -> bytes:
    """Return the CSV files of both days, one after the other."""
    theirs = provider_side(provider, CLOCK)
    margin = timedelta(hours=3)
    said = b""
    for day in DAYS[zone]:
        window = calendar.window(day, zone)
        assert window.span.start is not None
        assert window.span.end is not None
        read = reader.read(window.span.start - margin, window.span.end + margin)
        mine = Side(read.frame, read.rejects, has_numbers=True, has_statuses=True)
        (verdict,) = judge.judge(
            "main", [window], mine, theirs, spans=(Span(None, None),), policy=Policy()
        )
        assert verdict.local.matched > 400
        said += b"".join(
            bytes(piece)
            for piece in csv_report.chunks(Run("run", verdict, CLOCK, CLOCK, RequestCounts()))
        )
    return said


@pytest.fixture(scope="module", params=DAYS)
def zone(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def provider(zone: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("octopods") / "messages.jsonl"
    path.write_text("\n".join(map(json.dumps, messages(zone))))
    return path


@pytest.fixture(scope="module")
def expected(zone: str, provider: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What Parquet gives, which keeps instants as such."""
    path = tmp_path_factory.mktemp("parquet") / "sends.parquet"
    columns = zip(*rows(zone, lambda at, _: at), strict=True)
    pyarrow.parquet.write_table(
        pa.table({name: list(cells) for name, cells in zip(COLUMNS, columns, strict=True)}), path
    )
    said = report(open_reader(Source(file=path, timezone=zone)), zone, provider)
    kinds = {line.split(b",")[4] for line in said.splitlines()}
    assert {b"missing_at_provider", b"missing_locally", b"status_mismatch"} <= kinds
    return said


@pytest.mark.parametrize(
    ("kind", "spelled"),
    [
        ("TEXT", wall), ("TEXT", with_offset), ("DATETIME", zulu), ("INTEGER", seconds),
        ("REAL", milliseconds),
    ],
)  # fmt: skip
def test_in_sqlite(
    zone: str, provider: Path, expected: bytes, tmp_path: Path, kind: str, spelled: Spelling
) -> None:
    path = tmp_path / "sends.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            f"CREATE TABLE sends (id INTEGER PRIMARY KEY, message_id, phone_number, sent_at {kind},"
            " status)"
        )
        connection.executemany("INSERT INTO sends VALUES (?, ?, ?, ?, ?)", rows(zone, spelled))
    source = Source(url=f"sqlite:///{path}", table="sends", timezone=zone)
    assert report(open_reader(source), zone, provider) == expected


@pytest.mark.parametrize("with_arrow", [False, True])
@pytest.mark.parametrize(
    ("kind", "asked", "spelled"),
    [
        ("timestamptz", "table", zulu),
        ("timestamp", "view", wall),
        ("bigint", "query", milliseconds),
    ],
)
def test_in_postgres(
    zone: str,
    provider: Path,
    expected: bytes,
    server: psycopg.Connection,
    schema: str,
    postgres_url: str,
    kind: str,
    asked: str,
    spelled: Spelling,
    with_arrow: bool,  # noqa: FBT001
    caplog: pytest.LogCaptureFixture,
) -> None:
    columns = f"id int, message_id bigint, phone_number text, sent_at {kind}, status text"
    server.execute(f"CREATE TABLE {schema}.sends ({columns})".encode())
    with server.cursor().copy(f"COPY {schema}.sends FROM STDIN".encode()) as copy:
        for row in rows(zone, spelled):
            copy.write_row(row)
    select = f"SELECT * FROM {schema}.sends"  # noqa: S608 - of the tests' own
    server.execute(f"CREATE VIEW {schema}.ours AS {select}".encode())
    bound = {"bigint": ":start_ms"}.get(kind, ":start::timestamptz")
    source = {
        "table": Source(url=postgres_url, table=f"{schema}.sends", timezone=zone),
        "view": Source(url=postgres_url, table=f"{schema}.ours", timezone=zone),
        "query": Source(
            url=postgres_url,
            query=f"{select} WHERE sent_at >= {bound} OR sent_at IS NULL;",
            timezone=zone,
        ),
    }[asked]
    database = read_only_engine(postgres_url, zone)
    reader = SqlReader(source, database, range_rows=100 if with_arrow else 1_000_000)
    with caplog.at_level(logging.DEBUG, "recon.sqlread"):
        assert report(reader, zone, provider) == expected
    assert len(caplog.records) == (2 if with_arrow else 0)


@pytest.mark.parametrize(
    ("kind", "asked", "spelled"),
    [
        ("datetime", "table", wall),
        ("timestamp", "table", in_utc),
        ("bigint", "table", milliseconds),
        ("timestamp", "query", in_utc),
    ],
)
def test_in_mariadb(
    zone: str,
    provider: Path,
    expected: bytes,
    mariadb: sa.Connection,
    mariadb_url: str,
    kind: str,
    asked: str,
    spelled: Spelling,
) -> None:
    mariadb.exec_driver_sql(
        "CREATE OR REPLACE TABLE sends (id int, message_id bigint, phone_number varchar(30),"
        f" sent_at {kind} NULL, status varchar(20))"
    )
    mariadb.exec_driver_sql("INSERT INTO sends VALUES (%s, %s, %s, %s, %s)", rows(zone, spelled))
    source = (
        Source(url=mariadb_url, table="sends", timezone=zone)
        if asked == "table"
        else Source(url=mariadb_url, query="SELECT * FROM sends;", timezone=zone)
    )
    assert report(open_reader(source), zone, provider) == expected


@pytest.fixture(scope="module")
def mariadb(mariadb_url: str) -> Iterator[sa.Connection]:
    """A connection to MariaDB that may write, in UTC."""
    engine = sa.create_engine(mariadb_url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("SET time_zone = '+00:00'")
        yield connection
        connection.exec_driver_sql("DROP TABLE IF EXISTS sends")


def as_csv(path: Path, cells: Sequence[tuple[Any, ...]]) -> None:
    lines = [",".join("" if one is None else str(one) for one in row) for row in cells]
    path.write_text("\n".join([",".join(COLUMNS), *lines, ""]))


def as_json_lines(path: Path, cells: Sequence[tuple[Any, ...]]) -> None:
    path.write_text(
        "\n".join(json.dumps(dict(zip(COLUMNS, row, strict=True))) for row in cells) + "\n"
    )


@pytest.mark.parametrize(
    ("write", "name", "spelled"),
    [
        (as_csv, "sends.csv", wall),
        (as_csv, "sends.csv", with_offset),
        (as_json_lines, "sends.jsonl", zulu),
        (as_json_lines, "sends.jsonl", seconds),
    ],
)
def test_in_files(
    zone: str,
    provider: Path,
    expected: bytes,
    tmp_path: Path,
    write: Callable[[Path, Sequence[tuple[Any, ...]]], None],
    name: str,
    spelled: Spelling,
) -> None:
    write(tmp_path / name, rows(zone, spelled))
    source = Source(file=tmp_path / name, timezone=zone)
    assert report(open_reader(source), zone, provider) == expected
