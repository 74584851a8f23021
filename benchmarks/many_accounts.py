"""What a backfill of many small accounts takes on a shared PostgreSQL.

Run `python -m benchmarks.many_accounts [ACCOUNTS] [DAYS] [SENDS A DAY] [MODE]… [offline]`; without
arguments 500, 90 and 15, and each mode: `one` process, `workers` (`--workers 2`), `cluster`
(`--scheduler`, a local Dask cluster of two workers), `shards` (two commands at once, each with a
part). Each mode works on a copy of the same store, against a simulated Octopods that lists the
newest hundred messages of each account; requests of a key are a second apart. The records are in
another database of the same server. The server's files are in memory where there is room, and are
not synced.

With `offline` nothing is asked: the time is that of the work alone, not of the seconds between the
requests of a key. With `one` among the modes, it does a tenth of the accounts, at least ten.

`requests` are those of all accounts, `apart` is the least time between two of one key. The findings
of the modes are compared with those of the first one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

import pyarrow as pa
import sqlalchemy as sa

from benchmarks import backfill
from benchmarks.backfill import Prepared, Sends
from recon.simulator.server import Received
from recon.store import schema
from recon.store.dialects import bulk_insert
from recon.store.engine import opened, writing
from tests import postgres

ACCOUNTS: Final = 500
DAYS: Final = 90
PER_DAY: Final = 15
MODES: Final = ("one", "workers", "cluster", "shards")
_RECORDS: Final = (
    "CREATE TABLE sends (id bigserial PRIMARY KEY, account text, message_id bigint,"
    " phone_number text, sent_at timestamptz, status text)"
)
_COLUMNS: Final = ("account", "message_id", "phone_number", "sent_at", "status")
#: Without the digests: they depend on the order in which PostgreSQL returns rows of one time.
_WHAT_IS_FOUND: Final = (
    """SELECT a.name, r.date, r.verdict, r.local, r.provider, r.found
    FROM runs r JOIN accounts a ON a.id = r.account_id
    WHERE r.id IN (SELECT max(id) FROM runs GROUP BY account_id, date) ORDER BY 1, 2""",
    """SELECT a.name, f.date, f.discrepancy_id, f.kind, f.status
    FROM findings f JOIN accounts a ON a.id = f.account_id ORDER BY 1, 2, 3""",
)


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server with a filled store and the records."""

    url: sa.URL
    sends: Sends
    accounts: Sequence[str]

    def fill(self) -> None:
        """Make and fill both databases."""
        self._execute("CREATE DATABASE filled")
        self._execute("CREATE DATABASE records")
        with opened(self.named("filled")) as engine:
            schema.upgrade(engine)
            backfill.fill_store(engine, self.sends, self.accounts)
        with opened(self.named("records")) as engine, writing(engine) as connection:
            connection.exec_driver_sql(_RECORDS)
            for name in self.accounts:
                columns = zip(*backfill.records_of(self.sends, name), strict=True)
                rows = pa.table(dict(zip(_COLUMNS, map(list, columns), strict=True)))
                bulk_insert(connection, sa.table("sends"), rows)
            for column in ("message_id", "sent_at"):
                connection.exec_driver_sql(f"CREATE INDEX ON sends (account, {column})")
        for name in ("filled", "records"):
            self._execute("VACUUM ANALYZE", on=name)

    def copied(self, name: str) -> str:
        """Copy the filled store, and return its URL."""
        self._execute(f"CREATE DATABASE {name} TEMPLATE filled")
        return self.named(name)

    def named(self, name: str) -> str:
        """Return the URL of a database."""
        return self.url.set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement: str, on: str = "postgres") -> None:
        engine = sa.create_engine(
            self.named(on), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
        )
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)


@contextmanager
def served(sends: Sends, accounts: Sequence[str]) -> Iterator[tuple[Server, str, list[Received]]]:
    """Give a filled server, the address of the simulated Octopods, and the requests so far."""
    with postgres.server() as url, backfill.served(sends, accounts) as (base_url, requests):
        server = Server(sa.make_url(url), sends, accounts)
        server.fill()
        yield server, base_url, requests


