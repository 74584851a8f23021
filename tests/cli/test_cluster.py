"""A range in several processes on one PostgreSQL: parts, and a Dask cluster that loses some."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon.simulator.http_faults import Fault, FaultKind
from recon.simulator.server import Received, serve
from recon.store.engine import connect
from tests.cli.test_backfill import DAYS, OFFLINE, RANGE, filled
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
    pages = sorted((shop.path / "reports" / "main").glob("*-*.*"))
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


def test_requests_of_a_key_from_two_parts_on_a_cluster_are_kept_apart(
    workshop: Workshop, cluster: Cluster, database_url: str
) -> None:
    channel = filled(workshop)
    workshop.change_records("UPDATE sends SET message_id = 9000 + id WHERE message_id IS NULL")
    started = time.monotonic()

    def clock() -> datetime:
        return MORNING_AFTER + timedelta(seconds=time.monotonic() - started)

    pause, apart = 5, 2
    script = [None, None, Fault(FaultKind.RATE_LIMITED, pause)]
    log: list[Received] = []
    with serve(channel, clock=clock, log=log, script=script) as url:
        workshop.configure(url, max_wait=120, more=f'[database]\nurl = "{database_url}"\n')
        config = workshop.path / "recon.toml"
        interval = f"min_interval_seconds = {apart}\nstatus_lookups_per_run = 4"
        config.write_text(config.read_text().replace("min_interval_seconds = 0", interval))
        cluster.start_scheduler()
        for _ in range(2):
            cluster.start_worker()
        argv = [*RANGE, "--scheduler", cluster.address]
        for command in parts(workshop, argv):
            _, said = command.communicate()
            assert command.returncode == 0, said
    # Each part reads the list, and they share the status calls.
    assert 2 + 3 <= len(log) <= 2 + 4 + 1
    between = [(two.at - one.at).total_seconds() for one, two in pairwise(log)]
    assert between[2] >= pause
    # A request takes longer to arrive on a busy machine; without a distance it takes milliseconds.
    assert min(between) >= apart / 2


def test_a_pause_that_one_part_was_asked_for_holds_for_all(
    workshop: Workshop, database_url: str
) -> None:
    log: list[Received] = []
    script = [Fault(FaultKind.RATE_LIMITED, 3600)]
    clock = ManualClock(MORNING_AFTER)
    with serve(filled(workshop), clock=clock, log=log, script=script) as url:
        workshop.configure(url, max_wait=60, more=f'[database]\nurl = "{database_url}"\n')
        for _ in ("the first to ask is limited", "repeated"):
            for command in parts(workshop, RANGE):
                _, said = command.communicate()
                assert (command.returncode, "rate limit is used up" in said) == (75, True), said
    assert len(log) == 1


def parts(shop: Workshop, argv: Sequence[str]) -> list[Forked]:
    """Start both parts of a range at once."""
    return [shop.fork(*argv, "--shard", f"{n}/2") for n in (1, 2)]


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
