"""Records read as Arrow columns are just those that are read in the plain way."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd
import psycopg
import pytest
import sqlalchemy as sa
from pandas.testing import assert_frame_equal

from recon.errors import InputError
from recon.records.reader import RecordsRead
from recon.records.reader_factory import open_reader
from recon.records.source import Source
from tests.postgres import PASSWORD_USER
from tests.records.samples import END, NOON, START

pytest.importorskip("adbc_driver_postgresql")

TYPES: Final = {
    "id": "bigint",
    "message_id": "bigint",
    "phone_number": "text",
    "sent_at": "timestamptz",
    "status": "text",
}

#: So many records that they are worth another connection; what is odd comes after them.
MANY: Final = 20_000

SPELLED_TIMES: Final = [
    "2026-04-23T12:00:00Z", "2026-04-23 12:00:00", "2026-04-23T12:00", "2026-04-23",
    "2026-04-23 12:00:00.123456+02:00", "2026-04-23t12:00:00,5z", "20260423T120000Z",
    "2026-04-23 12:00:00 UTC", "1776945600", "1776945600123", "1776945600.25", "soon", "", None,
    "2026-02-30", "2026-W17-4", " 2026-04-23 12:00:00 ",
]  # fmt: skip
SPELLED_IDS: Final = [
    None, "", "null", "3851828.0", " 3851828", "03851828", "9007199254740993",
    "9223372036854775807", "9223372036854775808", "-1", "wamid.HBg", "1e3", "12\r",
]  # fmt: skip
WALL_CLOCKS: Final = [
    "2026-03-29 01:30:00", "2026-10-25 01:30:00", "2026-04-23 00:00:00.000001", None,
]  # fmt: skip

#: What is odd, by name: types that differ, values of a column, and whether it comes as Arrow.
CASES: Final[dict[str, tuple[Mapping[str, str], str, list[str | None], bool]]] = {
    "null ids": ({}, "message_id", [None], True),
    "ids of 19 digits": ({}, "message_id", ["9223372036854775807", "9223372036854775806"], True),
    "small ids": ({"id": "smallint"}, "id", ["3", None], True),
    "ids as text": ({"message_id": "text"}, "message_id", SPELLED_IDS, True),
    "ids as padded text": ({"message_id": "char(20)"}, "message_id", ["17", None], True),
    "ids as numeric": ({"message_id": "numeric"}, "message_id", ["1.0", "NaN", "1e30"], True),
    "ids as floats": (
        {"message_id": "float8"}, "message_id", ["17", "1.5", "9007199254740994", "NaN"], True,
    ),
    "ids as small floats": ({"message_id": "real"}, "message_id", ["17", "0.1"], False),
    "own ids as text": ({"id": "varchar"}, "id", ["a", "07", None], True),
    "own ids as uuid": ({"id": "uuid"}, "id", [None], True),
    "own ids as domain": ({"id": "{schema}.key"}, "id", ["5"], True),
    "times as text": ({"sent_at": "text"}, "sent_at", SPELLED_TIMES, True),
    "times in seconds": ({"sent_at": "bigint"}, "sent_at", ["1776945600", "12", None], True),
    "times in milliseconds": ({"sent_at": "bigint"}, "sent_at", ["1776945600123"], True),
    "times as numeric": ({"sent_at": "numeric"}, "sent_at", ["1776945600.123456", "-1"], True),
    "times as floats": ({"sent_at": "float8"}, "sent_at", ["1776945600.5", "NaN"], True),
    "times of a wall clock": ({"sent_at": "timestamp"}, "sent_at", WALL_CLOCKS, True),
    "times with a zone": ({}, "sent_at", ["2026-04-23 00:00:00.000001+02", None], True),
    "days": ({"sent_at": "date"}, "sent_at", ["2026-04-23", "2026-04-22", None], True),
    "days of no message": ({"sent_at": "date"}, "sent_at", ["infinity", "1970-01-01"], True),
    "the end of time": ({}, "sent_at", ["infinity"], False),
    "the beginning of time": ({}, "sent_at", ["-infinity"], False),
    "times of no message": ({}, "sent_at", ["1970-01-01 00:00:00Z"], False),
    "times beyond all years": ({"sent_at": "timestamp"}, "sent_at", ["20000-01-01"], False),
    "times where none belong": ({"status": "timestamptz"}, "status", [NOON], False),
    "numbers as numbers": ({"phone_number": "numeric"}, "phone_number", ["353871234567"], True),
    "texts of all kinds": ({}, "phone_number", ["", " ", "+3538\u202e", "\\N", "'%s'"], True),
    "statuses of an enum": ({"status": "{schema}.state"}, "status", ["queued", None], True),
    "statuses of yes and no": ({"status": "bool"}, "status", ["true", "false", None], True),
    "statuses as JSON": ({"status": "jsonb"}, "status", ['{"a": 1}', '"sent"'], False),
    "statuses as bytes": ({"status": "bytea"}, "status", ["sent"], False),
    "statuses as lists": ({"status": "text[]"}, "status", ["{sent}"], False),
}  # fmt: skip


def filled(
    server: psycopg.Connection, schema: str, types: Mapping[str, str], count: int = MANY
) -> None:
    """Make a table with many ordinary records, as far as its types let them be."""
    server.execute(f"CREATE TYPE {schema}.state AS ENUM ('queued', 'sent')".encode())
    server.execute(f"CREATE DOMAIN {schema}.key AS bigint".encode())
    every = {**TYPES, **{name: kind.format(schema=schema) for name, kind in types.items()}}
    columns = ", ".join(f"{name} {kind}" for name, kind in every.items())
    server.execute(f"CREATE TABLE {schema}.sends ({columns})".encode())
    epoch = {"": "1776902400 + n", "milli": "1776902400000 + n"}
    values = {
        "id": "gen_random_uuid()" if every["id"] == "uuid" else "n % 30000",
        "message_id": "CASE WHEN n % 7 > 0 THEN n END",
        "phone_number": "353870000000 + n",
        "sent_at": epoch[""]
        if every["sent_at"] in ("bigint", "numeric", "float8")
        else "timestamptz '2026-04-22 20:00:00Z' + n * interval '2.000001 s'",
        "status": "CASE WHEN n % 2 = 0 THEN 'sent' END"
        if every["status"] in ("text", f"{schema}.state")
        else "NULL",
    }
    chosen = ", ".join(
        f"({value})::{'text' if name == 'status' else every[name]}::{every[name]}"
        for name, value in values.items()
    )
    insert = f"INSERT INTO {schema}.sends SELECT {chosen} FROM generate_series(1, {count}) n"  # noqa: S608
    server.execute(insert.encode())


def add(server: psycopg.Connection, schema: str, column: str, values: list[str | None]) -> None:
    """Add records that are ordinary but for one column."""
    kind = server.execute(
        b"SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
        b" WHERE attrelid = %s::regclass AND attname = %s",
        (f"{schema}.sends", column),
    ).fetchone()
    assert kind is not None
    copy = (
        f"CREATE TEMPORARY TABLE one AS SELECT * FROM {schema}.sends LIMIT 1;"  # noqa: S608
        f"UPDATE one SET {column} = %s::{kind[0]};"
        f"INSERT INTO {schema}.sends SELECT * FROM one; DROP TABLE one"
    )
    for value in values:
        for statement in copy.split(";"):
            server.execute(statement.encode(), (value,) if "%s" in statement else None)


def both_ways(
    source: Source, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> tuple[RecordsRead, RecordsRead, bool]:
    """Read the records as Arrow and in the plain way; say whether Arrow it was to the end."""
    caplog.clear()
    caplog.set_level(logging.DEBUG, logger="recon.sqlread")
    one = open_reader(source).read(START, END)
    said = [record.getMessage() for record in caplog.records]
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "adbc_driver_postgresql", None)
        caplog.clear()
        other = open_reader(source).read(START, END)
        assert not caplog.records
    return one, other, said == ["an answer was read as Arrow"]


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in an order that is the same whatever it was."""
    return frame.sort_values(list(frame.columns), ignore_index=True)


