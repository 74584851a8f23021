"""A process that may open only a few more files."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path


@contextmanager
def few_files(left: int) -> Iterator[None]:
    """Let this process open only so many more files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = (number for number in range(soft) if not Path(f"/proc/self/fd/{number}").is_symlink())
    resource.setrlimit(resource.RLIMIT_NOFILE, (next(islice(free, left, None)), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
