"""A file system in memory, where the machine has one, for all that tests write.

A test has databases and reports of its own: hundreds of files to create, sync and remove, which a
disk makes several times as dear.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - directories with random names are made in it
#: What has to be free in it: in many containers it is small.
_MIN_FREE = 2 << 30


def directory() -> Path:
    """Return where there is room for what is thrown away, in memory where possible."""
    if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _MIN_FREE:
        return _MEMORY
    return Path("/tmp")  # noqa: S108 - as above


def use() -> None:
    """Let temporary files be made there, unless TMPDIR says otherwise; child processes too."""
    os.environ.setdefault("TMPDIR", str(directory()))
