"""`recon status`: where each account stands, from the store alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recon.cli.ack import command as ack
from recon.cli.collect import command as collect
from recon.cli.status import command
from recon.simulator.http_faults import rate_limited
from recon.store import messages
from recon.store.engine import opened
from tests.cli.mailing import mailed_nights, report_email
from tests.cli.nights import Nights, nights
from tests.cli.workshop import MORNING_AFTER, Workshop, minute
from tests.factories import DAY, KEY, at, listing, message


def status(stage: Nights) -> dict[str, Any]:
    """Return what it tells of the only account."""
    [one] = json.loads(stage.shown(command, "--format", "json"))
    assert isinstance(one, dict)
    return one


def test_an_account_that_was_never_polled_is_due_a_poll(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as stage:
        one = status(stage)
        assert (one["last_run"], one["last_poll"], one["error"]) == (None, None, None)
        assert one["next_poll"]["due"] is True
        assert one["coverage"]["yesterday"] == {
            "date": DAY,
            "share": 0.0,
            "gaps": [{"start": "2026-04-23T00:00:00Z", "end": "2026-04-24T00:00:00Z"}],
        }
        assert "none yet" in stage.shown(command)
        assert stage.requests == []


def test_after_a_night_it_tells_the_verdict_the_coverage_and_the_findings(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url) as stage:
        stage.send(3, start=minute(0))
        stage.send(2, start=minute(30), recorded=False)
        assert stage.run() == 0
        made = len(stage.requests)
        [first, _] = [row["discrepancy_id"] for row in stage.workshop.rows()]
        stage.shown(ack, first, "--reason", "a test phone")
        stage.clock.advance(600)
        one = status(stage)
        assert one["last_run"]["date"] == DAY
        assert one["last_run"]["verdict"] == "discrepancies"
        assert one["coverage"]["yesterday"]["share"] == 1.0
        # Of the 6 hours and 10 minutes that have passed, the last 11 are not proven.
        assert one["coverage"]["today"]["share"] == pytest.approx(359 / 370)
        assert one["last_poll"]["messages"] == 5
        assert one["next_poll"]["due"] is False
        assert one["next_poll"]["at"] > "2026-04-24T06:10:00Z"
        assert one["open_findings"]["missing_locally"] == 1
        assert one["acknowledged"] == 1
        assert one["mails"]["waiting"] == 0
        page = stage.shown(command)
        assert "discrepancies: 2026-04-23, finished 06:00:00 (10 min ago)" in page
        assert "2026-04-23: complete" in page
        assert "not proven yet since 05:59:00" in page
        assert "1 open: 1 missing locally; 1 acknowledged" in page
        assert len(stage.requests) == made


def test_a_pause_that_octopods_asked_for_is_told_until_it_ends(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url, script=[None, rate_limited(seconds=1800)]) as stage:
        stage.shown(collect)
        stage.clock.advance(60)
        assert stage.run() == 75
        until = (MORNING_AFTER + timedelta(minutes=31)).isoformat().replace("+00:00", "Z")
        assert status(stage)["paused_until"] == until
        assert "until 06:31:00" in stage.shown(command)
        stage.clock.advance(1801)
        assert status(stage)["paused_until"] is None


def test_a_refused_answer_is_told_with_its_reason(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as stage:
        partial = replace(listing(message(1), answered=60), is_partial=True)
        with opened(database_url) as engine:
            messages.keep(engine, "main", KEY, partial, at(60))
        [answer] = status(stage)["refused"]
        assert answer["at"] == "2026-04-23T12:01:00Z"
        page = " ".join(stage.shown(command).split())
        assert f"the answer at 2026-04-23 12:01:00: {answer['why']}" in page


def test_a_mail_that_waits_is_told_until_everybody_has_it(
    tmp_path: Path, database_url: str
) -> None:
    with mailed_nights(tmp_path, database_url) as (stage, box):
        box.refused = {"boss@example.com"}
        assert stage.run() == 69
        told = status(stage)["mails"]
        assert (told["waiting"], told["since"]) == (1, "2026-04-24T06:00:00Z")
        assert "boss@example.com" in told["error"]
        assert "1 mail waiting since 06:00:00: " in stage.shown(command)
        box.refused = set()
        assert report_email(stage) == 0
        assert status(stage)["mails"] == {"waiting": 0, "since": None, "error": None}


def test_a_key_that_is_missing_costs_only_the_next_poll(workshop: Workshop) -> None:
    workshop.environ.clear()
    workshop.configure("http://127.0.0.1:9")
    ended = workshop.recon("status", "--format", "json")
    assert ended.code == 0
    [one] = json.loads(ended.out)
    assert one["next_poll"] is None
    assert "OCTOPODS_API_KEY" in one["error"]


def test_each_account_is_an_object_and_one_can_be_asked_for(workshop: Workshop) -> None:
    keys = {"main": "OCTOPODS_API_KEY", "shop": "OCTOPODS_API_KEY"}
    workshop.configure("http://127.0.0.1:9", accounts=keys)
    both = json.loads(workshop.recon("status", "--format", "json").out)
    assert [one["account"] for one in both] == ["main", "shop"]
    [one] = json.loads(workshop.recon("status", "--format", "json", "--account", "shop").out)
    assert one["account"] == "shop"


def test_a_database_without_tables_is_refused_as_by_other_commands(
    tmp_path: Path, postgres_url: str
) -> None:
    workshop = Workshop(tmp_path)
    workshop.configure("http://127.0.0.1:9", more=f'\n[database]\nurl = "{postgres_url}"\n')
    ended = workshop.recon("status")
    assert ended.code == 78
    assert "has no tables of recon yet" in ended.err


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["status"], 0),
        (["discrepancies"], 0),
        (["explain", "7"], 65),
        (["ack", "7", "--reason", "x"], 65),
        (["report"], 65),
        (["retries"], 0),
        (["stats"], 0),
        (["dashboard"], 0),
        (["purge", "--dry-run"], 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_a_database_in_another_place_is_named_and_not_made(
    tmp_path: Path, command: list[str], code: int
) -> None:
    workshop = Workshop(tmp_path)
    workshop.add_records()
    workshop.configure("http://127.0.0.1:9")
    ended = workshop.recon(*command)
    assert f"the database {tmp_path / 'recon.db'} does not exist yet, or is empty" in ended.err
    assert "a relative path starts at the working directory" in ended.err
    assert ended.code == code
    assert not (tmp_path / "recon.db").exists()
