"""A range in several processes that loses some of them, or its database, while it is judged."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon.errors import TemporaryError
from recon.simulator.server import serve
from recon.store import schema
from recon.store.engine import connect
from tests import postgres
from tests.cli.test_backfill import filled
from tests.cli.test_cluster import Cluster, cluster, query, state, waiting
from tests.cli.workshop import MORNING_AFTER, Workshop, awaited
from tests.clocks import ManualClock
from tests.factories import DAY
from tests.forked import Forked

__all__ = ["cluster"]
pytestmark = pytest.mark.thorough

#: Four times as many as are read together: more than two processes are given at once.
DAYS = 28
FIRST = date.fromisoformat(DAY) - timedelta(days=DAYS - 1)
RANGE = ("run", "--from", FIRST.isoformat(), "--to", DAY, "--no-email", "--offline")
#: Sixteen rows fit into a process.
LIMIT_OF_WORKERS, LIMIT_OF_ONE = "480.01MB", "160.005MB"
RECORDS = (
    "CREATE TABLE sends (id bigint PRIMARY KEY, message_id bigint, phone_number text,"
    " sent_at text, status text)"
)
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Shop:
    """A workshop whose store and records are in a database of a server of their own."""

    workshop: Workshop
    server: postgres.Server
    url: str

    def copied(self, path: Path) -> Shop:
        """Copy the directory and the database."""
        name = f"copy_{next(_numbers)}"
        with administration(self.server) as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE collected")
        workshop = self.workshop.copied(path)
        config = workshop.path / "recon.toml"
        config.write_text(config.read_text().replace("/collected?", f"/{name}?"))
        return Shop(workshop, self.server, self.url.replace("/collected?", f"/{name}?"))

    def run_ids(self) -> list[object]:
        """Return the runs that are stored."""
        return query(self.url, "SELECT id FROM runs")

    def state(self) -> dict[str, object]:
        """Return all that runs leave, but for what each run has of its own."""
        return state(self.workshop, self.url)

    @contextmanager
    def locked(self, table: str, mode: str) -> Iterator[None]:
        """Hold a lock until the block ends, or the server does."""
        engine = connect(self.url)
        connection = engine.connect()
        connection.execute(sa.text(f"LOCK TABLE {table} IN {mode} MODE"))
        try:
            yield
        finally:
            with suppress(sa.exc.DBAPIError):
                connection.close()
            engine.dispose()

    @contextmanager
    def storing(self, *options: str) -> Iterator[Forked]:
        """Start the range, and give the command when it is about to store the first day.

        It waits until the block ends.
        """
        with self.locked("runs", "SHARE"):
            command = self.workshop.fork(*RANGE, *options)
            awaited(lambda: waiting(self.url), command)
            yield command

    @contextmanager
    def held(self, *options: str) -> Iterator[Forked]:
        """Start the range, and give the command when some days are stored and others being read.

        All who read records wait until the block ends.
        """
        with ExitStack() as records:
            with self.storing(*options) as command:
                records.enter_context(self.locked("sends", "ACCESS EXCLUSIVE"))
            awaited(lambda: self.run_ids() and waiting(self.url), command)
            yield command

    def must_end_in_words(self, command: Forked, words: str) -> None:
        """The command has to end with 75 and these words, with some days stored."""
        _, said = command.communicate()
        assert (command.returncode, "Traceback" in said) == (TemporaryError.exit_code, False), said
        assert words in said
        assert 0 < len(self.run_ids()) < DAYS

    def must_go_on_like(self, undisturbed: dict[str, object]) -> None:
        """The same command without its options does the rest, and each day is stored once."""
        ended = self.workshop.recon(*RANGE)
        assert ended.code == 0, ended.err
        assert len(self.run_ids()) == DAYS
        assert self.state() == undisturbed


@contextmanager
def administration(server: postgres.Server) -> Iterator[sa.Connection]:
    engine = sa.create_engine(server.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The days, collected and not run."""
    workshop = Workshop(tmp_path_factory.mktemp("collected"))
    with postgres.own_server() as server:
        with administration(server) as connection:
            connection.exec_driver_sql("CREATE DATABASE collected")
            # What is committed has to be there after the server has crashed.
            connection.exec_driver_sql("ALTER ROLE postgres SET synchronous_commit = on")
        url = server.url.replace("/postgres?", "/collected?")
        engine = connect(url)
        schema.upgrade(engine)
        with serve(filled(workshop, DAYS), clock=ManualClock(MORNING_AFTER)) as base_url:
            workshop.configure(base_url, more=f'[database]\nurl = "{url}"\n')
            config = workshop.path / "recon.toml"
            records = workshop.path / "sends.db"
            config.write_text(config.read_text().replace(f"sqlite:///{records}", url))
            assert workshop.recon("collect").code == 0
        with closing(sqlite3.connect(records)) as file, engine.begin() as connection:
            connection.exec_driver_sql(RECORDS)
            connection.exec_driver_sql(
                "INSERT INTO sends VALUES (%s, %s, %s, %s, %s)",
                file.execute("SELECT * FROM sends").fetchall(),
            )
        engine.dispose()
        yield Shop(workshop, server, url)


