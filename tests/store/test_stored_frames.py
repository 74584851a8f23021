"""Many messages come from the store as Arrow columns, and are the same."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from pandas.testing import assert_frame_equal

from recon.store import messages, schema
from recon.store.engine import connect
from tests.factories import KEY, at, listing, message

pytest.importorskip("adbc_driver_postgresql")

MANY = """
    INSERT INTO messages SELECT account_id, n * 3, key_id, phone_number || n,
        CASE WHEN n % 1000 = 0 THEN timestamptz '1970-01-01' WHEN n % 1001 = 0
        THEN timestamptz '2242-01-01 00:00:00.999999Z' ELSE sent_at + n * interval '1.000001 s' END,
        CASE WHEN n % 3 = 0 THEN 'failed' ELSE status END,
        CASE WHEN n % 3 = 0 THEN 'nö: ' || n END, first_seen_at, observed_at
    FROM messages, generate_series(1, 60000) n
"""

DAY_OF_SQLITE = """
    INSERT INTO messages
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 4000)
    SELECT account_id, n * 3, key_id, phone_number || n, sent_at + n * 1000000, status,
        failure_reason, first_seen_at, observed_at, listed_by
    FROM messages, numbers
"""


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)  # SQLite: see below
def test_many_messages_are_read_alike_both_ways(
    engine: sa.Engine, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages.keep(engine, "main", KEY, listing(message(1), answered=60))
    with engine.begin() as connection:
        connection.exec_driver_sql(MANY.replace("%", "%%"))
    caplog.set_level(logging.DEBUG, logger="recon.sqlread")
    one = messages.read(engine, "main", None, at(200_000)).sort_values("message_id")
    assert [record.getMessage() for record in caplog.records] == ["an answer was read as Arrow"]
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", None)
    other = messages.read(engine, "main", None, at(200_000)).sort_values("message_id")
    assert len(caplog.records) == 1
    assert len(one) > 55_000
    assert_frame_equal(one.reset_index(drop=True), other.reset_index(drop=True))


def test_many_messages_of_sqlite_come_as_arrow_and_are_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'store.db'}")
    schema.upgrade(engine)
    shown = [
        message(n, n // 3, "failed" if n % 2 else "sent", f'nö "{n}", so' if n % 4 > 2 else None)
        for n in range(60)
    ]
    messages.keep(engine, "main", KEY, listing(*shown, answered=60))
    caplog.set_level(logging.DEBUG, logger="recon.sqlread")
    span = (at(1), at(18))
    plain = messages.read(engine, "main", *span)
    assert not caplog.records
    for size in (2, 3, 7, 50):  # three messages are of one time
        caplog.clear()
        found = messages.read(engine, "main", *span, page_rows=size)
        one, other = (
            frame.sort_values("message_id", ignore_index=True) for frame in (found, plain)
        )
        assert_frame_equal(one, other)
        assert {record.getMessage() for record in caplog.records} <= {"an answer was read as Arrow"}
        assert bool(caplog.records) == (size != 2)
    engine.dispose()


def test_a_small_day_comes_as_arrow_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'store.db'}")
    schema.upgrade(engine)
    messages.keep(engine, "main", KEY, listing(message(1), answered=60))
    with engine.begin() as connection:
        connection.exec_driver_sql(DAY_OF_SQLITE)
    caplog.set_level(logging.DEBUG, logger="recon.sqlread")
    found = messages.read(engine, "main", None, None)
    assert [record.getMessage() for record in caplog.records] == ["an answer was read as Arrow"]
    assert found["message_id"].sort_values().tolist() == [1, *range(3, 12_001, 3)]
    caplog.clear()
    messages.read(engine, "main", at(0), at(100))
    assert not caplog.records
    engine.dispose()


def test_times_are_exact_to_the_microsecond(engine: sa.Engine) -> None:
    sent = [0.000001, 0.999999, 3600.123457, 6.8e9 + 0.999999, -1.7e9 - 0.000001]
    shown = [message(n, seconds) for n, seconds in enumerate(sent)]
    messages.keep(engine, "main", KEY, listing(*shown, answered=7e9))
    read = messages.read(engine, "main", None, None).sort_values("message_id")
    assert read["sent_at"].tolist() == [one.sent_at for one in shown]
