"""Check the options and the directory in a store's URL before anything is opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa
from sqlalchemy import exc

from recon.errors import ConfigError, OutputError
from recon.sqlite_options import DRIVER, URI, refuse_unknown
from recon.store.store_errors import described, sqlite_file

_HINT: Final = "Check the options after the ? in database.url."


@contextmanager
def readable_options(url: sa.URL) -> Iterator[None]:
    """Create an engine in this block; an error names an option that the driver cannot read.

    Options that SQLite's driver would ignore are refused too, since they are mistakes.

    Raises:
        ConfigError: an option is not known, or its value cannot be read.
    """
    if url.get_backend_name() == "sqlite":
        known = DRIVER | (URI if "uri" in url.query else frozenset())
        refuse_unknown(url.query, known, "database.url")
    try:
        yield
    except (exc.ArgumentError, TypeError, ValueError):
        # Not chained: the words may quote the value, and that may be a password.
        names = ", ".join(sorted(url.query)) or "none"
        problem = ConfigError(
            f"database.url has an option whose value cannot be read (options: {names})", hint=_HINT
        )
    else:
        return
    raise problem


def ensure_directory(url: sa.URL) -> None:
    """Check that an SQLite file could be created.

    Raises:
        OutputError: its directory does not exist, or a file cannot have such a name.
    """
    path = sqlite_file(url)
    if path is None:
        return
    try:
        path.exists()
        is_there = path.parent.is_dir()
    except OSError as cause:
        raise OutputError(
            f"the file of database.url cannot be opened: {cause.strerror}",
            hint="Change database.url.",
        ) from cause
    if not is_there:
        raise OutputError(
            f"{described(url)} cannot be opened: the directory {path.parent} does not exist",
            hint="Create it, or change database.url.",
        )
