"""Recorded ids that the list does not show are asked for before they are reported as missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from pathlib import Path

import pytest

from recon.simulator import http_faults
from recon.simulator.channel import Channel
from recon.simulator.http_faults import Fault
from recon.simulator.simulated_message import Junk, SimulatedMessage
from tests.cli.nights import nights
from tests.cli.workshop import NUMBER, minute
from tests.factories import DAY

NEVER = datetime(2100, 1, 1, tzinfo=UTC)


def test_a_denied_id_is_confirmed_and_asked_for_once_more_on_a_later_night(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url) as night:
        night.send(5, start=minute(0))
        night.workshop.add_records(
            (8, 77, NUMBER.format(8), minute(8), "sent"),
            (9, None, NUMBER.format(9), minute(9), "sent"),
        )
        assert night.run() == 0
        assert night.confirmed() == {"77": "yes", "": ""}
        report = night.workshop.report()
        assert report["confirmation"] == {"asked": 1, "denied": 1, "found": 0}
        # The second one is the control.
        assert night.asked() == [77, 103]
        rows = night.workshop.rows()
        assert night.run() == 0
        assert len(night.asked()) == 2
        assert [row | {"run_id": ""} for row in night.workshop.rows()] == [
            row | {"run_id": ""} for row in rows
        ]
        night.next_night()
        assert night.asked()[2:] == [77, 103]
        night.next_night()
        assert len(night.asked()) == 4
        night.run("--offline")
        assert night.confirmed() == {"77": "yes", "": ""}


def test_the_report_says_what_is_confirmed(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with nights(tmp_path, database_url) as night:
        night.send(5, start=minute(0))
        night.workshop.add_records(
            (8, 77, NUMBER.format(8), minute(8), "sent"),
            (9, 78, NUMBER.format(9), minute(9), "sent"),
        )
        night.run("--offline")
        assert "not confirmed" not in capsys.readouterr().out
        night.run()
    out = " ".join(capsys.readouterr().out.split())
    assert "missing at provider (2 confirmed by Octopods)" in out
    assert "asked for 2 recorded ids that its list does not show: 2 denied, 0 found." in out
    html = (tmp_path / "reports" / "main" / f"{DAY}.html").read_text()
    assert "2 confirmed by Octopods." in html


@pytest.mark.parametrize(
    "fault", [http_faults.not_found_page(), http_faults.passing(), http_faults.server_error()]
)
def test_a_failed_status_call_denies_nothing_and_is_made_again(
    tmp_path: Path, database_url: str, fault: Fault
) -> None:
    script = chain([None], repeat(fault, 6))
    with nights(tmp_path, database_url, script=script) as night:
        night.send(5, start=minute(0))
        for n in range(6):
            night.workshop.add_records((90 + n, 900 + n, NUMBER.format(90 + n), minute(n), "sent"))
        night.run()
        assert set(night.confirmed().values()) == {"no"}
        confirmation = night.workshop.report()["confirmation"]
        assert (confirmation["denied"], confirmation["found"]) == (0, 0)
        assert len(night.asked()) <= 3
        while len(night.requests) < 7:
            night.run()
        night.run()
        assert set(night.confirmed().values()) == {"yes"}
        assert len(night.confirmed()) == 6


def test_denials_are_not_believed_where_the_control_id_is_denied_too(
    tmp_path: Path, database_url: str
) -> None:
    script = chain([None], repeat(http_faults.denied(), 2))
    with nights(tmp_path, database_url, script=script) as night:
        night.send(150, start=minute(0))
        # 101 lies in a gap: the list shows the newest 100 only.
        night.workshop.add_records((900, 77, NUMBER.format(9), minute(140), "sent"))
        night.run()
        assert night.confirmed() == {"77": "no"}
        assert night.workshop.report()["local"]["unverifiable"] == 50
        assert len(night.asked()) == 2
        night.run()
        assert night.confirmed() == {"77": "yes"}
        assert night.workshop.report()["local"]["unverifiable"] == 0


@pytest.mark.parametrize("hours", [20, 999])
def test_denials_of_old_ids_count_only_if_octopods_knows_messages_as_old(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    find = Channel.find

    def find_recent(
        channel: Channel, message_id: int, now: datetime, *, key: str | None = None
    ) -> SimulatedMessage | None:
        found = find(channel, message_id, now, key=key)
        return found if found and now - found.sent_at < timedelta(hours=hours) else None

    monkeypatch.setattr(Channel, "find", find_recent)
    with nights(tmp_path, database_url) as night:
        night.send(5, start=minute(0))
        night.run()
        # For a day nobody polls, and the list moves on.
        night.send(1, start=minute(22 * 60))
        night.workshop.add_records((900, 77, NUMBER.format(9), minute(22 * 60), "sent"))
        night.send(110, start=minute(36 * 60), minutes=0.1, recorded=False)
        night.clock.now = minute(48 * 60)
        night.run(day="2026-04-24")
        kinds = set(night.workshop.kinds(day="2026-04-24"))
        if hours == 20:
            # Octopods answers for what its list shows, and denies all that is older.
            assert kinds == {("unverifiable", "106", "106"), ("unverifiable", "900", "77")}
        else:
            assert kinds == {("missing_at_provider", "900", "77")}
        # The controls are messages that the list of the first night showed.
        assert set(night.asked()) - {77, 106} <= {104, 105}


def test_denials_are_not_believed_where_the_list_shows_nothing(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url) as night:
        night.workshop.add_records((9, 77, NUMBER.format(9), minute(9), "sent"))
        night.run()
        assert set(night.confirmed().values()) <= {"no"}


@pytest.mark.parametrize("shape", ["A", "B"])
def test_a_denial_is_forgotten_when_the_id_is_listed_or_found(
    tmp_path: Path, database_url: str, shape: str
) -> None:
    channel = Channel(first_id=101, shape=shape)  # type: ignore[arg-type]
    with nights(tmp_path, database_url, channel=channel) as night:
        night.send(5, start=minute(0))
        night.workshop.add_records((8, 106, NUMBER.format(8), minute(1600), "sent"))
        night.run("--date", "2026-04-24", day=None)
        assert night.confirmed("2026-04-24") == {"106": "yes"}
        # Not shown by the list, but by a status call.
        channel.send(NUMBER.format(8), minute(1600), appears_at=NEVER)
        night.next_night()
        assert night.confirmed("2026-04-24") == {}
        assert night.workshop.report(day="2026-04-24")["local"]["matched"] == 1


def test_the_calls_of_a_night_are_spread_over_the_accused_time(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url, octopods="status_lookups_per_run = 11") as night:
        night.send(5, start=minute(0))
        night.workshop.add_records(
            *(
                (1000 + n, 1000 + n, NUMBER.format(500 + n), minute(5 * n), "sent")
                for n in range(100)
            )
        )
        night.run()
        asked = [one for one in night.asked() if one >= 1000]
        assert len(night.asked()) == 11
        assert [(one - 1000) // 10 for one in asked] == list(range(10))
        assert sorted(night.confirmed().values()) == ["no"] * 90 + ["yes"] * 10
        night.run()
        assert len(night.asked()) == 22


@pytest.mark.parametrize("recorded", [None, "IE.4f7Q2"])
def test_a_status_call_without_a_number_links_a_record_without_one(
    tmp_path: Path, database_url: str, recorded: str | None
) -> None:
    channel = Channel(first_id=101, shape="B")
    with nights(tmp_path, database_url, channel=channel) as night:
        night.send(3, start=minute(0))
        hidden = channel.send(NUMBER.format(50), minute(60), appears_at=NEVER)
        night.send(3, start=minute(120))
        night.workshop.add_records((50, hidden.message_id, "", minute(60), "sent"))
        night.set_record(50, phone_number=recorded)
        night.run()
        assert night.workshop.kinds() == []
        assert night.workshop.report()["local"]["matched"] == 7


def test_a_status_call_settles_records_that_hold_no_numbers(
    tmp_path: Path, database_url: str
) -> None:
    channel = Channel(first_id=101, shape="B")
    with nights(tmp_path, database_url, channel=channel) as night:
        night.send(150, start=minute(0))
        text = (tmp_path / "recon.toml").read_text()
        more = '[accounts.main.local.columns]\nphone_number = ""\n'
        (tmp_path / "recon.toml").write_text(text + more)
        night.run()
        assert night.workshop.kinds() == []
        assert night.workshop.report()["local"]["matched"] == 150


@pytest.mark.parametrize("shape", ["A", "B"])
def test_a_message_that_the_list_should_have_shown_withdraws_the_proof_of_its_day(
    tmp_path: Path, database_url: str, shape: str
) -> None:
    channel = Channel(first_id=101, shape=shape)  # type: ignore[arg-type]
    with nights(tmp_path, database_url, channel=channel) as night:
        night.send(3, start=minute(0))
        hidden = channel.send(NUMBER.format(50), minute(60), appears_at=NEVER)
        night.send(3, start=minute(120))
        night.workshop.add_records(
            (50, hidden.message_id, NUMBER.format(50), minute(60), "sent"),
            (51, None, NUMBER.format(51), minute(90), "sent"),
            (52, 77, NUMBER.format(52), minute(95), "sent"),
        )
        night.run()
        # The one is found, the other denied, and of the third nobody can know any more.
        assert night.workshop.kinds() == [
            ("missing_at_provider", "52", "77"),
            ("unverifiable", "51", ""),
        ]
        report = night.workshop.report()
        assert report["confirmation"] == {"asked": 2, "denied": 1, "found": 1}
        assert report["coverage"]["complete"] is False
        assert report["local"]["matched"] == 7
        night.run()
        assert night.workshop.kinds()[-1] == ("unverifiable", "51", "")


def test_a_broadcast_id_in_the_records_is_named_as_a_cause_on_the_third_night(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with nights(tmp_path, database_url) as night:
        for n in range(4):
            start = minute(24 * 60 * n)
            night.send(3, start=start)
            hidden = night.channel.send(
                NUMBER.format(50), start + timedelta(hours=1), appears_at=NEVER
            )
            night.send(3, start=start + timedelta(hours=2))
            night.workshop.add_records(
                (hidden.message_id, hidden.message_id, NUMBER.format(50), hidden.sent_at, "sent")
            )
        for n in range(4):
            capsys.readouterr()
            day = str((minute(0) + timedelta(days=n)).date())
            assert night.run(day=day) == 0
            assert ("accounts.main.local.where" in capsys.readouterr().out) is (n >= 2)
            assert ("notices" in night.workshop.report(day=day)) is (n >= 2)
            assert night.confirmed(day) == {}
            night.clock.advance(86_400)


def test_a_found_message_of_another_time_only_links(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as night:
        for n in range(150):
            night.channel.send(NUMBER.format(n), minute(n))
        # Its own time lies before the oldest message that is listed.
        night.workshop.add_records(
            *((n, n, NUMBER.format(n - 101), minute(n - 101), "sent") for n in range(151, 251)),
            (102, 102, NUMBER.format(1), minute(140), "sent"),
        )
        night.run()
        assert [kind for kind, *_ in night.workshop.kinds()] == ["sent_at_drift"]
        # A second gap would be that of the day.
        assert len(night.workshop.report()["coverage"]["gaps"]) == 1


@pytest.mark.parametrize("junk", [Junk.BAD_TIME, Junk.NO_ID])
def test_an_item_that_cannot_be_read_was_listed_and_withdraws_nothing(
    tmp_path: Path, database_url: str, junk: Junk
) -> None:
    with nights(tmp_path, database_url) as night:
        night.send(3, start=minute(0))
        unread = night.channel.send(NUMBER.format(50), minute(60), junk=junk)
        night.send(3, start=minute(120))
        night.workshop.add_records((50, unread.message_id, NUMBER.format(50), minute(60), "sent"))
        night.run()
        report = night.workshop.report()
        assert report["coverage"]["complete"] is True
        # Counted once, as the message that the status call shows.
        assert (report["local"]["matched"], report["provider"]["total"]) == (7, 7)
        assert night.workshop.kinds() == []


def test_suspect_input_costs_no_status_call(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as night:
        text = (tmp_path / "recon.toml").read_text()
        (tmp_path / "recon.toml").write_text(text.replace("guard_rows = 1000", "guard_rows = 10"))
        night.send(20, start=minute(0), recorded=False)
        night.workshop.add_records(
            *((n, 5000 + n, NUMBER.format(700 + n), minute(n), "sent") for n in range(1, 21))
        )
        assert night.run() == 65
        assert night.asked() == []
