"""The nightly job in this process: which days, which accounts, which outcome."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon.errors import ConfigError, OutputError, TemporaryError
from recon.jobs import account_night, night
from recon.jobs.run_options import RunOptions
from recon.jobs.run_results import AccountRun, ReportedRun
from recon.simulator import http_faults
from recon.store import lock, runs
from tests.factories import DAY, NOON, ZONE, found, run
from tests.jobs.stage import Stage, staged

TODAY = date.fromisoformat(DAY)


def options(stage: Stage, *, days: tuple[date, date] | None = (TODAY, TODAY)) -> RunOptions:
    return RunOptions(days, stage.names, directory=stage.room / "reports")


@pytest.mark.parametrize(
    ("last_run", "first"),
    [
        (None, "2026-04-22"),
        ("2026-04-22", "2026-04-22"),
        ("2026-04-21", "2026-04-22"),
        ("2026-04-19", "2026-04-20"),
        ("2026-04-15", "2026-04-16"),
        ("2026-04-01", "2026-04-16"),
        ("2026-04-23", "2026-04-22"),
    ],
)
def test_a_run_without_dates_takes_the_days_since_the_last_one(
    engine: sa.Engine, last_run: str | None, first: str
) -> None:
    if last_run is not None:
        runs.save(engine, run(day="2026-03-01", run_id="earlier"), "run")
        runs.save(engine, run(day=last_run), "run")
        runs.save(engine, run(day=DAY, account="other", run_id="other"), "run")
    days = account_night.catch_up(engine, "main", NOON, ZONE)
    assert [day.isoformat() for day in days] == [first, "2026-04-22"]


def test_each_account_is_reconciled_and_reported(tmp_path: Path, engine: sa.Engine) -> None:
    with staged(tmp_path, engine, accounts=["main", "other"]) as stage:
        stage.send(3, seconds=60)
        stage.clock.advance(600)
        done: list[tuple[str, str]] = []
        outcomes = list(
            night.run(
                stage.settings,
                engine,
                options(stage, days=(TODAY - timedelta(days=1), TODAY)),
                stage.runtime,
                lambda day: done.append((day.run.verdict.account, day.run.verdict.window.label)),
            )
        )
    yesterday = "2026-04-22"
    assert done == [(one, day) for one in ("main", "other") for day in (yesterday, DAY)]
    assert [(one.account, one.error, one.exit_code) for one in outcomes] == [
        ("main", None, 0),
        ("other", None, 0),
    ]
    report = json.loads(outcomes[0].days[1].written.json.read_text())
    assert report["provider"]["total"] == report["local"]["total"] == 3
    assert len(stage.requests) == 2


def test_an_error_in_one_account_does_not_affect_the_others(
    tmp_path: Path, engine: sa.Engine
) -> None:
    with staged(tmp_path, engine, accounts=["lost", "main"]) as stage:
        stage.environ.pop("KEY_lost")
        lost, main = night.run(stage.settings, engine, options(stage), stage.runtime)
    assert (type(lost.error), lost.exit_code) == (ConfigError, 78)
    assert (main.error, len(main.days)) == (None, 1)


def test_an_account_that_another_run_holds_is_left_to_it(tmp_path: Path, engine: sa.Engine) -> None:
    with staged(tmp_path, engine) as stage, lock.hold(engine, "main"):
        [outcome] = night.run(stage.settings, engine, options(stage), stage.runtime)
    assert (type(outcome.error), outcome.exit_code) == (lock.LockHeldError, 75)
    assert stage.requests == []


def test_offline_uses_what_is_stored_and_makes_no_request(
    tmp_path: Path, engine: sa.Engine
) -> None:
    with staged(tmp_path, engine) as stage:
        stage.send(3, seconds=60)
        stage.clock.advance(600)
        stage.collect()
        offline = RunOptions(
            (TODAY, TODAY), stage.names, offline=True, directory=stage.room / "reports"
        )
        [outcome] = night.run(stage.settings, engine, offline, stage.runtime)
    assert outcome.days[0].run.verdict.provider.total == 3
    assert outcome.days[0].run.requests.list == 0
    assert len(stage.requests) == 1


@pytest.mark.parametrize("script", [[], [http_faults.unavailable()] * 9], ids=["well", "down"])
def test_connections_are_closed_at_the_end_of_each_account(
    tmp_path: Path,
    engine: sa.Engine,
    sessions: list[list[str]],
    script: list[http_faults.Fault],
) -> None:
    with staged(tmp_path, engine, accounts=["main", "other"], script=script) as stage:
        list(night.run(stage.settings, engine, options(stage), stage.runtime))
    assert sessions == [["closed"], ["closed"]]


def test_days_before_an_error_are_reported(tmp_path: Path, engine: sa.Engine) -> None:
    with staged(tmp_path, engine) as stage:
        folder = stage.room / "reports" / "main"
        folder.mkdir(parents=True)
        # What stands in the place of the second day's report cannot be replaced by a file.
        (folder / f"{DAY}.csv").mkdir()
        (folder / f"{DAY}.csv" / "kept").touch()
        [outcome] = night.run(
            stage.settings,
            engine,
            options(stage, days=(TODAY - timedelta(days=1), TODAY)),
            stage.runtime,
        )
    assert [one.run.verdict.window.label for one in outcome.days] == ["2026-04-22"]
    assert (type(outcome.error), outcome.exit_code) == (OutputError, 73)


def test_a_provider_that_is_down_ends_the_run_of_its_account(
    tmp_path: Path, engine: sa.Engine
) -> None:
    with staged(tmp_path, engine, script=[http_faults.unavailable()] * 9) as stage:
        [outcome] = night.run(stage.settings, engine, options(stage), stage.runtime)
    assert (type(outcome.error), outcome.days, outcome.exit_code) == (TemporaryError, [], 75)


def test_only_what_this_run_was_the_first_to_find_of_an_earlier_day_counts(
    tmp_path: Path, engine: sa.Engine
) -> None:
    known = run(found("a"), first_seen_on={"a": TODAY - timedelta(days=3)})
    with staged(tmp_path, engine) as stage:
        [outcome] = night.run(stage.settings, engine, options(stage), stage.runtime)
    written = outcome.days[0].written
    old = ReportedRun(known, written)
    new = ReportedRun(run(found("a"), first_seen_on={"a": known.finished_at.date()}), written)
    assert (old.new_findings, AccountRun("main", judged_again=[old]).exit_code_if_asked) == (
        0,
        0,
    )
    assert AccountRun("main", days=[old]).exit_code_if_asked == 1
    again = AccountRun("main", judged_again=[old, new])
    assert (again.exit_code, again.exit_code_if_asked) == (0, new.new_findings)
