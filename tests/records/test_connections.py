"""Files that change while they are read: read again, and given up on with a sentence."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon.errors import TemporaryError
from recon.records.connections import read_only_engine

COUNT = sa.text("SELECT count(*) FROM sends")


def asleep(path: Path) -> None:
    """Make a file in WAL mode that nobody has open: it is read without locks."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE sends (id)")
        connection.commit()


def insert(path: Path) -> None:
    """Insert a row, as the application that owns the file."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO sends VALUES (1)")


@pytest.mark.parametrize("disturbances", [0, 1, 2])
def test_what_changed_while_it_was_read_is_read_again(tmp_path: Path, disturbances: int) -> None:
    asleep(tmp_path / "a.db")
    database = read_only_engine(f"sqlite:///{tmp_path / 'a.db'}", "UTC")
    counts: list[int] = []

    def work(connection: sa.Connection) -> int:
        counts.append(connection.execute(COUNT).scalar_one())
        if len(counts) <= disturbances:
            insert(tmp_path / "a.db")
        return counts[-1]

    assert database.run(work) == disturbances
    assert counts == list(range(disturbances + 1))


def test_a_file_that_changes_each_time_it_is_read_is_given_up_on(tmp_path: Path) -> None:
    asleep(tmp_path / "a.db")
    database = read_only_engine(f"sqlite:///{tmp_path / 'a.db'}", "UTC")
    reads: list[int] = []

    def work(connection: sa.Connection) -> int:
        reads.append(connection.execute(COUNT).scalar_one())
        insert(tmp_path / "a.db")
        return reads[-1]

    with pytest.raises(TemporaryError, match=r"a\.db changed while they were read"):
        database.run(work)
    assert reads == [0, 1, 2]
