"""`recon ack` and `recon report`: findings that are accepted, and runs that are shown again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from recon.simulator.channel import Channel
from recon.simulator.server import serve
from tests.cli.workshop import MORNING_AFTER, NUMBER, Workshop, minute
from tests.clocks import ManualClock
from tests.factories import DAY


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Workshop:
    """A day with two messages that no record names, after its run; no test changes it."""
    workshop = Workshop(tmp_path_factory.mktemp("judged"))
    shutil.copy(migrated_sqlite, workshop.path / "recon.db")
    channel = Channel(first_id=101)
    for nr in range(3):
        channel.send(NUMBER.format(nr), minute(nr))
    workshop.add_records((1, 101, NUMBER.format(0), minute(0), "read"))
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        assert workshop.run().code == 0
    return workshop


@pytest.fixture
def shop(judged: Workshop, tmp_path: Path) -> Workshop:
    """Such a day of the test's own."""
    return judged.copied(tmp_path)


def ids(shop: Workshop) -> list[str]:
    return [row["discrepancy_id"] for row in shop.rows()]


def states(shop: Workshop) -> list[tuple[str, str | None]]:
    found = {one["discrepancy_id"]: (one["state"], one["ack_reason"]) for one in shop.findings()}
    return [found[one] for one in ids(shop)]


def test_what_is_acknowledged_stays_so_in_later_runs(shop: Workshop) -> None:
    first, _ = ids(shop)
    ended = shop.recon("ack", first, "--reason", "a test phone")
    assert (ended.code, ended.out) == (0, "1 finding acknowledged\n")
    assert states(shop) == [("acknowledged", "a test phone"), ("open", None)]
    assert shop.run("--offline").code == 0
    assert states(shop) == [("acknowledged", "a test phone"), ("open", None)]


def test_undo_reopens(shop: Workshop) -> None:
    shop.recon("ack", *ids(shop), "--reason", "a test phone")
    ended = shop.recon("ack", ids(shop)[1], "--undo", "--reason", "wrong one")
    assert (ended.code, ended.out) == (0, "1 finding reopened\n")
    assert states(shop) == [("acknowledged", "a test phone"), ("open", None)]
    assert shop.recon("ack", ids(shop)[1], "--undo", "--reason", "again").code == 65


def test_an_unknown_id_changes_nothing(shop: Workshop) -> None:
    ended = shop.recon("ack", ids(shop)[0], "ffffffffffffffff", "--reason", "a test phone")
    assert ended.code == 65
    assert "nothing was changed: ffffffffffffffff is not a finding" in ended.err
    assert {state for state, _ in states(shop)} == {"open"}


def test_a_csv_file_brings_a_reason_for_each(shop: Workshop) -> None:
    first, second = ids(shop)
    file = shop.path / "acks.csv"
    file.write_text(f"discrepancy_id,reason\n{first},a test phone\n{second},\n")
    assert shop.recon("ack", "--from-csv", file).code == 65
    assert {state for state, _ in states(shop)} == {"open"}
    assert shop.recon("ack", "--from-csv", file, "--reason", "the app team").code == 0
    assert [reason for _, reason in states(shop)] == ["a test phone", "the app team"]


def test_an_id_that_cannot_be_taken_says_why_and_what_to_do(shop: Workshop) -> None:
    first, second = ids(shop)
    undone = shop.recon("ack", first, "--undo", "--reason", "x")
    assert f"nothing was changed: {first} is open, not acknowledged" in undone.err
    assert "`recon discrepancies --status acknowledged` lists" in undone.err
    by_message = shop.recon("ack", "102", "--reason", "x")
    assert f"102 is the id of a message or record, whose findings are {first}" in by_message.err
    assert "`recon explain 102` shows each of its findings." in by_message.err
    rounded = shop.recon("ack", second, "1.23457E+15", "--reason", "x")
    assert "A spreadsheet turned it into a number." in rounded.err
    shop.change_records("INSERT INTO sends SELECT 2, 102, phone_number, sent_at, status FROM sends")
    shop.run("--offline")
    resolved = shop.recon("ack", first, "--reason", "x")
    assert f"{first} is resolved: no run finds it any more" in resolved.err
    codes = {one.code for one in (undone, by_message, rounded, resolved)}
    assert (codes, states(shop)[-1]) == ({65}, ("open", None))


@pytest.mark.parametrize(
    ("head", "row", "codec"),
    [
        ("discrepancy_id;reason", "{};a test phone\r\n;\r\n", "utf-8-sig"),
        ("sep=;\r\nreason;discrepancy_id;kind", "a test phone;{};stuck", "utf-8"),
        ("discrepancy_id\treason", "{}\ta test phone", "utf-16"),
        ("Discrepancy_ID,Reason", "{},a test phone\n\n", "utf-8"),
    ],
)
def test_a_file_is_read_as_a_spreadsheet_saves_it(
    shop: Workshop, head: str, row: str, codec: str
) -> None:
    first, _ = ids(shop)
    (shop.path / "acks.csv").write_bytes(f"{head}\r\n{row.format(first)}".encode(codec))
    ended = shop.recon("ack", "--from-csv", "acks.csv")
    assert (ended.code, ended.out) == (0, "1 finding acknowledged\n"), ended.err
    assert states(shop)[0] == ("acknowledged", "a test phone")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no file"),
        (b"", "acks.csv is empty"),
        (b"PK\x03\x04[Content_Types].xml", "acks.csv is "),
        (b"kind,reason\nstuck,x\n", "acks.csv has no column discrepancy_id"),
        (b"discrepancy_id,reason\n\na1,x\n,y\n", "acks.csv, row 4: no discrepancy_id"),
    ],
)
def test_a_file_that_names_no_findings_is_refused_in_words(
    workshop: Workshop, content: bytes | None, said: str
) -> None:
    workshop.configure("http://127.0.0.1:9")
    if content is not None:
        (workshop.path / "acks.csv").write_bytes(content)
    ended = workshop.recon("ack", "--from-csv", "acks.csv")
    assert ended.code == 65
    assert said in ended.err


def test_ids_are_taken_as_people_paste_them(shop: Workshop) -> None:
    first, second = ids(shop)
    pasted = f'"{first}",\n "{second.upper()}"'
    assert shop.recon("ack", pasted, first, "--reason", "known").out == "2 findings acknowledged\n"
    assert shop.recon("explain", f"`{first}`,").code == 0
    again = shop.recon("ack", f"{first},{second}", "--undo", "--reason", "x")
    assert again.out == "2 findings reopened\n"


@pytest.mark.parametrize(
    "args", [[], ["--reason", "x"], ["00000000000000a1"], ["", "--reason", "x"]]
)
def test_ids_and_reasons_are_needed(shop: Workshop, args: list[str]) -> None:
    assert shop.recon("ack", *args).code == 2


def test_a_stored_run_is_rendered_again(shop: Workshop) -> None:
    before = {path.name: path.read_bytes() for path in (shop.path / "reports/main").iterdir()}
    ended = shop.recon("report", "--output", shop.path / "again")
    assert ended.code == 0, ended.err
    assert f"main, Thursday {DAY}" in ended.out
    after = {path.name: path.read_bytes() for path in (shop.path / "again/main").iterdir()}
    assert after == before


def test_a_day_without_a_run_is_named(shop: Workshop) -> None:
    ended = shop.recon("report", "--date", "2026-01-01")
    assert ended.code == 65
    assert "no run of 2026-01-01 is stored for main" in ended.err
