"""A directory as a user has it, a simulated Octopods, and the installed command as a process."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from recon.simulator.channel import SIMULATED_KEY

#: The command as it was installed beside the interpreter.
RECON = Path(sys.executable).parent / "recon"

DAY = "2026-04-23"
NOON = datetime(2026, 4, 23, 12, tzinfo=UTC)
MORNING_AFTER = datetime(2026, 4, 24, 6, tzinfo=UTC)
NUMBER = "+3538712{:05}"

ACCOUNT = """
[accounts.{name}]
api_key_env = "{key_env}"

[accounts.{name}.local]
url = "sqlite:///{records}"
table = "sends"
"""

CONFIG = """
timezone = "UTC"

[octopods]
base_url = "{base_url}"
min_interval_seconds = 0
max_wait_seconds = {max_wait}
timeout_seconds = 5
"""


def at(minutes: float) -> datetime:
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
        (self.path / "recon.toml").write_text(text + more)

    def add_records(self, *records: tuple[int, int | None, str, datetime, str | None]) -> None:
        """Write the records: id, message id, number, time and status of each record."""
        with sqlite3.connect(self.path / "sends.db") as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS sends (id INTEGER PRIMARY KEY, message_id INTEGER, "
                "phone_number TEXT, sent_at TEXT, status TEXT)"
            )
            connection.executemany(
                "INSERT INTO sends VALUES (?, ?, ?, ?, ?)",
                [(*row[:3], row[3].isoformat(), row[4]) for row in records],
            )
        connection.close()

    def start(self, *args: str | Path, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
        """Start the command and do not wait."""
        return subprocess.Popen(  # noqa: S603 - our own command
            [RECON, *map(str, args)],
            cwd=self.path,
            env=self._environ(),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )

    def recon(self, *args: str | Path) -> Ended:
        """Run the command to its end."""
        process = self.start(*args)
        out, err = process.communicate(timeout=60)
        return Ended(process.returncode, out, err)

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
            self.recon("discrepancies", "--format", "json", *args).out
        )
        return found

    def query(self, statement: str) -> Sequence[tuple[Any, ...]]:
        """Ask recon's own database."""
        connection = sqlite3.connect(self.path / "recon.db")
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()

    def _environ(self) -> dict[str, str]:
        kept = ("PATH", "HOME", "LANG", "COVERAGE_PROCESS_START")
        plain = {name: os.environ[name] for name in kept if name in os.environ}
        return plain | self.environ
