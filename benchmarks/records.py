"""How fast the nightly job is with records in a database, as ratios against a bare `read_sql`.

Run `python -m benchmarks.records [ROWS] [sqlite] [postgresql]`; without arguments 1,000,000 rows on
both. The yardstick is `pandas.read_sql` of the same columns of both sides and nothing more. Ours
is the whole job: both sides read from SQL, both linkings, the verdict, its findings saved and the
files written; once more within 400 MB, in partitions if that is too little. Each measure runs in a
process of its own, five times; the median counts, and the highest peak of memory. The database, a
PostgreSQL server too, is made for it and thrown away.
"""

from __future__ import annotations

import importlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks import diff
from tests import postgres

if TYPE_CHECKING:
    import pyarrow as pa

ROWS: Final = 1_000_000
REPEATS: Final = 5
#: So many bytes may be taken where the day is judged in partitions.
LIMIT: Final = 400_000_000
DAY: Final = date(2026, 4, 23)
MORNING: Final = datetime(2026, 4, 24, 3, tzinfo=UTC)

#: The records, as an application keeps them: it has more in a row than anybody asks for.
RECORDS: Final = {
    "sqlite": "id INTEGER PRIMARY KEY, message_id BIGINT, phone_number TEXT, sent_at DATETIME,"
    " status TEXT, body TEXT",
    "postgresql": "id bigint PRIMARY KEY, message_id bigint, phone_number text,"
    " sent_at timestamptz, status text, body text",
}
BODY: Final = "Your order has left our house and will be with you tomorrow. "

QUERIES: Final = (
    "SELECT id, message_id, phone_number, sent_at, status FROM sends",
    "SELECT message_id, phone_number, sent_at, status, failure_reason, observed_at FROM messages",
)
WINDOW: Final = (
    " WHERE sent_at >= '2026-04-22 23:00' AND sent_at < '2026-04-24 01:00'",
    " WHERE account_id = 1 AND sent_at >= 1776898800000000 AND sent_at < 1776992400000000",
)


class Measure(NamedTuple):
    """What one process took, after its imports."""

    seconds: float
    megabytes: float
    """Resident at the peak."""


# --- what is measured --------------------------------------------------------------------------


def read_sql(url: str, window: Sequence[str] = ("", "")) -> Callable[[], object]:
    """Read both sides with pandas, bare."""
    import pandas as pd
    import sqlalchemy as sa

    engine = sa.create_engine(url)

    def job() -> None:
        with engine.connect() as connection:
            for query, rows in zip(QUERIES, window, strict=True):
                pd.read_sql(sa.text(query + rows.replace(":", "\\:")), connection)
        engine.dispose()

    return job


def read_window(url: str) -> Callable[[], object]:
    """Read both sides of the window with pandas, bare."""
    sqlite = url.startswith("sqlite")
    return read_sql(url, WINDOW if sqlite else (WINDOW[0], f"{WINDOW[0]} AND account_id = 1"))


def with_arrow(url: str, limit: int | None = None) -> Callable[[], object]:
    """Do the whole job, by whatever is installed, within so many bytes if that is given."""
    from recon.core import calendar
    from recon.core.policy import Policy
    from recon.jobs import judging, reconcile
    from recon.jobs.memory_budget import RunMemory
    from recon.model import RequestCounts, Run
    from recon.records.reader_factory import open_reader
    from recon.records.source import Source
    from recon.report import report_files
    from recon.store import runs
    from recon.store.engine import connect

    # What is imported where it is used is imported here: the yardstick has all it needs.
    for module in ("recon.core.judge", "recon.core.frames", "recon.store.stored_frames"):
        importlib.import_module(module)
    engine = connect(url)
    _forget(url)
    records = open_reader(Source(url=url, table="sends"))

    def job() -> None:
        day = calendar.window(DAY, "UTC")
        memory = None if limit is None else RunMemory(limit, Path("reports"))
        with reconcile.read(
            "main",
            [day],
            reader=records,
            engine=engine,
            policy=Policy(),
            memory=memory,
            now=MORNING,
        ) as made:
            (judged,) = judging.judged(made, engine, "")
        assert judged.verdict is not None
        run = Run("bench", judged.verdict, MORNING, MORNING, RequestCounts())
        report_files.write(runs.save(engine, run, "run"), Path("reports"), mask=True)
        engine.dispose()

    return job


def plain(url: str) -> Callable[[], object]:
    """Do the whole job with no other driver than SQLAlchemy's."""
    sys.modules["adbc_driver_postgresql"] = None  # type: ignore[assignment]
    return with_arrow(url)


def in_partitions(url: str) -> Callable[[], object]:
    """Do the whole job within `LIMIT`."""
    return with_arrow(url, LIMIT)


MEASURES: Final = {
    "read_sql": read_sql,
    "read_window": read_window,
    "plain": plain,
    "arrow": with_arrow,
    "partitions": in_partitions,
}


