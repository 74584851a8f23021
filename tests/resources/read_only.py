"""Directories in which nothing can be written, also for root."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let a directory be read-only until the block ends."""
    if os.geteuid():
        folder.chmod(0o500)
        yield
        folder.chmod(0o700)
        return
    # Rights do not bind root; a file system that is mounted for reading does.
    if _ran("mount", "--bind", folder, folder):
        pytest.skip("needs the right to mount")
    try:
        assert _ran("mount", "-o", "remount,bind,ro", folder) == 0
        yield
    finally:
        assert _ran("umount", folder) == 0


def _ran(*words: str | Path) -> int:
    return subprocess.run(words, capture_output=True, check=False).returncode  # noqa: S603 - ours
