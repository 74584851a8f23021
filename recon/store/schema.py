"""The version of the schema: check it, and migrate the database to it.

Migrations are numbered, `0001`, `0002`, …: so the file names show which one is the latest, and a
command that only checks whether the database is ready need not load Alembic.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

import recon
from recon.errors import ConfigError, OutputError
from recon.store.dialects import is_postgres
from recon.store.engine import reading, writing
from recon.store.pooler import refuse_shared_sessions
from recon.store.store_errors import described, sqlite_file, translated
from recon.store.tables import METADATA

_VERSION: Final = sa.table("alembic_version", sa.column("version_num"))

#: Held while migrating, so that two that start at once do so one after the other.
_UPGRADE_LOCK: Final = 0x0C7_0B0D5

_COMMAND: Final = "Run `recon db upgrade`."
#: How many tables of another program are named.
_NAMED_TABLES: Final = 3
_MIGRATION: Final = re.compile(r"[0-9]{4}_\w+\.py")
_CREATED_BY: Final = (
    "The first `recon run` or `recon collect` creates it. If you already have one, correct "
    "database.url; a relative path starts at the working directory."
)


class Upgrade(NamedTuple):
    """The versions before (`None`: no tables) and after an upgrade."""

    before: str | None
    after: str


def location() -> Path:
    """Return the directory of the migrations: in the installed package, or in the checkout."""
    package = Path(recon.__file__).parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def head() -> str:
    """Return the version that this program needs."""
    return max(_versions())


def _versions() -> list[str]:
    # Not by glob(): for a directory that cannot be opened it finds nothing, and says nothing.
    names = (path.name for path in (location() / "versions").iterdir())
    return [name.partition("_")[0] for name in names if _MIGRATION.fullmatch(name)]


def current(engine: sa.Engine) -> str | None:
    """Return the version of the database, `None` without tables of recon. Creates nothing."""
    path = sqlite_file(engine.url)
    if path is not None and not path.exists():
        return None
    with reading(engine) as connection:
        return _current(connection)


def _current(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(_VERSION.name):
        return None
    found: str | None = connection.execute(sa.select(_VERSION.c.version_num)).scalar()
    return found


def is_absent(engine: sa.Engine) -> bool:
    """Say whether the store is an SQLite file that does not exist or is empty."""
    return not is_postgres(engine) and current(engine) is None and not _tables(engine)


def absence(engine: sa.Engine) -> str:
    """Say that the store does not exist, and why that may be."""
    return f"{described(engine.url)} does not exist yet, or is empty. {_CREATED_BY}"


def ensure_ready(engine: sa.Engine) -> None:
    """Check that the database has the version that this program needs.

    An SQLite file that does not exist or is empty is created.

    Raises:
        ConfigError: `recon db upgrade` has to be run, or the program updated, or a pooler shares
            sessions between connections.
    """
    refuse_shared_sessions(engine)
    found = current(engine)
    if found == head():
        return
    if found is None:
        if is_absent(engine):
            upgrade(engine)
            return
        others = sorted(_tables(engine))
        if others and engine.dialect.name == "sqlite":
            more = ", …" if len(others) > _NAMED_TABLES else ""
            raise ConfigError(
                f"{described(engine.url)} belongs to another program: it has the tables "
                f"{', '.join(others[:_NAMED_TABLES])}{more} and none of recon's",
                hint="Set database.url to another file. If recon should use this one as well, "
                "run `recon db upgrade`.",
            )
        raise ConfigError(f"{described(engine.url)} has no tables of recon yet", hint=_COMMAND)
    _refuse_newer(engine, found)
    raise ConfigError(
        f"{described(engine.url)} has schema {found}, this program needs {head()}", hint=_COMMAND
    )


def ensure_writable(engine: sa.Engine) -> None:
    """Check that this user may write to the database. Nothing is created or changed.

    Raises:
        OutputError: the user may not write; the message names the database.
        TemporaryError, ConfigError: the database cannot be reached or is busy.
    """
    path = sqlite_file(engine.url)
    if path is not None:
        # SQLite keeps its write-ahead log beside the file, so the directory counts as well.
        for place in (path, path.absolute().parent):
            if not os.access(place, os.W_OK) and (place != path or path.exists()):
                raise OutputError(
                    f"{described(engine.url)}: {place} cannot be written",
                    hint=f"Give the user that runs recon write access to {place}.",
                )
        current(engine)
        return
    refuse_shared_sessions(engine)
    names = sorted(_tables(engine) & METADATA.tables.keys())
    rights = [
        sa.func.has_table_privilege(sa.literal(name), sa.literal(right))
        for name in names
        for right in ("SELECT", "INSERT", "UPDATE", "DELETE")
    ]
    rights += [
        sa.func.has_sequence_privilege(
            sa.func.pg_get_serial_sequence(sa.literal(name), "id"), "USAGE"
        )
        for name in names
        if METADATA.tables[name].autoincrement_column is not None
    ]
    with writing(engine) as connection:
        read_only = connection.exec_driver_sql("SHOW transaction_read_only").scalar() == "on"
        lacking = [right for right in rights if not connection.execute(sa.select(right)).scalar()]
    if read_only or lacking:
        raise OutputError(
            f"{described(engine.url)} cannot be written: "
            + ("it is read-only" if read_only else "the role lacks rights on recon's tables"),
            hint="Grant the role SELECT, INSERT, UPDATE and DELETE on all tables of recon and "
            "USAGE on their sequences, or set database.url to a database that it can write to.",
        )


def _tables(engine: sa.Engine) -> set[str]:
    path = sqlite_file(engine.url)
    if path is not None and not path.exists():
        return set()
    with reading(engine) as connection:
        return set(sa.inspect(connection).get_table_names())


def _refuse_newer(engine: sa.Engine, found: str) -> None:
    if found not in _versions():
        raise ConfigError(
            f"{described(engine.url)} has schema {found}, which is newer than this program "
            f"({head()}) or not recon's",
            hint="Update octopods-recon, or give it a database of its own in database.url.",
        )


def upgrade(engine: sa.Engine) -> Upgrade:
    """Migrate the database to the version that this program needs, completely or not at all.

    If several processes do so at once, one of them migrates, and the others wait and do nothing.

    Raises:
        ConfigError: the schema is newer, or tables of another program have the same names.
    """
    _create_file(engine)
    refuse_shared_sessions(engine)
    with _migrating(engine) as connection:
        before = _current(connection)
        if before is None:
            _refuse_occupied(engine, connection)
        else:
            _refuse_newer(engine, before)
        if before != head():
            _keep_writers_out(connection, before)
            _run_migrations(connection)
    return Upgrade(before, head())


def _run_migrations(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(location()).replace("%", "%%"))
    with translated(connection.engine.url):
        command.upgrade(config, "head")


def create_scratch(engine: sa.Engine) -> None:
    """Create the tables in a temporary empty database, without the migrations.

    This takes a fraction of the time of `upgrade`. No command accepts such a database as a store.

    Raises:
        TemporaryError, OutputError: the database cannot be made.
    """
    with writing(engine) as connection:
        METADATA.create_all(connection)


def _keep_writers_out(connection: sa.Connection, before: str | None) -> None:
    """Wait for running writers, and block new ones until the migration is done.

    All writers first lock the row of an account. Without this, a writer and the migration could
    each wait for a table that the other has locked. (SQLite has one writer at a time anyway.)
    """
    if before is not None and is_postgres(connection):
        connection.exec_driver_sql("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE")


def _create_file(engine: sa.Engine) -> None:
    """Create a missing SQLite file readable only by its owner: phone numbers are personal data."""
    path = sqlite_file(engine.url)
    if path is None or path.exists() or engine.url.query.get("mode") in {"ro", "rw"}:
        return
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        raise OutputError(f"{described(engine.url)} cannot be created: {error.strerror}") from error


def _refuse_occupied(engine: sa.Engine, connection: sa.Connection) -> None:
    taken = sorted(set(sa.inspect(connection).get_table_names()) & METADATA.tables.keys())
    if taken:
        raise ConfigError(
            f"{described(engine.url)} already has tables of these names: {', '.join(taken)}",
            hint="Give recon a database (or a PostgreSQL schema) of its own in database.url.",
        )


@contextmanager
def _migrating(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Provide a connection in a transaction that excludes other migrations."""
    # On SQLite a table that changes is rebuilt, and dropped on the way, which must not empty the
    # tables that refer to it (https://www.sqlite.org/lang_altertable.html, "Making Other Kinds
    # Of Table Schema Changes").
    with writing(engine, foreign_keys=False) as connection:
        if is_postgres(engine):
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
            yield connection
            return
        yield connection
        if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
            raise RuntimeError("the migration leaves rows that refer to nothing")


