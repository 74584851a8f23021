"""`recon explain`: everything known of a row, judged as the night would judge it now."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recon.cli.ack import command as ack
from recon.cli.collect import command as collect
from recon.cli.explain import command
from recon.cli.purge import command as purge
from recon.cli.status import command as status
from recon.errors import InputError
from recon.simulator.channel import Channel
from recon.simulator.server import serve
from recon.simulator.simulated_message import Junk, Reason, course
from tests.cli.nights import Nights, nights
from tests.cli.workshop import MORNING_AFTER, NUMBER, Workshop, minute
from tests.clocks import ManualClock
from tests.factories import DAY

HOUR = 3600


@pytest.fixture
def database(tmp_path: Path, migrated_sqlite: Path) -> str:
    """The URL of a store in SQLite, for what does not depend on the database."""
    shutil.copy(migrated_sqlite, tmp_path / "recon.db")
    return f"sqlite:///{tmp_path / 'recon.db'}"


def rows(stage: Nights, wanted: object, *argv: str) -> list[dict[str, Any]]:
    """Return what is told of each row that has an id."""
    said = json.loads(stage.shown(command, str(wanted), "--format", "json", *argv))
    assert said["id"] == str(wanted)
    told: list[dict[str, Any]] = said["rows"]
    return told


def fired(one: dict[str, Any]) -> list[str]:
    return [each["rule"] for each in one["rules"]]


def page(stage: Nights, wanted: object, *argv: str) -> str:
    return " ".join(stage.shown(command, str(wanted), *argv).split())


def test_each_finding_of_a_night_is_explained_by_a_rule_of_its_kind_without_a_request(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url) as stage:
        stage.send(4, start=minute(0))
        stage.send(1, start=minute(20), recorded=False)
        stage.channel.send(NUMBER.format(9), minute(30), junk=Junk.BAD_TIME)
        stage.workshop.add_records(
            (50, 77, NUMBER.format(50), minute(3), "sent"),
            (51, 101, NUMBER.format(0), minute(2), "sent"),
            (52, None, "nonsense", minute(4), "sent"),
        )
        stage.set_record(102, phone_number=NUMBER.format(8))
        stage.set_record(103, status="failed")
        stage.set_record(104, sent_at=minute(60).isoformat())
        assert stage.run() == 0
        made = len(stage.requests)
        found = {row["discrepancy_id"]: row["kind"] for row in stage.workshop.rows()}
        assert len(set(found.values())) >= 7
        for identity, kind in found.items():
            [one] = rows(stage, identity)
            assert one["kinds"] == [kind]
            assert one["matches"] == ["discrepancy_id"]
            assert [each["discrepancy_id"] for each in one["findings"]] == [identity]
            assert one["differences"] == []
        assert len(stage.requests) == made


def test_a_matched_row_says_why_it_matches_by_the_id_of_either_side(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url) as stage:
        sent = stage.channel.send(NUMBER.format(0), minute(0))
        stage.workshop.add_records(
            (7, sent.message_id, NUMBER.format(0), minute(0.5), "sent"),
            (8, None, NUMBER.format(1), minute(5), "sent"),
        )
        stage.channel.send(NUMBER.format(1), minute(5.5))
        stage.run()
        [by_record], [by_message] = rows(stage, 7), rows(stage, sent.message_id)
        assert (by_record["matches"], by_message["matches"]) == (["local_id"], ["message_id"])
        assert by_record["record"] == by_message["record"]
        assert by_record["message"]["message_id"] == sent.message_id
        assert (fired(by_record), by_record["kinds"]) == (["same_id"], [])
        assert fired(rows(stage, 8)[0]) == ["same_number"]
        said = page(stage, 7)
        assert "record 7 and message 101: nothing is wrong" in said
        assert "the same id; recorded 30 s after Octopods' time" in said


def test_the_statuses_are_told_with_the_time_at_which_each_was_seen(
    tmp_path: Path, database_url: str
) -> None:
    late = course((0, "sent"), (20 * HOUR, "failed"))
    with nights(tmp_path, database_url) as stage:
        stage.channel.send(NUMBER.format(0), minute(0), course=late, reason=Reason("Not a user"))
        stage.workshop.add_records((7, 101, NUMBER.format(0), minute(0), "sent"))
        stage.run()
        stage.next_night()
        [one] = rows(stage, 101)
        assert [(each["at"], each["status"]) for each in one["statuses"]] == [
            ("2026-04-24T06:00:00Z", "sent"),
            ("2026-04-25T06:00:00Z", "failed"),
        ]
        assert "2026-04-25 06:00:00 failed: Not a user" in page(stage, 101)


def test_a_missing_record_tells_its_span_its_polls_and_the_denials(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url, now=minute(10)) as stage:
        stage.send(3, start=minute(0))
        stage.shown(collect)
        stage.clock.now = MORNING_AFTER
        stage.workshop.add_records((50, 77, NUMBER.format(50), minute(1), "sent"))
        stage.run()
        [one] = rows(stage, 77)
        assert fired(one) == ["id_denied"]
        assert [each["at"] for each in one["denials"]] == ["2026-04-24T06:00:00Z"]
        around = one["surroundings"]
        assert (around["is_proven"], around["before_first_listed"]) == (True, False)
        assert around["first_poll"]["at"] == "2026-04-23T12:10:00Z"
        assert around["last_poll"] == {"at": "2026-04-24T06:00:00Z", "items": 3, "shared": 3}
        said = page(stage, 50)
        assert "denied id 77, asked for 2026-04-24 06:00:00" in said
        assert "proven from the beginning to 2026-04-24 05:59:00" in said


def test_a_record_in_a_gap_tells_the_gap_and_the_polls_beside_it(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url, now=minute(10)) as stage:
        stage.send(3, start=minute(0))
        stage.shown(collect)
        stage.send(150, start=minute(30))
        stage.workshop.add_records((50, None, NUMBER.format(500), minute(40), "sent"))
        stage.clock.now = MORNING_AFTER
        stage.run()
        [one] = rows(stage, 50)
        assert fired(one) == ["in_a_gap"]
        around = one["surroundings"]
        assert around["is_proven"] is False
        assert around["span"]["start"] == "2026-04-23T12:09:00Z"
        assert around["first_poll"]["at"] == "2026-04-23T12:10:00Z"
        assert around["last_poll"] == {"at": "2026-04-24T06:00:00Z", "items": 100, "shared": 0}
        assert "Other candidates" not in page(stage, 50)


def test_what_could_have_been_its_pair_is_told_with_the_reason(
    tmp_path: Path, database: str
) -> None:
    with nights(tmp_path, database) as stage:
        for n in range(3):
            stage.channel.send(NUMBER.format(1), minute(10 * n))
        stage.workshop.add_records(
            (7, 101, NUMBER.format(1), minute(0), "sent"),
            (8, 101, NUMBER.format(1), minute(1), "sent"),
            (9, None, NUMBER.format(1), minute(13), "sent"),
        )
        stage.run()
        [duplicate] = rows(stage, 8)
        assert fired(duplicate) == ["duplicate_local"]
        first = duplicate["alternatives"][0]
        assert first["message"]["message_id"] == 101
        assert first["why"] == "record 7 has the same id and accounts for it"
        [far] = rows(stage, 9)
        reasons = {each["message"]["message_id"]: each["why"] for each in far["alternatives"]}
        assert reasons[101] == "its id makes the message a pair with record 7"
        assert reasons[102] == "3 min apart, which is more than 120 s (tolerance_seconds)"


def test_an_id_of_a_message_and_of_a_record_shows_both(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as stage:
        stage.send(1, start=minute(0))
        stage.workshop.add_records((55, None, NUMBER.format(5), minute(7), "sent"))
        stage.channel.send(NUMBER.format(5), minute(7))
        stage.set_record(101, id=102)
        stage.run()
        both = rows(stage, 102)
        assert [(one["record"]["local_id"], one["matches"]) for one in both] == [
            ("55", ["message_id"]),
            ("102", ["local_id"]),
        ]
        assert page(stage, 102).startswith("102 is a message id and the id of a record: 2 rows.")


def test_a_pair_across_midnight_is_explained_on_the_day_of_its_message(
    tmp_path: Path, database: str
) -> None:
    midnight = minute(12 * 60)
    with nights(tmp_path, database, now=midnight + timedelta(hours=6)) as stage:
        stage.channel.send(NUMBER.format(1), midnight - timedelta(seconds=1))
        stage.workshop.add_records((7, None, NUMBER.format(1), midnight, "sent"))
        [one] = rows(stage, 7)
        assert one["day"]["label"] == "2026-04-24"
        stage.run()
        [one] = rows(stage, 7)
        assert (one["day"]["label"], fired(one)) == (DAY, ["same_number"])


def test_rows_that_cannot_be_read_and_what_they_shield_are_explained(
    tmp_path: Path, database: str
) -> None:
    with nights(tmp_path, database, octopods="status_lookups_per_run = 0") as stage:
        stage.send(2, start=minute(0))
        stage.channel.send(NUMBER.format(9), minute(30), junk=Junk.BAD_NUMBER)
        stage.workshop.add_records(
            (50, 103, NUMBER.format(9), minute(30), "sent"),
            (51, None, NUMBER.format(3), minute(40), "sent"),
            (52, None, NUMBER.format(4), minute(40), "not_sent"),
        )
        stage.set_record(51, sent_at="soon")
        stage.set_record(52, sent_at=None)
        stage.run()
        record, item = rows(stage, 103)
        if fired(record) == ["item_unreadable"]:
            record, item = item, record
        assert (fired(record), fired(item)) == (["id_unreadable"], ["item_unreadable"])
        [shield] = record["alternatives"]
        assert shield["same_id"]
        assert shield["why"].startswith("it cannot be read, and may be this one: ")
        [unread] = rows(stage, 51)
        assert fired(unread) == ["record_unreadable"]
        assert unread["record"]["unreadable"] == "sent_at cannot be read: 'soon'"
        [waiting] = rows(stage, 52)
        assert (fired(waiting), waiting["day"]) == (["not_sent"], None)


def test_a_finding_tells_its_history_and_where_it_is_not_what_is_judged_now(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url) as stage:
        stage.send(2, start=minute(0), recorded=False)
        stage.send(3, start=minute(10))
        stage.run()
        first, second = (row["discrepancy_id"] for row in stage.workshop.rows())
        stage.shown(ack, first, "--reason", "a test phone")
        [one] = rows(stage, first)
        assert [each["change"] for each in one["findings"][0]["history"]] == [
            "opened",
            "acknowledged",
        ]
        assert "acknowledged 2026-04-24 06:00:00: a test phone" in page(stage, first)
        stage.workshop.add_records((60, 102, NUMBER.format(1), minute(1), "sent"))
        [later] = rows(stage, second)
        assert (later["kinds"], fired(later)) == ([], ["same_id"])
        stored = f"The stored finding is missing_locally (open, of {DAY})"
        assert later["differences"] == [
            f"{stored}, but judged now, it is no finding.",
            f"`recon run --date {DAY} --offline` judges {DAY} again.",
        ]
        stage.run("--offline")
        [resolved] = rows(stage, second)
        assert resolved["differences"] == []
        assert resolved["findings"][0]["state"] == "resolved"
        assert resolved["findings"][0]["history"][-1]["change"] == "resolved"


def test_a_finding_whose_record_was_deleted_is_still_told(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url) as stage:
        stage.send(3, start=minute(0))
        stage.workshop.add_records((50, 77, NUMBER.format(50), minute(1), "sent"))
        stage.run()
        [identity] = [row["discrepancy_id"] for row in stage.workshop.rows()]
        stage.set_record(50, id=-50)
        [one] = rows(stage, identity)
        assert (one["record"], one["rules"]) == (None, [])
        assert "no such row is judged now: it was deleted or changed." in one["differences"][0]


def test_of_a_suspect_day_the_cause_is_told_first(tmp_path: Path, database: str) -> None:
    with nights(tmp_path, database) as stage:
        text = (tmp_path / "recon.toml").read_text().replace("= 1000", "= 2")
        (tmp_path / "recon.toml").write_text(text)
        stage.send(3, start=minute(0), recorded=False)
        assert stage.run() == 65
        [one] = rows(stage, 101)
        assert (one["verdict"], one["kinds"]) == ("suspect", ["missing_locally"])
        assert one["differences"][-1] == (
            f"{DAY} is suspect: no finding of it is opened or resolved."
        )
        assert "The day is suspect: Octopods lists 3 messages" in page(stage, 101)


def test_numbers_are_masked_unless_they_are_asked_for(tmp_path: Path, database: str) -> None:
    with nights(tmp_path, database) as stage:
        stage.send(1, start=minute(0))
        stage.set_record(101, phone_number=NUMBER.format(7))
        stage.run()
        number = NUMBER.format(7)
        for form in ("text", "json"):
            masked = stage.shown(command, "101", "--format", form)
            assert number not in masked
            assert NUMBER.format(0) not in masked
            shown = stage.shown(command, "101", "--format", form, "--show-numbers")
            assert f"recorded for {number}, sent to {NUMBER.format(0)}" in " ".join(shown.split())


def test_an_id_is_taken_as_a_page_writes_it(tmp_path: Path, database: str) -> None:
    with nights(tmp_path, database) as stage:
        stage.send(1, start=minute(0))
        for words in (["message", "101"], ["message 101:"], ["Message id:", "101"]):
            said = json.loads(stage.shown(command, *words, "--format", "json"))
            assert [one["record"]["local_id"] for one in said["rows"]] == ["101"]
        pair = ["record", "101", "and", "message", "101:", "nothing", "is", "wrong"]
        [one] = json.loads(stage.shown(command, *pair, "--format", "json"))["rows"]
        assert one["record"]["local_id"] == "101"


def test_an_id_that_is_nowhere_is_an_error(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as stage:
        for wanted in ("00000000000000a1", "77", "nobody", "--5", "9" * 40):
            with pytest.raises(
                InputError, match="is not a discrepancy_id, message id or record id"
            ):
                stage.shown(command, "--", wanted)


def test_an_id_that_cannot_be_meant_is_shown_short_and_cannot_steer_the_terminal(
    workshop: Workshop,
) -> None:
    workshop.configure("http://127.0.0.1:9")
    workshop.add_records()
    long = workshop.recon("explain", "x" * 5_000)
    assert (long.code, "x" * 60 + "… is not" in long.err, len(long.err) < 300) == (65, True, True)
    assert "\x1b" not in workshop.recon("explain", "a\x1b[2J").err
    assert "cannot be searched by phone number" in workshop.recon("explain", "+353 87 123 4567").err
    empty = workshop.recon("explain", " ")
    assert (empty.code, "The ID is empty." in empty.err) == (2, True)


def test_an_id_of_several_accounts_is_asked_for_with_a_command(workshop: Workshop) -> None:
    workshop.configure("http://127.0.0.1:9", accounts={"main": "KEY", "shop": "KEY"})
    workshop.add_records((7, 101, NUMBER.format(0), minute(0), "sent"))
    asked = workshop.recon("explain", "7")
    assert asked.code == 2
    assert "7 is an id of several accounts: main, shop." in asked.err
    assert "`recon explain --account main 7`" in asked.err


def test_records_of_a_query_are_searched_in_the_last_days_or_on_a_day_that_is_named(
    tmp_path: Path, database: str
) -> None:
    with nights(tmp_path, database) as stage:
        stage.send(3, start=minute(0))
        query = 'query = "SELECT * FROM sends WHERE sent_at >= :start AND sent_at < :end"'
        text = (tmp_path / "recon.toml").read_text().replace('table = "sends"', query)
        (tmp_path / "recon.toml").write_text(text.replace('where = "id > 0"', ""))
        stage.set_record(102, id=7)
        assert fired(rows(stage, 7)[0]) == ["in_a_gap"]
        stage.clock.advance(30 * 86_400)
        with pytest.raises(InputError):
            stage.shown(command, "7")
        assert rows(stage, 7, "--date", DAY)[0]["record"]["local_id"] == "7"


def test_an_id_of_several_accounts_needs_the_account(workshop: Workshop) -> None:
    channel = Channel(first_id=101)
    channel.send(NUMBER.format(0), minute(0))
    workshop.add_records((1, 101, NUMBER.format(0), minute(0), "read"))
    keys = {"main": "OCTOPODS_API_KEY", "shop": "OCTOPODS_API_KEY"}
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url, accounts=keys)
        workshop.run()
        ended = workshop.recon("explain", "101")
        assert ended.code == 2
        assert "101 is an id of several accounts: main, shop" in ended.err
        assert workshop.recon("explain", "101", "--account", "shop").code == 0


def test_after_a_purge_nothing_deleted_is_called_missing(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as stage:
        stage.send(3, start=minute(0))
        stage.workshop.add_records((50, 77, NUMBER.format(50), minute(1), "sent"))
        stage.run()
        [identity] = [row["discrepancy_id"] for row in stage.workshop.rows()]
        stage.clock.advance(40 * 86_400)
        stage.shown(purge, "--older-than", "10")
        [one] = rows(stage, 101)
        assert (one["message"], fired(one)) == (None, ["in_a_gap"])
        with pytest.raises(InputError):
            stage.shown(command, identity)
        told = json.loads(stage.shown(status, "--format", "json"))
        assert told[0]["coverage"]["yesterday"]["share"] == 0


def test_an_account_whose_records_cannot_be_read_is_named_where_another_has_the_id(
    workshop: Workshop,
) -> None:
    channel = Channel(first_id=101)
    channel.send(NUMBER.format(0), minute(0))
    workshop.add_records((7, 101, NUMBER.format(0), minute(0), "read"))
    keys = {"main": "OCTOPODS_API_KEY", "shop": "OCTOPODS_API_KEY"}
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url, accounts=keys)
        workshop.run("--account", "main")
        config = workshop.path / "recon.toml"
        before, after = config.read_text().split("[accounts.shop]")
        config.write_text(f"{before}[accounts.shop]{after.replace('sends', 'sendz')}")
        ended = workshop.recon("explain", "7")
        assert ended.code == 0
        assert "account shop was not searched: " in ended.err
        assert "message 101: nothing is wrong" in ended.out
        assert workshop.recon("explain", "7", "--account", "shop").code != 0


def test_where_the_records_cannot_be_read_it_tells_what_is_stored_and_ends_with_the_cause(
    tmp_path: Path, database: str
) -> None:
    with nights(tmp_path, database) as stage:
        stage.send(2, start=minute(0))
        stage.send(1, start=minute(9), recorded=False)
        stage.run()
        [finding] = stage.workshop.rows()
        stage.workshop.change_records("DROP TABLE sends")
        for wanted in (finding["discrepancy_id"], finding["message_id"], "101"):
            with pytest.raises(InputError, match="sends"):
                stage.shown(command, wanted, "--format", "json")
        with pytest.raises(InputError):
            stage.shown(command, "no such id")


def test_what_is_stored_of_a_row_is_told_without_its_records(
    workshop: Workshop,
) -> None:
    channel = Channel(first_id=101)
    channel.send(NUMBER.format(0), minute(0))
    workshop.add_records((7, None, NUMBER.format(3), minute(0), "read"))
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        workshop.run()
        [finding] = [row for row in workshop.rows() if row["kind"] == "missing_locally"]
        workshop.change_records("DROP TABLE sends")
        ended = workshop.recon("explain", finding["discrepancy_id"], "--format", "json")
        assert ended.code == 65
        [one] = json.loads(ended.out)["rows"]
        assert "sends" in one["records_error"]
        assert one["message"]["message_id"] == 101
        assert one["findings"][0]["discrepancy_id"] == finding["discrepancy_id"]
        assert (one["rules"], one["record"], one["differences"]) == ([], None, [])
        said = " ".join(workshop.recon("explain", "101").out.split())
        assert "message 101: the records cannot be read" in said
        assert "This is what is stored." in said