# --- the data ----------------------------------------------------------------------------------


def generate(url: str, count: int) -> None:
    """Fill a new database with the records and with the messages that were collected of a day."""
    import pyarrow.parquet as pq
    import sqlalchemy as sa

    from recon.model import Listing
    from recon.store import messages, schema, tables
    from recon.store.dialects import bulk_insert
    from recon.store.engine import connect, writing

    diff.generate(count, Path())
    engine = connect(url)
    schema.upgrade(engine)
    # Two answers that were not full, one long before the day and one after it, prove all of it;
    # what they prove is put in behind them.
    for answered_at in (MORNING - timedelta(days=40), MORNING):
        messages.keep(engine, "main", "f1a9", Listing((), (), 0, 100, answered_at=answered_at))
    with writing(engine) as connection:
        columns = RECORDS[connection.dialect.name]
        connection.exec_driver_sql(f"CREATE TABLE sends ({columns})")
        bulk_insert(connection, sa.table("sends"), _sends(), {"body": BODY})
        (key,) = connection.execute(sa.select(tables.keys.c.account_id, tables.keys.c.id))
        poll = connection.execute(sa.select(sa.func.max(tables.polls.c.id))).scalar_one()
        same = {"account_id": key[0], "key_id": key[1], "listed_by": poll}
        same |= dict.fromkeys(("first_seen_at", "observed_at"), MORNING - timedelta(hours=1))
        bulk_insert(connection, tables.messages, pq.read_table("provider.parquet"), same)
        # The key was in use before: its first listed message is long past.
        before = sa.update(tables.keys).values(first_listed_at=MORNING - timedelta(days=40))
        connection.execute(before)
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")
    engine.dispose()


def _sends() -> pa.Table:
    """Return the records, their times as texts: so an application keeps them in SQLite."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table("local.parquet")
    times = table["sent_at"].cast(pa.timestamp("us")).cast(pa.string())
    texts = pc.binary_join_element_wise(times, "+00:00", "")
    table = table.set_column(table.column_names.index("sent_at"), "sent_at", texts)
    return table.select(["id", "message_id", "phone_number", "sent_at", "status"])


def _forget(url: str) -> None:
    """Take back what an earlier run has found."""
    import sqlalchemy as sa

    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        for table in ("findings", "runs"):
            connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608 - our own names


# --- processes ---------------------------------------------------------------------------------


def child(*arguments: str, folder: Path) -> str:
    """Run this module in a new interpreter, in a folder; return what it said."""
    command = [sys.executable, "-m", "benchmarks.records", *arguments]
    here = {"PYTHONPATH": str(Path(__file__).parents[1])}
    ran = subprocess.run(
        command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True, env=here
    )
    return ran.stdout


def measured(names: Sequence[str], url: str, folder: Path) -> dict[str, Measure]:
    """Measure everything five times, in turns; return median times and highest peaks."""
    taken: dict[str, list[Measure]] = {name: [] for name in names}
    for _ in range(REPEATS):
        for name, found in taken.items():
            seconds, megabytes = child(name, url, folder=folder).split()
            found.append(Measure(float(seconds), float(megabytes)))
    return {
        name: Measure(
            statistics.median(one.seconds for one in found), max(one.megabytes for one in found)
        )
        for name, found in taken.items()
    }


@contextmanager
def database(name: str, folder: Path) -> Iterator[str]:
    """Give the URL of a database that is made for it."""
    if name == "sqlite":
        yield f"sqlite:///{folder / 'records.db'}"
        return
    with postgres.server() as url:
        yield url


def measure(name: str, count: int) -> None:
    """Print the table of one database."""
    with tempfile.TemporaryDirectory() as room, database(name, Path(room)) as url:
        child("generate", url, str(count), folder=Path(room))
        print(f"\n{count:,} rows a side in {name}")
        # SQLite's Arrow way takes no driver: it is in `plain` already, see `recon.sqlread`.
        names = [each for each in MEASURES if (name, each) != ("sqlite", "arrow")]
        taken = measured(names, url, Path(room))
        for title, one in taken.items():
            ratio = one.seconds / taken["read_sql"].seconds
            print(f"  {title:<12}{one.seconds:>8.2f} s{one.megabytes:>8.0f} MB{ratio:>8.2f} x")


def main() -> None:
    """Print the tables, or one measure when called with its name."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["generate"]:
        generate(arguments[1], int(arguments[2]))
        return
    if arguments and arguments[0] in MEASURES:
        job = MEASURES[arguments[0]](arguments[1])
        started = time.perf_counter()
        job()
        taken = time.perf_counter() - started
        print(taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    count = next((int(word) for word in arguments if word.isdecimal()), ROWS)
    for name in [word for word in arguments if word in RECORDS] or list(RECORDS):
        measure(name, count)


if __name__ == "__main__":
    main()
