"""Records that ended days ago, as those of a replica that lags: `recon run` and `recon check`."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from recon.cli.check import command as check
from recon.model import Kind
from tests.cli.nights import Nights, nights
from tests.cli.workshop import NUMBER, minute
from tests.factories import DAY

ENDED = "The records end at 2026-04-20 12:09:00; 5 later messages cannot be compared"


def ended_days_ago(night: Nights, later: int = 5) -> None:
    """Record ten sends of three days before the day, and send without a record on the day."""
    night.send(10, start=minute(0) - timedelta(days=3))
    night.send(later, start=minute(60), recorded=False)


def kinds(night: Nights) -> list[str]:
    return [row["kind"] for row in night.workshop.rows()]


def test_messages_of_a_day_without_records_accuse_nobody_until_the_records_go_on(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url) as night:
        ended_days_ago(night)
        assert night.run("--exit-code") == 3
        assert kinds(night) == [Kind.UNVERIFIABLE] * 5
        [incident] = night.workshop.report()["incidents"]
        assert incident["summary"].startswith(ENDED)
        assert night.workshop.report()["provider"]["total"] == 5
        night.workshop.add_records((99, None, NUMBER.format(99), minute(1200), "not_sent"))
        night.next_night()
        assert kinds(night) == [Kind.MISSING_LOCALLY] * 5


def test_messages_without_any_record_in_a_week_are_missing(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url) as night:
        night.send(10, start=minute(0) - timedelta(days=9))
        night.send(5, start=minute(60), recorded=False)
        night.run()
        assert kinds(night) == [Kind.MISSING_LOCALLY] * 5


def test_a_suspect_day_without_records_says_when_they_ended(tmp_path: Path) -> None:
    with nights(tmp_path, f"sqlite:///{tmp_path / 'recon.db'}") as night:
        config = tmp_path / "recon.toml"
        config.write_text(config.read_text().replace("guard_rows = 1000", "guard_rows = 5"))
        ended_days_ago(night)
        assert night.run() == 65
        assert night.workshop.report()["suspicions"][1].startswith(ENDED)
        assert night.invoke(check) == 65


@pytest.mark.parametrize("days", [1, 3])
def test_the_doctor_says_of_the_records_what_the_run_says(
    tmp_path: Path, days: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with nights(tmp_path, f"sqlite:///{tmp_path / 'recon.db'}") as night:
        night.send(10, start=minute(0) - timedelta(days=days - 1))
        night.send(5, start=minute(600), recorded=False)
        assert night.invoke(check) == 0
        out = capsys.readouterr().out
        assert "note  main: comparison: 10 of 10 records of" in out
        night.run()
        [incident] = night.workshop.report()["incidents"]
        assert incident["cause"] == "stale_records"
        assert incident["summary"] in out
        assert f"0 of 0 records of {DAY}" not in out


@pytest.mark.parametrize("ahead", [90])
def test_records_that_end_early_accuse_nobody_whatever_their_clock(
    tmp_path: Path, ahead: int
) -> None:
    with nights(tmp_path, f"sqlite:///{tmp_path / 'recon.db'}") as night:
        times = [minute(60 + n) for n in range(25)]
        times[20:] = [minute(300 + n) for n in range(5)]
        sent = [night.channel.send(NUMBER.format(n), time) for n, time in enumerate(times)]
        recorded = [
            (m.message_id, m.message_id, m.phone_number, m.sent_at + timedelta(minutes=ahead), None)
            for m in sent
        ]
        night.workshop.add_records(*recorded[:20])
        night.run()
        found = Counter(kinds(night))
        assert (found[Kind.MISSING_LOCALLY], found[Kind.UNVERIFIABLE]) == (0, 5)
        # The replica has caught up, but for four records that were never written.
        night.workshop.add_records(recorded[24])
        night.run("--offline")
        found = Counter(kinds(night))
        assert (found[Kind.MISSING_LOCALLY], found[Kind.UNVERIFIABLE]) == (4, 0)
