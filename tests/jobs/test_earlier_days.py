"""Which days before a run's own are judged again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon.jobs import night, wiring
from recon.jobs.account_job import AccountJob
from recon.jobs.earlier_days import EarlierDays
from recon.jobs.expected_rules import ExpectedRules
from recon.jobs.run_options import RunOptions
from recon.simulator.simulated_message import course
from tests.factories import DAY, NOON, NUMBER
from tests.jobs.stage import NUMBERS, Stage, staged

TODAY = date.fromisoformat(DAY)
NEXT = TODAY + timedelta(days=1)
DELIVERED = course((0, "sent"), (1, "delivered"))


@pytest.fixture
def stage(tmp_path: Path, engine: sa.Engine) -> Iterator[Stage]:
    """A day with three recorded messages, all delivered, which a run has judged."""
    with staged(tmp_path, engine) as made:
        times = [NOON + timedelta(minutes=n) for n in range(3)]
        for n, time in enumerate(times):
            made.channel.send(NUMBERS.format(n), time, course=DELIVERED)
        made.add_records(times)
        made.clock.advance(86_400)
        yield made


def night_of(stage: Stage, day: date) -> None:
    directory = stage.room / "reports"
    options = RunOptions((day, day), stage.names, directory=directory, trust_input=True)
    [outcome] = night.run(stage.settings, stage.engine, options, stage.runtime)
    assert outcome.error is None


def changed(stage: Stage, first: date = NEXT, *, contradicted: str = "") -> list[str]:
    """Return the days that would be judged again before `first`."""
    reader = wiring.open_reader(stage.settings, "main")
    policy = wiring.policy(stage.settings)
    rules = ExpectedRules.of(stage.settings, "main")
    job = AccountJob(
        "main", stage.engine, reader, policy, None, stage.runtime, rules, stage.runtime.clock()
    )
    earlier = EarlierDays(job, first, "UTC")
    days = earlier.changed(contradicted={contradicted})
    return [day.label for one in days for day in one.days]


def add_record(stage: Stage, number: str = NUMBER, seconds: float = 0) -> None:
    with closing(sqlite3.connect(stage.room / "records.db")) as connection, connection:
        time = NOON + timedelta(seconds=seconds)
        connection.execute("INSERT INTO sends VALUES (NULL, ?, ?)", (number, time.isoformat()))


def test_a_day_of_which_nothing_has_changed_is_not_judged_again(stage: Stage) -> None:
    night_of(stage, TODAY)
    assert changed(stage) == []


def test_a_day_that_no_run_has_judged_is_left_to_a_backfill(stage: Stage) -> None:
    assert changed(stage) == []


def test_a_new_record_makes_its_day_change_and_no_other(stage: Stage) -> None:
    night_of(stage, TODAY - timedelta(days=2))
    night_of(stage, TODAY)
    add_record(stage)
    assert changed(stage) == [DAY]


def test_a_day_with_an_open_finding_is_judged_again(stage: Stage) -> None:
    add_record(stage)
    night_of(stage, TODAY)
    assert changed(stage) == [DAY]


def test_a_day_with_a_message_that_is_not_terminal_is_judged_again(stage: Stage) -> None:
    stage.channel.send(NUMBER, NOON + timedelta(minutes=9), course=course((0, "sent")))
    add_record(stage, seconds=540)
    night_of(stage, TODAY)
    assert changed(stage) == [DAY]


def test_a_day_whose_proof_was_contradicted_is_judged_again(stage: Stage) -> None:
    night_of(stage, TODAY)
    assert changed(stage, contradicted=DAY) == [DAY]


@pytest.mark.parametrize(("days", "expected"), [(7, [DAY]), (8, [])])
def test_news_of_a_day_older_than_a_week_is_none(
    stage: Stage, days: int, expected: list[str]
) -> None:
    night_of(stage, TODAY)
    add_record(stage)
    assert changed(stage, TODAY + timedelta(days=days)) == expected


def test_the_first_day_of_the_calendar_has_no_days_before_it(stage: Stage) -> None:
    assert changed(stage, date.min) == []
