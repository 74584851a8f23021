"""`recon ack` and `recon report`: findings that are accepted, and runs that are shown again."""

from __future__ import annotations

import pytest

from recon.simulator.channel import Channel
from recon.simulator.server import serve
from tests.cli.workshop import MORNING_AFTER, NUMBER, Workshop, minute
from tests.clocks import ManualClock
from tests.factories import DAY


@pytest.fixture
def shop(workshop: Workshop) -> Workshop:
    """A day with two messages that no record names."""
    channel = Channel(first_id=101)
    for nr in range(3):
        channel.send(NUMBER.format(nr), minute(nr))
    workshop.add_records((1, 101, NUMBER.format(0), minute(0), "read"))
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        assert workshop.run().code == 0
    return workshop


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
    assert "nothing was changed: ffffffffffffffff: unknown" in ended.err
    assert {state for state, _ in states(shop)} == {"open"}


def test_a_csv_file_brings_a_reason_for_each(shop: Workshop) -> None:
    first, second = ids(shop)
    file = shop.path / "acks.csv"
    file.write_text(f"discrepancy_id,reason\n{first},a test phone\n{second},\n")
    assert shop.recon("ack", "--from-csv", file).code == 65
    assert {state for state, _ in states(shop)} == {"open"}
    assert shop.recon("ack", "--from-csv", file, "--reason", "the app team").code == 0
    assert [reason for _, reason in states(shop)] == ["a test phone", "the app team"]


@pytest.mark.parametrize("args", [[], ["--reason", "x"], ["00000000000000a1"]])
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
