"""A day of `recon collect --follow` at 1,000 messages a minute, and a night after a year of them.

Run `python -m benchmarks.load [--hours N] [--interval SECONDS] [sqlite] [postgresql]`; without
arguments 24 hours on both, with the least interval between two requests that is the default.

The day is simulated time over real HTTP: the follower sleeps as long as it likes, which takes no
time, and asks a simulated Octopods that lists what was sent by its clock. The records are in SQLite
and are written as time passes. `check` is all that the follower does between two pauses, `poll`
the same where it asked; both are medians of the first and the last hour, in processor time of the
process, which the simulated Octopods is a part of. Memory is what the process holds at its end,
`store` the size of the database then. `bytes` is the growth of the store by its messages. Each part
is told on standard error when it ends.

The year is loaded as in `benchmarks.growth`: its log of polls, its coverage, and the newest two
million messages. `night` is `recon run --offline` of its last whole day with as many records, in a
process of its own, beside the same after two days; processor time and the peak of memory.
"""

from __future__ import annotations

import argparse
import gc
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import floor
from pathlib import Path
from random import Random
from typing import Final

import sqlalchemy as sa

from benchmarks import growth
from benchmarks.records import database
from recon import config
from recon.jobs.follow import follow
from recon.jobs.runtime import Runtime
from recon.jobs.shutdown import Stop
from recon.model import LISTING_LIMIT
from recon.simulator.channel import SIMULATED_KEY, Channel
from recon.simulator.list_misbehaviours import Page
from recon.simulator.server import Received, serve
from recon.simulator.simulated_message import DELIVERED, SimulatedMessage
from recon.store import schema
from recon.store.dialects import is_postgres
from recon.store.engine import connect

HOURS: Final = 24
INTERVAL: Final = 1.0
HOUR: Final = timedelta(hours=1)
PER_SECOND: Final = 1000 / 60
START: Final = datetime(2026, 4, 23, tzinfo=UTC)
NUMBER: Final = "+353871234567"

_CONFIG: Final = """
timezone = "UTC"

[database]
url = "{database}"

[octopods]
base_url = "{base_url}"
min_interval_seconds = {interval}

[report]
directory = "{room}/reports"

[accounts.main]
api_key_env = "KEY"

[accounts.main.local]
url = "sqlite:///{room}/sends.db"
table = "sends"
"""
_SENDS: Final = (
    "CREATE TABLE sends (id INTEGER PRIMARY KEY, message_id INTEGER, phone_number TEXT, "
    "sent_at TEXT, status TEXT)"
)


class SteadyChannel(Channel):
    """A key whose message number `n` is sent `n / PER_SECOND` seconds after `START`."""

    def has_sent(self, key: str | None, now: datetime) -> bool:  # noqa: ARG002 - there is one
        """Say whether anything was sent."""
        return self._sent(now) > 0

    def page(
        self,
        now: datetime,
        *,
        key: str | None = None,  # noqa: ARG002 - there is one
        limit: int = LISTING_LIMIT,
    ) -> Page:
        """Return what the list call answers with."""
        last = self._sent(now)
        shown = [_message(n) for n in range(last, max(0, last - limit), -1)]
        return Page(now, shown, limit, now)

    def find(
        self,
        message_id: int,
        now: datetime,
        *,
        key: str | None = None,  # noqa: ARG002 - there is one
    ) -> SimulatedMessage | None:
        """Return the message with this id."""
        return _message(message_id) if 0 < message_id <= self._sent(now) else None

    @staticmethod
    def _sent(now: datetime) -> int:
        return floor((now - START).total_seconds() * PER_SECOND)


def _message(n: int) -> SimulatedMessage:
    return SimulatedMessage(n, NUMBER, START + timedelta(seconds=n / PER_SECOND), DELIVERED)


# --- a day of following ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """What a part of the simulated time took."""

    check: float
    """Seconds, the median of those without a poll."""
    poll: float
    """Seconds, the median."""
    polls: int
    megabytes: float
    """What the process held at its end."""
    store: float
    """Megabytes of the database at its end."""

    def __str__(self) -> str:
        """Return a line of the table."""
        return (
            f"poll {self.poll * 1e3:.1f} ms, check {self.check * 1e3:.1f} ms, "
            f"{self.polls:,} polls, memory {self.megabytes:.0f} MB, store {self.store:.1f} MB"
        )


