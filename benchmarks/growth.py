"""What one poll costs on the first day, and after a year of polling at 1,000 messages a minute.

Run `python -m benchmarks.growth`, with `sqlite` or `postgresql` for one of them. A poll each five
seconds makes 6.3 million in a year. The year is not polled but loaded: the log of polls as it is
kept, a span of coverage for each day, as if each day had a gap, and the newest two million messages
with two statuses each. `never thinned` is a log of the last million polls as one version kept it.

A poll is what the collector does with the store: it reads what decides whether one is due, and
keeps an answer of 100 messages, 83 of them new. `poll` is the median of many, `learn` the hourly
reading of the past, and `memory` the most that Python took at once for any of it. The tables are
counted before and after those polls.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import sqlalchemy as sa

from benchmarks.records import database
from recon.core.polling_rhythm import LEARN_FROM, LEARN_POLLS, RECENT_POLLS
from recon.model import LISTING_LIMIT, Listing, Message
from recon.store import messages, polls, schema
from recon.store.dialects import bulk_insert
from recon.store.engine import connect, writing
from recon.store.tables import METADATA

if TYPE_CHECKING:
    import pyarrow as pa

ACCOUNT: Final = "main"
KEY: Final = "f1a9"
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
YEAR: Final = timedelta(days=365)
EVERY: Final = timedelta(seconds=5)
PER_SECOND: Final = 1000 / 60
MESSAGES: Final = 2_000_000
NEVER_THINNED: Final = 1_000_000
WARM_UP: Final = 20
POLLS: Final = 100
COUNTED: Final = ("polls", "coverage", "messages", "status_changes")
_AT_A_TIME: Final = 250_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What polls cost."""

    poll: float
    """Seconds, the median."""
    learn: float
    """Seconds."""
    megabytes: float
    """The most that Python took at once."""


class Sender:
    """A business that sends evenly, and a provider that lists its newest messages.

    Message number `n` is sent `n / PER_SECOND` seconds after `START`, and is delivered before the
    second poll that lists it.
    """

    def __init__(self, engine: sa.Engine, number: int) -> None:
        self.engine = engine
        self.number = number
        """Of the next poll; poll `n` is made `n * EVERY` after `START`."""

    def poll(self) -> None:
        """Decide and keep an answer, as the collector does."""
        now = START + self.number * EVERY
        polls.key_state(self.engine, ACCOUNT, KEY, recent=RECENT_POLLS)
        sent = int((now - START).total_seconds() * PER_SECOND)
        shown = [_message(n, now) for n in range(sent, sent - LISTING_LIMIT, -1) if n > 0]
        answer = Listing(shown, [], len(shown), LISTING_LIMIT, now)
        messages.keep(self.engine, ACCOUNT, KEY, answer, now)
        self.number += 1

    def learn(self) -> None:
        """Read the past, as the collector does each hour."""
        since = START + self.number * EVERY - LEARN_FROM
        polls.history(self.engine, ACCOUNT, since, LEARN_POLLS)

    def cost(self, count: int) -> Cost:
        """Poll some times, and measure it."""
        for _ in range(WARM_UP):
            self.poll()
        taken = [_seconds(self.poll) for _ in range(count)]
        learning = _seconds(self.learn)
        tracemalloc.start()
        for _ in range(WARM_UP):
            self.poll()
        self.learn()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return Cost(statistics.median(taken), learning, peak / 1e6)


def _message(number: int, now: datetime) -> Message:
    sent_at = START + timedelta(seconds=int(number / PER_SECOND))
    is_new = now - sent_at < EVERY
    return Message(number, "+353871234567", sent_at, "sent" if is_new else "delivered")


def _seconds(job: Callable[[], object]) -> float:
    started = time.perf_counter()
    job()
    return time.perf_counter() - started


# --- a year, loaded ----------------------------------------------------------------------------


def load(
    engine: sa.Engine, newest: int, unthinned: int = LEARN_POLLS, length: timedelta = YEAR
) -> Sender:
    """Fill the tables of a new store as a year of polls leaves them.

    Args:
        engine: the store.
        newest: how many of the newest messages.
        unthinned: how many of the latest polls are all there.
        length: how long was polled.
    """
    every = length // EVERY
    hourly = np.arange(0, every, timedelta(hours=1) // EVERY)
    numbers = np.union1d(hourly, np.arange(max(0, every - unthinned), every))
    with writing(engine) as connection:
        for table, rows in _ledger(numbers, every):
            bulk_insert(connection, METADATA.tables[table], rows)
        for table, rows in _messages(newest, every):
            bulk_insert(connection, METADATA.tables[table], rows)
        if connection.dialect.name == "postgresql":
            for table in ("polls", "coverage", "keys", "accounts"):
                connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "  # noqa: S608 - our own names
                    f"(SELECT max(id) FROM {table}))"
                )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    return Sender(engine, every)


