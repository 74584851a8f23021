"""What the commands for people cost on a large store: five million messages, 50,000 open findings.

Run `python -m benchmarks.everyday [SENDS A DAY] [sqlite] [postgresql]`; without arguments 12,500
sends a day, so 400 days, on both. Each command is a process of its own, imports included: the
medians of five of its time and CPU time (what a PostgreSQL server takes is in the time only). Each
message has a record, but one in a hundred, which is an open finding. The records are a table with
indexes of message ids and times: a file of its own beside an SQLite store, a schema of its own in a
PostgreSQL one. Octopods is simulated.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import sqlalchemy as sa
from pydantic import SecretStr

from benchmarks import stats
from benchmarks.records import database
from recon.config import fingerprint
from recon.model import FINDING_COLUMNS, LISTING_LIMIT
from recon.simulator.channel import SIMULATED_KEY, Channel
from recon.simulator.server import serve
from recon.simulator.simulated_message import READ, SimulatedMessage
from recon.store.dialects import bulk_insert, is_postgres
from recon.store.engine import connect, reading, writing
from recon.store.tables import METADATA

if TYPE_CHECKING:
    import pyarrow as pa

MESSAGES: Final = 5_000_000
SENDS_A_DAY: Final = 12_500
REPEATS: Final = 5
#: One message in so many has no record.
UNRECORDED: Final = 100
_POLLS_A_DAY: Final = 36
_DAY: Final = timedelta(days=1)
_TABLES: Final = METADATA.tables

CONFIG: Final = """
timezone = "UTC"

[database]
url = "{store}"

[octopods]
base_url = "{base_url}"
min_interval_seconds = 0

[accounts.main]
api_key_env = "KEY"

