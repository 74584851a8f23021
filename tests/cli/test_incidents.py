"""An outage through whole nights: one incident in every report, with one id, and stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from recon.cli.explain import command as explain
from tests.cli.nights import nights
from tests.cli.workshop import NUMBER, minute


def test_an_outage_is_one_incident_that_keeps_its_id_and_is_rendered_again(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with nights(tmp_path, database_url) as night:
        night.send(30, start=minute(0))
        night.workshop.add_records(
            *(
                (1000 + n, 5000 + n, NUMBER.format(500 + n), minute(30 + n), "sent")
                for n in range(12)
            )
        )
        night.send(30, start=minute(45))
        assert night.run() == 0
        [incident] = night.workshop.report()["incidents"]
        assert (incident["cause"], incident["kinds"]) == ("outage", {"missing_at_provider": 12})
        assert (incident["start"], incident["end"]) == (
            "2026-04-23T12:30:00Z",
            "2026-04-23T12:41:00Z",
        )
        said = "All 12 sends between 12:30 and 12:41 are missing at Octopods: an outage."
        assert said in " ".join(capsys.readouterr().out.split())
        members = {row["incident_id"] for row in night.workshop.rows()}
        assert members == {incident["incident_id"]}

        said = " ".join(night.shown(explain, "1005").split())
        assert f"incident {incident['incident_id']}: All 12 sends between" in said

        night.workshop.change_records("DELETE FROM sends WHERE id IN (1000, 1001, 1011)")
        night.next_night()
        [later] = night.workshop.report()["incidents"]
        assert later["incident_id"] == incident["incident_id"]
        assert later["kinds"] == {"missing_at_provider": 9}
        index = (tmp_path / "reports/main/index.html").read_text()
        assert 'href="2026-04-23.html"' in index


def test_an_incident_that_is_acknowledged_whole_is_known_and_no_alarm(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with nights(tmp_path, database_url) as night:
        night.send(30, start=minute(0))
        night.workshop.add_records(
            *(
                (1000 + n, 5000 + n, NUMBER.format(500 + n), minute(30 + n), "sent")
                for n in range(12)
            )
        )
        night.send(30, start=minute(45))
        night.run()
        ids = [row["discrepancy_id"] for row in night.workshop.rows()]
        assert len(ids) == 12
        for some, size in ((ids[:4], "12 findings, 4 acknowledged"), (ids, "acknowledged")):
            assert night.workshop.recon("ack", *some, "--reason", "a planned outage").code == 0
            capsys.readouterr()
            assert night.run("--exit-code") == (1 if some != ids else 0)
            said = " ".join(capsys.readouterr().out.split())
            assert size in said
        assert "* All 12 sends" not in said
        assert "known 12 findings, acknowledged: All 12 sends between 12:30 and 12:41" in said
        assert "Nothing new is wrong: 12 findings are acknowledged or expected." in said
        [incident] = night.workshop.report()["incidents"]
        assert {row["incident_id"] for row in night.workshop.rows()} == {incident["incident_id"]}
        assert incident["kinds"] == {"missing_at_provider": 12}
