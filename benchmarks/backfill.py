"""What a backfill takes: ninety days of three accounts over a store that has their messages.

Run `python -m benchmarks.backfill [DAYS] [MESSAGES A DAY]`; without arguments 90 and 2,000. Each
measure is the command in a process of its own on a new store, against a simulated Octopods that
lists the newest hundred messages of each account. `again` is the same command a second time, when
nothing has changed. `memory` is the peak of the largest process, `requests` those of all accounts.
One record in two hundred has an id that Octopods does not know, and one message in two hundred no
record.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from pydantic import SecretStr

from recon.config import fingerprint
from recon.model import LISTING_LIMIT
from recon.simulator.channel import Channel
from recon.simulator.server import Received, serve
from recon.simulator.simulated_message import READ, SimulatedMessage
from recon.store import schema
from recon.store.dialects import bulk_insert, is_postgres
from recon.store.engine import opened, writing
from recon.store.tables import METADATA

DAYS: Final = 90
PER_DAY: Final = 2_000
ACCOUNTS: Final = ("first", "second", "third")
FIRST: Final = date(2026, 1, 1)
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_DAY_US: Final = 86_400_000_000
_NUMBERS: Final = 5_000
_ODD: Final = 200
#: Ids that Octopods never gave are this much higher.
_UNKNOWN: Final = 10_000_000_000

CONFIG: Final = """
timezone = "UTC"

[database]
url = "{database}"

[octopods]
base_url = "{base_url}"
min_interval_seconds = {interval}
"""
ACCOUNT: Final = """
[accounts.{name}]
api_key_env = "KEY_{name}"

