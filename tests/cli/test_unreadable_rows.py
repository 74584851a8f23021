"""What cannot be read, over whole nights: counted once, kept with its bounds, and no accusation."""

from __future__ import annotations

from pathlib import Path

import pytest

from recon.simulator.simulated_message import Junk
from tests.cli.nights import Nights, nights
from tests.cli.workshop import NUMBER, minute


def test_a_record_without_a_readable_time_that_its_id_finds_too_is_counted_once(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url) as night:
        night.send(3, start=minute(0))
        night.set_record(102, sent_at="half past noon")
        night.run()
        assert night.workshop.kinds() == [
            ("invalid_local", "102", "102"),
            ("unverifiable", "", "102"),
        ]
        local = night.workshop.report()["local"]
        assert (local["total"], local["matched"], local["invalid_local"]) == (3, 2, 1)


def test_an_item_without_a_readable_time_shields_between_its_neighbours_in_later_runs_too(
    tmp_path: Path, database_url: str
) -> None:
    lookups = "status_lookups_per_run = 0"
    with nights(tmp_path, database_url, octopods=lookups) as night:
        night.send(1, start=minute(0))
        night.channel.send(NUMBER.format(70), minute(60), junk=Junk.BAD_TIME)
        night.send(2, start=minute(120), minutes=60)
        night.workshop.add_records(
            (901, None, NUMBER.format(70), minute(61), "sent"),
            (902, None, NUMBER.format(70), minute(150), "sent"),
        )
        expected = [
            ("missing_at_provider", "902", ""),
            ("invalid_provider", "", "102"),
            ("unverifiable", "901", ""),
        ]
        night.run()
        assert night.workshop.kinds() == expected
        night.run("--offline")
        assert night.workshop.kinds() == expected
        night.clock.advance(7_200)
        night.run("--offline")
        assert night.workshop.kinds() == expected


def queue(night: Nights, *ids: int, nothing: str) -> None:
    """Add records that wait to be sent: they have no id and no time yet."""
    for record in ids:
        night.workshop.change_records(
            "INSERT INTO sends VALUES "  # noqa: S608 - our own words
            f"({record}, {nothing}, '{NUMBER.format(record)}', {nothing}, 'queued')"
        )


@pytest.mark.parametrize("nothing", ["NULL", "0"])
def test_records_that_have_no_time_until_they_are_sent_are_not_sent_and_then_matched(
    tmp_path: Path, database_url: str, nothing: str
) -> None:
    with nights(tmp_path, database_url) as night:
        config = tmp_path / "recon.toml"
        text = config.read_text().replace("guard_rows = 1000", "guard_rows = 10")
        config.write_text(text + '[accounts.main.local.statuses]\nqueued = "not_sent"\n')
        queue(night, *range(1, 13), nothing=nothing)
        assert night.run("--exit-code") == 0
        report = night.workshop.report()
        assert (report["local"]["total"], report["local"]["not_sent"]) == (12, 12)
        assert night.workshop.kinds() == []

        sent = night.channel.send(NUMBER.format(3), minute(24 * 60))
        night.set_record(
            3, message_id=sent.message_id, sent_at=sent.sent_at.isoformat(), status="sent"
        )
        assert night.next_night("--exit-code") == 0
        local = night.workshop.report(day="2026-04-24")["local"]
        assert (local["total"], local["matched"], local["not_sent"]) == (12, 1, 11)
