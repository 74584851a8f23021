"""`recon collect` as cron and systemd start it: real processes, real signals, both databases."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from textwrap import dedent

import pytest
import sqlalchemy as sa

from recon.simulator import http_faults, traffic
from recon.simulator.channel import SIMULATED_KEY, Channel
from recon.simulator.server import Received, serve
from recon.simulator.simulated_responses import LIST_PATH
from recon.store import messages
from recon.store.engine import connect, reading
from recon.store.tables import polls
from tests.cli.workshop import NUMBER, Workshop, awaited
from tests.clocks import real
from tests.store import processes

ROOT = str(Path(__file__).parents[2])
HEAVY = {"pandas", "numpy", "pyarrow", "alembic", "requests", "phonenumbers"}


@pytest.fixture
def channel() -> Channel:
    """Three messages of the last hours."""
    made = Channel(first_id=101)
    for n in range(3):
        made.send(NUMBER.format(n), real() - timedelta(hours=3 - n))
    return made


@pytest.fixture
def requests() -> list[Received]:
    """The requests that reached the provider."""
    return []


@pytest.fixture
def shop(workshop: Workshop, channel: Channel, requests: list[Received]) -> Iterator[Workshop]:
    """A workshop whose provider runs by the real clock."""
    workshop.add_records(*((n, 101 + n, NUMBER.format(n), real(), "sent") for n in range(3)))
    with serve(channel, clock=real, log=requests) as url:
        workshop.configure(url)
        yield workshop


def kept(workshop: Workshop) -> tuple[int, int]:
    """Return how many polls and messages are stored."""
    [row] = workshop.query("SELECT (SELECT count(*) FROM polls), (SELECT count(*) FROM messages)")
    return row


def test_a_poll_is_reported_in_a_line_and_what_is_not_due_makes_no_mail(
    shop: Workshop, requests: list[Received]
) -> None:
    first, second = shop.recon("collect"), shop.recon("collect")
    assert (first.code, second.code) == (0, 0), first.err + second.err
    [line] = [line for line in first.err.splitlines() if "recon.jobs" in line]
    assert "account main: polled (this key was never polled): 3 of 3 messages are new" in line
    assert (first.out, second.out, second.err) == ("", "", "")
    assert (kept(shop), len(requests)) == ((1, 3), 1)


def test_what_is_not_due_says_why_when_asked_for_details(shop: Workshop) -> None:
    shop.recon("collect")
    ended = shop.recon("-v", "collect")
    assert "account main: no poll is due: " in ended.err


def test_force_polls_anyway(shop: Workshop) -> None:
    shop.recon("collect")
    assert shop.recon("collect", "--force").code == 0
    assert kept(shop) == (2, 3)


def test_only_the_named_accounts_are_polled(shop: Workshop, requests: list[Received]) -> None:
    shop.configure("http://127.0.0.1:9", accounts={"main": "OCTOPODS_API_KEY", "other": "OTHER"})
    ended = shop.recon("collect", "--account", "othr")
    assert (ended.code, "did you mean 'other'?" in ended.err) == (2, True)
    assert shop.recon("collect", "--account", "other").code == 78
    assert requests == []


def test_the_worst_exit_code_of_the_accounts_wins(shop: Workshop) -> None:
    shop.environ |= {"WRONG": "typo"}
    text = (shop.path / "recon.toml").read_text()
    more = text[text.index("[accounts.main]") :]
    with (shop.path / "recon.toml").open("a") as config:
        for name in ("lost", "wrong"):
            config.write(
                more.replace("accounts.main", f"accounts.{name}").replace(
                    "OCTOPODS_API_KEY", name.upper()
                )
            )
    ended = shop.recon("collect")
    assert ended.code == 78
    assert "error: account lost" in ended.err
    assert "error: account wrong" in ended.err
    assert kept(shop) == (1, 3)
    assert shop.recon("collect", "--account", "wrong").code == 77


def test_a_provider_that_is_down_ends_with_75(shop: Workshop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    shop.configure(f"http://127.0.0.1:{port}")
    assert shop.recon("collect").code == 75


def test_a_poll_that_is_not_due_loads_nothing_heavy(shop: Workshop) -> None:
    shop.recon("collect")
    code = f"""
        import sys
        sys.argv = ["recon", "collect"]
        from recon.cli import main
        try:
            main()
        except SystemExit as end:
            assert end.code == 0
        print(*({HEAVY!r} & sys.modules.keys()))
    """
    ran = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", dedent(code)],
        cwd=shop.path,
        env={"OCTOPODS_API_KEY": shop.environ["OCTOPODS_API_KEY"], "PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_following_cleanly_while_it_sleeps(
    shop: Workshop, number: signal.Signals
) -> None:
    process = shop.fork("collect", "--follow")
    awaited(lambda: (shop.path / "recon.db").exists() and _polled(shop), process)
    process.send_signal(number)
    out, err = process.communicate(timeout=5)
    assert (process.returncode, out) == (0, ""), err
    assert "Traceback" not in err
    assert kept(shop) == (1, 3)


def _polled(shop: Workshop) -> bool:
    try:
        return kept(shop)[0] > 0
    except sqlite3.OperationalError:
        return False


def test_a_signal_abandons_a_request_in_progress_at_once_and_keeps_nothing_of_it(
    shop: Workshop, channel: Channel
) -> None:
    log: list[Received] = []
    with serve(channel, clock=real, script=[http_faults.drip(0.2)], log=log) as url:
        shop.configure(url)
        process = shop.fork("collect", "--follow")
        awaited(lambda: log, process)
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=10)
    assert process.returncode == 0, err
    assert time.monotonic() - begun < 3
    assert "Traceback" not in err
    assert kept(shop) == (0, 0)


def test_following_ends_with_the_worst_code_when_no_account_is_left(shop: Workshop) -> None:
    shop.environ["OCTOPODS_API_KEY"] = "typo"
    assert shop.recon("collect", "--follow").code == 77


# --- several at once -----------------------------------------------------------------------------

#: What each process does first. Its clock, and the provider's, begin when all are ready, and run so
#: much faster than the real one that messages settle while the test runs.
PREPARED = """
    import sys, time
    from datetime import datetime, timedelta
    from pathlib import Path
    from recon import config
    from recon.jobs import collector, night
    from recon.jobs.run_options import RunOptions
    from recon.jobs.runtime import Runtime
    from recon.store.engine import connect
    begun = datetime.fromisoformat({begun!r})
    def clock():
        return begun + {speed} * timedelta(seconds=time.time() - real_begun)
    runtime = Runtime(clock=clock, environ={{"OCTOPODS_API_KEY": {key!r}}})
    settings = config.load(Path({config!r}), {{}})
    engine = connect(settings.database.url.get_secret_value())
    print("ready", flush=True)
    real_begun = float(sys.stdin.readline())
    def well(outcomes):
        for outcome in outcomes:
            assert outcome.error is None, outcome.error
