"""A private temporary directory for data that does not fit into memory."""

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

from recon.report.atomic_files import translated

_PREFIX: Final = ".recon-partitions-"
_NAME: Final = re.compile(re.escape(_PREFIX) + r"[a-z0-9_]{8}")


@contextmanager
def scratch_directory(beside: Path) -> Iterator[Path]:
    """Provide an empty directory, mode 0700, which is removed at the end, also after an error.

    It is in `TMPDIR` if that is set, else in `beside`. Directories that a killed process left there
    are removed first, because they contain phone numbers.

    Args:
        beside: its parent directory without `TMPDIR`; created if it does not exist.

    Raises:
        OutputError: it cannot be created, or a file in it cannot be written.
    """
    parent = Path(os.environ.get("TMPDIR") or beside)
    with translated(parent):
        parent.mkdir(parents=True, exist_ok=True)
        _sweep(parent)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        with suppress(OSError):  # not every file system of a network can lock
            stack.callback(os.close, number := os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder


def _sweep(parent: Path) -> None:
    """Remove the directories of processes that have ended."""
    for folder in parent.glob(f"{_PREFIX}*"):
        if not _NAME.fullmatch(folder.name):
            continue
        with suppress(OSError):
            number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(number)
