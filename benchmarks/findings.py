"""How fast findings are written, as ratios against well-known ways to write rows.

Run `python -m benchmarks.findings`. A million findings to CSV against `DataFrame.to_csv`, and
100,000 into the database against SQLAlchemy's core `executemany`, on SQLite and PostgreSQL: first
the inserts alone, then all that saving a run does. Each measure runs in a process of its own, in
turns, five times; the median counts. The databases are made for it and thrown away.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.records import database

if TYPE_CHECKING:
    import pandas as pd

    from recon.model import Run

TO_CSV: Final = 1_000_000
TO_DATABASE: Final = 100_000
REPEATS: Final = 5
NIGHT: Final = datetime(2026, 4, 24, 3, tzinfo=UTC)


def findings(count: int) -> pd.DataFrame:
    """Return findings as a bad day has them: of three kinds, sorted as they are judged."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from recon.model import FINDING_COLUMNS

    rng = np.random.default_rng(5)
    place = np.arange(count)
    kinds = np.array(["missing_at_provider", "missing_locally", "status_mismatch"])
    kind = kinds[place * 3 // count]
    ours, theirs = kind != "missing_locally", kind != "missing_at_provider"
    times = pd.Series(pd.to_datetime(1_776_902_400 + place * 86_400 // count, unit="s", utc=True))
    drift = pd.to_timedelta(rng.integers(0, 20_000_000, count), unit="us")
    ids = pa.array([f"{one:032x}" for one in rng.permutation(count)])
    numbers = pd.Series("+35387" + pd.Series(rng.integers(1_000_000, 9_999_999, count)).astype(str))
    columns = {
        "discrepancy_id": ids,
        "kind": kind,
        "severity": np.full(count, "error"),
        "message_id": pd.Series(3_000_000_000 + 3 * place).astype("str"),
        "local_id": pd.Series(place).astype("str").where(ours),
        "phone_number": numbers,
        "local_phone_number": numbers.where(ours),
        "local_status": pd.Series("failed", index=place, dtype="str").where(ours),
        "provider_status": pd.Series("delivered", index=place, dtype="str").where(theirs),
        "local_sent_at": (times + drift).where(ours),
        "provider_sent_at": times.where(theirs),
        "failure_reason": pd.Series(None, index=place, dtype="str"),
        "detail": pd.Series("the records say failed, Octopods says delivered", index=place),
        "confirmed": pd.Series("yes", index=place, dtype="str").where(
            kind == "missing_at_provider"
        ),
        "incident_id": pd.Series(None, index=place, dtype="str"),
    }
    return pd.DataFrame(columns)[list(FINDING_COLUMNS)].astype(
        {name: "str" for name in FINDING_COLUMNS if not name.endswith("_at")}
        | {name: "datetime64[us, UTC]" for name in FINDING_COLUMNS if name.endswith("_at")}
    )


def run(found: pd.DataFrame) -> Run:
    """Return a run that found these."""
    from recon.core import calendar
    from recon.model import LocalBalance, ProviderBalance, RequestCounts, Run, Verdict, VerdictKind

    verdict = Verdict(
        account="main",
        window=calendar.window(date(2026, 4, 23), "UTC"),
        kind=VerdictKind.DISCREPANCIES,
        local=LocalBalance(matched=7),
        provider=ProviderBalance(matched=7),
        findings=found,
        gaps=(),
        statuses={},
        suspicions=(),
    )
    return Run("bench", verdict, NIGHT, NIGHT, RequestCounts())


# --- what is measured --------------------------------------------------------------------------


def to_csv(_url: str, count: int = TO_CSV) -> Callable[[], object]:
    """Write findings with pandas, with the columns that the file of a run has."""
    from recon.report.csv_columns import COLUMNS

    made = run(findings(count))
    place = {"run_id": made.run_id, "date": "2026-04-23", "account": made.verdict.account}
    more = {"first_seen_on": "2026-04-24", "state": "open"}
    found = made.verdict.findings.assign(**place, **more)[list(COLUMNS)]
    return lambda: found.to_csv("pandas.csv", index=False)


def our_csv(_url: str, count: int = TO_CSV) -> Callable[[], object]:
    """Write findings as the file of a run, synced."""
    from recon.report import csv_report
    from recon.report.atomic_files import staged

    made = run(findings(count))

    def write() -> None:
        with staged(Path("ours.csv"), csv_report.chunks(made)) as put_in_place:
            put_in_place()

    return write


def core(url: str, count: int = TO_DATABASE) -> Callable[[], object]:
    """Insert findings with SQLAlchemy's core, from the dictionaries that it takes."""
    import sqlalchemy as sa

    from recon.store.found_again import AGAIN

    engine = sa.create_engine(url)
    found = findings(count)

    def job() -> None:
        clean = found.astype(object).where(found.notna(), None)
        rows = clean.assign(finding_id=range(len(found))).to_dict("records")
        with engine.begin() as connection:
            AGAIN.create(connection)
            connection.execute(sa.insert(AGAIN), rows)
            AGAIN.drop(connection)
        engine.dispose()

    return job


def our_inserts(url: str, count: int = TO_DATABASE) -> Callable[[], object]:
    """Insert findings as saving a run does."""
    import pyarrow as pa

    from recon.store.dialects import bulk_insert
    from recon.store.engine import connect, writing
    from recon.store.found_again import AGAIN, columns_of

    engine, found = connect(url), findings(count)

    def job() -> None:
        with writing(engine) as connection:
            AGAIN.create(connection)
            ids = pa.array(range(len(found)))
            bulk_insert(connection, AGAIN, columns_of(found).append_column("finding_id", ids))
            AGAIN.drop(connection)
        engine.dispose()

    return job


def our_save(url: str, count: int = TO_DATABASE) -> Callable[[], object]:
    """Save a new run: log, findings, what is resolved, and what each finding stands at."""
    import sqlalchemy as sa

    from recon.store import runs, schema
    from recon.store.engine import connect

    engine, made = connect(url), run(findings(count))
    schema.upgrade(engine)
    with engine.begin() as connection:
        for table in ("findings", "runs"):
            connection.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608 - our own names

    def job() -> None:
        runs.save(engine, made, "run")
        engine.dispose()

    return job


MEASURES: Final = {
    "to_csv": to_csv,
    "our_csv": our_csv,
    "core": core,
    "our_inserts": our_inserts,
    "our_save": our_save,
}

# --- processes ---------------------------------------------------------------------------------


def measured(names: list[str], url: str, folder: Path) -> None:
    """Measure in turns, and print medians against the first."""
    here = {"PYTHONPATH": str(Path(__file__).parents[1])}
    taken: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(REPEATS):
        for name, seconds in taken.items():
            command = [sys.executable, "-m", "benchmarks.findings", name, url]
            ran = subprocess.run(
                command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True, env=here
            )
            seconds.append(float(ran.stdout))
    first = statistics.median(taken[names[0]])
    for name, seconds in taken.items():
        median = statistics.median(seconds)
        print(f"  {name:<14}{median:>8.2f} s{median / first:>8.2f} x", flush=True)


def main() -> None:
    """Print the tables, or one measure when called with its name."""
    if sys.argv[1:]:
        name, url = sys.argv[1:]
        job = MEASURES[name](url)
        started = time.perf_counter()
        job()
        print(time.perf_counter() - started)
        return
    with tempfile.TemporaryDirectory() as room:
        print(f"{TO_CSV:,} findings to CSV")
        measured(["to_csv", "our_csv"], "", Path(room))
        for name in ("sqlite", "postgresql"):
            print(f"{TO_DATABASE:,} findings into {name}")
            with database(name, Path(room)) as url:
                measured(["core", "our_inserts", "our_save"], url, Path(room))


if __name__ == "__main__":
    main()
