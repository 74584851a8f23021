"""`recon run --dry-run`: the reports of a run, and nothing stored."""

from __future__ import annotations

from pathlib import Path

from recon.simulator import http_faults
from recon.store.engine import opened
from tests.cli.nights import Nights, nights
from tests.cli.workshop import minute
from tests.store.table_contents import everything


def stored(url: str) -> dict[str, object]:
    with opened(url) as engine:
        return everything(engine)


def rows(night: Nights) -> list[dict[str, str]]:
    return [row | {"run_id": ""} for row in night.workshop.rows()]


def test_a_dry_run_reports_what_a_run_would_and_stores_nothing(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url) as night:
        night.send(3, start=minute(0))
        night.send(1, start=minute(9), recorded=False)
        assert night.run() == 0
        night.workshop.change_records("DELETE FROM sends WHERE id = 101")
        night.clock.advance(86_400)
        before = stored(database_url)
        assert night.run("--dry-run", "--exit-code") == 1
        assert stored(database_url) == before
        tried, said = rows(night), night.workshop.report()
        assert said["dry_run"] is True
        assert said["notices"][0].startswith("This is a dry run: nothing was stored")
        assert said["changes"] == {
            "new": 1, "persisting": 1, "resolved": 0, "acknowledged": 0, "expected": 0,
        }  # fmt: skip
        assert night.run() == 0
        assert rows(night) == tried
        real = night.workshop.report()
        assert not {"notices", "dry_run"} & real.keys()
        assert real["changes"] == said["changes"]
        assert stored(database_url) != before


def test_messages_of_a_dry_run_are_not_kept(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as night:
        night.send(3, start=minute(0))
        before = stored(database_url)
        assert night.run("--dry-run") == 0
        assert night.workshop.report()["local"]["matched"] == 3
        assert stored(database_url) == before
        assert night.run("--offline", "--dry-run") == 0
        assert night.workshop.report()["local"]["matched"] == 0


def test_a_pause_that_octopods_asks_for_is_kept(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url, script=[http_faults.rate_limited(seconds=3600)]) as night:
        assert night.run("--dry-run") == 75
        asked = len(night.requests)
        assert night.run("--dry-run") == 75
        assert len(night.requests) == asked


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    with nights(tmp_path, f"sqlite:///{path}") as night:
        night.send(3, start=minute(0))
        assert night.run("--dry-run") == 0
        assert night.workshop.report()["local"]["matched"] == 3
    assert not list(tmp_path.glob("new.db*"))
