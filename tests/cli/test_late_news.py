"""Each night judges the last days again where anything has changed, and catches up missed ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from recon.simulator.channel import Channel
from recon.simulator.simulated_message import Reason, course
from tests.cli.nights import nights
from tests.cli.workshop import NUMBER, minute
from tests.factories import DAY

HOUR = 3600
NEXT = "2026-04-24"


def run_rows(database_url: str) -> list[tuple[str, str]]:
    """Return date and mode of each run."""
    import sqlalchemy as sa

    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT date, mode FROM runs ORDER BY id")).all()
    engine.dispose()
    return [(str(row[0]), str(row[1])) for row in rows]


def test_a_failure_that_comes_after_midnight_is_reported_for_its_day(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with nights(tmp_path, database_url) as night:
        late = course((0, "sent"), (20 * HOUR, "failed"))
        night.channel.send(NUMBER.format(0), minute(0), course=late, reason=Reason("Not a user"))
        # The list has moved on by then.
        for n in range(1, 150):
            night.channel.send(NUMBER.format(n), minute(600 + n))
        night.workshop.add_records(
            *(
                (n + 1, 101 + n, NUMBER.format(n), minute(0 if n == 0 else 600 + n), "sent")
                for n in range(150)
            )
        )
        night.run()
        assert night.workshop.kinds() == []
        capsys.readouterr()
        assert night.next_night("--exit-code") == 1
        [row] = night.workshop.rows()
        assert (row["kind"], row["message_id"]) == ("status_mismatch", "101")
        assert row["failure_reason"] == "Not a user"
        out = capsys.readouterr().out
        assert f"main: checked again: {DAY}" in out
        assert f"main: 1 new finding of {DAY}" in out
        assert night.next_night("--exit-code") == 0
        assert night.workshop.kinds() != []


def test_a_message_that_stays_sent_is_reported_as_stuck(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as night:
        night.channel.send(NUMBER.format(0), minute(0), course=course((0, "sent")))
        night.workshop.add_records((1, 101, NUMBER.format(0), minute(0), "sent"))
        night.run()
        assert night.workshop.kinds() == []
        night.next_night()
        assert night.workshop.kinds() == [("stuck", "1", "101")]


@pytest.mark.parametrize("mode", ["added", "changed", "deleted"])
def test_a_record_that_changes_later_is_judged_again(
    tmp_path: Path, database_url: str, mode: str
) -> None:
    with nights(tmp_path, database_url) as night:
        night.send(5, start=minute(0))
        night.run()
        assert night.workshop.kinds() == []
        if mode == "added":
            night.workshop.add_records((900, None, NUMBER.format(9), minute(9), "sent"))
            expected = [("missing_at_provider", "900", "")]
        elif mode == "changed":
            night.set_record(102, status="failed")
            expected = [("status_mismatch", "102", "102")]
        else:
            night.set_record(102, id=-1)
            expected = [("missing_locally", "", "102")]
        night.next_night()
        assert night.workshop.kinds() == expected


def test_days_without_news_are_left_alone(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as night:
        night.send(5, start=minute(0))
        night.run()
        before = night.workshop.report()
        night.next_night()
        night.run(day=None)
        assert night.workshop.report() == before
        assert run_rows(database_url) == [(DAY, "run"), (NEXT, "run"), (NEXT, "run")]
        assert night.asked() == []


def test_news_older_than_a_week_is_none(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as night:
        night.send(5, start=minute(0))
        night.run()
        night.clock.advance(7 * 86_400)
        night.set_record(102, status="failed")
        assert night.run(day=None) == 0
        assert night.workshop.kinds() == [("status_mismatch", "102", "102")]
        night.set_record(103, status="failed")
        night.next_night()
        assert len(night.workshop.kinds()) == 1


@pytest.mark.parametrize(("missed", "first"), [(3, NEXT), (9, "2026-04-27")])
def test_a_run_without_dates_catches_up_the_nights_that_did_not_run(
    tmp_path: Path, database_url: str, missed: int, first: str
) -> None:
    with nights(tmp_path, database_url) as night:
        night.send(5, start=minute(0))
        night.run()
        night.clock.advance(missed * 86_400)
        night.next_night()
        days = [day for day, mode in run_rows(database_url) if mode == "run"][1:]
        assert days[0] == first
        assert len(days) == min(missed + 1, 7)
        night.run(day=None)
        assert run_rows(database_url)[-1][0] == days[-1]


def test_a_first_run_without_dates_takes_yesterday(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as night:
        night.send(5, start=minute(0))
        night.run(day=None)
        assert run_rows(database_url) == [(DAY, "run")]


def test_accused_ids_of_every_day_come_before_messages_that_are_not_terminal(
    tmp_path: Path, database_url: str
) -> None:
    channel = Channel(first_id=101)
    with nights(
        tmp_path, database_url, channel=channel, octopods="status_lookups_per_run = 4"
    ) as night:
        waiting = course((0, "sent"))
        for n in range(5):
            channel.send(NUMBER.format(n), minute(n), course=waiting)
        night.workshop.add_records(
            *((n + 1, 101 + n, NUMBER.format(n), minute(n), "sent") for n in range(5))
        )
        night.run()
        # All are shown by the list: nothing to ask for.
        assert night.asked() == []
        night.workshop.add_records((900, 77, NUMBER.format(9), minute(9), "sent"))
        for n in range(120):
            channel.send(NUMBER.format(100 + n), minute(1200 + n / 10))
        night.workshop.add_records(
            *(
                (106 + n, 106 + n, NUMBER.format(100 + n), minute(1200 + n / 10), "sent")
                for n in range(120)
            )
        )
        night.next_night()
        asked = night.asked()
        assert asked[0] == 77
        assert asked[2:] == [101, 102]
        assert night.confirmed() == {"77": "yes"}


def test_running_a_night_twice_changes_nothing_but_the_run_log(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url) as night:
        night.send(5, start=minute(0))
        night.channel.send(NUMBER.format(8), minute(8), course=course((0, "sent")))
        night.workshop.add_records((900, 77, NUMBER.format(9), minute(9), "sent"))
        night.run()
        night.next_night()
        asked = len(night.asked())
        before = [row | {"run_id": ""} for row in night.workshop.rows()]
        night.clock.advance(60)
        night.run(day=None)
        assert [row | {"run_id": ""} for row in night.workshop.rows()] == before
        assert len(night.asked()) == asked
