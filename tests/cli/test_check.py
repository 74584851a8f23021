"""`recon check` finds beforehand what a run would stumble over, in the same words."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from recon import config
from recon.simulator.channel import SIMULATED_KEY, Channel
from recon.simulator.server import Received, serve
from recon.simulator.simulated_message import Junk
from recon.store import stored_pauses
from recon.store.engine import opened
from tests.cli.workshop import MORNING_AFTER, NUMBER, Workshop, minute
from tests.clocks import ManualClock


def lines(out: str) -> dict[str, str]:
    """Return the mark of each line by the name of its check."""
    found = re.findall(r"^(ok|note|WRONG) +((?:main: )?[a-z ]+): ", out, re.MULTILINE)
    return {name: mark for mark, name in found}


def sound(shop: Workshop, channel: Channel, count: int = 20) -> None:
    """Send messages and record each, an hour after noon."""
    sent = [channel.send(NUMBER.format(n), minute(n)) for n in range(count)]
    shop.add_records(
        *((n, one.message_id, NUMBER.format(n), minute(n), "sent") for n, one in enumerate(sent))
    )


@pytest.fixture
def channel() -> Channel:
    return Channel()


def test_each_check_has_a_line(workshop: Workshop, channel: Channel) -> None:
    sound(workshop, channel)
    before = sorted(path.name for path in workshop.path.iterdir())
    with serve(channel, clock=lambda: datetime.now(UTC)) as url:
        workshop.configure(url)
        ended = workshop.recon("check")
    assert ended.code == 0, ended.out
    assert lines(ended.out) == dict.fromkeys(
        [
            "configuration",
            "files",
            "database",
            "migrations",
            "reports",
            "main: records",
            "main: ids",
            "main: statuses",
            "main: key",
            "main: timezone",
            "main: comparison",
            "main: coverage",
        ],
        "ok",
    )
    assert "20 records of 2026-04-23" in ended.out
    assert "20 of 20 records of 2026-04-23 match a listed message" in ended.out
    assert "every time in the sample is stored with its offset" in ended.out
    assert (
        "20 records have the id of a listed message, and are less than a second before it (median)"
        in ended.out
    )
    after = sorted(path.name for path in workshop.path.iterdir())
    assert after == sorted([*before, "recon.toml"])


def test_unmapped_statuses_are_counted(workshop: Workshop, channel: Channel) -> None:
    sound(workshop, channel)
    more = [(50 + n, None, NUMBER.format(50 + n), minute(30), "bounced") for n in range(3)]
    workshop.add_records(*more, (60, None, NUMBER.format(60), minute(31), "parked"))
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        ended = workshop.recon("check")
    assert ended.code == 0
    assert lines(ended.out)["main: statuses"] == "note"
    assert "'bounced' (3), 'parked' (1)" in ended.out
    assert "accounts.main.local.statuses" in ended.out


def test_what_would_make_a_run_suspect_is_said_in_the_same_words(workshop: Workshop) -> None:
    sound(workshop, Channel())
    with serve(Channel(), clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        checked = workshop.recon("check")
        ran = workshop.run()
    assert (checked.code, ran.code) == (65, 65)
    assert lines(checked.out)["main: comparison"] == "WRONG"
    for sentence in workshop.report()["suspicions"]:
        assert sentence in checked.out


def test_records_of_which_none_can_be_read_are_found(workshop: Workshop, channel: Channel) -> None:
    sound(workshop, channel)
    workshop.change_records("UPDATE sends SET sent_at = 'yesterday at noon'")
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        ended = workshop.recon("check")
    assert ended.code == 65
    assert "20 records, and not one of them can be read" in ended.out
    assert "sent_at cannot be read" in ended.out


def test_a_column_that_is_not_there_ends_the_checks_of_the_records(
    workshop: Workshop, channel: Channel
) -> None:
    sound(workshop, channel)
    with serve(channel, clock=lambda: datetime.now(UTC)) as url:
        workshop.configure(url, more='[accounts.main.local.columns]\nsent_at = "sent_on"\n')
        ended = workshop.recon("check")
    assert ended.code == 65
    found = lines(ended.out)
    assert (found["main: records"], found["main: key"]) == ("WRONG", "ok")
    assert "main: comparison" not in found


def test_the_index_that_a_large_table_lacks_is_advised_to_its_owner(
    workshop: Workshop, channel: Channel
) -> None:
    sound(workshop, channel)
    workshop.change_records(
        "WITH RECURSIVE old(id) AS (SELECT 100 UNION ALL SELECT id + 1 FROM old LIMIT 50000) "
        "INSERT INTO sends SELECT id, NULL, '+353871234567', '2025-01-01 12:00', 'read' FROM old"
    )
    workshop.change_records("CREATE INDEX by_message ON sends (message_id)")
    advice = "CREATE INDEX sends_sent_at_idx ON sends (sent_at);"
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        ended = workshop.recon("check")
        assert (ended.code, lines(ended.out)["main: indexes"]) == (0, "note")
        assert f"reads the whole table of your records. Its owner can add:\n  {advice}" in ended.out
    assert advice in workshop.recon("explain", "3").err


def test_ids_that_are_none_of_octopods_are_noticed(workshop: Workshop, channel: Channel) -> None:
    sound(workshop, channel)
    workshop.change_records("UPDATE sends SET message_id = 'wamid.HBg' || id WHERE id < 15")
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        ended = workshop.recon("check")
    assert ended.code == 0
    assert lines(ended.out)["main: ids"] == "note"
    assert "15 of 20 records have a message_id that is not an id of Octopods" in ended.out
    assert "wamid.HBg" not in ended.out


def test_times_without_offset_are_counted_with_the_zone_that_is_used(
    workshop: Workshop, channel: Channel
) -> None:
    sound(workshop, channel)
    workshop.change_records(
        "UPDATE sends SET sent_at = replace(sent_at, '+00:00', '') WHERE id < 15"
    )
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url, more='[accounts.main.local.columns]\nid = "id"\n')
        ended = workshop.recon("check")
    assert "main: timezone: UTC, used for 15 of 20 times" in ended.out


def test_records_of_another_time_zone_are_noticed(workshop: Workshop, channel: Channel) -> None:
    sound(workshop, channel)
    workshop.change_records("UPDATE sends SET sent_at = replace(sent_at, '+00:00', '-04:00')")
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        ended = workshop.recon("check")
    assert ended.code == 0
    assert lines(ended.out)["main: timezone"] == "note"
    assert "20 records have the id of a listed message, and are 4 h after it (median)" in ended.out
    assert "accounts.main.local.timezone" in ended.out


def test_dates_without_a_time_of_day_are_noticed_and_compared_by_day(
    workshop: Workshop, channel: Channel
) -> None:
    sound(workshop, channel)
    workshop.change_records("UPDATE sends SET sent_at = substr(sent_at, 1, 10)")
    workshop.change_records("UPDATE sends SET message_id = NULL WHERE id < 15")
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        ended = workshop.recon("check")
        assert workshop.run().code == 0
        explained = workshop.recon("explain", "3")
    assert ended.code == 0
    assert lines(ended.out)["main: timezone"] == "note"
    assert "20 of 20 are dates without a time of day" in ended.out
    assert workshop.report()["verdict"] == "clean"
    assert ": the records have no time of day" in explained.out


def test_times_that_are_all_midnight_are_noticed(workshop: Workshop, channel: Channel) -> None:
    sound(workshop, channel)
    workshop.change_records("UPDATE sends SET sent_at = substr(sent_at, 1, 10) || ' 00:00:00'")
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        ended = workshop.recon("check")
        workshop.change_records("UPDATE sends SET sent_at = '2026-04-23 00:01:00' WHERE id = 3")
        other = workshop.recon("check")
    assert lines(ended.out)["main: timezone"] == "note"
    assert "all of them are midnight\n  Map accounts.main.local.columns.sent_at" in ended.out
    assert "midnight" not in other.out


def test_listed_items_that_cannot_be_read_are_counted(workshop: Workshop, channel: Channel) -> None:
    sound(workshop, channel)
    channel.send(NUMBER.format(70), minute(40), junk=Junk.BAD_TIME)
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        ended = workshop.recon("check")
    assert ended.code == 0
    assert "Octopods lists 21 messages, 1 of them unreadable" in ended.out


@pytest.mark.parametrize(
    ("file", "mark", "says"),
    [
        ("made/recon.prom", "ok", "made/recon.prom (monitoring.metrics_file) can be written"),
        (".", "note", "is a directory, so no metrics are written"),
        ("sends.db/recon.prom", "note", "sends.db is a file, not a directory, so no metrics"),
    ],
)
def test_metrics_that_could_not_be_written_are_a_note(
    workshop: Workshop, channel: Channel, file: str, mark: str, says: str
) -> None:
    sound(workshop, channel)
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url, more=f'\n[monitoring]\nmetrics_file = "{file}"\n')
        ended = workshop.recon("check")
    assert (ended.code, lines(ended.out)["metrics"]) == (0, mark)
    assert says in ended.out
    assert not (workshop.path / "made").exists()


def test_a_file_where_reports_belong_is_named(workshop: Workshop, channel: Channel) -> None:
    (workshop.path / "reports").write_text("in the way")
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        workshop.add_records()
        ended = workshop.recon("check")
    assert ended.code == 73
    assert str(workshop.path / "reports") in ended.out


@pytest.mark.parametrize(("minutes", "code", "mark"), [(5, 0, "note"), (50, 75, "WRONG")])
def test_no_request_is_made_while_a_pause_lasts(
    workshop: Workshop, channel: Channel, minutes: int, code: int, mark: str
) -> None:
    sound(workshop, channel)
    requests: list[Received] = []
    with serve(channel, clock=ManualClock(MORNING_AFTER), log=requests) as url:
        workshop.configure(url, max_wait=900)
        assert workshop.run().code == 0
        requests.clear()
        until = datetime.now(UTC) + timedelta(minutes=minutes)
        with opened(f"sqlite:///{workshop.path / 'recon.db'}") as store:
            fingerprint = config.fingerprint(SecretStr(SIMULATED_KEY))
            stored_pauses.keep(store, fingerprint, until, datetime.now(UTC))
        ended = workshop.recon("check")
    assert ended.code == code
    assert lines(ended.out)["main: key"] == mark
    assert "note  main: comparison: not made, since Octopods' messages are not known" in ended.out
    assert until.isoformat(timespec="seconds") in ended.out
    assert requests == []


def test_a_variable_that_sets_nothing_is_told(workshop: Workshop, channel: Channel) -> None:
    sound(workshop, channel)
    workshop.environ |= {"RECON_COLOUR": "blue", "RECON_KEY": workshop.environ["OCTOPODS_API_KEY"]}
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url, accounts={"main": "RECON_KEY"})
        ended = workshop.recon("check")
    assert ended.code == 0, ended.out
    assert (
        "note  environment: RECON_COLOUR: not a setting, and no setting refers to it" in ended.out
    )


def test_a_configuration_or_key_that_others_may_read_is_noticed(
    workshop: Workshop, channel: Channel
) -> None:
    sound(workshop, channel)
    key = workshop.path / "key"
    key.write_text(SIMULATED_KEY)
    key.chmod(0o644)
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        config_file = workshop.path / "recon.toml"
        text = config_file.read_text().replace(
            'api_key_env = "OCTOPODS_API_KEY"', 'api_key_file = "key"'
        )
        config_file.write_text(text)
        config_file.chmod(0o646)
        ended = workshop.recon("check")
    assert (ended.code, lines(ended.out)["files"]) == (0, "note")
    assert f"{config_file} can be read and changed by every user" in ended.out
    assert f"chmod 600 {key}" in ended.out


def test_a_clock_that_differs_from_that_of_octopods_is_noticed(
    workshop: Workshop, channel: Channel
) -> None:
    sound(workshop, channel)
    with serve(channel, clock=lambda: datetime.now(UTC) + timedelta(days=1)) as url:
        workshop.configure(url)
        ended = workshop.recon("check")
    assert lines(ended.out)["main: key"] == "note"
    assert "Octopods' clock is 24 hours ahead of this machine's" in ended.out
    assert "first messages" not in ended.err
