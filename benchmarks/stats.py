"""What `recon stats`, `dashboard` and `retries` cost over 400 days with five million messages.

Run `python -m benchmarks.stats [MESSAGES] [sqlite] [postgresql]`. The 2,000 sends a day of one
account are asked for, with rates; all others are another account's. Each command is a process of
its own, imports included: the medians of five of its time and CPU time, and the highest peak of its
memory (what a PostgreSQL server takes is in the time only). Two statuses are stored of each
message, as of most that are delivered, and ten failed sends a day were proposed for a retry.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import sqlalchemy as sa

from benchmarks.records import database
from recon.store import schema
from recon.store.dialects import bulk_insert
from recon.store.engine import connect, writing
from recon.store.tables import METADATA

if TYPE_CHECKING:
    import pyarrow as pa

MESSAGES: Final = 5_000_000
DAYS: Final = 400
SENDS_A_DAY: Final = 2_000
REPEATS: Final = 5
PROPOSED_A_DAY: Final = 10
OF_ALL_DAYS: Final = ("--days", str(DAYS))
COMMANDS: Final = (
    ("stats", *OF_ALL_DAYS),
    ("stats", *OF_ALL_DAYS, "--by", "hour"),
    ("stats", *OF_ALL_DAYS, "--by", "country"),
    ("stats", *OF_ALL_DAYS, "--by", "reason"),
    ("dashboard", *OF_ALL_DAYS, "--output", "-"),
    ("dashboard", *OF_ALL_DAYS, "--json"),
    ("retries",),
)
_AT_A_TIME: Final = 250_000
_DAY: Final = timedelta(days=1)
_REASONS: Final = np.array(
    [
        "Recipient is not a WhatsApp user.",
        "(#131049) This message was not delivered to maintain healthy ecosystem engagement.",
        "Re-engagement window expired",
    ]
)
_PREFIXES: Final = np.array(["+35387", "+447", "+4915", "+1555", "+551198"])

CONFIG: Final = """
timezone = "Europe/Dublin"
[database]
url = "{url}"
[cost]
currency = "EUR"
rates = {{ "353" = 0.05, "44" = 0.04, "49" = 0.11 }}
[accounts.main]
api_key_env = "KEY"
[accounts.main.local]
file = "{records}"
"""


def load(
    engine: sa.Engine, messages: int, days: int, sends_a_day: int, today: date | None = None
) -> None:
    """Fill a new store: an account with so many sends a day until today, and another's messages."""
    schema.upgrade(engine)
    end = datetime.combine(today or datetime.now(UTC).date(), datetime.min.time(), UTC) + _DAY
    mine = days * sends_a_day
    with writing(engine) as connection:
        for table, rows in _ledger(end, days):
            bulk_insert(connection, METADATA.tables[table], rows)
        for account, count in ((1, mine), (2, messages - mine)):
            for table, rows in _messages(account, count, end, days):
                bulk_insert(connection, METADATA.tables[table], rows)
        connection.execute(sa.insert(METADATA.tables["runs"]), list(_runs(end, days)))
        every = max(1, sends_a_day // PROPOSED_A_DAY)
        proposals = list(_proposals(range(0, mine, every), end, days, sends_a_day))
        connection.execute(sa.insert(METADATA.tables["retry_exports"]), proposals)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        is_server = connection.dialect.name == "postgresql"
        connection.exec_driver_sql("VACUUM ANALYZE" if is_server else "ANALYZE")


def _load_into(url: str, messages: int) -> None:
    """Load in a process of its own: Linux counts the peak of the parent's memory as its child's."""
    engine = connect(url)
    load(engine, messages, DAYS, SENDS_A_DAY)
    engine.dispose()


def _ledger(end: datetime, days: int) -> Iterator[tuple[str, pa.Table]]:
    import pyarrow as pa

    ids = np.array([1, 2])
    yield "accounts", pa.table({"id": ids, "name": ["main", "other"]})
    yield (
        "keys",
        pa.table(
            {
                "id": ids,
                "account_id": ids,
                "fingerprint": ["f1a9", "0b77"],
                "started_by": ids,
                "settling_seconds": [60, 60],
            }
        ),
    )
    starts = np.arange(days) * _DAY.total_seconds()
    first = end - days * _DAY
    spans = {
        "id": np.arange(days) + 1,
        "account_id": np.ones(days, np.int64),
        "key_id": np.ones(days, np.int64),
        "starts_at": times(first, starts + 3600),
        "seen_at": times(first, starts + _DAY.total_seconds()),
        "basis": ["shared"] * days,
    }
    yield "coverage", pa.table(spans)


def _messages(account: int, count: int, end: datetime, days: int) -> Iterator[tuple[str, pa.Table]]:
    import pyarrow as pa

    random = np.random.default_rng(account)
    first, length = end - days * _DAY, days * _DAY.total_seconds()
    for start in range(0, count, _AT_A_TIME):
        numbers = np.arange(start, min(count, start + _AT_A_TIME))
        sent = numbers * (length / count)
        ids = numbers + 1
        status = random.choice(
            ["delivered", "read", "failed", "sent"], len(ids), p=[0.5, 0.4, 0.05, 0.05]
        )
        failed = status == "failed"
        reason = pa.array(_REASONS[numbers % len(_REASONS)], mask=~failed)
        of = {"account_id": np.full(len(ids), account), "message_id": ids}
        rows = of | {
            "key_id": np.full(len(ids), account),
            "phone_number": phones(numbers),
            "sent_at": times(first, sent),
            "status": status,
            "failure_reason": reason,
            "first_seen_at": times(first, sent + 60),
            "observed_at": times(first, sent + 600),
            "listed_by": np.ones(len(ids), np.int64),
        }
        yield "messages", pa.table(rows)
        for word, later in ((np.full(len(ids), "sent"), 60), (status, 600)):
            seen = times(first, sent + later)
            yield "status_changes", pa.table(of | {"seen_at": seen, "status": word})


def _runs(end: datetime, days: int) -> Iterator[dict[str, Any]]:
    for number in range(days):
        start = end - (days - number) * _DAY
        at = start + _DAY + timedelta(hours=3)
        empty: dict[str, Any] = {
            name: {} for name in ("discrepancies", "statuses", "confirmation", "expected")
        }
        lists: dict[str, Any] = {
            name: []
            for name in ("gaps", "suspicions", "found", "acknowledged", "notices", "unreadable")
        }
        yield {
            "run_id": f"r{number}",
            "account_id": 1,
            "date": start.date(),
            "mode": "run",
            "verdict": "clean",
            "window_start": start,
            "window_end": start + _DAY,
            "timezone": "UTC",
            "started_at": at,
            "finished_at": at,
            "local": {"matched": SENDS_A_DAY},
            "provider": {"matched": SENDS_A_DAY},
            "requests": {"list": 1, "status": 3, "rate_limited": 0},
            **empty,
            **lists,
        }


def _proposals(
    numbers: range, end: datetime, days: int, sends_a_day: int
) -> Iterator[dict[str, Any]]:
    for number in numbers:
        day = end - days * _DAY + number // sends_a_day * _DAY
        yield {
            "account_id": 1,
            "message_id": number + 1,
            "date": day.date(),
            "local_id": None,
            "phone_number": phones(np.array([number]))[0],
            "exported_at": day - timedelta(hours=3),
            "attempt": 1,
        }


def phones(numbers: np.ndarray[Any, Any]) -> Any:  # noqa: ANN401 - an array of texts
    """Return the numbers that messages went to."""
    return np.char.add(_PREFIXES[numbers % len(_PREFIXES)], (1_000_000 + numbers).astype(str))


def times(first: datetime, seconds: Any) -> pa.Array:  # noqa: ANN401 - a list or an array
    """Return the times so many seconds after the first."""
    import pyarrow as pa

    after = (np.asarray(seconds, np.float64) * 1e6).astype(np.int64)
    return pa.array(after + int(first.timestamp() * 1e6), pa.timestamp("us", "UTC"))


class Taken(NamedTuple):
    """What a command took."""

    seconds: float
    cpu_seconds: float
    megabytes: float
    """Resident at the peak."""


def taken(folder: Path, command: Sequence[str]) -> Taken:
    """Run a command in a process of its own; return what it took.

    As where it is installed, modules are compiled once: the first command of a folder does it.
    """
    argv = [sys.executable, "-m", "recon", "--config", str(folder / "recon.toml"), *command]
    here = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    here["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
    started = time.perf_counter()
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, env=here)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(argv)} ended with {child.returncode}")
    return Taken(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def write_config(folder: Path, url: str) -> None:
    """Write the configuration and the records, of which there are none."""
    records = folder / "sends.csv"
    (folder / "recon.toml").write_text(CONFIG.format(url=url, records=records))
    records.write_text("id,message_id,phone_number,sent_at,status\n")


def main() -> None:
    """Print the table of each database."""
    words = sys.argv[1:]
    count = next((int(word) for word in words if word.isdecimal()), MESSAGES)
    for name in [word for word in words if not word.isdecimal()] or ["sqlite", "postgresql"]:
        with tempfile.TemporaryDirectory() as room, database(name, Path(room)) as url:
            loader = get_context("spawn").Process(target=_load_into, args=(url, count))
            loader.start()
            loader.join()
            write_config(Path(room), url)
            print(f"{name}, {count:,} messages, {DAYS} days of {SENDS_A_DAY:,} sends")
            for command in COMMANDS:
                runs = [taken(Path(room), command) for _ in range(REPEATS)]
                seconds = statistics.median(one.seconds for one in runs)
                cpu = statistics.median(one.cpu_seconds for one in runs)
                megabytes = max(one.megabytes for one in runs)
                said = f"{seconds:>6.2f} s{cpu:>8.2f} s of CPU{megabytes:>6.0f} MB"
                print(f"  {' '.join(command):<34}{said}", flush=True)


if __name__ == "__main__":
    main()
