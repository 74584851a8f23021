"""`recon purge`, and what later runs say of purged time."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon.cli.purge import command
from recon.errors import ConfigError
from recon.store.engine import connect
from tests.cli.nights import Nights, nights
from tests.cli.workshop import NUMBER, minute
from tests.factories import DAY, NOON

Capture = pytest.CaptureFixture[str]


def stored(database_url: str, table: str) -> int:
    """Return how many rows a table of recon's has."""
    engine = connect(database_url)
    with engine.connect() as connection:
        found = int(connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 - our own words
    engine.dispose()
    return found


def lived(night: Nights) -> None:
    """Send on the day and twelve days later, with a run after each; findings are on both days."""
    night.send(5, start=NOON)
    night.send(1, start=minute(30), recorded=False)
    night.run()
    later = NOON + timedelta(days=12)
    night.clock.advance(12 * 86_400)
    night.send(3, start=later, recorded=False)
    night.workshop.add_records((900, None, "+353871234567", later, "sent"))
    assert night.run(day=later.date().isoformat()) == 0


@pytest.mark.parametrize("online", [True, False])
def test_after_a_purge_a_backfill_of_that_time_accuses_nobody(
    database_url: str, tmp_path: Path, *, online: bool
) -> None:
    with nights(tmp_path, database_url) as night:
        lived(night)
        assert stored(database_url, "messages") == 9
        assert night.invoke(command, "--older-than", "10") == 0
        assert (stored(database_url, "messages"), stored(database_url, "runs")) == (3, 1)
        assert night.run(*([] if online else ["--offline"])) == 0
        report = night.workshop.report()
        assert report["verdict"] == "incomplete"
        assert {kind for kind, count in report["discrepancies"].items() if count} == {
            "unverifiable"
        }
        assert report["local"]["unverifiable"] == 5
        [why] = report["coverage"]["withdrawn"]
        assert "purged" in str(why)
        # The purged messages are still listed, and stay out of the store.
        assert stored(database_url, "messages") == 3
        assert night.run(day="2026-05-05") == 0
        assert night.workshop.report(day="2026-05-05")["local"]["missing_at_provider"] == 1


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(2))
def test_after_any_purge_records_with_wrong_times_are_not_called_missing(
    database_url: str, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    with nights(tmp_path, database_url) as night:
        # Around midnight too, and recorded up to eight days too early or too late.
        minutes = sorted(chance.sample(range(-13 * 1440, 0, 720), 18))
        for number, sent_at in enumerate(map(minute, minutes), start=1):
            message = night.channel.send(NUMBER.format(number), sent_at)
            wrong = timedelta(hours=chance.choice([0, 0, -200, 50, 72, 120, 200]))
            night.workshop.add_records(
                (number, message.message_id, NUMBER.format(number), sent_at + wrong, "sent")
            )
        days = ("--from", "2026-04-10", "--to", "2026-04-23")

        def kinds() -> set[str]:
            assert night.run(*days, day=None) in {0, 65}
            return {row["kind"] for row in night.workshop.findings("--status", "all")}

        assert kinds() <= {"sent_at_drift"}
        night.clock.advance(3 * 86_400)
        older = chance.randint(10, 15)
        assert night.invoke(command, "--older-than", str(older)) == 0
        assert stored(database_url, "messages") < 18
        assert kinds() <= {"sent_at_drift", "unverifiable"}


def test_a_dry_run_counts_and_an_empty_store_has_nothing(
    database_url: str, tmp_path: Path, capsys: Capture
) -> None:
    with nights(tmp_path, database_url) as night:
        assert night.invoke(command) == 0
        assert "nothing is stored" in capsys.readouterr().out
        lived(night)
        capsys.readouterr()
        assert night.invoke(command, "--older-than", "10", "--dry-run") == 0
        said = capsys.readouterr().out
        assert "main: 6 messages, 1 finding, 1 run, 1 poll would be deleted" in said
        assert stored(database_url, "messages") == 9


@pytest.mark.parametrize("automatic", [True, False])
def test_a_night_purges_at_its_end_if_it_is_told_to(
    database_url: str, tmp_path: Path, *, automatic: bool
) -> None:
    with nights(tmp_path, database_url) as night:
        path = tmp_path / "recon.toml"
        more = f"\n[retention]\ndays = 10\nautomatic = {str(automatic).lower()}\n"
        path.write_text(path.read_text() + more)
        lived(night)
        assert stored(database_url, "messages") == (3 if automatic else 9)
        assert (tmp_path / "reports" / "main" / f"{DAY}.csv").exists()


def test_a_forgotten_person_is_accused_of_nothing_and_reports_are_named(
    database_url: str, tmp_path: Path, capsys: Capture
) -> None:
    with nights(tmp_path, database_url) as night:
        night.send(3, start=NOON)
        number = NUMBER.format(1)
        # One more, of which the records hold no id: it links by its number.
        sent = night.channel.send(number, minute(30))
        night.workshop.add_records((900, None, number, sent.sent_at, "sent"))
        night.channel.send(number, minute(50))
        assert night.run() == 0
        capsys.readouterr()
        path = tmp_path / "recon.toml"
        reports = f'\n[report]\ndirectory = "{tmp_path / "reports"}"\n'
        path.write_text(path.read_text() + reports)
        assert night.invoke(command, "--phone-number", number, "--older-than", "10") == 2
        assert night.invoke(command, "--phone-number", "Ann") == 2
        assert night.invoke(command, "--phone-number", number) == 0
        said = capsys.readouterr().out
        assert str(tmp_path / "reports" / "main" / f"{DAY}.csv") in said
        assert number not in said
        assert night.run() == 0
        # The record without an id cannot be read any more, and may be either message; the one that
        # is not near it has no record, whoever got it.
        kinds = sorted(row["kind"] for row in night.workshop.rows())
        assert kinds == ["invalid_local", "missing_locally", "unverifiable"]
        assert number not in (tmp_path / "reports" / "main" / f"{DAY}.csv").read_text()
        capsys.readouterr()
        assert night.invoke(command, "--phone-number", number, "--dry-run") == 0
        assert "the number is stored nowhere" in capsys.readouterr().out


@pytest.mark.parametrize("options", [[], pytest.param(["--quiet"], marks=pytest.mark.thorough)])
def test_a_terminal_is_shown_which_tables_are_searched_for_a_number(
    options: list[str], tmp_path: Path
) -> None:
    search = ("purge", "--phone-number", NUMBER.format(1), "--dry-run")
    with nights(tmp_path, f"sqlite:///{tmp_path / 'absent.db'}") as night:
        out, shown = night.workshop.on_terminal(*options, *search)
        assert "the number is stored nowhere" in out
        parts = ["Search", "messages", "findings", "100%"]
        assert [part for part in parts if part in shown] == ([] if options else parts)
        assert "Search" not in night.workshop.recon(*options, *search).err


def test_a_number_is_not_forgotten_in_a_store_that_is_not_there(tmp_path: Path) -> None:
    store = tmp_path / "absent.db"
    with nights(tmp_path, f"sqlite:///{store}") as night:
        number = ["--phone-number", NUMBER.format(0)]
        with pytest.raises(ConfigError, match=r"absent\.db does not exist yet"):
            night.shown(command, *number)
        assert "stored nowhere" in night.shown(command, *number, "--dry-run")
    assert not store.exists()