def _ledger(numbers: np.ndarray[Any, Any], every: int) -> Iterator[tuple[str, pa.Table]]:
    import pyarrow as pa

    day = timedelta(days=1) // EVERY
    days = np.arange(-(-every // day))
    yield "accounts", pa.table({"id": [1], "name": [ACCOUNT]})
    last = START + (every - 1) * EVERY
    key = {"id": [1], "account_id": [1], "fingerprint": [KEY], "started_by": [1]}
    listed = {"first_listed_at": _times([0]), "last_listed_at": _times([_since_start(last)])}
    yield "keys", pa.table(key | listed | {"settling_seconds": [60]})
    begun = days * 86_400.0
    for basis, first in (("shared", 1), ("settled", len(days) + 1)):
        spans = {
            "id": first + days,
            "starts_at": _times(begun + 60),
            "seen_at": _times(np.minimum(begun + 86_395, (every - 1) * EVERY.total_seconds())),
            "basis": [basis] * len(days),
        }
        yield "coverage", pa.table(_of_key(spans))
    at = numbers * EVERY.total_seconds()
    full = np.full(len(numbers), LISTING_LIMIT)
    new = np.full(len(numbers), int(EVERY.total_seconds() * PER_SECOND))
    log = {
        "id": numbers + 1,
        "answered_at": _times(at),
        "kept_at": _times(at),
        "item_limit": full,
        "item_count": full,
        "new_count": new,
        "shared_count": full - new,
        "reject_count": np.zeros(len(numbers), np.int64),
        "oldest_sent_at": _times(at - LISTING_LIMIT / PER_SECOND),
        "newest_sent_at": _times(at),
        "coverage_id": numbers // day + 1,
        "reading": ["after_oldest"] * len(numbers),
    }
    yield from _in_parts("polls", pa.table(_of_key(log)))


def _messages(newest: int, every: int) -> Iterator[tuple[str, pa.Table]]:
    import pyarrow as pa

    last = int((every - 1) * EVERY.total_seconds() * PER_SECOND)
    for first in range(last - newest, last, _AT_A_TIME):
        ids = np.arange(first, min(last, first + _AT_A_TIME)) + 1
        sent = np.floor(ids / PER_SECOND)
        listed_by = np.minimum(sent // EVERY.total_seconds() + 2, every)
        seen = (listed_by - 1) * EVERY.total_seconds()
        rows = {
            "message_id": ids,
            "phone_number": ["+353871234567"] * len(ids),
            "sent_at": _times(sent),
            "status": ["delivered"] * len(ids),
            "first_seen_at": _times(seen),
            "observed_at": _times(seen),
            "listed_by": listed_by.astype(np.int64),
        }
        yield "messages", pa.table(_of_key(rows))
        for status, later in (("sent", 0), ("delivered", EVERY.total_seconds())):
            yield (
                "status_changes",
                pa.table(
                    {
                        "account_id": np.ones(len(ids), np.int64),
                        "message_id": ids,
                        "seen_at": _times(seen + later),
                        "status": [status] * len(ids),
                    }
                ),
            )


def _in_parts(name: str, rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    for first in range(0, len(rows), _AT_A_TIME):
        yield name, rows.slice(first, _AT_A_TIME)


def _of_key(columns: Mapping[str, Any]) -> dict[str, Any]:
    ones = np.ones(len(next(iter(columns.values()))), np.int64)
    return {"account_id": ones, "key_id": ones, **columns}


def _times(seconds: Any) -> pa.Array:  # noqa: ANN401 - a list or an array
    import pyarrow as pa

    after = (np.asarray(seconds, np.float64) * 1e6).astype(np.int64)
    return pa.array(after + int(START.timestamp() * 1e6), pa.timestamp("us", "UTC"))


def _since_start(time: datetime) -> float:
    return (time - START).total_seconds()


# --- the table ---------------------------------------------------------------------------------


def counts(engine: sa.Engine) -> dict[str, int]:
    """Return how many rows the tables of the store have."""
    with engine.connect() as connection:
        return {
            name: connection.execute(
                sa.select(sa.func.count()).select_from(METADATA.tables[name])
            ).scalar_one()
            for name in COUNTED
        }


CASES: Final[Mapping[str, Callable[[sa.Engine], Sender]]] = {
    "first day": lambda engine: Sender(engine, 20),
    "after a year": lambda engine: load(engine, MESSAGES),
    "never thinned": lambda engine: load(engine, MESSAGES // 10, NEVER_THINNED),
}


def measure(url: str, fill: Callable[[sa.Engine], Sender], count: int = POLLS) -> list[str]:
    """Fill a new store, poll, and return the lines of the table."""
    engine = connect(url)
    schema.upgrade(engine)
    sender = fill(engine)
    before = counts(engine)
    cost = sender.cost(count)
    after = counts(engine)
    engine.dispose()
    grown = ", ".join(f"{name} {before[name]:,} to {after[name]:,}" for name in COUNTED)
    taken = f"poll {cost.poll * 1e3:.1f} ms, learn {cost.learn * 1e3:.0f} ms"
    return [f"{taken}, memory {cost.megabytes:.1f} MB", grown]


def main() -> None:
    """Print the costs of each case on each database."""
    for name in sys.argv[1:] or ["sqlite", "postgresql"]:
        print(name)
        for case, fill in CASES.items():
            with tempfile.TemporaryDirectory() as room, database(name, Path(room)) as url:
                first, *further = measure(url, fill)
                print(f"  {case:<14} {first}", flush=True)
                for line in further:
                    print(f"  {'':<14} {line}", flush=True)


if __name__ == "__main__":
    main()
