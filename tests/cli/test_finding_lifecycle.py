"""What is missing stays an open finding until a night could see that it is not."""

from __future__ import annotations

from pathlib import Path

from recon.store import finding_history
from recon.store.engine import opened, writing
from tests.cli.nights import nights
from tests.cli.workshop import NUMBER, minute


def test_what_is_missing_is_resolved_only_where_it_could_be_seen(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url) as night, opened(database_url) as engine:
        night.send(3, start=minute(0))
        night.workshop.add_records((900, None, NUMBER.format(90), minute(5), "sent"))
        assert night.run() == 0
        [found] = night.workshop.rows()
        assert found["kind"] == "missing_at_provider"

        with writing(engine) as connection:
            connection.exec_driver_sql("DELETE FROM coverage")
        assert night.run("--offline") == 0
        [doubted] = night.workshop.rows()
        assert doubted["kind"] == "unverifiable"
        assert doubted["discrepancy_id"] == found["discrepancy_id"]
        assert doubted["first_seen_on"] == found["first_seen_on"]

        night.workshop.change_records("DELETE FROM sends WHERE id = 900")
        assert night.run("--offline") == 0
        assert night.workshop.rows() == []
        [said] = night.workshop.report()["notices"]
        assert said.startswith("1 earlier finding of this day stays unresolved")
        [open_] = night.workshop.findings("--status", "open")
        assert open_["discrepancy_id"] == found["discrepancy_id"]

        assert night.run() == 0
        assert night.workshop.findings("--status", "open") == []
        history = finding_history.of(engine, "main", found["discrepancy_id"])
        assert [one.change.value for one in history] == ["opened", "unverifiable", "resolved"]