[accounts.main.local]
url = "{records}"
table = "{table}"
"""


class EverydayStore:
    """A store with messages until today, and the records of most of them.

    Args:
        url: of the store.
        room: where the records of an SQLite store go.
        days: how many days have messages, today included.
        sends_a_day: how many messages a day has.
    """

    def __init__(self, url: str, room: Path, days: int, sends_a_day: int) -> None:
        self.url = url
        self._days, self._sends_a_day = days, sends_a_day
        today = datetime.combine(datetime.now(UTC).date(), time(), UTC)
        self._first = today + _DAY - days * _DAY
        #: A message without a record, of the day before yesterday.
        lately = (days - 3) * sends_a_day
        self.unrecorded = lately - lately % UNRECORDED + UNRECORDED
        self.day = (self._first + (days - 3) * _DAY).date()
        self.room = room
        engine = connect(url)
        stats.load(engine, days * sends_a_day, days, sends_a_day)
        self._fill(engine)
        engine.dispose()

    @property
    def finding(self) -> str:
        """The `discrepancy_id` of the message without a record."""
        return _finding_ids(np.array([self.unrecorded]))[0]

    def _fill(self, engine: sa.Engine) -> None:
        numbers = np.arange(UNRECORDED, self._days * self._sends_a_day + 1, UNRECORDED)
        with writing(engine) as connection:
            bulk_insert(connection, _TABLES["findings"], self._findings(numbers))
            bulk_insert(connection, _TABLES["polls"], self._polls())
            runs, keys = _TABLES["runs"], _TABLES["keys"]
            for number in range(self._days):
                of_day = numbers[(numbers - 1) // self._sends_a_day == number]
                connection.execute(
                    sa.update(runs)
                    .where(runs.c.run_id == f"r{number}")
                    .values(
                        found=_finding_ids(of_day), discrepancies={"missing_locally": len(of_day)}
                    )
                )
            mark = fingerprint(SecretStr(SIMULATED_KEY))
            connection.execute(sa.update(keys).where(keys.c.id == 1).values(fingerprint=mark))
        if is_postgres(engine):
            self.records, self.table = self.url, "app.sends"
            with engine.begin() as connection:
                connection.exec_driver_sql("CREATE SCHEMA app")
                connection.exec_driver_sql(_RECORDS.format(table="app.sends", time="sent_at"))
                connection.exec_driver_sql("ALTER TABLE app.sends ADD PRIMARY KEY (id)")
                for column in ("message_id", "sent_at"):
                    connection.exec_driver_sql(f"CREATE INDEX ON app.sends ({column})")
        else:
            self.records, self.table = f"sqlite:///{self.room / 'sends.db'}", "sends"
            with closing(sqlite3.connect(self.room / "sends.db")) as file:
                file.execute("ATTACH ? AS store", (str(engine.url.database),))
                file.execute(
                    "CREATE TABLE sends (id INTEGER PRIMARY KEY, message_id BIGINT,"
                    " phone_number TEXT, sent_at DATETIME, status TEXT)"
                )
                when = "datetime(sent_at / 1000000, 'unixepoch') AS sent_at"
                select = _RECORDS.format(table="sends", time=when).partition(" AS ")[2]
                file.execute(f"INSERT INTO sends {select}")
                for column in ("message_id", "sent_at"):
                    file.execute(f"CREATE INDEX by_{column} ON sends ({column})")
                file.commit()
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE" if is_postgres(engine) else "ANALYZE")

    def _findings(self, numbers: np.ndarray[Any, Any]) -> pa.Table:
        import pyarrow as pa

        count = len(numbers)
        sent = (numbers - 1) * (_DAY.total_seconds() / self._sends_a_day)
        day = (numbers - 1) // self._sends_a_day
        first = np.datetime64(self._first.date())
        columns: dict[str, Any] = dict.fromkeys(FINDING_COLUMNS, pa.nulls(count, pa.string()))
        columns |= {
            "discrepancy_id": _finding_ids(numbers),
            "kind": ["missing_locally"] * count,
            "severity": ["error"] * count,
            "message_id": numbers.astype(str),
            "phone_number": stats.phones(numbers - 1),
            "provider_status": ["delivered"] * count,
            "provider_sent_at": stats.times(self._first, sent),
            "local_sent_at": pa.nulls(count, pa.timestamp("us", "UTC")),
            "detail": ["Octopods has this message, the records do not"] * count,
            "account_id": np.ones(count, np.int64),
            "date": pa.array(first + day.astype("timedelta64[D]")),
            "status": ["open"] * count,
            "first_seen_on": pa.array(first + (day + 1).astype("timedelta64[D]")),
            "opened_at": stats.times(self._first, (day + 1) * _DAY.total_seconds() + 10_800),
        }
        return pa.table(columns)

    def _polls(self) -> pa.Table:
        import pyarrow as pa

        count = self._days * _POLLS_A_DAY
        numbers = np.arange(count) + 1
        ago = (datetime.now(UTC) - self._first).total_seconds() / count
        at = stats.times(self._first, numbers * ago)
        same = {name: np.ones(count, np.int64) for name in ("account_id", "key_id")}
        figures = {"item_limit": LISTING_LIMIT, "item_count": LISTING_LIMIT}
        figures |= {"new_count": 90, "shared_count": 10, "reject_count": 0}
        columns: dict[str, Any] = {"id": numbers, **same, "answered_at": at, "kept_at": at}
        columns |= {name: np.full(count, figure) for name, figure in figures.items()}
        columns |= {
            "oldest_sent_at": stats.times(self._first, (numbers - 1) * ago),
            "newest_sent_at": at,
            "reading": ["after_oldest"] * count,
        }
        return pa.table(columns)

    def channel(self) -> Channel:
        """Return what lists the newest messages, those of a whole day."""
        made, messages = Channel(), _TABLES["messages"]
        newest = (
            sa.select(messages.c.message_id, messages.c.phone_number, messages.c.sent_at)
            .where(messages.c.account_id == 1, messages.c.sent_at < datetime.now(UTC))
            .order_by(messages.c.sent_at.desc())
            .limit(2 * LISTING_LIMIT)
        )
        engine = connect(self.url)
        with reading(engine) as connection:
            for message_id, number, at in reversed(connection.execute(newest).all()):
                made.add(SimulatedMessage(message_id, number, at, READ))
        engine.dispose()
        return made


#: The records of an account whose messages are stored.
_RECORDS: Final = (
    "CREATE TABLE {table} AS SELECT message_id AS id, message_id, phone_number, {time}, status"
    " FROM messages WHERE account_id = 1 AND message_id NOT IN (SELECT CAST(message_id AS bigint)"
    " FROM findings)"
)


def _finding_ids(numbers: np.ndarray[Any, Any]) -> list[str]:
    return [f"{number:016x}" for number in numbers.tolist()]


def commands(made: EverydayStore) -> Iterator[Sequence[str]]:
    """Yield the commands that a person waits for; each may be repeated."""
    record = str(made.unrecorded - 1)
    yield from (("status",), ("discrepancies",), ("discrepancies", "--format", "csv"))
    yield "discrepancies", "--date", made.day.isoformat()
    yield from (("explain", one) for one in (made.finding, str(made.unrecorded), record))
    yield "ack", made.finding, "--reason", "known"
    yield "report", "--output", str(made.room / "reports")
    yield "retries", "--date", made.day.isoformat()
    yield "purge", "--older-than", "30", "--dry-run"
    yield "purge", "--phone-number", "+353871000000", "--dry-run"
    yield ("check",)


@contextmanager
def prepared(url: str, room: Path, days: int, sends_a_day: int) -> Iterator[EverydayStore]:
    """Fill a store, serve the newest messages, and write the configuration into `room`."""
    made = EverydayStore(url, room, days, sends_a_day)
    with serve(made.channel(), clock=lambda: datetime.now(UTC)) as base_url:
        config = room / "recon.toml"
        config.touch(0o600)
        config.write_text(
            CONFIG.format(store=made.url, base_url=base_url, records=made.records, table=made.table)
        )
        yield made


def main() -> None:
    """Print the table of each database."""
    words = sys.argv[1:]
    os.environ["KEY"] = SIMULATED_KEY
    sends_a_day = next((int(word) for word in words if word.isdecimal()), SENDS_A_DAY)
    days = MESSAGES // sends_a_day
    for name in [word for word in words if not word.isdecimal()] or ["sqlite", "postgresql"]:
        with tempfile.TemporaryDirectory() as place, database(name, Path(place)) as url:
            room = Path(place)
            with prepared(url, room, days, sends_a_day) as made:
                print(f"{name}, {days} days of {sends_a_day:,} sends")
                for command in commands(made):
                    runs = [stats.taken(room, command) for _ in range(REPEATS)]
                    seconds = statistics.median(one.seconds for one in runs)
                    cpu = statistics.median(one.cpu_seconds for one in runs)
                    said = f"{seconds:>6.2f} s{cpu:>8.2f} s of CPU"
                    print(f"  {' '.join(command):<50}{said}", flush=True)


if __name__ == "__main__":
    main()
