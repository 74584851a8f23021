"""Commands about several accounts: an error of one does not keep the others from being tried."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from recon.simulator.channel import Channel
from recon.simulator.server import serve
from recon.simulator.simulated_message import FAILED_AT_ONCE, Reason
from recon.store import lock
from recon.store.engine import connect
from tests.cli.workshop import MORNING_AFTER, NUMBER, Ended, Workshop, minute
from tests.clocks import ManualClock
from tests.factories import DAY

BUSY = Reason("(#131016) Service unavailable")
NAMES = ("attic", "main", "shop")


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Workshop:
    """Three accounts with the same two failed sends; no test changes it."""
    workshop = Workshop(tmp_path_factory.mktemp("judged"))
    shutil.copy(migrated_sqlite, workshop.path / "recon.db")
    channel = Channel(first_id=101)
    for nr in range(2):
        channel.send(NUMBER.format(nr), minute(nr), course=FAILED_AT_ONCE, reason=BUSY)
    workshop.add_records(
        *((nr + 1, 101 + nr, NUMBER.format(nr), minute(nr), "failed") for nr in range(2))
    )
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url, accounts=dict.fromkeys(NAMES, "OCTOPODS_API_KEY"))
        assert workshop.run().code == 0
    return workshop


@pytest.fixture
def three(judged: Workshop, tmp_path: Path) -> Workshop:
    """Such accounts of the test's own."""
    return judged.copied(tmp_path)


def set_table(workshop: Workshop, account: str, table: str) -> None:
    """Let the records of an account be in another table."""
    config = workshop.path / "recon.toml"
    before, after = config.read_text().split(f"[accounts.{account}.local]")
    _, after = after.split("table = ", 1)
    rest = after.partition("\n")[2]
    url = f'\nurl = "sqlite:///{workshop.path / "sends.db"}"\n'
    config.write_text(f'{before}[accounts.{account}.local]{url}table = "{table}"\n{rest}')


def without_runs(workshop: Workshop, account: str) -> None:
    """Rename an account, so that no run is stored under its name."""
    config = workshop.path / "recon.toml"
    config.write_text(config.read_text().replace(f"accounts.{account}", "accounts.new"))


def proposals(ended: Ended) -> Counter[tuple[str, str]]:
    return Counter((one["account"], one["decision"]) for one in json.loads(ended.out))


def test_a_report_of_an_account_without_a_run_does_not_keep_the_others_from_theirs(
    three: Workshop,
) -> None:
    without_runs(three, "attic")
    ended = three.recon("report", "--output", three.path / "again")
    assert ended.code == 65
    assert ended.err.startswith("error: no run is stored for new\n")
    assert "main" in ended.out
    assert "shop" in ended.out
    written = sorted(path.parent.name for path in (three.path / "again").glob(f"*/{DAY}.html"))
    assert written == ["main", "shop"]
    assert (three.path / "again/shop/index.html").exists()


def test_a_report_that_cannot_be_written_does_not_keep_the_others_from_theirs(
    three: Workshop,
) -> None:
    without_runs(three, "shop")
    (three.path / "again").mkdir()
    (three.path / "again/attic").write_text("a file, where the directory should be")
    ended = three.recon("report", "--output", three.path / "again")
    assert ended.code == 73
    assert "error: account attic: " in ended.err
    assert "error: no run is stored for new" in ended.err
    assert f"main, Thursday {DAY}" in ended.out
    assert (three.path / f"again/main/{DAY}.csv").exists()


@pytest.mark.parametrize("form", ["json", "csv"])
def test_only_what_is_written_out_is_exported_if_an_account_cannot_be_read(
    three: Workshop, form: str
) -> None:
    set_table(three, "attic", "nowhere")
    ended = three.recon("retries", "--date", DAY, "--format", form)
    assert ended.code == 65
    assert ended.err.count("error: ") == 1
    assert "error: account attic: " in ended.err
    if form == "json":
        assert proposals(ended) == {("main", "retry"): 2, ("shop", "retry"): 2}
    else:
        assert ended.out.count(",retry,") == 4
    set_table(three, "attic", "sends")
    again = three.recon("retries", "--date", DAY, "--format", "json")
    assert again.code == 0
    assert proposals(again) == {
        ("attic", "retry"): 2,
        ("main", "review"): 2,
        ("shop", "review"): 2,
    }


