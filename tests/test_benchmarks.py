"""The benchmarks measure what the program does today: each job runs, on a few rows, to its end."""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from benchmarks import (
    backfill,
    collect_cost,
    diff,
    everyday,
    findings,
    growth,
    linking,
    load,
    many_accounts,
    records,
    scale,
    stats,
)
from recon.cli import group
from recon.jobs import figures
from recon.model import Verdict
from recon.simulator.channel import SIMULATED_KEY
from recon.store.engine import connect

ROWS = 2_000

pytestmark = [
    pytest.mark.thorough,
    # A measure leaves its connections to the end of its process.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield
    gc.collect()  # here, where the warning of a connection that was left is not heeded


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = connect(database_url)
    yield made
    made.dispose()


def judged() -> Verdict:
    verdicts = diff.linked_and_judged()()
    assert isinstance(verdicts, list)
    (verdict,) = verdicts
    assert isinstance(verdict, Verdict)
    return verdict


def test_the_two_files_have_the_differences_that_are_announced() -> None:
    diff.generate(ROWS, Path())
    verdict = judged()
    counts = verdict.findings["kind"].value_counts().to_dict()
    assert counts["missing_at_provider"] == pytest.approx(0.01 * ROWS, abs=2)
    assert verdict.provider.missing_locally + verdict.provider.duplicate_send == pytest.approx(
        0.01 * ROWS, abs=2
    )
    assert counts["status_mismatch"] == pytest.approx(0.01 * ROWS, rel=0.2)
    assert counts["duplicate_local"] == pytest.approx(0.001 * ROWS, abs=1)


def test_the_yardstick_of_both_files_sees_all_that_an_id_can_show() -> None:
    diff.generate(ROWS, Path())
    verdict = judged()
    nameless = pd.read_parquet("local.parquet")["message_id"].isna().sum()
    assert diff.merge()() == pytest.approx(len(verdict.findings) + 2 * nameless, rel=0.05)


def test_a_night_with_records_in_a_database_is_whole(database_url: str) -> None:
    records.generate(database_url, ROWS)
    records.read_sql(database_url)()
    records.read_window(database_url)()
    records.with_arrow(database_url)()
    report = json.loads(Path("reports/main/2026-04-23.json").read_text(encoding="utf-8"))
    assert report["coverage"] == {"complete": True, "gaps": [], "refused": [], "withdrawn": []}
    assert report["local"]["total"] == pytest.approx(0.991 * ROWS, abs=2)
    assert report["local"]["unverifiable"] == 0


@pytest.mark.parametrize("name", findings.MEASURES)
def test_findings_are_written(name: str, database_url: str) -> None:
    findings.MEASURES[name](database_url, 100)()
    if name.endswith("_csv"):
        (file,) = Path().glob("*.csv")
        assert len(pd.read_csv(file)) == 100
    if name == "our_save":
        with sa.create_engine(database_url, poolclass=sa.NullPool).connect() as connection:
            assert connection.scalar(sa.text("SELECT count(*) FROM findings")) == 100


@pytest.mark.parametrize("name", ["20k a side in clusters", "one number, 5,000 x 4,500, a day"])
def test_linking_is_measured(name: str) -> None:
    for job in linking.CASES[name][0]():
        job()
    assert name in linking.GOALS


def test_the_cost_of_collecting_is_measured() -> None:
    setting = next(collect_cost.settings())
    outcome = collect_cost.simulate(setting)
    assert outcome.wrong == 0
    assert outcome.requests >= outcome.least


def test_polls_go_on_where_the_loaded_year_ends(engine: sa.Engine) -> None:
    sender = growth.load(engine, newest=300, unthinned=50)
    before = growth.counts(engine)
    cost = sender.cost(count=2)
    after = growth.counts(engine)
    made = 2 * growth.WARM_UP + 2
    assert after["coverage"] == before["coverage"]
    assert after["polls"] == before["polls"] + made
    assert after["messages"] == pytest.approx(before["messages"] + made * 83.3, abs=2)
    assert cost.megabytes < 10


def test_a_backfill_over_a_filled_store_is_complete(tmp_path: Path) -> None:
    sends = backfill.Sends(days=2, per_day=250)
    with backfill.prepared(tmp_path, sends, accounts=["first"]) as made:
        measure = made.measured("--offline")
    assert (measure.seconds > 0, measure.requests) == (True, 0)
    report = json.loads(Path("reports/first/2026-01-02.json").read_text(encoding="utf-8"))
    assert report["coverage"]["complete"]
    assert report["discrepancies"]["missing_at_provider"] == 1
    assert report["provider"]["total"] == 250


def test_parts_of_many_accounts_find_what_one_process_finds() -> None:
    accounts = ["a000", "a001"]
    with many_accounts.served(backfill.Sends(days=2, per_day=60), accounts) as served:
        bench = many_accounts.Bench(*served, offline=True)
        one, parts = (bench.measured(mode, accounts) for mode in ("one", "shards"))
    assert len(one[0]) == 4
    assert len(one[1]) == 4
    assert many_accounts.agree(one, parts)


def test_figures_are_asked_of_what_is_loaded(engine: sa.Engine) -> None:
    day = date(2026, 4, 23)
    stats.load(engine, messages=500, days=5, sends_a_day=40, today=day)
    noon = datetime(2026, 4, 23, 12, tzinfo=UTC)
    found = figures.by_day("UTC", engine, ["main"], noon, 5)
    assert [one.total for one in found] == [40] * 5
    assert [one.retries.proposed for one in found] == [10] * 5
    assert found[0].coverage == pytest.approx(23 / 24, abs=0.001)
    assert sum(one.total for one in figures.by_day("UTC", engine, ["other"], noon, 5)) == 300
    assert {command[0] for command in stats.COMMANDS} == {"stats", "dashboard", "retries"}


def test_the_everyday_commands_are_asked_of_open_findings(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", SIMULATED_KEY)
    with everyday.prepared(database_url, tmp_path, days=4, sends_a_day=200) as made:
        runner = CliRunner()
        for command in everyday.commands(made):
            argv = ["--config", str(tmp_path / "recon.toml"), *command]
            ended = runner.invoke(group, argv, standalone_mode=False)
            assert (ended.exception, ended.return_value) == (None, 0), ended.output
            if command[0] == "explain":
                has_record = command[1] == str(made.unrecorded - 1)
                assert ("nothing is wrong" in ended.stdout) is has_record
    with sa.create_engine(database_url, poolclass=sa.NullPool).connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM findings")) == 8


def test_a_day_in_partitions_finds_what_one_piece_finds(capsys: pytest.CaptureFixture[str]) -> None:
    scale.judge(scale.measured(ROWS, Path(), None))
    assert "memory to the limit" in capsys.readouterr().out


def test_following_under_load_asks_at_most_once_a_second(
    empty_database_url: str, tmp_path: Path
) -> None:
    first, *parts, rows = load.day(
        empty_database_url, tmp_path, timedelta(seconds=12), part=timedelta(seconds=4)
    )
    # At most 100 an answer, of which some are to be shared.
    sent, asked = (
        int(text.replace(",", "")) for text in re.findall(r"([\d,]+) (?:mess|req)", first)
    )
    assert sent >= 200
    assert sent / 100 <= asked <= 13
    assert [part.split()[0] for part in parts] == ["first", "last"]
    assert "bytes a message" in rows


def test_the_night_after_a_long_time_finds_what_was_recorded(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'recon.db'}"
    taken = load.night(url, tmp_path, timedelta(days=2), 300)
    assert re.fullmatch(r"night [\d.]+ s of processor time, \d+ MB", taken)
    (report,) = (tmp_path / "reports" / "main").glob("*.json")
    assert json.loads(report.read_text())["local"]["matched"] == 300
