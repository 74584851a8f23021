"""Short ways to make records and to look at what was read of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from recon.records.reader import RecordsReader
from recon.records.reader_factory import open_reader
from recon.records.source import Source

START = datetime(2026, 4, 22, 23, tzinfo=UTC)
END = datetime(2026, 4, 23, 23, tzinfo=UTC)
NOON = "2026-04-23T12:00:00Z"
COLUMNS = ("id", "message_id", "phone_number", "sent_at", "status")

#: A good record, as text.
ROW = ("1", "3851828", "+353871234567", NOON, "sent")


def sqlite_source(
    path: Path,
    rows: Iterable[Sequence[Any]] = (ROW,),
    types: str = "",
    **options: Any,  # noqa: ANN401
) -> Source:
    """Make a table `sends` in a new SQLite file; `types` are of its columns."""
    kinds = types.split(",") if types else [""] * len(COLUMNS)
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(COLUMNS, kinds, strict=True))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(f"CREATE TABLE sends ({columns})")
        connection.executemany("INSERT INTO sends VALUES (?, ?, ?, ?, ?)", rows)
    return Source(**{"url": f"sqlite:///{path}", "table": "sends", **options})


def sqlite_records(
    path: Path,
    rows: Iterable[Sequence[Any]] = (ROW,),
    types: str = "",
    **options: Any,  # noqa: ANN401
) -> RecordsReader:
    """Make a table as `sqlite_source` does, and open it."""
    return open_reader(sqlite_source(path, rows, types, **options))


def local_ids(frame: pd.DataFrame) -> list[str]:
    """Return the local ids as sorted text."""
    return sorted(map(str, frame["local_id"]))