def assert_same(one: RecordsRead, other: RecordsRead) -> None:
    assert_frame_equal(ordered(one.frame), ordered(other.frame))
    assert_frame_equal(ordered(one.rejects), ordered(other.rejects))
    assert one.fields == other.fields


@pytest.mark.parametrize("case", CASES)
def test_a_table_reads_alike_both_ways(
    case: str,
    server: psycopg.Connection,
    schema: str,
    postgres_url: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    types, column, values, as_arrow = CASES[case]
    filled(server, schema, types)
    add(server, schema, column, values)
    source = Source(
        url=postgres_url,
        table=f"{schema}.sends",
        where=r"phone_number::text <> E'\\' AND phone_number::text NOT LIKE '%:no%'",
        timezone="Europe/Dublin",
        statuses={"queued": "not_sent"},
    )
    one, other, was_arrow = both_ways(source, caplog, monkeypatch)
    assert_same(one, other)
    assert len(one.frame) > MANY // 2
    assert was_arrow == as_arrow


@pytest.mark.parametrize(
    ("chosen", "as_arrow"),
    [
        ("id, message_id, phone_number, sent_at, status", True),
        ("id, message_id, phone_number, sent_at::timestamp AS sent_at, status", True),
        ("'%' AS id, message_id, phone_number, sent_at::text AS sent_at, status || ':x' AS status",
         True),
        ("id, message_id::numeric AS message_id, phone_number, sent_at, status", False),
        ("id, message_id, phone_number, sent_at, NULL AS status", True),
    ],
)  # fmt: skip
def test_a_query_reads_alike_both_ways(
    chosen: str,
    as_arrow: bool,  # noqa: FBT001 - a parameter
    server: psycopg.Connection,
    schema: str,
    postgres_url: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    filled(server, schema, {})
    query = f"""SELECT 1 AS other, {chosen} FROM {schema}.sends -- 100 %, :never
        WHERE sent_at >= :start AND sent_at < :end AND phone_number LIKE '35%';"""  # noqa: S608
    source = Source(url=postgres_url, query=query, timezone="Asia/Tokyo")
    one, other, was_arrow = both_ways(source, caplog, monkeypatch)
    assert_same(one, other)
    assert len(one.frame) > MANY // 4
    assert was_arrow == as_arrow


@pytest.mark.parametrize("count", [0, 1, 100])
def test_few_records_are_not_worth_another_connection(
    count: int,
    server: psycopg.Connection,
    schema: str,
    postgres_url: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    filled(server, schema, {}, count)
    source = Source(url=postgres_url, table=f"{schema}.sends")
    one, other, was_arrow = both_ways(source, caplog, monkeypatch)
    assert_same(one, other)
    assert not was_arrow


@pytest.mark.parametrize(
    "options",
    [
        {"columns": {"phone_number": "phone"}},
        {"table": None, "query": "SELECT id, message_id, sent_at FROM {schema}.sends"},
        {"table": None, "query": "SELECT *, 1 / (19998 - message_id) FROM {schema}.sends"},
        {"where": "chanel = 1"},
    ],
)
def test_what_is_wrong_is_reported_alike(
    options: dict[str, Any],
    server: psycopg.Connection,
    schema: str,
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    filled(server, schema, {})
    if "query" in options:
        options = {**options, "query": options["query"].format(schema=schema)}
    source = Source(**{"url": postgres_url, "table": f"{schema}.sends", **options})
    with pytest.raises(InputError) as one:
        open_reader(source).read(START, END)
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", None)
    with pytest.raises(InputError) as other:
        open_reader(source).read(START, END)
    assert str(one.value) == str(other.value)


def test_a_user_with_a_password_reads_as_arrow_too(
    server: psycopg.Connection,
    schema: str,
    postgres_url: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    filled(server, schema, {})
    server.execute(f"DROP ROLE IF EXISTS {PASSWORD_USER}".encode())
    server.execute(f"CREATE ROLE {PASSWORD_USER} LOGIN PASSWORD 'it''s 1\\0'".encode())
    server.execute(f"GRANT USAGE ON SCHEMA {schema} TO {PASSWORD_USER}".encode())
    server.execute(f"GRANT SELECT ON {schema}.sends TO {PASSWORD_USER}".encode())
    url = sa.make_url(postgres_url).set(username=PASSWORD_USER, password="it's 1\\0")
    source = Source(url=url.render_as_string(hide_password=False), table=f"{schema}.sends")
    one, other, was_arrow = both_ways(source, caplog, monkeypatch)
    assert_same(one, other)
    assert was_arrow
    server.execute(f"DROP OWNED BY {PASSWORD_USER}".encode())
