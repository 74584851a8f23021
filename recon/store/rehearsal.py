"""A temporary copy of the store, for a dry run.

SQLite: a copy of the file, which is removed at the end. PostgreSQL: one transaction that is rolled
back; each transaction of the program is a savepoint in it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import StaticPool

from recon import scratch
from recon.errors import OutputError
from recon.sqlread.postgres_arrow import UNCOMMITTED
from recon.store import schema
from recon.store.dialects import is_postgres
from recon.store.engine import opened, settle_postgres
from recon.store.store_errors import described, sqlite_file


@contextmanager
def rehearsed(engine: sa.Engine) -> Iterator[sa.Engine]:
    """Provide an engine with the content of a store; changes are discarded at the end.

    In PostgreSQL, accounts with changes are locked until the end, as during a run. There is only
    one connection.

    Args:
        engine: the store, its schema ready; an SQLite file may be absent.

    Raises:
        OutputError: the SQLite file cannot be copied, or there is no space for the copy.
    """
    if is_postgres(engine):
        rehearsal = _in_one_transaction(engine)
        try:
            yield rehearsal
        finally:
            # Closes the connection, and so the server rolls back.
            rehearsal.dispose()
        return
    with scratch.directory("dry-run") as room:
        copy = room / "recon.db"
        _copy(engine, copy)
        with opened(f"sqlite:///{copy}") as rehearsal:
            schema.ensure_ready(rehearsal)
            yield rehearsal


def _copy(engine: sa.Engine, target: Path) -> None:
    path = sqlite_file(engine.url)
    if path is None or not path.exists():
        return
    try:
        with (
            closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)
    except sqlite3.Error as error:
        raise OutputError(
            f"{described(engine.url)} cannot be copied for the dry run: {error}",
            hint="The copy needs as much free space in TMPDIR as the database takes.",
        ) from error


def _in_one_transaction(engine: sa.Engine) -> sa.Engine:
    import psycopg

    class Rehearsal(psycopg.Connection[Any]):
        """A connection whose transactions are savepoints of one that is never committed."""

        depth = 0

        def begin(self) -> None:
            """Begin a transaction of the program."""
            self.execute("SAVEPOINT rehearsal")
            self.depth += 1

        def commit(self) -> None:
            """End the savepoint, and keep its changes until the end of the connection."""
            if self.depth:
                self.depth -= 1
                self.execute("RELEASE SAVEPOINT rehearsal")

        def rollback(self) -> None:
            """End it, and undo what it did."""
            if self.depth:
                self.depth -= 1
                self.execute("ROLLBACK TO SAVEPOINT rehearsal")
                self.execute("RELEASE SAVEPOINT rehearsal")

    where, options = engine.dialect.create_connect_args(engine.url)

    def opened_connection() -> Rehearsal:
        made = Rehearsal.connect(*where, **options)
        # Here, and not by an event: SQLAlchemy asks the server some things first.
        settle_postgres(made, None)
        return made

    rehearsal = sa.create_engine(
        engine.url,
        creator=opened_connection,
        poolclass=StaticPool,
        pool_reset_on_return=None,
        hide_parameters=True,
        execution_options={UNCOMMITTED: True},
    )
    event.listen(rehearsal, "begin", _begin)
    return rehearsal


def _begin(connection: sa.Connection) -> None:
    driver: Any = connection.connection.driver_connection
    driver.begin()
