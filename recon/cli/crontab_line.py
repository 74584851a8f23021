"""The crontab line that a report advises, with full paths, so that it can be pasted."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Final

_ADVISED: Final = re.compile(r"^( *(?:\* \* \* \* \*|@reboot)) recon (?=collect\b)", re.MULTILINE)


def whole(text: str, config: Path | None) -> str:
    """Return a text whose crontab lines name the interpreter, the directory and the configuration.

    Cron starts a line in the home directory, with hardly more than /usr/bin and /bin in `PATH`. It
    treats a per cent sign as the end of the line unless a backslash precedes it: crontab(5).

    Args:
        text: the output on a terminal; reports contain no path of this machine.
        config: the configuration in use; `None` for that of the working directory.
    """
    words = [f"cd {shlex.quote(str(Path.cwd()))} &&", shlex.quote(sys.executable), "-m recon -q"]
    if config is not None:
        words.append(f"--config {shlex.quote(str(config.absolute()))}")
    command = " ".join(words).replace("%", r"\%")
    return _ADVISED.sub(lambda found: f"{found[1]} {command} ", text)
