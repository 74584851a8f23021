"""One run of an account at a time, wherever else it may be started."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

import sqlalchemy as sa

from recon.errors import OutputError, TemporaryError
from recon.store.dialects import is_postgres
from recon.store.store_errors import sqlite_file, translated


@contextmanager
def hold(engine: sa.Engine, account: str) -> Iterator[None]:
    """Hold the lock of an account; it ends with the block, and with the process however it ends.

    PostgreSQL: an advisory lock on a connection of its own (a pooler must keep sessions together).
    SQLite: a lock on a file beside the database. A database in memory has no other user.

    Raises:
        TemporaryError: where it is held elsewhere.
        OutputError: where the file of the lock cannot be made.
    """
    digest = blake2b(account.encode(), digest_size=8).digest()
    if is_postgres(engine):
        number = int.from_bytes(digest, signed=True)
        with _advisory(engine, account, number):
            yield
        return
    path = sqlite_file(engine.url)
    if path is None:
        yield
        return
    with _file(path.with_name(f"{path.name}.lock-{digest.hex()}"), account):
        yield


@contextmanager
def _advisory(engine: sa.Engine, account: str, number: int) -> Iterator[None]:
    with translated(engine.url):
        # No transaction stays open while the lock is held: it would keep the server from tidying
        # up. At the end the connection is really closed, which frees the lock.
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
    try:
        with translated(engine.url):
            taken = connection.execute(sa.select(sa.func.pg_try_advisory_lock(number)))
            if not taken.scalar_one():
                raise _held(account)
        try:
            yield
        finally:
            # The server frees the lock of a closed connection too, but only when it notices.
            with suppress(sa.exc.SQLAlchemyError):
                connection.execute(sa.select(sa.func.pg_advisory_unlock(number)))
    finally:
        connection.close()


@contextmanager
def _file(path: Path, account: str) -> Iterator[None]:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise OutputError(
            f"the lock {path} cannot be made: {error.strerror}",
            hint="The directory of the database must be writable.",
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _held(account) from error
        yield
    finally:
        # The file stays: another process may have it open already and would lock a deleted one.
        os.close(handle)


def _held(account: str) -> TemporaryError:
    return TemporaryError(
        f"another run holds the lock of account {account!r}", hint="Try again when it has ended."
    )
