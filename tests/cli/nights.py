"""Whole nights in this process: `recon run` against a simulated Octopods, on a given store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import click
from click.testing import CliRunner

from recon.cli.common import Session
from recon.cli.run import command
from recon.errors import ReconError
from recon.jobs.runtime import Runtime
from recon.simulator.channel import SIMULATED_KEY, Channel
from recon.simulator.http_faults import Fault
from recon.simulator.server import Received, serve
from recon.simulator.simulated_responses import LIST_PATH
from tests.cli.workshop import MORNING_AFTER, NUMBER, Workshop
from tests.clocks import ManualClock
from tests.factories import DAY

CONFIG = """
timezone = "UTC"

[database]
url = "{database}"

[octopods]
base_url = "{base_url}"
min_interval_seconds = 0
max_wait_seconds = 0
{octopods}

[matching]
guard_rows = 1000

[accounts.main]
api_key_env = "KEY"

[accounts.main.local]
url = "sqlite:///{records}"
table = "sends"
where = "id > 0"
"""


@dataclass(slots=True)
class Nights:
    """A provider, records and a store over several nights, with one clock."""

    workshop: Workshop
    channel: Channel
    clock: ManualClock
    requests: list[Received] = field(default_factory=list)
    key: str = SIMULATED_KEY
    own_clock_ahead: timedelta = timedelta(0)
    """How far this machine's clock is ahead of the provider's."""

    def runtime(self, key: str | None = None) -> Runtime:
        """Return a runtime of this machine's clock; its key is the one in use unless given."""
        return Runtime(
            clock=lambda: self.clock() + self.own_clock_ahead,
            environ={"KEY": key or self.key},
            sleep=lambda _: None,
        )

    def run(self, *options: str, day: str | None = DAY) -> int:
        """Run the command for a day, without one as cron does; return its exit code."""
        which = [] if day is None else ["--date", day]
        return self.invoke(
            command, "--output", str(self.workshop.path / "reports"), *which, *options
        )

    def invoke(self, command: click.Command, *argv: str) -> int:
        """Run any command with the clock and configuration of the nights; return its exit code."""
        with self._session() as session:
            try:
                return int(command.main(list(argv), obj=session, standalone_mode=False))
            except ReconError as error:
                return error.exit_code

    def shown(self, other: click.Command, *argv: str) -> str:
        """Run another command, which must end well; return what it prints."""
        with self._session() as session:
            ended = CliRunner().invoke(
                other, argv, obj=session, standalone_mode=False, catch_exceptions=False
            )
            assert ended.return_value == 0
            return ended.stdout

    @contextmanager
    def _session(self) -> Iterator[Session]:
        with ExitStack() as at_exit:
            yield Session(self.workshop.path / "recon.toml", self.runtime(), at_exit)

    def next_night(self, *options: str) -> int:
        """Let a day pass and run as cron does."""
        self.clock.advance(86_400)
        return self.run(*options, day=None)

    def send(
        self, count: int, *, start: datetime, minutes: float = 1, recorded: bool = True
    ) -> None:
        """Send messages so many minutes apart, and record them with their ids."""
        times = [start + timedelta(minutes=minutes * n) for n in range(count)]
        sent = [self.channel.send(NUMBER.format(n), time) for n, time in enumerate(times)]
        if recorded:
            self.workshop.add_records(
                *((m.message_id, m.message_id, m.phone_number, m.sent_at, "sent") for m in sent)
            )

    def set_record(self, record: int, **columns: object) -> None:
        """Change columns of a record."""
        with closing(sqlite3.connect(self.workshop.path / "sends.db")) as connection, connection:
            for name, value in columns.items():
                statement = f"UPDATE sends SET {name} = ? WHERE id = ?"  # noqa: S608 - our own words
                connection.execute(statement, (value, record))

    def confirmed(self, day: str = DAY) -> Mapping[str, str]:
        """Return `confirmed` of each record that is missing at the provider, by message id."""
        rows = self.workshop.rows(day=day)
        return {
            row["message_id"]: row["confirmed"]
            for row in rows
            if row["kind"] == "missing_at_provider"
        }

    def asked(self) -> list[int]:
        """Return the ids of all status calls so far."""
        paths = [entry.path.removeprefix(LIST_PATH).strip("/") for entry in self.requests]
        return [int(name) for name in paths if name]


@contextmanager
def nights(
    path: Path,
    database_url: str,
    *,
    channel: Channel | None = None,
    now: datetime = MORNING_AFTER,
    octopods: str = "",
    script: Iterable[Fault | None] = (),
    status_fault: Fault | None = None,
) -> Iterator[Nights]:
    """Serve a channel, and write a configuration with this store; the records are empty."""
    channel = channel or Channel(first_id=101)
    workshop, clock = Workshop(path), ManualClock(now)
    workshop.add_records()
    made = Nights(workshop, channel, clock)
    with serve(
        channel, clock=clock, script=script, status_fault=status_fault, log=made.requests
    ) as base_url:
        text = CONFIG.format(
            database=database_url,
            base_url=base_url,
            octopods=octopods,
            records=path / "sends.db",
        )
        (path / "recon.toml").write_text(text)
        yield made
