"""`recon dashboard`: the last days of the store as one page, or as its data."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest

from recon.cli.dashboard import command
from recon.errors import OutputError, UsageError
from tests.cli.nights import nights
from tests.cli.workshop import minute
from tests.factories import DAY

TODAY = "2026-04-24"


def test_the_page_and_its_data_show_what_the_nights_stored(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url) as stage:
        stage.send(5, start=minute(0))
        stage.send(2, start=minute(30), recorded=False)
        assert stage.run() == 0
        made = len(stage.requests)
        said = json.loads(stage.shown(command, "--days", "3", "--json"))
        page = stage.shown(command, "--days", "3", "--output", "-")
        assert len(stage.requests) == made
    assert (said["first"], said["last"], said["timezone"]) == ("2026-04-22", TODAY, "UTC")
    days = {one["date"]: one for one in said["days"]}
    assert list(days) == ["2026-04-22", DAY, TODAY]
    assert (days[DAY]["account"], days[DAY]["total"], days[DAY]["coverage"]) == ("main", 7, 1.0)
    assert days[DAY]["findings"]["missing_locally"] == 2
    assert days[DAY]["requests"]["list"] == made
    assert page.startswith("<!doctype html>")
    assert re.search(rf'<th scope="row">Thu {DAY}</th><td class="figure">7</td>', page)


def test_the_page_lies_beside_the_reports_and_only_its_owner_reads_it(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with nights(tmp_path, database_url) as stage:
        assert stage.shown(command) == "reports/dashboard.html\n"
        file = tmp_path / "reports" / "dashboard.html"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert "Nothing is known about these days" in file.read_text()
        stage.shown(command, "--output", str(tmp_path / "there.html"))
        stage.shown(command, "--json", "--output", str(tmp_path / "there.json"))
    assert (tmp_path / "there.html").read_bytes().startswith(b"<!doctype html>")
    assert len(json.loads((tmp_path / "there.json").read_text())["days"]) == 30


def test_where_the_page_cannot_be_written_the_old_one_stays(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url) as stage:
        (tmp_path / "taken.html").mkdir()
        code = stage.invoke(command, "--output", str(tmp_path / "taken.html"))
    assert code == OutputError.exit_code
    assert not list((tmp_path / "taken.html").iterdir())


def test_only_chosen_accounts_are_shown(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as stage:
        said = json.loads(stage.shown(command, "--json", "--account", "main", "--days", "1"))
        assert said["accounts"] == ["main"]
        assert stage.invoke(command, "--account", "other") == UsageError.exit_code
