"""A range in several processes on one PostgreSQL: parts, and a Dask cluster that loses some."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon.simulator.server import serve
from recon.store.engine import connect
from tests.cli.test_backfill import DAYS, OFFLINE, filled
from tests.cli.workshop import MORNING_AFTER, Workshop, awaited
from tests.clocks import ManualClock
from tests.forked import Forked

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.parametrize("database_url", ["postgres"], indirect=True),
]

#: What each run has of its own in its files.
_OF_A_RUN = re.compile(r"[0-9a-f-]{36}|<p>Run .*|datetime=.*|.finished_at.:.*")


@dataclass(slots=True)
class Cluster:
    """A scheduler and its workers."""

    path: Path
    started: list[Forked] = field(default_factory=list)

    @property
    def address(self) -> str:
        return str(json.loads((self.path / "scheduler.json").read_text())["address"])

    def start_scheduler(self) -> Forked:
        process = self._start("scheduler", "--host", "tcp://127.0.0.1:0")
        awaited(self._is_reachable, process)
        return process

    def _is_reachable(self) -> bool:
        # The file is made empty, and filled a moment later.
        with suppress(FileNotFoundError, json.JSONDecodeError):
            return bool(self.address)
        return False

    def start_worker(self) -> Forked:
        # Without a nanny, a worker that is killed does not come back.
        return self._start("worker", "--nthreads", "1", "--no-nanny", "--memory-limit", "0")

    def _start(self, *words: str) -> Forked:
        argv = [*words, "--no-dashboard", "--scheduler-file", str(self.path / "scheduler.json")]
        environ = {**os.environ, "TMPDIR": str(self.path)}
        code = "from dask.__main__ import main; main()"
        process = Forked(code, *argv, cwd=self.path, environ=environ)
        self.started.append(process)
        return process


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path / "cluster")
    made.path.mkdir()
    try:
        yield made
    finally:
        for process in reversed(made.started):
            process.kill()
            process.communicate()


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Workshop:
    """Nine days of three messages and one lost record each, collected in PostgreSQL."""
    workshop = Workshop(tmp_path / "shop")
    workshop.path.mkdir()
    with serve(filled(workshop), clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url, more=f'[database]\nurl = "{database_url}"\n')
        assert workshop.recon("collect").code == 0
    return workshop


def state(shop: Workshop, url: str) -> dict[str, object]:
    """Return all that runs leave, but for what each run has of its own."""
    runs = (
        "SELECT date, verdict, local, provider, found, changes, verdict_basis FROM runs"
        " WHERE id IN (SELECT max(id) FROM runs GROUP BY date) ORDER BY date"
    )
    findings = "SELECT discrepancy_id, date, kind, status FROM findings ORDER BY discrepancy_id"
    pages = sorted((shop.path / "reports").rglob("*-*.*"))
    return {
        "runs": query(url, runs),
        "findings": query(url, findings),
        "files": {path.name: _OF_A_RUN.sub("", path.read_text()) for path in pages},
    }


def query(url: str, statement: str) -> list[object]:
    engine = connect(url)
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(statement))]
    finally:
        engine.dispose()


@contextmanager
def messages_locked(url: str) -> Iterator[None]:
    """Keep everybody from reading messages until the block ends."""
    engine = connect(url)
    try:
        with engine.begin() as connection:
            connection.execute(sa.text("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE"))
            yield
    finally:
        engine.dispose()


def waiting(url: str) -> int:
    """Return how many wait for a lock."""
    return len(query(url, "SELECT pid FROM pg_locks WHERE NOT granted"))


def test_a_cluster_finds_what_one_process_finds_whatever_part_of_it_is_lost(
    shop: Workshop, cluster: Cluster, database_url: str
) -> None:
    scheduler = cluster.start_scheduler()
    argv = [*OFFLINE, "--scheduler", cluster.address]
    doomed = cluster.start_worker()

    with messages_locked(database_url):
        command = shop.fork(*argv)
        awaited(lambda: waiting(database_url) == 1, command)
        command.send_signal(signal.SIGINT)
        _, said = command.communicate()
        assert (command.returncode, "Traceback" in said) == (130, False), said

    with messages_locked(database_url):
        command = shop.fork(*argv)
        awaited(lambda: waiting(database_url) == 1, command)
        doomed.kill()
        cluster.start_worker()
        awaited(lambda: waiting(database_url) == 2, command)
    _, said = command.communicate()
    assert (command.returncode, "Traceback" in said) == (0, False), said
    assert len(query(database_url, "SELECT id FROM runs")) == DAYS
    found = state(shop, database_url)

    with messages_locked(database_url):
        command = shop.fork(*argv, "--again")
        awaited(lambda: waiting(database_url) == 1, command)
        scheduler.kill()
        _, said = command.communicate()
    assert (command.returncode, "Traceback" in said) == (75, False), said
    assert "the connection to the Dask scheduler was lost" in said
    assert "Run the same command again" in said

    assert shop.recon(*OFFLINE, "--again").code == 0
    assert len(query(database_url, "SELECT id FROM runs")) == 2 * DAYS
    assert state(shop, database_url) == found


def test_parts_that_run_at_the_same_time_find_what_one_command_finds(
    shop: Workshop, database_url: str
) -> None:
    commands = [shop.fork(*OFFLINE, "--shard", f"{n}/3") for n in (1, 2, 3)]
    for command in commands:
        _, said = command.communicate()
        assert command.returncode == 0, said
    found = state(shop, database_url)
    assert len(query(database_url, "SELECT id FROM runs")) == DAYS
    assert shop.recon(*OFFLINE, "--again").code == 0
    again = state(shop, database_url)
    assert (again["runs"], again["findings"]) == (found["runs"], found["findings"])


def test_a_cluster_that_cannot_be_used_is_an_error_in_words(
    shop: Workshop, database_url: str
) -> None:
    argv = [*OFFLINE, "--scheduler"]
    ended = shop.recon(*argv, "nonsense://x")
    assert (ended.code, "not an address of a Dask scheduler" in ended.err) == (65, True), ended.err
    config = shop.path / "recon.toml"
    config.write_text(config.read_text().replace(database_url, "sqlite:///other.db"))
    ended = shop.recon(*argv, "tcp://127.0.0.1:1")
    assert (ended.code, "needs a PostgreSQL database" in ended.err) == (78, True), ended.err
