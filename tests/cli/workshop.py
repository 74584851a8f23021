"""A directory as a user has it, a simulated Octopods, and the command, in a process or in this."""

from __future__ import annotations

import csv
import gc
import io
import json
import logging
import os
import pty
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO
from unittest import mock

import pytest

from recon import cli, logs
from recon.simulator.channel import SIMULATED_KEY
from tests import leaks
from tests.factories import DAY, NOON
from tests.forked import Forked

#: The command as it was installed beside the interpreter.
RECON = Path(sys.executable).parent / "recon"

MORNING_AFTER = datetime(2026, 4, 24, 6, tzinfo=UTC)
NUMBER = "+3538712{:05}"

ACCOUNT = """
[accounts.{name}]
api_key_env = "{key_env}"

[accounts.{name}.local]
url = "sqlite:///{records}"
table = "sends"
"""

#: Runs a command with the signals' default actions: a test run in the background ignores some.
WITH_DEFAULT_SIGNALS = """
import os, signal, sys
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
    signal.signal(number, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""

CONFIG = """
timezone = "UTC"

[octopods]
base_url = "{base_url}"
min_interval_seconds = 0
max_wait_seconds = {max_wait}
timeout_seconds = 5
"""


class Screen(io.StringIO):
    """A standard output that may be a terminal."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


def awaited(condition: Callable[[], object], process: subprocess.Popen[str] | Forked) -> None:
    """Wait until something holds; the process must go on meanwhile."""
    deadline = time.monotonic() + 60
    while not condition():
        # Not in a busy loop: the simulated Octopods is a thread of this process.
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.01)
            pytest.fail(f"ended early: {process.communicate()[1]}")
        assert time.monotonic() < deadline


def minute(minutes: float) -> datetime:
    """Return the time so many minutes after noon of the day."""
    return NOON + timedelta(minutes=minutes)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(slots=True)
