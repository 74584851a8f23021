"""A database gives exactly the rows that reading all of them in Python gives."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recon.core import frames
from recon.core.frames.layout import DATE_ALONE
from recon.records import time_conditions
from recon.records.reader_factory import open_reader
from recon.records.source import Source
from tests.records.samples import END, START, local_ids, sqlite_records

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Span = tuple[datetime | None, datetime | None]

NEAR = st.builds(
    lambda bound, seconds: bound + timedelta(seconds=seconds),
    st.sampled_from([START, END]),
    st.sampled_from([0, -1e-6, 1e-6, -0.5, 0.5, -1, 1]) | st.floats(-4 * 86400, 4 * 86400),
)
MOMENTS = NEAR | st.datetimes(datetime(2009, 1, 2), datetime(2200, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis wants naive bounds
OFFSETS = st.sampled_from([-1439, -720, -570, -1, 0, 60, 330, 840, 1439])


def _since_epoch(moment: datetime, unit: int) -> float:
    return (moment - EPOCH) / timedelta(microseconds=unit)


def _text(moment: datetime, minutes: int, form: str, zone: str) -> str:
    there = moment.astimezone(timezone(timedelta(minutes=minutes)))
    return there.strftime(form) + (there.strftime("%z") if zone == "%z" else zone)


TEXTS = st.builds(
    _text,
    MOMENTS,
    OFFSETS,
    st.sampled_from(
        ["%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dt%H:%M", "%Y-%m-%d", "%Y%m%dT%H%M%S"]
    ),
    st.sampled_from(["%z", "Z", "z", "", " UTC", "+00", "-12", "+25:00", "x", " "]),
)
GARBAGE = st.sampled_from(
    [None, "", "tomorrow", "2026-02-30", "2026-02-30 10:00:00", "2026-13-01", "1970-01-01",
     "2205-01-01", "2026-01-01 25:00", "2026-01-01 10:61", "2026-01-01T10:00:00.", "2024-02-29",
     "2026-01-01T10:00:00.5.5", "2026-01-01 10:00:00+1", "2026-01-01 10:2345", "2026-01-01 ",
     "2026-W17-4", "2026-04", " 2026-04-23 12:00", "NULL", "12", "2026-01-01 10:00,5",
     "2026-01-01 24:00:00", "2026-04-31 00:00:00", "2200-12-31 12:00:00"]
)  # fmt: skip
NUMBERS = st.builds(
    _since_epoch, MOMENTS, st.sampled_from([1, 1_000, 1_000_000])
) | st.sampled_from([0.0, -1.0, 1.0, 1e11, 1e14, 1e17, 1e18])
SPANS = st.sampled_from(
    [(START, END), (None, END), (START, None), (None, None), (START, START),
     (datetime(2009, 1, 1, tzinfo=UTC), END), (START, datetime(2200, 12, 31, tzinfo=UTC))]
)  # fmt: skip
ZONES = st.sampled_from(["UTC", "Europe/Dublin", "Pacific/Auckland", "Pacific/Honolulu"])


def expected(values: Sequence[Any], span: Span, zone: str) -> tuple[list[str], list[str]]:
    """Read every row in Python, then cut: the ids of the rows and of the rejects."""
    raw = {"id": list(range(len(values))), "sent_at": list(values)}
    frame, rejects = frames.local_frame(raw, zone=zone, statuses={})
    start, end = span
    inside = frame["sent_at"].notna()
    # A record without a time of day is read if some of its day lies in the span.
    of_day = frame["other_minutes"].where(frame["other_minutes"] >= DATE_ALONE, DATE_ALONE)
    latest = frame["sent_at"] + pd.to_timedelta(of_day - DATE_ALONE, unit="min")
    if start is not None:
        inside &= (frame["sent_at"] >= start) | (latest > start)
    if end is not None:
        inside &= frame["sent_at"] < end
    return local_ids(frame.loc[inside]), local_ids(rejects)


def rows(values: Sequence[Any]) -> list[tuple[Any, ...]]:
    return [(place, place, None, value, None) for place, value in enumerate(values)]


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["", "TEXT", "DATETIME", "INTEGER", "REAL", "BLOB"])
@settings(max_examples=35)
@given(
    values=st.lists(
        TEXTS | GARBAGE | NUMBERS | NUMBERS.map(int) | TEXTS.map(str.encode), max_size=8
    ),
    span=SPANS,
    zone=ZONES,
)
def test_sqlite_any_value_in_a_column_of_any_type(
    kind: str, values: list[Any], span: Span, zone: str
) -> None:
    with tempfile.TemporaryDirectory() as room:
        path = Path(room) / "records.db"
        records = sqlite_records(path, rows(values), f",,,{kind},", timezone=zone)
        # Columns of a type change what is put into them, so what is stored is the truth.
        import sqlite3
        from contextlib import closing

        with closing(sqlite3.connect(path)) as connection:
            stored = [value for (value,) in connection.execute("SELECT sent_at FROM sends")]
        read = records.read(*span)
    assert (local_ids(read.frame), local_ids(read.rejects)) == expected(stored, span, zone)


def _naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


KINDS: dict[str, st.SearchStrategy[Any]] = {
    "text": TEXTS | GARBAGE,
    "varchar(60)": TEXTS | GARBAGE,
    "char(40)": TEXTS | GARBAGE,
    "timestamptz": st.none() | MOMENTS | st.sampled_from(["infinity", "-infinity", "1999-01-01"]),
    "timestamp": st.none()
    | MOMENTS.map(_naive)
    | st.sampled_from(["infinity", "0044-03-15 BC", "20000-01-01", "2026-10-25 01:30"]),
    "date": st.none() | MOMENTS.map(datetime.date) | st.sampled_from(["infinity", "1999-01-01"]),
    "bigint": st.none() | NUMBERS.map(int),
    "numeric": st.none() | NUMBERS.map(lambda one: Decimal(str(one))) | st.just(Decimal("NaN")),
    "double precision": st.none() | NUMBERS | st.sampled_from([float("nan"), float("inf")]),
}


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), span=SPANS, zone=ZONES)
def test_postgres_in_a_column_of_every_type(
    kind: str, data: st.DataObject, span: Span, zone: str,
    server: psycopg.Connection, schema: str, postgres_url: str,
) -> None:  # fmt: skip
    values = data.draw(st.lists(KINDS[kind], max_size=8))
    server.execute(f"DROP TABLE IF EXISTS {schema}.sends".encode())
    server.execute(
        f"CREATE TABLE {schema}.sends "
        f"(id int, message_id int, phone_number text, sent_at {kind}, status text)".encode()
    )
    with server.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {schema}.sends "  # noqa: S608 - of the tests' own
            f"VALUES (%s, %s, %s, %s::text::{kind}, %s)".encode(),
            [tuple(_for_postgres(cell) for cell in row) for row in rows(values)],
        )
    source = Source(url=postgres_url, table=f"{schema}.sends", timezone=zone)
    read = open_reader(source).read(*span)
    wanted = expected([_as_python(kind, value) for value in values], span, zone)
    assert (local_ids(read.frame), local_ids(read.rejects)) == wanted


def _for_postgres(cell: object) -> object:
    return cell.isoformat() if isinstance(cell, date) else cell


def _as_python(kind: str, value: object) -> object:
    """Return the text that a value of a column of times is in the zone of the records."""
    if kind == "date" and isinstance(value, datetime):
        return value.date()
    return value


def test_a_wall_clock_hour_that_comes_twice_is_read_whole(tmp_path: Path) -> None:
    zone = ZoneInfo("Europe/Dublin")
    start = datetime(2026, 10, 25, tzinfo=zone)
    records = sqlite_records(
        tmp_path / "a.db",
        rows(["2026-10-25 00:00:00", "2026-10-25 01:30:00", "2026-10-25 23:59:59", "2026-10-26"]),
        timezone="Europe/Dublin",
    )
    read = records.read(start, start + timedelta(days=1))
    assert local_ids(read.frame) == ["0", "1", "2"]


def test_rows_of_other_days_are_not_even_read(tmp_path: Path) -> None:
    """Without this, the tests above would pass with no condition at all."""

    far = ["2026-01-01T10:00:00.123+05:30", "2026-01-01", "2026-12-31 10:00", 1760000000,
           1760000000123, 1.8e9, "2026-01-01 10:00:00Z", "2026-01-01 10:00:00+00"]  # fmt: skip
    sqlite_records(tmp_path / "a.db", rows(far))
    column: sa.ColumnElement[Any] = sa.column("sent_at")
    condition = time_conditions.within(
        column, sa.Text(), (START, END), dialect="sqlite", zone="UTC"
    )
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with engine.connect() as connection:
        found = connection.execute(
            sa.select(column).select_from(sa.table("sends")).where(condition)
        )
        assert found.all() == []
    engine.dispose()


@pytest.mark.parametrize(
    ("kind", "far"),
    [
        ("text", ["2026-01-01T10:00:00.123+05:30", "2026-12-31", "2026-01-01 10:00:00+00"]),
        ("timestamptz", ["2026-01-01 10:00+00"]),
        ("timestamp", ["2026-01-01 10:00", "2027-01-01"]),
        ("date", ["2026-01-01"]),
        ("bigint", ["1760000000", "1760000000123", "1960000000123456"]),
        ("numeric", ["1760000000.5"]),
    ],
)
def test_rows_of_other_days_are_not_even_read_from_postgres(
    kind: str, far: list[str], server: psycopg.Connection, schema: str, postgres_url: str
) -> None:

    server.execute(f"CREATE TABLE {schema}.sends (sent_at {kind})".encode())
    for value in far:
        insert = f"INSERT INTO {schema}.sends VALUES (%s::text::{kind})"  # noqa: S608 - our own
        server.execute(insert.encode(), [value])
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        kinds = sa.inspect(connection).get_columns("sends", schema=schema)
        column: sa.ColumnElement[Any] = sa.column("sent_at")
        condition = time_conditions.within(
            column, kinds[0]["type"], (START, END), dialect="postgresql", zone="Europe/Dublin"
        )
        table = sa.table("sends", schema=schema)
        assert connection.execute(sa.select(column).select_from(table).where(condition)).all() == []