"""
IF_DUE = """
    well(collector.collect(settings, engine, ["main"], runtime))
"""
FORCED = """
    for _ in range(25):
        well(collector.collect(settings, engine, ["main"], runtime, force=True))
"""
NIGHT = """
    for _ in range(3):
        today = clock().date()
        options = RunOptions(
            (today, today), ["main"], directory=Path({reports!r}), trust_input=True
        )
        well(night.run(settings, engine, options, runtime))
"""
BEGUN = datetime(2026, 4, 23, 10, tzinfo=UTC)
SPEED = 200


@dataclass(slots=True)
class FastClock:
    """Stands still until it is started."""

    real_begun: float | None = None

    def start(self) -> float:
        """Begin, and return when that was."""
        self.real_begun = time.time()
        return self.real_begun

    def __call__(self) -> datetime:
        if self.real_begun is None:
            return BEGUN
        return BEGUN + SPEED * timedelta(seconds=time.time() - self.real_begun)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Processes that share a provider, records and a store, and begin at the same moment."""

    channel: Channel
    clock: FastClock
    prepared: str
    log: list[Received]

    def go(self, *acts: str) -> None:
        """Run a process for each of these acts, to their ends."""
        processes.at_once(
            [dedent(self.prepared) + dedent(act) for act in acts],
            word=lambda: str(self.clock.start()),
        )


@pytest.fixture
def crowd(workshop: Workshop, database_url: str) -> Iterator[Crowd]:
    """A message each ten simulated seconds, on SQLite and on PostgreSQL."""
    channel, clock, log = Channel(), FastClock(), list[Received]()
    moments = (BEGUN + n * timedelta(seconds=10) for n in count(-9))
    channel.follow(traffic.messages(Random(3), moments))
    workshop.add_records((1, 101, NUMBER.format(1), BEGUN, "sent"))
    with serve(channel, clock=clock, log=log) as url:
        workshop.configure(url, more=f'\n[database]\nurl = "{database_url}"\n')
        prepared = PREPARED.format(
            begun=BEGUN.isoformat(),
            speed=SPEED,
            key=SIMULATED_KEY,
            config=str(workshop.path / "recon.toml"),
        )
        yield Crowd(channel, clock, prepared, log)


def test_of_several_collectors_at_once_one_polls(crowd: Crowd) -> None:
    crowd.go(*[IF_DUE] * 4)
    assert len(crowd.log) == 1


@pytest.mark.thorough
def test_collectors_and_a_nightly_run_at_once_lose_and_double_nothing(
    crowd: Crowd, database_url: str, tmp_path: Path
) -> None:
    crowd.go(FORCED, FORCED, NIGHT.format(reports=str(tmp_path / "reports")))
    engine = connect(database_url)
    [span] = messages.spans(engine, "main")
    assert span.start is None
    assert span.end is not None
    assert span.end > BEGUN
    truth = [one for one in crowd.channel.sent(crowd.clock()) if one.sent_at < span.end]
    stored = messages.read(engine, "main", None, None)
    inside = stored[stored["sent_at"] < span.end]
    assert sorted(inside["message_id"]) == [one.message_id for one in truth]
    with reading(engine) as connection:
        total = sa.select(sa.func.sum(polls.c.new_count), sa.func.count())
        new, made = connection.execute(total).one()
    assert new == len(stored)
    assert made == sum(one.path == LIST_PATH for one in crowd.log) >= 3
    engine.dispose()
