"""Whether a poll is due where the records cannot be counted cheaply."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from recon.config import Settings
from tests.jobs.stage import Stage, staged

#: What replaces `table` in the settings of the records.
Change = dict[str, object]


def a_file(room: Path, _postgres_url: str) -> Change:
    row = {"message_id": 1, "phone_number": "+353871234567", "sent_at": "2026-04-23T11:00:00Z"}
    (room / "sends.jsonl").write_text(json.dumps(row) + "\n")
    return {"url": None, "table": None, "file": room / "sends.jsonl"}


def a_query(_room: Path, _postgres_url: str) -> Change:
    return {"table": None, "query": "SELECT * FROM sends"}


def a_date_column(_room: Path, postgres_url: str) -> Change:
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS sends_by_day")
        connection.exec_driver_sql(
            "CREATE TABLE sends_by_day (message_id bigint, phone_number text, sent_at date)"
        )
    engine.dispose()
    return {"url": SecretStr(postgres_url), "table": "sends_by_day"}


def with_records(settings: Settings, change: Change) -> Settings:
    account = settings.accounts["main"]
    local = account.local.model_copy(update=change)
    return settings.model_copy(
        update={"accounts": {"main": account.model_copy(update={"local": local})}}
    )


@pytest.mark.parametrize("kind", [a_file, a_query, a_date_column])
def test_the_rhythm_decides_where_the_records_cannot_be_counted(
    kind: Callable[[Path, str], Change],
    tmp_path: Path,
    engine: sa.Engine,
    postgres_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "recon")
    with staged(tmp_path, engine) as prepared:
        stage: Stage = replace(
            prepared, settings=with_records(prepared.settings, kind(tmp_path, postgres_url))
        )
        stage.send(30, seconds=60, recorded=False)
        assert stage.codes() == [0]
        stage.clock.advance(60)
        assert stage.codes() == [0]
        assert stage.polls() == 1
        assert caplog.records[-1].levelno == logging.DEBUG
        assert "no poll is due" in caplog.records[-1].message
        # As many again as an answer may miss, at the rate seen before: now one is due.
        for _ in range(24):
            stage.send(5, seconds=60, recorded=False)
            assert stage.codes() == [0]
        assert 2 <= stage.polls() <= 5
        assert not [one for one in caplog.records if one.levelno >= logging.WARNING]


def test_records_that_cannot_be_read_are_ignored_with_one_warning(
    tmp_path: Path, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with staged(tmp_path, engine) as prepared:
        stage: Stage = replace(
            prepared, settings=with_records(prepared.settings, {"table": "sendz"})
        )
        stage.send(30, seconds=60, recorded=False)
        for _ in range(3):
            stage.clock.advance(timedelta(minutes=2).total_seconds())
            assert stage.codes() == [0]
    warnings = [one.message for one in caplog.records if one.levelno == logging.WARNING]
    assert warnings
    assert all("account main: deciding without its records" in one for one in warnings)
    assert "sendz" in warnings[0]
