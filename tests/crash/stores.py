"""A database that is put back to what it was, as often as a test wants."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from tests.postgres import copying


@dataclass(frozen=True, slots=True)
class Start:
    """A directory, and a database of PostgreSQL if there is one, as they were at one moment."""

    room: Path
    kept: Path
    server: sa.Engine | None
    """The server's own database, each statement for itself; `None` for SQLite in the room."""
    database: str

    def put_back(self) -> None:
        """Let all be as it was at that moment; whoever is connected is not any more."""
        shutil.rmtree(self.room)
        shutil.copytree(self.kept, self.room)
        if self.server is not None:
            self.execute(f"DROP DATABASE {self.database} WITH (FORCE)")
            self.execute(copying(self.server, f"{self.database}_start", self.database))

    def await_the_end(self) -> None:
        """Wait until nobody is connected any more; whoever still is, is cut off."""
        if self.server is not None:
            # All rows are read, so that all have ended.
            ended = "SELECT count(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity"
            self.execute(f"{ended} WHERE datname = '{self.database}'")

    def execute(self, statement: str) -> None:
        """Execute a statement in the server's own database."""
        assert self.server is not None
        # A connection of its own each time: the server may have been restarted.
        with self.server.connect() as connection:
            connection.exec_driver_sql(statement)


@contextmanager
def start(room: Path, kept: Path, database_url: str, server_url: str | None) -> Iterator[Start]:
    """Keep a directory and a database as they are now.

    Args:
        room: the directory.
        kept: where its copy is made.
        database_url: of the database.
        server_url: the server's own database; `None` for SQLite in the room.
    """
    shutil.copytree(room, kept)
    if server_url is None:
        yield Start(room, kept, None, "")
        return
    name = sa.make_url(database_url).database or ""
    engine = sa.create_engine(server_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    made = Start(room, kept, engine, name)
    made.execute(copying(engine, name, f"{name}_start"))
    try:
        yield made
    finally:
        made.execute(f"DROP DATABASE {name}_start")