@contextmanager
def cluster(room: Path, count: int = 2) -> Iterator[str]:
    """Give the address of the scheduler of a Dask cluster of so many workers."""
    file = room / "scheduler.json"
    common = ("--no-dashboard", "--scheduler-file", str(file))
    with ExitStack() as stack:
        dask = [sys.executable, "-m", "dask"]
        address = "tcp://127.0.0.1:8786"
        commands = [["scheduler", "--host", address]]
        commands += [["worker", "--nthreads", "1", "--memory-limit", "0"]] * count
        for command in commands:
            process = stack.enter_context(
                subprocess.Popen(
                    [*dask, *command, *common],
                    cwd=room,
                    env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
            stack.callback(process.terminate)
            while command[0] == "scheduler" and not file.exists():
                time.sleep(0.05)
        yield address


Found = list[list[tuple[object, ...]]]


@dataclass(frozen=True, slots=True)
class Bench:
    """What all modes share."""

    server: Server
    base_url: str
    requests: list[Received]
    offline: bool

    def measured(self, mode: str, accounts: Sequence[str]) -> Found:
        """Run a mode on a copy of the store, print what it takes, and return what it finds."""
        url = self.server.copied(mode)
        with tempfile.TemporaryDirectory() as room, ExitStack() as stack:
            place = Path(room)
            records = self.server.named("records")
            backfill.configure(
                place / "recon.toml", self.base_url, url, records, accounts, interval=1
            )
            made = Prepared(place, self.server.sends, accounts, self.requests)
            options = ["--offline"] if self.offline else []
            if mode == "workers":
                options += ["--workers", "2"]
            elif mode == "cluster":
                options += ["--scheduler", stack.enter_context(cluster(place))]
            parts = [["--shard", f"{n}/2"] for n in (1, 2)] if mode == "shards" else [[]]
            for name in ("first", "again"):
                asked, started = len(self.requests), time.perf_counter()
                commands = [made.started(*options, *part) for part in parts]
                codes = [one.wait() for one in commands]
                assert not any(codes)
                seconds = time.perf_counter() - started
                of_each = seconds / (len(accounts) * self.server.sends.days)
                print(
                    f"  {mode:<8}{len(accounts):>4} accounts, {name:<6}{seconds:8.1f} s,"
                    f" {of_each * 1e3:6.1f} ms for a day of an account,"
                    f" {said(self.requests[asked:])}",
                    flush=True,
                )
            print(f"  {mode:<8} nothing to do: {self.idle(made, options):.1f} s", flush=True)
        return found(url)

    @staticmethod
    def idle(made: Prepared, options: Sequence[str]) -> float:
        """Return the seconds of a range of two days that are done."""
        started = time.perf_counter()
        last = (backfill.FIRST + timedelta(days=1)).isoformat()
        account = ["--account", made.accounts[0], "--to", last]
        assert made.started(*options, *account).wait() == 0
        return time.perf_counter() - started


def said(requests: Sequence[Received]) -> str:
    """Return how many requests there were, and how far apart those of a key."""
    by_key: dict[str | None, list[Received]] = {}
    for one in requests:
        by_key.setdefault(one.key_fingerprint, []).append(one)
    most = max(map(len, by_key.values()), default=0)
    apart = min(
        (b.at - a.at for each in by_key.values() for a, b in pairwise(each)),
        default=timedelta(0),
    )
    return (
        f"{len(requests):,} requests, at most {most} of a key, {apart.total_seconds():.2f} s apart"
    )


def found(url: str) -> Found:
    """Return what runs have found, without what differs from run to run."""
    with opened(url) as engine, engine.connect() as connection:
        return [
            [tuple(row) for row in connection.execute(sa.text(statement))]
            for statement in _WHAT_IS_FOUND
        ]


def main() -> None:
    """Print what each mode takes, and whether all find the same."""
    given = [int(one) for one in sys.argv[1:] if one.isdecimal()]
    words = [one for one in sys.argv[1:] if not one.isdecimal()]
    modes = [one for one in words if one != "offline"] or list(MODES)
    count, days, per_day = (*given, *(ACCOUNTS, DAYS, PER_DAY)[len(given) :])
    accounts = [f"a{n:03}" for n in range(count)]
    sample = accounts[: max(10, count // 10)] if len(modes) > 1 else accounts
    print(f"{count} accounts x {days} days x {per_day} sends a day", flush=True)
    with served(Sends(days, per_day), accounts) as (server, base_url, requests):
        bench = Bench(server, base_url, requests, "offline" in words)
        results = {
            mode: bench.measured(mode, sample if mode == "one" else accounts) for mode in modes
        }
    for mode, result in results.items():
        print(f"  {mode:<8} {len(result[0]):,} days, {len(result[1]):,} findings")
    for one, other in pairwise(modes):
        same = "as" if agree(results[one], results[other]) else "NOT as"
        print(f"  {other} finds the same {same} {one}")


def agree(one: Found, other: Found) -> bool:
    """Say whether two find the same of the accounts that both have."""
    both = {row[0] for row in one[0]} & {row[0] for row in other[0]}
    kept = [[[row for row in rows if row[0] in both] for rows in each] for each in (one, other)]
    return kept[0] == kept[1] and bool(both)


if __name__ == "__main__":
    main()
