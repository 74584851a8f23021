"""`recon discrepancies`: the findings of all runs, narrowed."""

from __future__ import annotations

import csv
import io
import json
import sys

import pytest
import sqlalchemy as sa

from recon.cli import group
from recon.model import Kind
from recon.report.csv_columns import STORED_COLUMNS
from recon.store import finding_list, runs
from tests.cli.workshop import Screen, Workshop
from tests.factories import NOON, found, run


@pytest.fixture
def shop(workshop: Workshop) -> Workshop:
    """A store with findings of two days, one of them acknowledged and one resolved."""
    workshop.configure("http://127.0.0.1:9")
    assert workshop.recon("discrepancies").code == 0
    engine = sa.create_engine(f"sqlite:///{workshop.path / 'recon.db'}")
    runs.save(engine, run(found("a", "b", "gone"), run_id="r1"), "run")
    runs.save(engine, run(found("a", "b"), run_id="r2"), "run")
    runs.save(engine, run(found("s", kind=Kind.STUCK), run_id="r3", day="2026-04-24"), "run")
    finding_list.acknowledge(engine, {"b": "a test phone"}, NOON)
    engine.dispose()
    return workshop


def ids(shop: Workshop, *args: str) -> list[str]:
    ended = shop.recon("discrepancies", "--format", "json", *args)
    assert ended.code == 0, ended.err
    return [one["discrepancy_id"] for one in json.loads(ended.out)]


def test_the_open_findings_are_listed_unless_told_otherwise(shop: Workshop) -> None:
    assert ids(shop) == ["s", "a"]
    assert ids(shop, "--status", "acknowledged") == ["b"]
    assert ids(shop, "--status", "resolved") == ["gone"]
    assert ids(shop, "--status", "expected") == []
    assert ids(shop, "--status", "all") == ["s", "a", "b", "gone"]


def test_the_list_can_be_narrowed(shop: Workshop) -> None:
    assert ids(shop, "--kind", "stuck") == ["s"]
    assert ids(shop, "--kind", "stuck", "--kind", "missing_locally") == ["s", "a"]
    assert ids(shop, "--severity", "error") == ["a"]
    assert ids(shop, "--date", "2026-04-24") == ["s"]
    assert ids(shop, "--from", "2026-04-01", "--to", "2026-04-23") == ["a"]
    assert ids(shop, "--account", "main", "--severity", "warning") == ["s"]


@pytest.mark.parametrize(
    "args",
    [["--kind", "lost"], ["--severity", "bad"], ["--from", "2026-04-01"], ["--account", "nobody"]],
)
def test_a_filter_that_cannot_be_meant_is_refused(shop: Workshop, args: list[str]) -> None:
    assert shop.recon("discrepancies", *args).code == 2


def test_csv_and_json_have_the_columns_of_a_runs_file_and_the_reason(shop: Workshop) -> None:
    columns = [*STORED_COLUMNS]
    text = shop.recon("discrepancies", "--status", "all", "--format", "csv").out
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert list(rows[0]) == columns
    settled = rows[2]
    assert (settled["state"], settled["ack_reason"]) == ("acknowledged", "a test phone")
    assert (settled["run_id"], settled["first_seen_on"]) == ("r2", "2026-04-24")
    listed = json.loads(shop.recon("discrepancies", "--format", "json").out)
    assert list(listed[1]) == columns
    assert listed[1]["message_id"] == 9007199254740993
    assert listed[1]["ack_reason"] is None


def test_a_list_may_be_cut_and_says_how_many_are_left(shop: Workshop) -> None:
    assert ids(shop, "--limit", "1") == ["s"]
    both = shop.recon("discrepancies", "--limit", "2").out
    assert len(both.splitlines()) == 3
    first = shop.recon("discrepancies", "--status", "all", "--limit", "1").out.splitlines()
    assert first[1].startswith("s ")
    assert first[2:] == [
        "… 3 more. Narrow the list with --kind, --severity, --date or --account, or give --limit."
    ]
    assert shop.recon("discrepancies", "--limit", "0").code == 2


@pytest.mark.usefixtures("logging_as_before")
def test_a_terminal_shows_the_first_hundred_and_a_pipe_all(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.configure("http://127.0.0.1:9")
    engine = sa.create_engine(f"sqlite:///{workshop.path / 'recon.db'}")
    runs.save(engine, run(found(*(f"{n:016x}" for n in range(130))), run_id="r1"), "run")
    engine.dispose()
    assert len(workshop.recon("discrepancies").out.splitlines()) == 131
    screen = Screen(is_terminal=True)
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.chdir(workshop.path)
    monkeypatch.setenv("COLUMNS", "120")
    assert group.main(["-q", "discrepancies"], standalone_mode=False) == 0
    assert screen.getvalue().count(" missing_locally ") == 100
    assert "… 30 more. " in screen.getvalue()
