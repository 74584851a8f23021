"""Directories for what a command works on and does not keep: a copy of the store, messages.

Phone numbers are in them. So their writer holds a lock on each, which ends with its process, and
the next run removes those that nobody holds: they are from processes that were killed.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from recon.errors import OutputError

_NAME: Final = re.compile(r"recon-[a-z-]+\.[a-z0-9_]{8}\.tmp")


@contextmanager
def directory(purpose: str) -> Iterator[Path]:
    """Make a directory that only this user may read, and remove it with its files at the end.

    It is made in the directory for temporary files, which `TMPDIR` names.

    Args:
        purpose: a part of its name, small letters and hyphens.

    Raises:
        OutputError: it cannot be made.
    """
    sweep()
    with ExitStack() as stack:
        try:
            path = stack.enter_context(locked(f"recon-{purpose}.", ".tmp"))
        except OSError as error:
            raise OutputError(
                f"no temporary directory can be created: {error.strerror}",
                hint="Set TMPDIR to a directory with free space that this user can write to.",
            ) from error
        yield path


@contextmanager
def locked(prefix: str, suffix: str, parent: Path | None = None) -> Iterator[Path]:
    """Make a directory, mode 0700, and lock it until it is removed at the end.

    Args:
        prefix: the beginning of its name; eight letters or digits follow.
        suffix: the end of its name.
        parent: where it is; `None` is the directory for temporary files.

    Raises:
        OSError: it cannot be made.
    """
    while True:
        path = Path(tempfile.mkdtemp(prefix=prefix, suffix=suffix, dir=parent))
        try:
            number = _opened(path)
        except FileNotFoundError:
            continue  # Another process took it for one that was left behind.
        # If the file system has no locks, no process removes directories either.
        with suppress(OSError):
            fcntl.flock(number, fcntl.LOCK_EX)
        if path.exists():
            break
        os.close(number)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(number)


def sweep(parent: Path | None = None, names: re.Pattern[str] = _NAME) -> None:
    """Remove the directories that killed processes of this user have left.

    Args:
        parent: where they are; `None` is the directory for temporary files.
        names: matches their names.
    """
    with suppress(OSError):
        for path in (parent or Path(tempfile.gettempdir())).iterdir():
            if names.fullmatch(path.name):
                with suppress(OSError):
                    _remove_unlocked(path)


def _remove_unlocked(path: Path) -> None:
    number = _opened(path)
    try:
        if os.fstat(number).st_uid == os.geteuid():
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(number)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