def test_the_table_of_retries_names_an_account_that_cannot_be_read(three: Workshop) -> None:
    set_table(three, "attic", "nowhere")
    ended = three.recon("retries", "--date", DAY, "--account", "attic", "--account", "main")
    assert ended.code == 65
    assert "error: account attic: " in ended.err
    assert ended.out.startswith("attic: an error occurred; ")
    assert "2 failed sends: 2 retry" in ended.out


def test_if_no_account_can_be_read_nothing_is_said_of_failed_sends(three: Workshop) -> None:
    for name in NAMES:
        set_table(three, name, "nowhere")
    for form in ("table", "csv", "json"):
        ended = three.recon("retries", "--date", DAY, "--format", form)
        assert (ended.code, ended.out) == (65, "")
        assert [f"account {name}: " in ended.err for name in NAMES] == [True] * 3


def test_proposals_that_cannot_be_stored_are_not_written_out(three: Workshop) -> None:
    with closing(sqlite3.connect(three.path / "recon.db")) as store, store:
        [(attic,)] = store.execute("SELECT id FROM accounts WHERE name = 'attic'")
        store.execute(
            f"CREATE TRIGGER refuse BEFORE INSERT ON retry_exports WHEN NEW.account_id = {attic} "
            "BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
    ended = three.recon("retries", "--date", DAY, "--format", "json")
    assert ended.code == 70
    assert "error: account attic: internal error" in ended.err
    assert proposals(ended) == {("main", "retry"): 2, ("shop", "retry"): 2}
    assert len(three.query("SELECT message_id FROM retry_exports")) == 4


def test_an_id_is_explained_as_pasted_though_an_account_cannot_be_read(three: Workshop) -> None:
    set_table(three, "attic", "nowhere")
    three.change_records("INSERT INTO sends VALUES (900, NULL, NULL, '2026-04-23T12:00:00', NULL)")
    ended = three.recon("explain", "record", "900", "--account", "attic", "--account", "main")
    assert ended.code == 0, ended.err
    assert "account attic was not searched: " in ended.err


def test_an_id_that_is_not_found_names_each_account_that_was_not_searched(three: Workshop) -> None:
    set_table(three, "attic", "nowhere")
    set_table(three, "shop", "nowhere")
    ended = three.recon("explain", "123456")
    assert (ended.code, ended.out) == (65, "")
    assert "error: account attic: " in ended.err
    assert "error: account shop: " in ended.err
    assert "account main" not in ended.err


def holders(workshop: Workshop) -> list[str]:
    """Return the accounts that have stored messages."""
    query = "SELECT DISTINCT name FROM messages JOIN accounts ON account_id = id"
    return [name for (name,) in workshop.query(query)]


@contextmanager
def held(workshop: Workshop, account: str) -> Iterator[None]:
    """Hold the lock of an account."""
    engine = connect(f"sqlite:///{workshop.path / 'recon.db'}")
    try:
        with lock.hold(engine, account):
            yield
    finally:
        engine.dispose()


def test_a_purge_skips_an_account_that_is_in_use(three: Workshop) -> None:
    with held(three, "attic"):
        ended = three.recon("purge", "--older-than", "10")
    assert ended.code == 75
    assert "error: account attic: another run holds the lock of account 'attic'" in ended.err
    assert "main: 2 messages" in ended.out
    assert "shop: 2 messages" in ended.out
    assert "nothing is stored" not in ended.out
    assert holders(three) == ["attic"]


def test_the_purge_of_a_night_skips_an_account_that_is_in_use(three: Workshop) -> None:
    with (three.path / "recon.toml").open("a") as config:
        config.write("\n[retention]\ndays = 10\nautomatic = true\n")
    with held(three, "attic"):
        ended = three.run("--offline", "--account", "main")
    assert ended.code == 0
    assert "account attic: not all data older than " in ended.err
    assert holders(three) == ["attic"]
