"""A private temporary directory for data that does not fit into memory."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from recon import scratch
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
    with ExitStack() as stack:
        with translated(parent):
            parent.mkdir(parents=True, exist_ok=True)
            scratch.sweep(parent, _NAME)
            folder = stack.enter_context(scratch.locked(_PREFIX, "", parent))
        yield folder