class Workshop:
    """A working directory with a configuration and records."""

    path: Path
    environ: dict[str, str] = field(default_factory=lambda: {"OCTOPODS_API_KEY": SIMULATED_KEY})

    def copied(self, path: Path) -> Workshop:
        """Copy all that is there into another directory, and return it as a workshop."""
        shutil.copytree(self.path, path, dirs_exist_ok=True)
        config = path / "recon.toml"
        config.write_text(config.read_text().replace(str(self.path), str(path)))
        return Workshop(path, dict(self.environ))

    def configure(
        self,
        base_url: str,
        *,
        accounts: Mapping[str, str] | None = None,
        max_wait: float = 0,
        more: str = "",
    ) -> None:
        """Write `recon.toml`: accounts by name, each with the variable that holds its key."""
        text = CONFIG.format(base_url=base_url, max_wait=max_wait)
        for name, key_env in (accounts or {"main": "OCTOPODS_API_KEY"}).items():
            text += ACCOUNT.format(name=name, key_env=key_env, records=self.path / "sends.db")
        config = self.path / "recon.toml"
        config.touch(0o600)
        config.write_text(text + more)

    def add_records(self, *records: tuple[int, int | None, str, datetime, str | None]) -> None:
        """Write the records: id, message id, number, time and status of each record."""
        with closing(sqlite3.connect(self.path / "sends.db")) as connection, connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS sends (id INTEGER PRIMARY KEY, message_id INTEGER, "
                "phone_number TEXT, sent_at TEXT, status TEXT)"
            )
        self.insert([(*row[:3], row[3].isoformat(), row[4]) for row in records])

    def fork(self, *args: str | Path) -> Forked:
        """Start the command and do not wait; without the time that a fresh interpreter takes."""
        code = "from recon.cli import main; main()"
        return Forked(code, *map(str, args), cwd=self.path, environ=self._environ())

    def start(self, *args: str | Path, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
        """Start the command as users do, and do not wait."""
        return subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-c", WITH_DEFAULT_SIGNALS, str(RECON), *map(str, args)],
            cwd=self.path,
            env=self._environ(),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )

    def on_terminal(self, *args: str | Path) -> tuple[str, str]:
        """Run the command with a terminal as its standard error; return both outputs."""
        ours, theirs = pty.openpty()
        process = self.start(*args, stderr=theirs)
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # Linux's way to say that nobody writes to it any more
            while some := os.read(ours, 4096):
                shown += some
        os.close(ours)
        out, _ = process.communicate(timeout=60)
        return out, shown.decode()

    def recon(self, *args: str | Path) -> Ended:
        """Run the command to its end, in this process: it starts in no time."""
        with (
            tempfile.TemporaryFile("w+") as out,
            tempfile.TemporaryFile("w+") as err,
            chdir(self.path),
            mock.patch.dict(os.environ, self._environ(), clear=True),
            mock.patch.object(sys, "argv", ["recon", *map(str, args)]),
            _process_state_kept(),
        ):
            code = _main(out, err)
            ended = Ended(code, _text(out), _text(err))
        leaks.refuse(ended.out + ended.err, self.environ)
        leaks.refuse_numbers(ended.err)
        return ended

    def run(self, *args: str) -> Ended:
        """Run `recon run` for the day."""
        return self.recon("run", "--date", DAY, *args)

    def report(self, account: str = "main", day: str = DAY) -> dict[str, Any]:
        """Return the JSON report."""
        path = self.path / "reports" / account / f"{day}.json"
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def rows(self, account: str = "main", day: str = DAY) -> list[dict[str, str]]:
        """Return the rows of the CSV report."""
        with (self.path / "reports" / account / f"{day}.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    def kinds(self, account: str = "main", day: str = DAY) -> list[tuple[str, str, str]]:
        """Return the findings of the CSV report as (kind, local_id, message_id)."""
        return [(r["kind"], r["local_id"], r["message_id"]) for r in self.rows(account, day)]

    def findings(self, *args: str) -> list[dict[str, Any]]:
        """Return what `recon discrepancies` lists."""
        found: list[dict[str, Any]] = json.loads(
            self.recon("discrepancies", "--status", "all", "--format", "json", *args).out
        )
        return found

    def query(self, statement: str) -> Sequence[tuple[Any, ...]]:
        """Ask recon's own database."""
        with closing(sqlite3.connect(self.path / "recon.db")) as connection:
            return connection.execute(statement).fetchall()

    def change_records(self, statement: str) -> None:
        """Run a statement on the user's database."""
        with closing(sqlite3.connect(self.path / "sends.db")) as connection, connection:
            connection.execute(statement)

    def insert(self, rows: Sequence[Sequence[object]]) -> None:
        """Insert rows of any kind into the records, which hold five columns."""
        with closing(sqlite3.connect(self.path / "sends.db")) as connection, connection:
            connection.executemany("INSERT INTO sends VALUES (?, ?, ?, ?, ?)", rows)

    def _environ(self) -> dict[str, str]:
        kept = ("PATH", "HOME", "LANG", "COVERAGE_PROCESS_START")
        plain = {name: os.environ[name] for name in kept if name in os.environ}
        return plain | self.environ


def _main(out: TextIO, err: TextIO) -> int:
    """Run the command with these streams; return its exit code."""
    with mock.patch.object(sys, "stdout", out), mock.patch.object(sys, "stderr", err):
        with pytest.raises(SystemExit) as end:
            cli.main()
        sys.stdout.flush()
        sys.stderr.flush()
        assert isinstance(end.value.code, int)
        return end.value.code


@contextmanager
def _process_state_kept() -> Iterator[None]:
    """Undo what a command sets for its whole process."""
    thresholds, root, ours = gc.get_threshold(), logging.getLogger(), logging.getLogger(logs.LOGGER)
    handlers, levels = list(root.handlers), (root.level, ours.level)
    try:
        # What is frozen at the end of a process is garbage of this one.
        with mock.patch.object(gc, "freeze"):
            yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(levels[0])
        ours.setLevel(levels[1])
        gc.set_threshold(*thresholds)


def _text(file: TextIO) -> str:
    file.seek(0)
    return file.read()
