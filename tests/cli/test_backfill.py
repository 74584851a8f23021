"""Ranges of days: what is done again, what an interruption leaves, and how many processes do it."""

from __future__ import annotations

import re
import shutil
import signal
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recon import api
from recon.errors import UsageError
from recon.simulator.channel import Channel
from recon.simulator.server import Received, serve
from tests.cli.mailing import EMAIL, add_to_config
from tests.cli.nights import nights
from tests.cli.workshop import MORNING_AFTER, NUMBER, Workshop, awaited, minute
from tests.clocks import ManualClock
from tests.factories import DAY
from tests.smtp import mail_server

#: More than are read together.
DAYS = 9
FIRST = "2026-04-15"
RANGE = ("run", "--from", FIRST, "--to", DAY, "--no-email")
OFFLINE = (*RANGE, "--offline")

#: What each run has of its own in its files.
_OF_A_RUN = re.compile(r"[0-9a-f-]{36}|<p>Run .*|datetime=.*|.finished_at.:.*")


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Workshop:
    """Nine days, of three messages and one lost record each, all collected."""
    workshop = Workshop(tmp_path_factory.mktemp("collected"))
    shutil.copy(migrated_sqlite, workshop.path / "recon.db")
    with serve(filled(workshop), clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        assert workshop.recon("collect").code == 0
    return workshop


@pytest.fixture(scope="module")
def undisturbed(collected: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """The same when the range was run once; no test changes it."""
    workshop = collected.copied(tmp_path_factory.mktemp("undisturbed"))
    assert workshop.recon(*OFFLINE).code == 0
    return workshop


@pytest.fixture
def shop(collected: Workshop, tmp_path: Path) -> Workshop:
    """The collected days, not run yet."""
    return collected.copied(tmp_path)


@pytest.fixture
def done(undisturbed: Workshop, tmp_path: Path) -> Workshop:
    """The days when the range was run once."""
    return undisturbed.copied(tmp_path)


def filled(workshop: Workshop, days: int = DAYS) -> Channel:
    """Send three messages on each of the last days; record them, and one more a day."""
    channel = Channel(first_id=101)
    records: list[tuple[int, int | None, str, datetime, str | None]] = []
    for n in range(3 * days):
        time = minute(n % 3) - timedelta(days=days - 1 - n // 3)
        sent = channel.send(NUMBER.format(n), time)
        records.append((n, sent.message_id, sent.phone_number, time, "sent"))
        if n % 3 == 0:
            records.append((1000 + n, None, NUMBER.format(1000 + n), time, "sent"))
    workshop.add_records(*records)
    return channel


def state(workshop: Workshop) -> dict[str, Any]:
    """Return all that runs leave, but for what each run has of its own."""
    runs = workshop.query(
        "SELECT date, verdict, local, provider, found, changes, verdict_basis FROM runs"
        " WHERE id IN (SELECT max(id) FROM runs GROUP BY date) ORDER BY date"
    )
    findings = workshop.query(
        "SELECT discrepancy_id, date, kind, status FROM findings ORDER BY discrepancy_id"
    )
    files = {}
    for path in sorted((workshop.path / "reports").rglob("*-*.*")):
        text = path.read_text()
        files[path.name] = _OF_A_RUN.sub("", text)
    return {"runs": runs, "findings": findings, "files": files}


def run_count(workshop: Workshop) -> int:
    return int(workshop.query("SELECT count(*) FROM runs")[0][0])


def test_what_has_not_changed_is_not_judged_again(done: Workshop, undisturbed: Workshop) -> None:
    before = state(undisturbed)
    assert (len(before["runs"]), len(before["findings"])) == (DAYS, DAYS)
    again = done.recon(*OFFLINE)
    assert run_count(done) == DAYS
    assert "9 of 9 days had not changed" in again.out
    assert "9 customers did not get their message" in again.out
    assert f"account main: {DAY}: unchanged (9 of 9)" in again.err
    assert state(done) == before


def test_only_the_days_of_a_changed_record_are_judged_again(done: Workshop) -> None:
    done.change_records("UPDATE sends SET status = 'failed' WHERE id = 12")
    ended = done.recon(*OFFLINE)
    assert "8 of 9 days had not changed" in ended.out
    assert ("status_mismatch", "12", "113") in done.kinds(day="2026-04-19")


def test_other_settings_judge_all_again(done: Workshop) -> None:
    add_to_config(done.path, "[matching]\nstuck_after_hours = 1\n")
    ended = done.recon(*OFFLINE)
    assert "had not changed" not in ended.out
    assert run_count(done) == 2 * DAYS


def test_again_judges_all_again(done: Workshop, undisturbed: Workshop) -> None:
    assert done.recon(*OFFLINE, "--again").code == 0
    assert run_count(done) == 2 * DAYS
    assert state(done) == state(undisturbed)


def test_missing_files_of_a_day_that_is_stored_are_written(
    done: Workshop, undisturbed: Workshop
) -> None:
    pages = done.path / "reports" / "main"
    (pages / f"{FIRST}.json").unlink()
    (pages / f"{DAY}.html").write_text("the page of another run")
    done.recon(*OFFLINE)
    assert run_count(done) == DAYS
    assert state(done) == state(undisturbed)


def test_a_day_that_was_judged_alone_is_done(shop: Workshop) -> None:
    shop.recon("run", "--date", "2026-04-20", "--offline")
    assert "1 of 9 days had not changed" in shop.recon(*OFFLINE).out


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.thorough)]
)
def test_an_interrupted_range_goes_on_where_it_ended(
    shop: Workshop, undisturbed: Workshop, number: int
) -> None:
    with shop.fork(*OFFLINE) as process:
        awaited(lambda: run_count(shop) >= 2, process)
        process.send_signal(number)
        process.wait()
    so_far = run_count(shop)
    assert so_far < DAYS
    ended = shop.recon(*OFFLINE)
    assert ended.code == 0, ended.err
    assert f"{so_far} of 9 days had not changed" in ended.out
    assert run_count(shop) == DAYS
    assert state(shop) == state(undisturbed)


