"""An installed recon with its provider, records, mail server and clocks, in one process."""

from __future__ import annotations

import io
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from random import Random

from recon.cli.common import Session
from recon.errors import ReconError
from recon.jobs.runtime import Runtime
from recon.simulator.channel import Access, Channel
from recon.simulator.http_faults import Fault, FaultKind
from recon.simulator.rate_limits import RetryForm
from recon.simulator.server import Received, serve
from tests.clocks import ManualClock
from tests.machine.kills import Killer
from tests.smtp import MailBox, free_port, mail_server

SPACING = 1.0
MAX_WAIT = 90.0
LOOKUPS = 6
RECIPIENTS = ("ops@example.com", "boss@example.com")
ACCOUNT = "main"
#: A command that sleeps more often than this waits for nothing.
_MOST_SLEEPS = 5_000

_CONFIG = """
timezone = "{zone}"

[database]
url = "{database}"

[octopods]
base_url = "{base_url}"
min_interval_seconds = {spacing}
max_wait_seconds = {max_wait}
timeout_seconds = 5
status_lookups_per_run = {lookups}

[report]
directory = "{room}/reports"

[email]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "Recon <recon@example.com>"
recipients = ["{recipients}"]
when = "{when}"

[accounts.{account}]
api_key_env = "KEY"

[accounts.{account}.local]
url = "sqlite:///{room}/sends.db"
table = "sends"
"""

#: One record: id, message id, number, time, status.
Row = tuple[int, int | None, str, datetime, str]


@dataclass(frozen=True)
class Limited:
    """A 429 that was given, and until when it asked to pause; `None` where it did not say."""

    key: str
    at: datetime
    until: datetime | None


class LimitedChannel(Channel):
    """A channel that notes who asks, and until when its limit refuses it."""

    asked_with: str = ""
    refused_until: datetime | None = None

    def access(self, key: str | None, now: datetime) -> Access:
        """Say what a key opens, which is the first question of each request."""
        self.asked_with, self.refused_until = key or "", None
        return super().access(key, now)

    def take(self, key: str, now: datetime) -> datetime | None:
        """Take one request from the limit; note a refusal."""
        self.refused_until = super().take(key, now)
        return self.refused_until


@dataclass
class DroppingMailBox(MailBox):
    """A mail server that may hang up after it has accepted a mail."""

    drops: bool = False

    async def handle_DATA(self, server, session, envelope):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201, N802 - aiosmtpd's
        said = await super().handle_DATA(server, session, envelope)
        if self.drops and said == "250 OK":
            server.transport.abort()
        return said


@dataclass(frozen=True)
class Command:
    """How a command ended, and what it was answered meanwhile."""

    argv: tuple[str, ...]
    code: int | None
    """The exit code; `None` where it was killed."""
    key: str
    requests: Sequence[Received]
    slept: float
    mails_before: int
    said: str


