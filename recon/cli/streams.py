"""Standard output and error, even if the shell closed or redirected them.

A reader that ends early (`recon run | head`) must not affect stored data, files or the exit code.
Click would end with 1, which means that there are discrepancies.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from recon.errors import OutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Stream(io.FileIO):
    """One of the two streams; after it has failed, output to it is discarded."""

    def __init__(self, number: int, *, may_fail: bool) -> None:
        super().__init__(number, "w", closefd=False)
        self._may_fail = may_fail
        self._failed = False

    def write(self, data: ReadableBuffer, /) -> int:
        """Write; ignore a reader that has left."""
        length = memoryview(data).nbytes
        if self._failed:
            return length
        try:
            return super().write(data) or 0
        except OSError as refusal:
            self._failed = True
            if self._may_fail or isinstance(refusal, BrokenPipeError):
                return length
            raise OutputError(
                f"standard output cannot be written: {refusal.strerror}",
                hint="Write the output to another place. What the command has stored is kept.",
            ) from refusal


def replace_standard_streams() -> None:
    """Replace both streams of this process by such streams; output to closed ones is discarded."""
    sys.stdout = _settled(sys.stdout, may_fail=False)
    sys.stderr = _settled(sys.stderr, may_fail=True)


def _settled(stream: TextIO | None, *, may_fail: bool) -> TextIO:
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - open for good
    return io.TextIOWrapper(
        io.BufferedWriter(_Stream(stream.fileno(), may_fail=may_fail)),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=may_fail or stream.isatty(),
    )
