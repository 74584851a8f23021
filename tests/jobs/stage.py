"""Simulated time over real HTTP: a provider, records, a store and a runtime with one clock."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import sqlalchemy as sa

from recon import config
from recon.config import Settings
from recon.jobs.collector import AccountPoll, collect
from recon.jobs.follow import follow
from recon.jobs.runtime import Runtime
from recon.jobs.shutdown import Stop
from recon.simulator.channel import SIMULATED_KEY, Channel
from recon.simulator.http_faults import Fault
from recon.simulator.server import Received, serve
from tests.clocks import ManualClock
from tests.factories import NOON

_CONFIG = """
[database]
url = "{database}"

[octopods]
base_url = "{base_url}"
timeout_seconds = 5

[collect]
max_interval_minutes = 360
"""
#: The numbers that are written to, one after the other.
NUMBERS = "+3538712{:05}"

_ACCOUNT = """
[accounts.{name}]
api_key_env = "KEY_{name}"

[accounts.{name}.local]
url = "sqlite:///{records}"
table = "sends"
[accounts.{name}.local.columns]
id = ""
status = ""
"""


@dataclass(slots=True)
class Stage:
    """All that a collector meets."""

    room: Path
    engine: sa.Engine
    settings: Settings
    clock: ManualClock
    channel: Channel
    requests: list[Received]
    environ: dict[str, str]
    on_sleep: Callable[[float], None] = lambda _seconds: None
    """Called after each pause, with its seconds."""
    slept: list[float] = field(default_factory=list)

    @property
    def runtime(self) -> Runtime:
        """Return a runtime in which a pause takes no time but the clock's."""

        def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            self.clock.advance(seconds)
            self.on_sleep(seconds)

        def monotonic() -> float:
            return self.clock.now.timestamp()

        return Runtime(
            clock=self.clock,
            monotonic=monotonic,
            sleep=sleep,
            rng=Random(7),
            environ=self.environ,
        )

    @property
    def names(self) -> list[str]:
        """The accounts."""
        return list(self.settings.accounts)

    def send(self, count: int, *, seconds: float = 1.0, recorded: bool = True) -> None:
        """Send messages from now on, so many seconds apart, and record them; time passes."""
        times = []
        for n in range(count):
            self.clock.advance(seconds)
            self.channel.send(NUMBERS.format(n), self.clock.now)
            times.append(self.clock.now)
        if recorded:
            self.add_records(times)

    def add_records(self, times: Iterable[datetime]) -> None:
        """Write sends into the records, one to each number."""
        with closing(sqlite3.connect(self.room / "records.db")) as connection, connection:
            connection.executemany(
                "INSERT INTO sends (phone_number, sent_at) VALUES (?, ?)",
                [(NUMBERS.format(n), at.isoformat()) for n, at in enumerate(times)],
            )

    def collect(self, *, force: bool = False) -> list[AccountPoll]:
        """Collect once, as cron would."""
        return list(collect(self.settings, self.engine, self.names, self.runtime, force=force))

    def codes(self, *, force: bool = False) -> list[int]:
        """Collect once; return the exit codes of the accounts."""
        return [outcome.exit_code for outcome in self.collect(force=force)]

    def follow(
        self,
        until: timedelta,
        *,
        open_engine: Callable[[], sa.Engine] | None = None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> list[AccountPoll]:
        """Follow until so much time has passed; `meanwhile` is called after each pause."""
        stop = Stop()
        end = self.clock.now + until

        def on_sleep(_seconds: float) -> None:
            meanwhile()
            if self.clock.now >= end:
                stop.ask()

        self.on_sleep = on_sleep
        opened = open_engine or (lambda: self.engine)
        return follow(self.settings, opened, self.names, self.runtime, stop)

    def polls(self) -> int:
        """Return how many answers were kept."""
        with self.engine.connect() as connection:
            return int(connection.execute(sa.text("SELECT count(*) FROM polls")).scalar_one())


@contextmanager
def staged(
    room: Path,
    engine: sa.Engine,
    *,
    accounts: Sequence[str] = ("main",),
    script: Iterable[Fault | None] = (),
    channel: Channel | None = None,
) -> Iterator[Stage]:
    """Set the stage in a directory, at noon, with empty records and a key for each account."""
    with closing(sqlite3.connect(room / "records.db")) as connection, connection:
        connection.execute("CREATE TABLE sends (message_id, phone_number, sent_at TEXT)")
    channel = channel or Channel(keys=[SIMULATED_KEY])
    clock = ManualClock(NOON)
    requests: list[Received] = []
    with serve(channel, clock=clock, script=script, log=requests) as base_url:
        database = engine.url.render_as_string(hide_password=False)
        text = _CONFIG.format(base_url=base_url, database=database)
        for name in accounts:
            text += _ACCOUNT.format(name=name, records=room / "records.db")
        (room / "recon.toml").write_text(text)
        yield Stage(
            room=room,
            engine=engine,
            settings=config.load(room / "recon.toml", {}),
            clock=clock,
            channel=channel,
            requests=requests,
            environ={f"KEY_{name}": SIMULATED_KEY for name in accounts},
        )
