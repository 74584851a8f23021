"""Write files completely or not at all, with their final mode from the start."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from recon.errors import OutputError

#: Only for the owner: reports contain phone numbers.
PRIVATE: Final = 0o600

#: For a program that collects a file without personal data.
PUBLIC: Final = 0o644

#: Names of temporary files. The writer holds a lock on each, which ends with the process.
_TEMPORARY: Final = re.compile(r"\..+\.[a-z0-9_]{8}\.tmp")
#: If locks cannot be checked, a file older than this many seconds counts as having no writer.
_ABANDONED_AFTER: Final = 3600.0

_SPACE: Final = "Free some space there, or choose another directory, and write the report again."
_RIGHTS: Final = "Give this user the right to write there, or choose another directory."
_HINTS: Final = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: "Raise the limit on the size of files (ulimit -f): this report is larger.",
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: "That file system is read-only. Choose another directory.",
    errno.EISDIR: "There is a directory in the place of the file. Remove it, or choose another "
    "one.",
    errno.ENOTDIR: "There is a file in the place of a directory. Remove it, or choose another one.",
    errno.EEXIST: "There is a file in the place of a directory. Remove it, or choose another one.",
}
_OTHERWISE: Final = "Choose another directory, or fix this one, and write the report again."


@contextmanager
def staged(
    target: Path,
    pieces: Iterable[bytes | memoryview],
    *,
    mode: int = PRIVATE,
    set_by: str | None = None,
) -> Iterator[Callable[[], None]]:
    """Write a temporary file beside `target` and sync it; the caller then moves it into place.

    A reader of `target` sees the old or the new file, never a part; its mode is `mode`. `set_by` is
    the setting or option that names it, for errors. The directory is created if it does not exist.
    A temporary file that was not moved is removed at the end. If the process was killed before
    that, the next writer there removes it, since it may contain phone numbers. A symbolic link at
    `target` is replaced, not followed.

    Raises:
        OutputError: it cannot be written or moved.
    """
    with translated(target.parent, set_by=set_by):
        _make(target.parent)
    with translated(target, set_by=set_by):
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        number, temporary = _temporary(target)

    def put_in_place() -> None:
        with translated(target, set_by=set_by):
            temporary.replace(target)
        _sync(target.parent)

    # Open, and so locked, until it is in its place.
    with open(number, "wb") as file:  # noqa: PTH123 - a descriptor
        try:
            with translated(target, set_by=set_by):
                os.fchmod(number, mode)  # whatever the umask took from it
                _sweep(target.parent, os.fstat(number).st_mtime)
                file.writelines(pieces)
                file.flush()
                os.fsync(number)
            yield put_in_place
        finally:
            with suppress(OSError):
                temporary.unlink()


def _make(folder: Path) -> None:
    """Create a directory and its parents, and sync them as the files are synced."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in reversed(missing):
        _sync(one.parent)


def _temporary(target: Path) -> tuple[int, Path]:
    """Create a file beside `target` and lock it; return its descriptor and path."""
    while True:
        number, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Another process took it for one that was left behind, and is removing it.
            os.close(number)
            continue
        except OSError:
            # Not every file system of a network can lock.
            return number, Path(name)
        if os.fstat(number).st_nlink:
            return number, Path(name)
        os.close(number)


def _sweep(folder: Path, now: float) -> None:
    """Remove files of killed processes; `now` is by the clock of the file system."""
    with os.scandir(folder) as entries:
        left = [one.name for one in entries if _TEMPORARY.fullmatch(one.name)]
    for name in left:
        with suppress(OSError):
            _remove_unlocked(folder / name, now)


def _remove_unlocked(path: Path, now: float) -> None:
    """Remove a temporary file that no process is writing."""
    with ExitStack() as stack:
        try:
            number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            stack.callback(os.close, number)
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        except OSError:
            if now - path.lstat().st_mtime <= _ABANDONED_AFTER:
                return
        # Under the lock, so that a process that has only just made it notices.
        path.unlink()


def _sync(folder: Path) -> None:
    """Sync the new name, if the file system can do that, so that it survives a power cut."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


@contextmanager
def translated(path: Path, *, set_by: str | None = None) -> Iterator[None]:
    """Translate errors of the system into what happened to `path` and what to do.

    `set_by` is the setting or option that names `path`.
    """
    try:
        yield
    except OSError as refusal:
        said = os.strerror(refusal.errno) if refusal.errno else str(refusal)
        hint = _HINTS.get(refusal.errno or 0, _OTHERWISE)
        if set_by is not None:
            hint = f"{hint} The directory is set by {set_by}."
        where = path.absolute()
        raise OutputError(f"{where} cannot be written: {said}.", hint=hint) from refusal