[accounts.{name}.local]
url = "{records}"
table = "sends"
where = "account = '{name}'"
"""


class Measure(NamedTuple):
    """What one command took."""

    seconds: float
    processor: float
    """Seconds of all processes together."""
    megabytes: float
    """Resident at the peak, of its largest process."""
    requests: int


@dataclass(frozen=True, slots=True)
class Sends:
    """What one account sent: message number `n` has id `n + 1` and is sent in its turn."""

    days: int
    per_day: int

    @property
    def count(self) -> int:
        """How many messages there are."""
        return self.days * self.per_day

    @property
    def end(self) -> datetime:
        """When the last day is over."""
        return START + timedelta(days=self.days)

    def times(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Return when each was sent, in whole seconds, as microseconds since the epoch."""
        after = np.arange(self.count, dtype=np.int64) * (_DAY_US // 1_000_000) // self.per_day
        return int(START.timestamp()) * 1_000_000 + after * 1_000_000

    def numbers(self) -> list[str]:
        """Return to whom each went."""
        few = [f"+35387{1_000_000 + n}" for n in range(_NUMBERS)]
        return [few[n % _NUMBERS] for n in range(self.count)]


@contextmanager
def prepared(room: Path, sends: Sends, *, accounts: Sequence[str] = ACCOUNTS) -> Iterator[Prepared]:
    """Fill a store and records in a directory, and serve the newest messages of each account."""
    with opened(f"sqlite:///{room / 'recon.db'}") as engine:
        schema.upgrade(engine)
        fill_store(engine, sends, accounts)
    _fill_records(room / "records.db", sends, accounts)
    with served(sends, accounts) as (base_url, requests):
        urls = ("sqlite:///recon.db", "sqlite:///records.db")
        configure(room / "recon.toml", base_url, *urls, accounts)
        yield Prepared(room, sends, accounts, requests)


def configure(
    file: Path,
    base_url: str,
    database: str,
    records: str,
    accounts: Sequence[str],
    *,
    interval: int = 0,
) -> None:
    """Write the configuration of a store, records and the simulated Octopods."""
    text = CONFIG.format(base_url=base_url, database=database, interval=interval)
    text += "".join(ACCOUNT.format(name=name, records=records) for name in accounts)
    file.write_text(text, encoding="utf-8")


@contextmanager
def served(sends: Sends, accounts: Sequence[str]) -> Iterator[tuple[str, list[Received]]]:
    """Serve the newest messages of each account; give the address, and the requests so far."""
    channel = Channel(keys=[f"key-of-{name}" for name in accounts])
    times, numbers = sends.times(), sends.numbers()
    for name in accounts:
        for n in range(max(0, sends.count - 2 * LISTING_LIMIT), sends.count):
            at = datetime.fromtimestamp(int(times[n]) // 1_000_000, UTC)
            channel.add(SimulatedMessage(n + 1, numbers[n], at, READ), key=f"key-of-{name}")
    requests: list[Received] = []
    with serve(channel, clock=lambda: datetime.now(UTC), log=requests) as base_url:
        yield base_url, requests


@dataclass(frozen=True, slots=True)
class Prepared:
    """A directory in which a backfill can be run."""

    room: Path
    sends: Sends
    accounts: Sequence[str]
    requests: list[Received]

    @property
    def command(self) -> list[str]:
        """The command of the whole backfill."""
        last = FIRST + timedelta(days=self.sends.days - 1)
        days = ["--from", FIRST.isoformat(), "--to", last.isoformat()]
        return [sys.executable, "-m", "recon", "-q", "run", *days, "--no-email"]

    @property
    def environ(self) -> dict[str, str]:
        """Its environment: the keys of the accounts."""
        keys = {f"KEY_{name}": f"key-of-{name}" for name in self.accounts}
        return {**os.environ, **keys, "PYTHONPATH": str(Path(__file__).parents[1])}

    def started(self, *options: str) -> subprocess.Popen[bytes]:
        """Start it, and do not wait."""
        return subprocess.Popen(
            [*self.command, *options],
            cwd=self.room,
            env=self.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def measured(self, *options: str) -> Measure:
        """Run it to its end, and measure it."""
        asked, started = len(self.requests), time.perf_counter()
        before = _processor_seconds()
        with self.started(*options) as process:
            assert process.wait() == 0
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
        return Measure(seconds, _processor_seconds() - before, peak, len(self.requests) - asked)


def _processor_seconds() -> float:
    """Return what all processes that have ended have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def fill_store(engine: sa.Engine, sends: Sends, accounts: Sequence[str]) -> None:
    """Store the messages of each account, as listed in the time of which all is proven."""
    end = int(sends.end.timestamp()) * 1_000_000
    for number, name in enumerate(accounts, start=1):
        mark = fingerprint(SecretStr(f"key-of-{name}"))
        of_key = {"account_id": [number], "key_id": [number]}
        known = _listed(sends, number)
        poll = {
            "id": [number],
            **of_key,
            "answered_at": _times([end]),
            "kept_at": _times([end]),
            "item_limit": [LISTING_LIMIT],
            "item_count": [LISTING_LIMIT],
            "new_count": [0],
            "shared_count": [LISTING_LIMIT],
            "reject_count": [0],
            "oldest_sent_at": known["sent_at"].slice(sends.count - LISTING_LIMIT, 1),
            "newest_sent_at": known["sent_at"].slice(sends.count - 1, 1),
            "coverage_id": [2 * number],
            "reading": ["after_oldest"],
        }
        key = {
            "id": [number],
            "account_id": [number],
            "fingerprint": [mark],
            "started_by": [number],
            "first_listed_at": _times([int(START.timestamp()) * 1_000_000]),
            "last_listed_at": known["sent_at"].slice(sends.count - 1, 1),
            "settling_seconds": [60],
        }
        spans = {
            "id": [2 * number, 2 * number + 1],
            "account_id": [number] * 2,
            "key_id": [number] * 2,
            "starts_at": _times([int(START.timestamp() - 86_400) * 1_000_000] * 2),
            "seen_at": _times([end + 120_000_000] * 2),
            "basis": ["shared", "settled"],
        }
        account = {"id": [number], "name": [name]}
        with writing(engine) as connection:
            for table, rows in (
                ("accounts", account),
                ("keys", key),
                ("coverage", spans),
                ("polls", poll),
                ("messages", known),
            ):
                bulk_insert(connection, METADATA.tables[table], pa.table(rows))
    if is_postgres(engine):
        with writing(engine) as connection:
            for table in ("accounts", "keys", "coverage", "polls"):
                ids = METADATA.tables[table].c.id
                sequence = sa.func.pg_get_serial_sequence(table, "id")
                connection.execute(sa.select(sa.func.setval(sequence, sa.func.max(ids))))


def _listed(sends: Sends, number: int) -> dict[str, pa.Array]:
    times = sends.times()
    ones = np.full(sends.count, number)
    return {
        "account_id": pa.array(ones),
        "key_id": pa.array(ones),
        "message_id": pa.array(np.arange(sends.count) + 1),
        "phone_number": pa.array(sends.numbers()),
        "sent_at": _times(times),
        "status": pa.array(["read"] * sends.count),
        "first_seen_at": _times(times + 60_000_000),
        "observed_at": _times(times + 180_000_000),
        "listed_by": pa.array(ones),
    }


def records_of(sends: Sends, account: str) -> Iterator[tuple[object, ...]]:
    """Yield the records of an account: account, message id, number, time and status of each."""
    times, numbers = sends.times(), sends.numbers()
    for n in range(sends.count):
        is_odd = n % _ODD == 1
        yield (
            account,
            n + 1 + (_UNKNOWN if is_odd else 0),
            f"+35386{n:07}" if is_odd else numbers[n],
            f"{datetime.fromtimestamp(int(times[n]) // 1_000_000, UTC):%F %T}",
            "sent",
        )


def _fill_records(path: Path, sends: Sends, accounts: Sequence[str]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE sends (id INTEGER PRIMARY KEY, account TEXT, message_id INTEGER,"
            " phone_number TEXT, sent_at TEXT, status TEXT)"
        )
        for name in accounts:
            connection.executemany(
                "INSERT INTO sends (account, message_id, phone_number, sent_at, status)"
                " VALUES (?, ?, ?, ?, ?)",
                records_of(sends, name),
            )
        connection.execute("CREATE INDEX sends_sent_at ON sends (sent_at)")


def _times(microseconds: Sequence[int] | np.ndarray[tuple[int], np.dtype[np.int64]]) -> pa.Array:
    return pa.array(np.asarray(microseconds, np.int64), pa.timestamp("us", "UTC"))


def main() -> None:
    """Print what each measure takes."""
    given = [int(one) for one in sys.argv[1:3]]
    days, per_day = (*given, *(DAYS, PER_DAY)[len(given) :])
    sends = Sends(days, per_day)
    print(f"{days} days x {len(ACCOUNTS)} accounts x {per_day:,} messages a day")
    for options in ((), ("--workers", "2")):
        with tempfile.TemporaryDirectory() as room, prepared(Path(room), sends) as made:
            for name in ("first", "again"):
                one = made.measured(*options)
                print(
                    f"  {' '.join(options) or 'one process':<12} {name:<6} {one.seconds:7.1f} s"
                    f"  {one.processor:6.1f} s of processors  {one.megabytes:5.0f} MB"
                    f"  {one.requests:,} requests",
                    flush=True,
                )


if __name__ == "__main__":
    main()