@dataclass(slots=True)
class Follower:
    """Follows for some time, and measures each part of it."""

    room: Path
    url: str
    interval: float = INTERVAL
    """Least seconds between two requests."""
    requests: list[Received] = field(default_factory=list)
    now: datetime = START
    parts: list[Part] = field(default_factory=list)
    _checks: list[float] = field(default_factory=list)
    _polls: list[float] = field(default_factory=list)
    _asked: int = 0
    _recorded: int = 0
    _since: float = 0.0
    _engine: sa.Engine | None = None

    def follow(self, length: timedelta, part: timedelta = HOUR) -> None:
        """Follow so long, in simulated time, and measure parts of this length."""
        with closing(sqlite3.connect(self.room / "sends.db")) as records:
            records.execute("PRAGMA synchronous = OFF")
            records.execute("PRAGMA journal_mode = WAL")
            records.execute(_SENDS)
            records.execute("CREATE INDEX sends_sent_at ON sends (sent_at)")
            stop = Stop()

            def sleep(seconds: float) -> None:
                self._note(time.process_time() - self._since)
                self.now += timedelta(seconds=seconds)
                self._record(records)
                if self.now >= START + (len(self.parts) + 1) * part:
                    self._end_part()
                if self.now >= START + length:
                    stop.ask()
                self._since = time.process_time()

            runtime = Runtime(
                clock=lambda: self.now,
                monotonic=lambda: self.now.timestamp(),  # noqa: PLW0108 - later ones too
                sleep=sleep,
                rng=Random(7),
                environ={"KEY": SIMULATED_KEY},
            )
            with serve(SteadyChannel(), clock=lambda: self.now, log=self.requests) as base_url:
                settings = configured(self.room, self.url, base_url, self.interval)
                self._since = time.process_time()
                engine = self._engine = connect(self.url)
                follow(settings, lambda: engine, ["main"], runtime, stop)
                engine.dispose()

    def _note(self, taken: float) -> None:
        (self._polls if len(self.requests) > self._asked else self._checks).append(taken)
        self._asked = len(self.requests)

    def _record(self, records: sqlite3.Connection) -> None:
        sent = SteadyChannel._sent(self.now)  # noqa: SLF001 - of this module
        rows = (
            (n, n, NUMBER, _message(n).sent_at.isoformat(), "sent")
            for n in range(self._recorded + 1, sent + 1)
        )
        with records:
            records.executemany("INSERT INTO sends VALUES (?, ?, ?, ?, ?)", rows)
        self._recorded = sent

    def _end_part(self) -> None:
        gc.collect()
        check = statistics.median(self._checks or [0.0])
        poll = statistics.median(self._polls or [0.0])
        stored = size(self._engine) / 1e6 if self._engine else 0.0
        self.parts.append(Part(check, poll, len(self._polls), _resident(), stored))
        print(f"    part {len(self.parts)}: {self.parts[-1]}", file=sys.stderr, flush=True)
        self._checks.clear()
        self._polls.clear()


def configured(room: Path, url: str, base_url: str, interval: float = INTERVAL) -> config.Settings:
    """Write a configuration, and load it."""
    text = _CONFIG.format(database=url, base_url=base_url, room=room, interval=interval)
    (room / "recon.toml").write_text(text)
    return config.load(room / "recon.toml", {})


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def size(engine: sa.Engine) -> int:
    """Return how many bytes the store takes."""
    asked = (
        "SELECT pg_database_size(current_database())"
        if is_postgres(engine)
        else "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    )
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(asked).scalar_one())


