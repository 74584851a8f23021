"""Whatever ends a command, recon.db is whole in its one file afterwards."""

from __future__ import annotations

import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from recon.simulator import http_faults
from recon.simulator.channel import Channel
from recon.simulator.server import Received, serve
from tests.cli.workshop import MORNING_AFTER, NUMBER, Workshop, awaited, minute
from tests.clocks import ManualClock
from tests.factories import DAY


@pytest.fixture
def shop(workshop: Workshop) -> Iterator[Workshop]:
    """A workshop with a record that Octopods does not have, the provider running."""
    channel = Channel(first_id=101)
    channel.send(NUMBER.format(1), minute(1))
    workshop.add_records(
        (1, 101, NUMBER.format(1), minute(1), "sent"),
        (2, None, NUMBER.format(2), minute(2), "sent"),
    )
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        yield workshop


def dump(path: Path) -> list[str]:
    """Return all that is in a database file."""
    # Connection.iterdump does this too, but not every driver of SQLite has it.
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
        found = [str(sql) for _, sql in tables]
        for name, sql in tables:
            if str(sql).startswith("CREATE TABLE"):
                rows = connection.execute(f'SELECT * FROM "{name}"')  # noqa: S608 - our own tables
                found += [f'INSERT INTO "{name}" VALUES{row}' for row in rows]
        return found


def copied(database: Path) -> list[str]:
    """Return all that is in a copy of the one file, which is all that there is."""
    copy = database.with_name("copy.db")
    shutil.copy(database, copy)
    log = database.with_name(f"{database.name}-wal")
    assert not log.exists() or log.stat().st_size == 0
    found = dump(copy)
    assert found == dump(database)
    return found


def rows(dumped: list[str], table: str) -> int:
    return sum(line.startswith(f'INSERT INTO "{table}"') for line in dumped)


@pytest.mark.parametrize(
    "command",
    [
        ["db", "upgrade"],
        ["run", "--date", DAY],
        ["run", "--date", DAY, "--offline", "--exit-code"],
        ["collect", "--force"],
        ["discrepancies"],
        ["check"],
        ["db", "current"],
        ["db", "check"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("is_new", [True, False], ids=["new", "used"])
def test_after_each_command_the_file_holds_everything(
    shop: Workshop, command: list[str], *, is_new: bool
) -> None:
    before = 0 if is_new else 1
    if is_new:
        (shop.path / "recon.db").unlink()
    else:
        shop.run()
    shop.recon(*command)
    if not (shop.path / "recon.db").exists():
        assert command in (["check"], ["discrepancies"], ["db", "current"], ["db", "check"])
        return
    found = copied(shop.path / "recon.db")
    polled = command[0] == "collect" or (command[0] == "run" and "--offline" not in command)
    assert rows(found, "polls") == before + polled
    assert rows(found, "runs") == before + (command[0] == "run")
    assert rows(found, "alembic_version") == 1


@pytest.mark.parametrize(
    ("code", "prepare"),
    [
        (65, lambda shop: (shop.path / "sends.db").unlink()),
        (73, lambda shop: (shop.path / "reports").write_text("in the way")),
        (75, lambda shop: shop.configure("http://127.0.0.1:9")),
        (77, lambda shop: shop.environ.update(OCTOPODS_API_KEY="typo")),
        (78, lambda shop: shop.environ.clear()),
    ],
)
def test_after_an_error_too(
    shop: Workshop, code: int, prepare: Callable[[Workshop], object]
) -> None:
    prepare(shop)
    assert shop.run().code == code
    assert rows(copied(shop.path / "recon.db"), "alembic_version") == 1


def test_after_a_bug_too(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: object, **__: object) -> None:
        raise LookupError

    monkeypatch.setattr("recon.report.report_files.write", bug)
    assert shop.run().code == 70
    assert rows(copied(shop.path / "recon.db"), "runs") == 1


def test_the_demo_closes_its_databases(workshop: Workshop) -> None:
    assert workshop.recon("demo", "--keep").code == 0
    assert rows(copied(workshop.path / "demo" / "simulated" / "recon.db"), "runs") == 1


def test_what_a_killed_process_left_in_the_log_is_put_into_the_file(shop: Workshop) -> None:
    shop.run()
    left = {}
    with closing(sqlite3.connect(shop.path / "recon.db")) as connection:
        connection.execute("CREATE TABLE more (a)")
        connection.execute("INSERT INTO more VALUES (1)")
        connection.commit()
        for name in ("recon.db", "recon.db-wal"):
            left[name] = (shop.path / name).read_bytes()
    for name, content in left.items():
        (shop.path / name).write_bytes(content)
    assert shop.recon("discrepancies").code == 0
    assert rows(copied(shop.path / "recon.db"), "more") == 1


def test_another_process_that_has_the_file_open_is_in_nobodys_way(shop: Workshop) -> None:
    shop.run()
    with closing(sqlite3.connect(shop.path / "recon.db")) as other:
        other.execute("SELECT count(*) FROM runs").fetchone()
        assert shop.run().code == 0
        assert rows(copied(shop.path / "recon.db"), "runs") == 2


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129), (signal.SIGQUIT, 131)],
)
def test_after_a_signal_in_a_run_too(shop: Workshop, number: signal.Signals, code: int) -> None:
    log: list[Received] = []
    script = [http_faults.timeout()]
    with serve(Channel(), clock=ManualClock(MORNING_AFTER), script=script, log=log) as url:
        shop.configure(url)
        process = shop.fork("run", "--date", DAY)
        awaited(lambda: log, process)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert rows(copied(shop.path / "recon.db"), "alembic_version") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_after_a_signal_to_a_collector_that_stays_too(
    shop: Workshop, number: signal.Signals
) -> None:
    log: list[Received] = []
    with serve(Channel(), clock=ManualClock(MORNING_AFTER), log=log) as url:
        shop.configure(url)
        process = shop.start("collect", "--follow")
        awaited(lambda: log, process)
        # The answer is kept, or the request is broken off; either way nothing is left over.
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert rows(copied(shop.path / "recon.db"), "alembic_version") == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_after_a_signal_while_several_accounts_wait_too(
    shop: Workshop, number: signal.Signals, code: int
) -> None:
    log: list[Received] = []
    script = [http_faults.timeout(), http_faults.timeout()]
    shop.environ["OTHER_KEY"] = "simulated-other-key"
    keys = {"main": "OCTOPODS_API_KEY", "other": "OTHER_KEY"}
    with serve(Channel(), clock=ManualClock(MORNING_AFTER), script=script, log=log) as url:
        shop.configure(url, accounts=keys)
        process = shop.fork("run", "--date", DAY)
        awaited(lambda: len(log) == len(keys), process)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert rows(copied(shop.path / "recon.db"), "alembic_version") == 1
