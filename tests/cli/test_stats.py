"""`recon stats`: what it shows and refuses; test_stats_of_thirty_days.py compares its figures."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recon.cli.stats import command
from recon.model import Status
from recon.simulator.simulated_message import (
    FAILED_AT_ONCE,
    Reason,
)
from tests.cli.nights import Nights, nights
from tests.cli.workshop import MORNING_AFTER, Workshop


def rows(stage: Nights, *options: str) -> list[dict[str, Any]]:
    found = json.loads(stage.shown(command, "--format", "json", *options))
    assert isinstance(found, list)
    return found


def test_an_account_that_was_never_polled_has_rows_of_nothing(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url) as stage:
        found = rows(stage, "--days", "2")
        assert [one["date"] for one in found] == ["2026-04-23", "2026-04-24"]
        for one in found:
            counts = [one[name] for name in ("total", *map(str, Status))]
            assert counts == [None] * 7
            assert (one["failure_rate"], one["coverage"]) == (None, None)
        assert "Nothing is known" in stage.shown(command)
        assert stage.requests == []


def test_tables_say_what_each_group_is(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as stage:
        for n, title in enumerate(("Recipient is not a WhatsApp user.", "")):
            at, reason = MORNING_AFTER - timedelta(hours=9 - n), Reason(title)
            number = f"+35387111111{n}"
            stage.channel.send(number, at, course=FAILED_AT_ONCE, reason=reason)
        assert stage.run() == 0
        table = stage.shown(command, "--by", "reason")
        assert "Recipient is not a WhatsApp user." in table
        assert "not_on_whatsapp: the number cannot be reached on WhatsApp (do_not_retry)" in table
        assert "(no reason given)" in table
        for by in ("day", "hour", "country"):
            assert "failure rate" in stage.shown(command, "--by", by)


def test_csv_has_the_values_of_json(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as stage:
        stage.send(3, start=MORNING_AFTER - timedelta(hours=9))
        reason = Reason("=HYPERLINK(x)")
        stage.channel.send(
            "+353871111111",
            MORNING_AFTER - timedelta(hours=8),
            course=FAILED_AT_ONCE,
            reason=reason,
        )
        assert stage.run() == 0
        for by in ("day", "hour", "country", "reason"):
            text = stage.shown(command, "--days", "2", "--by", by, "--format", "csv")
            cells = list(csv.DictReader(io.StringIO(text)))
            objects = rows(stage, "--days", "2", "--by", by)
            assert len(cells) == len(objects)
            for cell, one in zip(cells, objects, strict=True):
                for name in ("total", "failed", "failure_rate", "coverage"):
                    assert (float(cell[name]) if cell[name] else None) == one[name]
        assert cells[0]["reason"] == "'=HYPERLINK(x)"


def test_uncovered_time_is_shown(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as stage:
        start = MORNING_AFTER - timedelta(hours=20)
        stage.send(150, start=start, minutes=0.5, recorded=False)
        assert stage.run() == 0
        [before, _] = rows(stage, "--days", "2")
        assert before["total"] == 100
        assert 0 < before["coverage"] < 1
        table = stage.shown(command, "--days", "2")
        assert "are not covered" in table


@pytest.mark.parametrize("options", [["--days", "0"], ["--by", "week"], ["--account", "nobody"]])
def test_options_that_cannot_be_meant_are_refused(workshop: Workshop, options: list[str]) -> None:
    workshop.configure("http://127.0.0.1:9")
    assert workshop.recon("stats", *options).code == 2


def test_costs_are_labelled_as_estimates(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as stage:
        with (tmp_path / "recon.toml").open("a") as config:
            config.write('[cost]\ncurrency = "EUR"\nrates = { "353" = 0.05 }\n')
        stage.send(3, start=MORNING_AFTER - timedelta(hours=9))
        assert stage.run() == 0
        [before, _] = rows(stage, "--days", "2")
        money = {"spent": 0.15, "twice": 0.0, "wasted": 0.0, "unpriced": 0}
        assert before["cost_estimate"] == {"currency": "EUR"} | money
        said = stage.shown(command, "--days", "2")
        assert "Cost (estimate): EUR 0.15 spent" in said
        assert "no rate" not in said
        table = stage.shown(command, "--days", "2", "--format", "csv")
        cells = next(csv.DictReader(io.StringIO(table)))
        assert (cells["cost_estimate_spent"], cells["cost_estimate_currency"]) == ("0.15", "EUR")
        config_file = tmp_path / "recon.toml"
        config_file.write_text(config_file.read_text().replace('{ "353" =', '{ "44" ='))
        said = " ".join(stage.shown(command, "--days", "2").split())
        assert "0.00 of that on duplicates; 3 delivered messages have no rate." in said
