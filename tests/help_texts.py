"""The help texts that docs/commands.md shows, held against the program.

A fenced block that follows the comment `<!-- help: run -->` is what `recon run --help` prints on a
terminal of 80 columns; `<!-- help: -->` is `recon --help`. `python -m tests.help_texts` rewrites
the blocks, and with `--check` only says whether they are true.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "commands.md"

_BLOCK: Final = re.compile(
    r"(?P<head><!-- help:(?P<command>[^>]*?)-->\s*\n(?P<fence>`{3,})[^\n]*\n)"
    r"(?P<text>.*?)^(?P=fence)[ ]*$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A help text as a page shows it."""

    command: tuple[str, ...]
    text: str


def blocks(page: str) -> Iterator[Block]:
    """Find the help texts of a page."""
    for found in _BLOCK.finditer(page):
        yield Block(tuple(found["command"].split()), found["text"])


def help_of(command: tuple[str, ...]) -> str:
    """Ask the program for the help of a command."""
    asked = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "recon", *command, "--help"],
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode != 0:
        raise ValueError(f"`recon {' '.join(command)} --help` ends with: {asked.stderr.strip()}")
    return asked.stdout


def rewritten(page: str, ask: Callable[[tuple[str, ...]], str] = help_of) -> str:
    """Return the page with the texts as the program prints them."""
    return _BLOCK.sub(
        lambda found: f"{found['head']}{ask(tuple(found['command'].split()))}{found['fence']}", page
    )


def main(arguments: list[str]) -> int:
    """Rewrite the page, or with `--check` compare it; 1 where it is not true."""
    page = PAGE.read_text(encoding="utf-8")
    wanted = rewritten(page)
    count = len(list(blocks(page)))
    if page == wanted:
        sys.stdout.write(f"{PAGE.name}: {count} help texts, all as the program prints them\n")
        return 0
    if arguments == ["--check"]:
        lines = (page.splitlines(), wanted.splitlines())
        sys.stdout.writelines(
            f"{line}\n" for line in difflib.unified_diff(*lines, PAGE.name, "the program")
        )
        return 1
    PAGE.write_text(wanted, encoding="utf-8")
    sys.stdout.write(f"{PAGE.name}: help texts rewritten\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