def check(engine: sa.Engine) -> list[str]:
    """Return what is wrong with the schema, in words; nothing if it is right.

    Raises:
        ConfigError: the database is newer than this program.
    """
    found = current(engine)
    if found is None:
        return [f"not created yet (this program needs {head()}). {_COMMAND}"]
    _refuse_newer(engine, found)
    if found != head():
        return [f"schema {found}, this program needs {head()}. {_COMMAND}"]
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    with reading(engine) as connection:
        options = {"compare_type": True, "include_name": _is_ours}
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, METADATA)
    return [f"differs from what this program needs: {_in_words(one)}" for one in differences]


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Say whether an object of the database is compared; tables of other programs are not."""
    return kind != "table" or name in METADATA.tables


def _in_words(difference: Any) -> str:  # noqa: ANN401 - a tuple of anything, or a list of such
    """Say what would remove a difference that Alembic found."""
    while isinstance(difference, list):
        difference = difference[0]
    what, *about = difference
    names = [one if isinstance(one, str) else getattr(one, "name", None) for one in about]
    words = [str(name) for name in names if name]
    table = getattr(getattr(about[0], "table", None), "name", None)
    if table and table not in words:
        words.insert(0, table)
    return f"{what.replace('_', ' ')} {'.'.join(words)}"