@pytest.fixture(scope="module")
def undisturbed(collected: Shop, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What a range that nothing disturbs leaves."""
    shop = collected.copied(tmp_path_factory.mktemp("undisturbed"))
    assert shop.workshop.recon(*RANGE).code == 0
    return shop.state()


@pytest.fixture
def shop(collected: Shop, tmp_path: Path) -> Shop:
    """The days, collected and not run, in a directory and a database of the test's own."""
    return collected.copied(tmp_path / "shop")


def workers_of(command: Forked) -> list[int]:
    """Return the processes that a command has started to work for it."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == command.pid and b"spawn_main" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
    return found


def has_partitions(process: int) -> bool:
    """Say whether a process has rows in files."""
    for path in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):
            folder = path.readlink()
            if folder.name.startswith(".recon-partitions-") and any(folder.iterdir()):
                return True
    return False


def partitions_in(folder: Path) -> list[Path]:
    """Return what is there of days that lie in files."""
    return list(folder.rglob(".recon-partitions-*"))


@pytest.mark.parametrize("limit", [(), ("--memory-limit", LIMIT_OF_WORKERS)])
def test_a_worker_that_is_killed(
    shop: Shop, undisturbed: dict[str, object], limit: Sequence[str]
) -> None:
    with shop.held("--workers", "2", *limit) as command:
        doomed = next(one for one in workers_of(command) if not limit or has_partitions(one))
        os.kill(doomed, 9)
        shop.must_end_in_words(command, "a worker process was killed")
    left = partitions_in(shop.workshop.path)
    assert bool(left) is bool(limit)
    shop.must_go_on_like(undisturbed)
    # The next command that divides a day into files removes them.
    assert shop.workshop.recon(*RANGE, "--memory-limit", LIMIT_OF_ONE).code == 0
    assert partitions_in(shop.workshop.path) == []


def test_a_worker_that_is_killed_while_days_are_stored(
    shop: Shop, undisturbed: dict[str, object]
) -> None:
    with shop.storing("--workers", "2") as command:
        for one in workers_of(command):
            os.kill(one, 9)
    shop.must_end_in_words(command, "a worker process was killed")
    shop.must_go_on_like(undisturbed)


def test_a_worker_of_a_cluster_that_is_killed(
    shop: Shop, undisturbed: dict[str, object], cluster: Cluster
) -> None:
    cluster.start_scheduler()
    workers = [cluster.start_worker() for _ in range(2)]
    argv = ("--scheduler", cluster.address, "--memory-limit", LIMIT_OF_ONE)
    with shop.held(*argv) as command:
        next(one for one in workers if has_partitions(one.pid)).kill()
    _, said = command.communicate()
    assert (command.returncode, "Traceback" in said) == (0, False), said
    shop.must_go_on_like(undisturbed)


def test_a_scheduler_that_is_killed(
    shop: Shop, undisturbed: dict[str, object], cluster: Cluster
) -> None:
    scheduler = cluster.start_scheduler()
    cluster.start_worker()
    argv = ("--scheduler", cluster.address, "--memory-limit", LIMIT_OF_ONE)
    with shop.held(*argv) as command:
        scheduler.kill()
        shop.must_end_in_words(command, "the connection to the Dask scheduler was lost")
    shop.must_go_on_like(undisturbed)


def test_a_scheduler_that_is_killed_while_days_are_stored(
    shop: Shop, undisturbed: dict[str, object], cluster: Cluster
) -> None:
    scheduler = cluster.start_scheduler()
    cluster.start_worker()
    with shop.storing("--scheduler", cluster.address) as command:
        scheduler.kill()
    shop.must_end_in_words(command, "the connection to the Dask scheduler was lost")
    shop.must_go_on_like(undisturbed)


@pytest.mark.parametrize("how", ["fast", "immediate"])
@pytest.mark.parametrize("where", ["here", "workers", "cluster"])
def test_a_server_that_is_restarted(
    shop: Shop, undisturbed: dict[str, object], cluster: Cluster, where: str, how: str
) -> None:
    argv: tuple[str, ...] = ()
    if where == "workers":
        argv = ("--workers", "2", "--memory-limit", LIMIT_OF_WORKERS)
    elif where == "cluster":
        cluster.start_scheduler()
        cluster.start_worker()
        argv = ("--scheduler", cluster.address, "--memory-limit", LIMIT_OF_ONE)
    with shop.held(*argv) as command:
        shop.server.restart(how)
        shop.must_end_in_words(command, "try again later")
    shop.must_go_on_like(undisturbed)