@pytest.mark.thorough
def test_two_processes_find_what_one_finds(shop: Workshop, undisturbed: Workshop) -> None:
    ended = shop.recon(*OFFLINE, "--workers", "2")
    assert ended.code == 0, ended.err
    assert state(shop) == state(undisturbed)


def test_a_range_is_done_once_on_each_database(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as made:
        made.send(3, start=minute(0))
        days = ("--from", "2026-04-22", "--to", DAY)
        # Above, other processes work on SQLite.
        elsewhere = ["--workers", "1"] if database_url.startswith("postgresql") else []
        assert made.run(*days, *elsewhere, day=None) == 0
        assert made.run(*days, day=None) == 0
        assert api.read_runs(database_url, latest=False)["records"].tolist() == [0, 3]


def test_octopods_is_asked_once_for_each_account_and_for_each_id_once(workshop: Workshop) -> None:
    channel = filled(workshop)
    workshop.change_records("UPDATE sends SET message_id = 9000 + id WHERE message_id IS NULL")
    log: list[Received] = []
    with serve(channel, clock=ManualClock(MORNING_AFTER), log=log) as url:
        workshop.configure(url)
        assert workshop.recon(*RANGE).code == 0
        # The list, nine ids, and one that the list shows.
        assert len(log) == 11
        assert workshop.rows(day=FIRST)[0]["confirmed"] == "yes"
        ended = workshop.recon(*RANGE)
        assert len(log) == 12
    assert "9 of 9 days had not changed" in ended.out


def test_a_range_is_mailed_as_one(shop: Workshop) -> None:
    with mail_server(shop.path) as box:
        add_to_config(shop.path, EMAIL.format(port=box.port, more=""))
        ended = shop.recon(*(one for one in OFFLINE if one != "--no-email"))
    assert ended.code == 0, ended.err
    assert f"account main: {FIRST}: discrepancies (1 of 9)" in ended.err
    assert "attention: main: 9 of 9 days" in ended.err
    [delivered] = box.mails
    assert f"main {FIRST} to {DAY}" in str(delivered.mail["Subject"])


def test_parts_find_together_what_one_command_finds(shop: Workshop, undisturbed: Workshop) -> None:
    for part in ("1/2", "2/2"):
        assert shop.recon(*OFFLINE, "--shard", part).code == 0
    assert run_count(shop) == DAYS
    assert state(shop) == state(undisturbed)
    ended = shop.recon(*OFFLINE, "--shard", "10/10")
    assert (ended.code, "Nothing to do" in ended.out) == (0, True)


def test_parts_share_the_status_calls_of_a_run(workshop: Workshop) -> None:
    channel = filled(workshop)
    workshop.change_records("UPDATE sends SET message_id = 9000 + id WHERE message_id IS NULL")
    log: list[Received] = []
    with serve(channel, clock=ManualClock(MORNING_AFTER), log=log) as url:
        workshop.configure(url)
        config = workshop.path / "recon.toml"
        text = config.read_text().replace("[octopods]", "[octopods]\nstatus_lookups_per_run = 7")
        config.write_text(text)
        for part in ("1/2", "2/2"):
            assert workshop.recon(*RANGE, "--shard", part).code == 0
    # Each part reads the list once; one of its status calls is for an id that the list shows.
    assert len(log) == 2 + 7


@pytest.mark.parametrize(
    "options",
    [
        ["--date", DAY, "--again"],
        ["--date", DAY, "--shard", "1/2"],
        ["--from", FIRST, "--to", DAY, "--shard", "0/2"],
        ["--from", FIRST, "--to", DAY, "--shard", "3/2"],
        ["--from", FIRST, "--to", DAY, "--shard", "1"],
        ["--workers", "2"],
        ["--from", FIRST, "--to", DAY, "--workers", "0"],
        ["--from", FIRST, "--to", DAY, "--workers", "2", "--dry-run"],
        ["--scheduler", "tcp://127.0.0.1:1"],
        ["--from", FIRST, "--to", DAY, "--scheduler", "tcp://127.0.0.1:1", "--workers", "2"],
        ["--from", FIRST, "--to", DAY, "--scheduler", "tcp://127.0.0.1:1", "--dry-run"],
    ],
)
def test_options_that_would_do_nothing_are_refused(shop: Workshop, options: list[str]) -> None:
    assert shop.recon("run", *options).code == 2


@pytest.mark.parametrize("more", [(), ("--workers", "2")])
def test_a_memory_limit_without_room_is_refused_before_anything_is_read(
    tmp_path: Path, more: tuple[str, ...]
) -> None:
    workshop = Workshop(tmp_path)
    workshop.configure("http://127.0.0.1:9")
    ended = workshop.recon(*OFFLINE, "--memory-limit", "100MB", *more)
    assert ended.code == UsageError.exit_code
    assert "--memory-limit: 100MB is too little. Give " in ended.err
