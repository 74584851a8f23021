"""Keep compiled templates on disk, as Python keeps compiled modules."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path
from typing import Final

from jinja2 import BytecodeCache, compiler
from jinja2.bccache import Bucket

_TEMPLATES: Final = Path(__file__).parent / "templates"
#: The modules that decide what a template compiles to.
_COMPILED_BY: Final = (compiler.__file__, str(Path(__file__).with_name("html_templates.py")))


class CompiledTemplates(BytecodeCache):
    """Keeps compiled templates in `__pycache__` beside their sources.

    Compiling the templates of a report takes a tenth of the time of a small `recon diff`. Nothing
    is written if the directory is not writable or `PYTHONDONTWRITEBYTECODE` is set; then every
    process compiles them, unless another has.
    """

    def __init__(self, compiled_by: Sequence[str] = _COMPILED_BY) -> None:
        """Use kept files only if they were compiled by the present version of these modules."""
        self._compiled_by = compiled_by

    def get_cache_key(self, name: str, filename: str | None = None) -> str:  # noqa: ARG002
        """Return the path of the kept file, which depends on the version of Python."""
        return cache_from_source(str(_TEMPLATES / f"{name}.py"))

    def get_source_checksum(self, source: str) -> str:
        """Return what a kept file must have been compiled from."""
        makers = [Path(path).stat() for path in self._compiled_by]
        stamps = "".join(f"{int(maker.st_mtime)} {maker.st_size} " for maker in makers)
        return super().get_source_checksum(stamps + source)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load a template if it was kept."""
        with suppress(OSError, EOFError, ValueError, pickle.UnpicklingError):
            bucket.bytecode_from_string(Path(bucket.key).read_bytes())

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a compiled template, if Python may do so with modules."""
        if sys.dont_write_bytecode:
            return
        path = Path(bucket.key)
        part = path.with_name(f"{path.name}.{os.getpid()}")
        with suppress(OSError):
            path.parent.mkdir(exist_ok=True, parents=True)
            try:
                part.write_bytes(bucket.bytecode_to_string())
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