def day(
    url: str, room: Path, length: timedelta, part: timedelta = HOUR, interval: float = INTERVAL
) -> list[str]:
    """Follow for some time; return the lines of the table.

    Args:
        url: of an empty database.
        room: an empty directory.
        length: of the time.
        part: of it that is measured at its beginning and end.
        interval: least seconds between two requests.
    """
    engine = connect(url)
    schema.upgrade(engine)
    empty = size(engine)
    follower = Follower(room, url, interval)
    follower.follow(length, part)
    counted, bytes_ = growth.counts(engine), size(engine) - empty
    engine.dispose()
    first, last = follower.parts[0], follower.parts[-1]
    asked, sent = len(follower.requests), SteadyChannel._sent(follower.now)  # noqa: SLF001
    rows = ", ".join(f"{name} {count:,}" for name, count in counted.items())
    return [
        f"{length / HOUR:g} h: {sent:,} messages sent, {asked:,} requests",
        *(f"{name} part: {one}" for name, one in (("first", first), ("last", last))),
        f"{rows}; {bytes_ / max(1, counted['messages']):.0f} bytes a message",
    ]


# --- a night after a year ----------------------------------------------------------------------


def night(url: str, room: Path, length: timedelta, newest: int) -> str:
    """Load so long a time, run the night of its last whole day, and return what it took.

    Args:
        url: of an empty database.
        room: an empty directory.
        length: of the time.
        newest: how many of the newest messages are loaded.
    """
    engine = connect(url)
    schema.upgrade(engine)
    growth.load(engine, newest, length=length)
    engine.dispose()
    last = growth.START + length - timedelta(days=1)
    _write_records(room, last, newest)
    configured(room, url, "http://127.0.0.1:1")
    return _run(room, last)


def _write_records(room: Path, start: datetime, newest: int) -> None:
    """Record what `growth.load` has loaded of a day, each message with its id."""
    before = int((start - growth.START).total_seconds() * growth.PER_SECOND)
    # The last poll was made five seconds before the end of the day.
    last = before + int((86_400 - growth.EVERY.total_seconds()) * growth.PER_SECOND)
    first = max(before, last - newest)

    def rows() -> Iterator[tuple[object, ...]]:
        for n in range(first + 1, last + 1):
            at = growth.START + timedelta(seconds=floor(n / growth.PER_SECOND))
            yield n, n, NUMBER, at.isoformat(), "sent"

    with closing(sqlite3.connect(room / "sends.db")) as records, records:
        records.execute(_SENDS)
        records.executemany("INSERT INTO sends VALUES (?, ?, ?, ?, ?)", rows())
        records.execute("CREATE INDEX sends_sent_at ON sends (sent_at)")


def _run(room: Path, start: datetime) -> str:
    """Run the night in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    morning = (start + timedelta(days=1, hours=3)).isoformat()
    command = (sys.executable, "-c", _MEASURED, str(room / "recon.toml"), morning)
    days = ("--date", f"{start:%Y-%m-%d}", "--offline", "--trust-input")
    said = subprocess.run(
        (*command, *days),
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    taken = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = int(said.stderr.rsplit("peak ", 1)[1])
    return f"night {taken:.1f} s of processor time, {peak / 1024:.0f} MB"


#: `recon run` at a time that is given, whenever it is.
_MEASURED: Final = """
import resource, sys
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from recon.cli.common import Session
from recon.cli.run import command
from recon.jobs.runtime import Runtime

config, now, *argv = sys.argv[1:]
with ExitStack() as at_exit:
    runtime = Runtime(clock=lambda: datetime.fromisoformat(now))
    command.main(argv, obj=Session(Path(config), runtime, at_exit), standalone_mode=False)
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""

YEARS: Final = (("after two days", timedelta(days=2)), ("after a year", growth.YEAR))


def main(arguments: Sequence[str]) -> None:
    """Print what a day and the nights take on each database."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load")
    parser.add_argument("databases", nargs="*", default=["sqlite", "postgresql"])
    parser.add_argument("--hours", type=float, default=HOURS)
    parser.add_argument("--interval", type=float, default=INTERVAL)
    asked = parser.parse_args(arguments)
    for name in asked.databases:
        print(name)
        with tempfile.TemporaryDirectory() as room, database(name, Path(room)) as url:
            for line in day(url, Path(room), asked.hours * HOUR, interval=asked.interval):
                print(f"  {line}", flush=True)
        for case, length in YEARS:
            with tempfile.TemporaryDirectory() as room, database(name, Path(room)) as url:
                taken = night(url, Path(room), length, growth.MESSAGES)
                print(f"  {case}: {taken}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