@dataclass
class Installation:
    """Where commands are run, and all that they meet."""

    room: Path
    channel: LimitedChannel
    clock: ManualClock
    box: DroppingMailBox
    killer: Killer
    config: str
    requests: list[Received] = field(default_factory=list)
    faults: deque[Fault | None] = field(default_factory=deque)
    """What is played instead of the next answers."""
    limited: list[Limited] = field(default_factory=list)
    """Each 429 that was given."""
    own_ahead: timedelta = timedelta(0)
    """How far this machine's clock is ahead."""
    mail_is_down: bool = False
    slept: float = 0.0
    sleeps: int = 0
    on_sleep: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        """Return the time by this machine's clock."""
        return self.clock() + self.own_ahead

    def run(self, *argv: str, key: str, edge: int | None = None) -> Command:
        """Run a command with this key; kill it at an edge, if one is given and it gets there."""
        self._configure()
        first, mails, self.slept, self.sleeps = len(self.requests), len(self.box.mails), 0.0, 0
        code: int | None = None
        output = io.StringIO()
        with (
            redirect_stdout(output),
            redirect_stderr(output),
            self.killer.killing(edge),
            ExitStack() as at_exit,
        ):
            session = Session(self.room / "recon.toml", self._runtime(key), at_exit)
            command = import_module(f"recon.cli.{argv[0]}").command
            try:
                code = int(command.main(list(argv[1:]), obj=session, standalone_mode=False))
            except ReconError as error:
                code = error.exit_code
        if self.killer.is_dead:
            code = None
        made = self.requests[first:]
        return Command(argv, code, key, made, self.slept, mails, output.getvalue())

    def add_records(self, rows: Sequence[Row]) -> None:
        """Write records."""
        with closing(sqlite3.connect(self.room / "sends.db")) as connection, connection:
            connection.executemany(
                "INSERT INTO sends VALUES (?, ?, ?, ?, ?)",
                [(*row[:3], row[3].isoformat(), row[4]) for row in rows],
            )

    def _configure(self) -> None:
        port = free_port() if self.mail_is_down else self.box.port
        (self.room / "recon.toml").write_text(self.config.replace("{port}", str(port)))

    def _runtime(self, key: str) -> Runtime:
        def sleep(seconds: float) -> None:
            self.slept += seconds
            self.sleeps += 1
            assert self.sleeps < _MOST_SLEEPS, seconds
            self.clock.advance(seconds)
            with self.killer.paused():
                self.on_sleep()
            self.killer.reached()

        return Runtime(
            clock=self.now,
            monotonic=lambda: self.clock().timestamp(),
            sleep=sleep,
            rng=Random(7),
            environ={"KEY": key},
        )


@contextmanager
def installed(
    room: Path,
    database_url: str,
    *,
    channel: LimitedChannel,
    clock: ManualClock,
    zone: str,
    when: str,
    killer: Killer,
    box: DroppingMailBox,
) -> Iterator[Installation]:
    """Serve a channel, and write a configuration; there are no records.

    Args:
        room: an empty directory.
        database_url: of an empty store.
        channel: what Octopods knows.
        clock: the true time.
        zone: of the days.
        when: when mail is sent.
        killer: of commands.
        box: of a mail server that runs.
    """
    requests: list[Received] = []
    faults: deque[Fault | None] = deque()
    limited: list[Limited] = []

    def script() -> Iterator[Fault | None]:
        while True:
            fault, until = faults.popleft() if faults else None, channel.refused_until
            form = channel.rate_limit.form if channel.rate_limit else RetryForm.NONE
            if fault is not None:
                form, until = fault.form, clock() + timedelta(seconds=fault.seconds)
            if until is not None and (fault is None or fault.kind is FaultKind.RATE_LIMITED):
                told = None if form is RetryForm.NONE else until
                limited.append(Limited(channel.asked_with, clock(), told))
            yield fault

    with closing(sqlite3.connect(room / "sends.db")) as connection, connection:
        connection.execute(
            "CREATE TABLE sends (id INTEGER PRIMARY KEY, message_id INTEGER, phone_number TEXT, "
            "sent_at TEXT, status TEXT)"
        )
    (room / "recon.toml").touch(0o600)
    with serve(channel, clock=clock, script=script(), log=requests) as base_url:
        config = _CONFIG.format(
            zone=zone,
            database=database_url,
            base_url=base_url,
            spacing=SPACING,
            max_wait=MAX_WAIT,
            lookups=LOOKUPS,
            room=room,
            port="{port}",
            recipients='", "'.join(RECIPIENTS),
            when=when,
            account=ACCOUNT,
        )
        yield Installation(room, channel, clock, box, killer, config, requests, faults, limited)


@contextmanager
def mail_box(room: Path) -> Iterator[DroppingMailBox]:
    """Run a mail server that drops connections when it is told to."""
    box = DroppingMailBox()
    with mail_server(room, box=box):
        yield box
