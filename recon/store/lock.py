"""One run of an account at a time, even if another is started elsewhere."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

import sqlalchemy as sa

from recon.errors import OutputError, TemporaryError
from recon.store.dialects import is_postgres
from recon.store.store_errors import sqlite_file, translated


class LockHeldError(TemporaryError):
    """Another process holds the lock of an account."""


@contextmanager
def hold(engine: sa.Engine, account: str, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock of an account until the block ends, or the process ends for any reason.

    PostgreSQL: an advisory lock on a separate connection (a pooler must keep sessions together).
    SQLite: a lock on a file beside the database. A database in memory has no other user.

    Args:
        engine: the database.
        account: its name.
        shared: let others that also share it hold it at the same time.

    Raises:
        LockHeldError: another process holds it.
        TemporaryError: the database cannot be reached.
        OutputError: the lock file cannot be created.
    """
    digest = blake2b(account.encode(), digest_size=8).digest()
    if is_postgres(engine):
        number = int.from_bytes(digest, signed=True)
        with _advisory(engine, account, number, "_shared" if shared else ""):
            yield
        return
    path = sqlite_file(engine.url)
    if path is None:
        yield
        return
    with _file(path.with_name(f"{path.name}.lock-{digest.hex()}"), account, shared=shared):
        yield


@contextmanager
def hold_in_turn(
    engine: sa.Engine, account: str, *, sleep: Callable[[float], None], most: float
) -> Iterator[None]:
    """Hold a lock like `hold`, but wait until it is free.

    Args:
        engine: the database.
        account: the name of the lock.
        sleep: waits for a number of seconds.
        most: how many seconds to wait.

    Raises:
        LockHeldError: another process held it all the time.
        TemporaryError, OutputError: as `hold`.
    """
    with ExitStack() as held:
        waited = 0
        while True:
            try:
                held.enter_context(hold(engine, account))
                break
            except LockHeldError:
                if waited >= most:
                    raise
                waited += 1
                sleep(1)
        yield


@contextmanager
def _advisory(engine: sa.Engine, account: str, number: int, shared: str) -> Iterator[None]:
    with translated(engine.url):
        # No transaction stays open while the lock is held: it would keep the server from tidying
        # up. At the end the connection is really closed, which frees the lock.
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
    try:
        with translated(engine.url):
            take = getattr(sa.func, f"pg_try_advisory_lock{shared}")
            taken = connection.execute(sa.select(take(number)))
            if not taken.scalar_one():
                raise _held(account)
        try:
            yield
        finally:
            # The server frees the lock of a closed connection too, but only when it notices.
            with suppress(sa.exc.SQLAlchemyError):
                free = getattr(sa.func, f"pg_advisory_unlock{shared}")
                connection.execute(sa.select(free(number)))
    finally:
        connection.close()


@contextmanager
def _file(path: Path, account: str, *, shared: bool) -> Iterator[None]:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise OutputError(
            f"the lock {path} cannot be created: {error.strerror}",
            hint="Give the user that runs recon write access to the directory of the database.",
        ) from error
    try:
        try:
            how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.flock(handle, how | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _held(account) from error
        yield
    finally:
        # The file stays: another process may have it open already and would lock a deleted one.
        os.close(handle)


def _held(account: str) -> LockHeldError:
    return LockHeldError(
        f"another run holds the lock of account {account!r}", hint="Try again when it has ended."
    )
