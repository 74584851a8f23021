"""Records in MariaDB: what its types mean, and that no row is out of sight."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from recon.records import time_conditions
from recon.records.reader import RecordsReader
from recon.records.reader_factory import open_reader
from recon.records.source import Source
from tests.records.samples import END, NOON, START, local_ids

Make = Callable[..., RecordsReader]


@pytest.fixture
def table(mariadb_url: str) -> Iterator[Make]:
    """Make a table `sends` with these rows, and open it."""
    engine = sa.create_engine(mariadb_url, poolclass=sa.NullPool)

    def make(rows: list[tuple[Any, ...]], *, source: Any = None, **kinds: str) -> RecordsReader:  # noqa: ANN401
        types = {"id": "int", "message_id": "bigint", "phone_number": "varchar(40)",
                 "sent_at": "datetime(6)", "status": "varchar(20)", **kinds}  # fmt: skip
        columns = ", ".join(f"{name} {kind} NULL" for name, kind in types.items())
        with engine.begin() as connection:
            connection.exec_driver_sql("SET time_zone = '+00:00', sql_mode = 'ALLOW_INVALID_DATES'")
            connection.exec_driver_sql("DROP TABLE IF EXISTS sends")
            connection.exec_driver_sql(f"CREATE TABLE sends ({columns})")
            insert = "INSERT INTO sends VALUES (%s, %s, %s, %s, %s)"
            for row in rows:
                connection.exec_driver_sql(insert, row)
        return open_reader(Source(**{"url": mariadb_url, "table": "sends", **(source or {})}))

    yield make
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS sends")


def row(number: int, sent_at: object, status: object = "sent") -> tuple[Any, ...]:
    return number, number, "+353871234567", sent_at, status


QUERY = {"table": None, "query": "SELECT * FROM sends"}


@pytest.mark.parametrize("source", [{}, QUERY])
@pytest.mark.parametrize(
    ("kind", "wall"),
    [
        ("timestamp", "2026-04-23 12:00:00"),
        ("timestamp(3)", "2026-04-23 12:00:00"),
        ("datetime", "2026-04-23 22:00:00"),
        ("datetime(6)", "2026-04-23 22:00:00"),
        ("varchar(40)", "2026-04-23 22:00:00"),
        ("bigint", "1776945600"),
    ],
)
def test_a_timestamp_is_an_instant_and_a_datetime_is_in_the_configured_zone(
    table: Make, kind: str, wall: str, source: dict[str, Any]
) -> None:
    records = table(
        [row(1, wall)], sent_at=kind, source={"timezone": "Australia/Brisbane", **source}
    )
    assert records.read(START, END).frame["sent_at"].tolist() == [pd.Timestamp(NOON)]


@pytest.mark.parametrize("kind", ["timestamp", "timestamp(6)"])
def test_both_passes_of_a_repeated_hour_are_kept_apart_by_a_timestamp(
    table: Make, kind: str
) -> None:
    start, end = pd.Timestamp("2026-10-24T23:00Z"), pd.Timestamp("2026-10-26T00:00Z")
    times = ["2026-10-25 00:30:00", "2026-10-25 01:30:00", "2026-10-24 22:59:59", "2026-10-26"]
    records = table(
        [row(number, time) for number, time in enumerate(times)],
        sent_at=kind,
        source={"timezone": "Europe/Dublin"},
    )
    read = records.read(start.to_pydatetime(), end.to_pydatetime()).frame
    assert local_ids(read) == ["0", "1"]
    assert sorted(read["sent_at"].astype(str)) == [
        "2026-10-25 00:30:00+00:00",
        "2026-10-25 01:30:00+00:00",
    ]


IMPOSSIBLE = {
    "datetime(3)": [
        "2026-11-00 00:00:00", "2026-11-00 10:00:00", "2026-00-12 10:00:00", "2026-00-00 00:00:00",
        "2026-02-31 10:00:00", "2025-02-29 00:00:00", "2026-04-31 10:00:00.5", "2026-04-00",
        "0000-00-00 00:00:00", "9999-12-31 23:59:59", "1000-01-01 00:00:00", None,
    ],
    "date": ["2026-11-00", "2026-06-31", "0000-00-00", "2026-00-00", None],
    "timestamp": ["0000-00-00 00:00:00", None],
}  # fmt: skip


@pytest.mark.parametrize("source", [{}, QUERY])
@pytest.mark.parametrize("kind", IMPOSSIBLE)
def test_a_date_that_no_calendar_has_is_unreadable_wherever_it_sorts(
    table: Make, kind: str, source: dict[str, Any]
) -> None:
    odd = IMPOSSIBLE[kind]
    records = table(
        [row(0, "2026-04-23"), *(row(number, time) for number, time in enumerate(odd, 1))],
        sent_at=kind,
        source=source,
    )
    read = records.read(START, END)
    assert local_ids(read.frame) == ["0"]
    assert len(read.rejects) == len(odd)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "Pacific/Honolulu"])
@pytest.mark.parametrize("kind", ["datetime(6)", "timestamp(6)", "varchar(40)", "bigint"])
def test_the_bounds_of_the_span_are_exact_in_every_zone(table: Make, kind: str, zone: str) -> None:
    shifts = [timedelta(seconds=s) for s in (0, -1, 1, -3600, 3600, -90_000, 90_000, -40_000)]
    moments = [bound + shift for bound in (START, END) for shift in shifts]
    there = UTC if kind == "timestamp(6)" else ZoneInfo(zone)
    stored = [
        int(one.timestamp()) if kind == "bigint" else f"{one.astimezone(there):%Y-%m-%d %H:%M:%S}"
        for one in moments
    ]
    records = table(
        [row(number, time) for number, time in enumerate(stored)],
        sent_at=kind,
        source={"timezone": zone},
    )
    inside = [str(number) for number, one in enumerate(moments) if START <= one < END]
    assert local_ids(records.read(START, END).frame) == sorted(inside)
    assert local_ids(records.read(None, END).frame) == sorted(
        str(number) for number, one in enumerate(moments) if one < END
    )


@pytest.mark.parametrize("kind", ["datetime", "date", "timestamp", "bigint", "varchar(30)"])
def test_rows_of_other_days_are_not_even_read(table: Make, mariadb_url: str, kind: str) -> None:
    far = (
        [1776000000, 1777400000] if kind == "bigint" else ["2026-04-12", "2026-04-28", "2024-02-29"]
    )
    table([row(number, time) for number, time in enumerate(far)], sent_at=kind)
    engine = sa.create_engine(mariadb_url, poolclass=sa.NullPool)
    column: sa.ColumnElement[Any] = sa.column("sent_at")
    with engine.connect() as connection:
        kinds = {one["name"]: one["type"] for one in sa.inspect(connection).get_columns("sends")}
        near = time_conditions.within(
            column, kinds["sent_at"], (START, END), dialect=engine.dialect.name, zone="Asia/Tokyo"
        )
        query = sa.select(column).select_from(sa.table("sends")).where(near)
        # A leap day as text is read: the pattern does not know it.
        assert connection.execute(query).all() in ([], [("2024-02-29",)])


@pytest.mark.parametrize(
    ("column", "kind", "value", "read"),
    [
        ("message_id", "decimal(30,4)", "3851828.0000", 3851828),
        ("message_id", "varbinary(16)", "3851828", 3851828),
        ("message_id", "json", "3851828", 3851828),
        ("message_id", "bigint unsigned", "18446744073709551615", None),
        ("sent_at", "year", "2026", None),
        ("sent_at", "time", "-10:00:00", None),
        ("sent_at", "decimal(20,4)", "1776945600.5000", "2026-04-23 12:00:00.5+00:00"),
        ("status", "set('sent','read')", "sent,read", "sent,read"),
        ("status", "enum('sent','')", "", None),
        ("status", "blob", "sent", "sent"),
    ],
)
def test_a_value_of_any_type_is_read_or_named_and_its_row_kept(
    table: Make, column: str, kind: str, value: str, read: object
) -> None:
    values = {"id": 7, "message_id": 5, "phone_number": "+353871234567",
              "sent_at": "2026-04-23 12:00:00", "status": "sent", column: value}  # fmt: skip
    records = table([tuple(values.values())], **{column: kind}).read(START, END)
    kept = records.frame if column != "sent_at" or read else records.rejects
    assert local_ids(kept) == ["7"]
    [found] = kept[column]
    if read is None:
        assert pd.isna(found)
    else:
        assert found == (pd.Timestamp(str(read)) if column == "sent_at" else read)


def test_bits_are_numbers(table: Make) -> None:
    rows = [(1, 3851828, "+1", "2026-04-23 12:00", 1), (2, 2**63 - 1, "+1", "2026-04-23 12:00", 0)]
    statuses = {"1": "sent", "0": "not_sent"}
    for source in ({}, QUERY):
        records = table(
            rows, message_id="bit(64)", status="bit(1)", source={"statuses": statuses, **source}
        )
        read = records.read(START, END).frame.sort_values("local_id")
        assert read["message_id"].tolist() == [3851828, 2**63 - 1]
        assert read["status"].tolist() == ["sent", "not_sent"]


@pytest.mark.parametrize("kind", ["timestamp", "datetime", "varchar(40)"])
def test_a_query_reaches_its_whole_span_whatever_keeps_the_time(table: Make, kind: str) -> None:
    query = r"""
        SELECT id, message_id, phone_number, sent_at, status, 'it\'s :end' AS note # it's ours
        FROM sends -- :start
        WHERE sent_at >= :start AND sent_at < :end AND phone_number LIKE '+%';
    """
    times = ["2026-04-22 23:00:00", "2026-04-23 22:59:59", "2026-04-23 12:00:00", "2026-04-10"]
    rows = [row(number, time) for number, time in enumerate(times)]
    records = table(rows, sent_at=kind, source={"table": None, "query": query})
    assert local_ids(records.read(START, END).frame) == ["0", "1", "2"]


def test_a_condition_is_read_as_the_server_reads_it(table: Make) -> None:
    where = r"status = 'it\'s' # ours; it's :start"
    records = table(
        [row(1, "2026-04-23 12:00", "it's"), row(2, "2026-04-23 12:00")], source={"where": where}
    )
    assert local_ids(records.read(START, END).frame) == ["1"]
    assert local_ids(records.find(np.array([1, 2])).frame) == ["1"]
