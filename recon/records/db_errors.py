"""Translate errors of the user's database into errors that say what to do."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from recon.errors import ConfigError, InputError, ReconError, TemporaryError, file_shortage

_LONGEST: Final = 500

#: SQLSTATE by its first characters (ISO 9075; PostgreSQL's manual, appendix A).
_REFUSED: Final = ("28", "3D", "42501")
_PASSING: Final = ("08", "40", "53", "55P03", "57", "58")
#: MySQL's and MariaDB's own numbers (MySQL's "Server" and "Client Error Message Reference";
#: MariaDB's "Error Codes"). Access, databases, hosts, accounts, passwords, plugins, TLS.
_MYSQL_REFUSED: Final = frozenset(
    (
        *(1044, 1045, 1049, 1130, 1142, 1143, 1227, 1251, 1370, 1698, 1820, 1862, 1873),
        *(2026, 2049, 2054, 2058, 2059, 2061, 3118, 3159, 4151),
    )
)
#: Connections, memory and disk, locks and deadlocks, limits, a server that shuts down.
_MYSQL_PASSING: Final = frozenset(
    (
        *(1021, 1037, 1038, 1040, 1041, 1042, 1043, 1047, 1053, 1077, 1079, 1080, 1114, 1129, 1135),
        *(1152, 1158, 1159, 1160, 1161, 1184, 1203, 1205, 1206, 1213, 1226, 1317, 1412),
        *(1614, 1615, 1637, 1927, 1969, 2002, 2003, 2005, 2006, 2008, 2012, 2013, 2027, 2055),
        *(3024, 3058, 3168, 3169, 3572, 4031),
    )
)
_SQLITE_PASSING: Final = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_NOMEM")
#: DuckDB has no codes. Another process has the file open for writing, or memory or disk is full.
_DUCKDB_PASSING: Final = ("could not set lock on file", "out of memory", "no space left")
_SQLSTATE: Final = re.compile("[0-9A-Z]{5}")

#: Texts of drivers for a failed connection without an error code that will not succeed later.
_REFUSALS: Final = (
    "authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "does not exist",
    "access denied",
    "login failed",
    "not permitted to log in",
    "permission denied",
    "invalid connection option",
    "invalid sslmode",
    "server does not support ssl",
)


def translated(
    error: SQLAlchemyError, url: sa.URL, *, connecting: bool, setting: str = ""
) -> ReconError:
    """Return an error that says what the user can do about `error`.

    Args:
        error: what SQLAlchemy raised.
        url: of the records; the message never contains its password.
        connecting: whether it happened while connecting.
        setting: the section of the configuration with the URL, "" for none.
    """
    place = shown(url)
    of = f"{setting}." if setting else ""
    cause = _told(error.orig) if isinstance(error, DBAPIError) else None
    said = driver_text(cause or error, url)
    shortage = file_shortage() if isinstance(cause, sqlite3.Error) else None
    if shortage is not None:
        return shortage
    if _is_refusal(cause, said, connecting=connecting):
        return ConfigError(
            f"the database refuses access to the records at {place}: {said}",
            hint=f"Check {of}url, its user and password, and that this user may read the table.",
        )
    if _is_passing(error, cause):
        return TemporaryError(
            f"the records at {place} cannot be reached or are busy: {said}",
            hint=f"Check {of}url, or try again later.",
        )
    if connecting:
        return ConfigError(
            f"the records at {place} cannot be opened: {said}", hint=f"Check {of}url."
        )
    return InputError(
        f"the records at {place} cannot be read: {said}",
        hint=f"Check table, query, where and columns of [{setting or 'accounts.….local'}].",
    )


def _is_refusal(cause: BaseException | None, said: str, *, connecting: bool) -> bool:
    state = _state(cause)
    if state is not None:
        return state.startswith(_REFUSED)
    if _number(cause) in _MYSQL_REFUSED:
        return True
    return connecting and any(refusal in said.lower() for refusal in _REFUSALS)


def _is_passing(error: SQLAlchemyError, cause: BaseException | None) -> bool:
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    state, number = _state(cause), _number(cause)
    if state is not None:
        return state.startswith(_PASSING)
    if isinstance(cause, sqlite3.Error):
        # An extended name, such as SQLITE_BUSY_SNAPSHOT, begins with the plain one.
        return str(getattr(cause, "sqlite_errorname", "")).startswith(_SQLITE_PASSING)
    if number is not None:
        return number in _MYSQL_PASSING
    if type(cause).__module__.partition(".")[0].lstrip("_") == "duckdb":
        return any(one in str(cause).lower() for one in _DUCKDB_PASSING)
    # PostgreSQL's drivers have no code for a connection that breaks or never was.
    return isinstance(error, OperationalError | InterfaceError)


def _told(cause: BaseException | None) -> BaseException | None:
    """Return the error with a code; pg8000 wraps it in an error about a broken connection."""
    one = cause
    while one is not None:
        if _state(one) is not None or _number(one) is not None:
            return one
        one = one.__cause__ or one.__context__
    return cause


def _state(cause: BaseException | None) -> str | None:
    """Return the SQLSTATE in a driver's error.

    Psycopg and psycopg2 have an attribute for it, pg8000 a field of the server's message, pyodbc
    the first argument. Drivers of MySQL have one too, but their error number is more precise.
    """
    if _number(cause) is not None:
        return None
    first = cause.args[0] if cause is not None and cause.args else None
    if isinstance(first, str) and _SQLSTATE.fullmatch(first):
        return first
    if isinstance(first, dict) and "C" in first:
        return str(first["C"])
    found = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return None if found is None else str(found)


def _number(cause: BaseException | None) -> int | None:
    """Return the number of MySQL's error: the first argument, or an attribute `errno`."""
    first = cause.args[0] if cause is not None and cause.args else None
    number = first if isinstance(first, int) else getattr(cause, "errno", None)
    return number if isinstance(number, int) and not isinstance(cause, OSError) else None


def driver_text(error: BaseException, url: sa.URL) -> str:
    """Return the database's own words, shortened, without the password."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    said = " ".join(str(cause or error).split())
    password = str(url.password or "")
    for spelling in {password, quote(password), quote_plus(password)} - {""}:
        said = said.replace(spelling, "***")
    return said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…"


def shown(url: sa.URL) -> str:
    """Return a URL that is safe to show: without password and options, with SQLite's full path."""
    file = url.database or ""
    if url.get_backend_name() == "sqlite" and file and not file.startswith((":", "file:")):
        url = url.set(database=str(Path(file).absolute()))
    return url.set(query={}).render_as_string(hide_password=True)
