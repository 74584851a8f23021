"""Translate the database's own errors into recon's."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import sqlalchemy as sa
from sqlalchemy import exc

from recon.errors import ConfigError, OutputError, ReconError, TemporaryError, file_shortage

URL_HINT: Final = (
    'Write database.url like "sqlite:///recon.db" or '
    '"postgresql+psycopg://user:password@host:5432/database". '
    "In a password, write characters such as @ : / as %40 %3A %2F."
)
_AGAIN: Final = "No data is half-written; try again later."
_UNREACHED: Final = f"Check host and port of database.url. {_AGAIN}"
_DIFFERS: Final = "does not have the tables of its version"
_DIFFERS_HINT: Final = (
    "`recon db check` names what differs. Restore a backup, or give recon a new database in "
    "database.url."
)


def sqlite_file(url: sa.URL) -> Path | None:
    """Return the file of an SQLite URL; `None` for a database in memory or another backend."""
    database = url.database or ""
    if url.get_backend_name() != "sqlite" or database in {"", ":memory:"}:
        return None
    if database.startswith("file:"):
        if url.query.get("mode") == "memory" or database == "file::memory:":
            return None
        database = unquote(database.removeprefix("file:"))
    return Path(database).absolute()


def described(url: sa.URL) -> str:
    """Name the database without its credentials."""
    if url.get_backend_name() == "sqlite":
        return f"the database {sqlite_file(url) or 'in memory'}"
    return f"the PostgreSQL database {url.database or ''} at {url.host or 'the local socket'}"


@contextmanager
def translated(url: sa.URL) -> Iterator[None]:
    """Translate errors of SQLAlchemy and the drivers into recon's; other errors are not changed.

    Raises:
        TemporaryError: busy, locked, deadlocked, or the server cannot be reached now.
        OutputError: read-only, disk full, no permission, or the file cannot be opened.
        ConfigError: wrong password, no such database, or the file is not a database.
    """
    try:
        yield
    except Exception as error:
        ours = _ours(error, url)
        if ours is None:
            raise
        raise ours from error


def _ours(error: Exception, url: sa.URL) -> ReconError | None:
    if isinstance(error, ReconError):
        return None
    if isinstance(error, exc.NoSuchModuleError | ModuleNotFoundError):
        return ConfigError(f"the driver of {described(url)} is not installed", hint=URL_HINT)
    if isinstance(error, exc.TimeoutError):
        return TemporaryError(f"{described(url)} is busy: no free connection", hint=_AGAIN)
    cause = error.orig if isinstance(error, exc.DBAPIError) else error
    if isinstance(cause, UnicodeError) and "idna" in str(cause):
        # Of a host, before anything is connected; the store's own texts are in UTF-8.
        return ConfigError("the host name in database.url is not valid", hint=URL_HINT)
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(cause, url)
    is_postgres = type(cause).__module__.partition(".")[0] == "psycopg"
    return _of_postgres(cause, url) if cause is not None and is_postgres else None


#: The primary result code (https://www.sqlite.org/rescode.html), and its meaning.
_SQLITE_ERRORS: Final[dict[int, tuple[type[ReconError], str, str]]] = {
    sqlite3.SQLITE_BUSY: (TemporaryError, "is busy", _AGAIN),
    sqlite3.SQLITE_LOCKED: (TemporaryError, "is busy", _AGAIN),
    sqlite3.SQLITE_PERM: (OutputError, "cannot be opened", "Check the file's permissions."),
    sqlite3.SQLITE_CANTOPEN: (
        OutputError,
        "cannot be opened",
        "Check the permissions of the file and of its directory.",
    ),
    sqlite3.SQLITE_READONLY: (
        OutputError,
        "cannot be written",
        "Check the permissions of the file and of its directory.",
    ),
    sqlite3.SQLITE_FULL: (OutputError, "cannot be written", "Free some space on the disk."),
    sqlite3.SQLITE_IOERR: (OutputError, "cannot be read or written", "Check the disk."),
    sqlite3.SQLITE_CORRUPT: (OutputError, "is damaged", "Restore it from a backup."),
    sqlite3.SQLITE_NOTADB: (ConfigError, "is not an SQLite file", "Check database.url."),
}


_OPTIONS_HINT: Final = "Check the options after the ? in database.url."
#: What SQLite says of a table or column that is not there; it has no code of its own for that.
_SQLITE_LACKS: Final = re.compile(
    r"no such (table|column):|table \S+ has (no column|\d+ columns)|foreign key mismatch"
)
#: What SQLite says of a mode, cache or VFS in a URL that it does not have.
_SQLITE_OPTIONS: Final = ("no such access mode", "no such cache mode", "no such vfs")


def _of_sqlite(error: sqlite3.Error, url: sa.URL) -> ReconError | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR}:
        shortage = file_shortage()
        if shortage is not None:
            return shortage
    if any(sign in str(error) for sign in _SQLITE_OPTIONS):
        return ConfigError(f"{described(url)} cannot be opened: {error}", hint=_OPTIONS_HINT)
    if code == sqlite3.SQLITE_ERROR and _SQLITE_LACKS.match(str(error)):
        return ConfigError(f"{described(url)} {_DIFFERS}: {error}", hint=_DIFFERS_HINT)
    known = None if code is None else _SQLITE_ERRORS.get(code & 0xFF)
    if known is None:
        return None
    kind, what, hint = known
    if code is not None and code & 0xFF in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}:
        hint = _obstacle(url) or hint
    return kind(f"{described(url)} {what}: {error}", hint=hint)


def _obstacle(url: sa.URL) -> str | None:
    """Say why SQLite cannot open or write its file, if that is known, and what to do."""
    path = sqlite_file(url)
    if path is None:
        return None
    if path.is_dir():
        return f'It is a directory. Name a file in it: database.url = "sqlite:///{path}/recon.db".'
    if not os.access(path.parent, os.W_OK):
        return (
            f"{path.parent} cannot be written, where SQLite keeps its write-ahead log. Give the "
            "user that runs recon the right to write there, or mount the file system writable."
        )
    if url.query.get("mode") == "ro":
        return "Take mode=ro out of database.url."
    return None


_UNREACHABLE: Final = "cannot be reached"
_NOT_ALLOWED: Final = "does not let this user do that"
_NOT_ALLOWED_HINT: Final = (
    "`recon check` says whether the role has the rights that a run needs. `recon db upgrade` needs "
    "the role that owns the tables."
)
#: SQLSTATE, or its class (https://www.postgresql.org/docs/current/errcodes-appendix.html).
_POSTGRES_ERRORS: Final[dict[str, tuple[type[ReconError], str]]] = {
    "25006": (OutputError, "is read-only"),
    "42501": (OutputError, _NOT_ALLOWED),
    "53100": (OutputError, "has no space left on its disk"),
    "3D000": (ConfigError, "does not exist"),
    "42P01": (ConfigError, _DIFFERS),
    "42703": (ConfigError, _DIFFERS),
    "55P03": (TemporaryError, "is busy"),
    "57014": (TemporaryError, "took too long"),
    "08": (TemporaryError, _UNREACHABLE),
    "28": (ConfigError, "refuses the login"),
    "40": (TemporaryError, "is busy"),
    "53": (TemporaryError, "is busy"),
    "57P": (TemporaryError, "is shutting down or starting up"),
}

#: libpq gives no SQLSTATE when it cannot connect, only the server's words.
_LOGIN_ERRORS: Final = (
    "authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "does not exist",
    "is not permitted to log in",
    "permission denied for database",
)


#: What pgbouncer says at the beginning of a transaction, which recon cannot do without.
_STATEMENT_POOLING: Final = "statement pooling mode"


def _of_postgres(error: BaseException, url: sa.URL) -> ReconError | None:
    if _STATEMENT_POOLING in str(error):
        return ConfigError(
            f"{described(url)} is behind a pooler that allows no transactions: {error}",
            hint="Point database.url at PostgreSQL itself, or at a pool with pool_mode = session.",
        )
    state: str | None = getattr(error, "sqlstate", None)
    known = _unconnected(error) if state is None else _by_state(state)
    if known is None:
        return None
    kind, what = known
    words = next(iter(str(error).strip().splitlines()), type(error).__name__)
    hints: dict[type[ReconError], str] = {
        TemporaryError: _UNREACHED if what == _UNREACHABLE else _AGAIN,
        ConfigError: _DIFFERS_HINT if what == _DIFFERS else "Check database.url.",
    }
    hint = _NOT_ALLOWED_HINT if what == _NOT_ALLOWED else hints.get(kind)
    return kind(f"{described(url)} {what}: {words}", hint=hint)


#: What libpq and psycopg say of an option that they do not know, or cannot read.
_OPTION_ERRORS: Final = (
    "invalid connection option",
    "bad value for",
    "invalid port number",
    "invalid integer value",
    "invalid sslmode value",
)


def _unconnected(error: BaseException) -> tuple[type[ReconError], str] | None:
    if any(sign in str(error) for sign in _OPTION_ERRORS):
        return ConfigError, "cannot be opened with such options"
    if type(error).__name__ not in {"OperationalError", "ConnectionTimeout"}:
        return None
    if any(sign in str(error) for sign in _LOGIN_ERRORS):
        return ConfigError, "refuses the login"
    return TemporaryError, _UNREACHABLE


def _by_state(state: str) -> tuple[type[ReconError], str] | None:
    known = (state[:length] for length in (5, 3, 2))
    return next((_POSTGRES_ERRORS[part] for part in known if part in _POSTGRES_ERRORS), None)
