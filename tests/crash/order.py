"""What a power cut could undo although it was announced, by the order in which things were done.

A file survives a power cut once it is synced, its name once its directory is, and a row once it is
committed. So a file is written elsewhere and synced before it is renamed to its place, its
directory is synced before anything else goes on that may rely on it, and rows are committed before
files, mails, requests and output tell of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

from tests.crash.edges import Edge
from tests.crash.outcomes import SCRATCH

#: What tells others of what was done before it.
_TELLS: Final = frozenset({"rename", "smtp", "request", "output"})
#: Whatever is to last has to before these, and before the end.
_RELIES: Final = _TELLS | {"commit"}
#: Files that are whole or absent.
_WHOLE: Final = frozenset({".csv", ".json", ".html", ".prom"})
#: The page of a day.
_PAGE: Final = re.compile(r"/\d{4}-\d\d-\d\d\.html$")


@dataclass(slots=True)
class _Done:
    """What was done so far, and what of it a power cut would undo."""

    unsynced: set[str] = field(default_factory=set)
    """Temporary files, and directories in which a name has changed."""
    uncommitted: str = ""
    runs: int = 0
    """How many were stored."""
    pages: int = 0
    """How many pages of days were put in their places."""

    is_written: bool = False
    """Whether there was output."""

    def wrong(self, edge: Edge) -> list[str]:
        """Return what would have had to last before this is done."""
        source, _, target = edge.about.partition(" ")
        found = []
        if edge.kind == "open" and PurePath(source).suffix in _WHOLE:
            found.append(f"{source} is written in its place")
        if edge.kind == "rename" and source in self.unsynced:
            found.append(f"{source} is put in its place before it is synced")
        if edge.kind == "rename" and _PAGE.search(target) and self.pages == self.runs:
            found.append(f"{target} is put in its place before its run is stored")
        if edge.kind == "write" and self.is_written:
            found.append(f"stored after the output: {edge.about}")
        if edge.kind in _RELIES:
            folders = sorted(one for one in self.unsynced if not one.endswith(".tmp"))
            found += [f"{one} is not synced before {edge}" for one in folders]
        if edge.kind in _TELLS and self.uncommitted:
            found.append(f"not committed before {edge}: {self.uncommitted}")
        return found

    def do(self, edge: Edge) -> None:
        """Note that it is done."""
        path, _, target = edge.about.partition(" ")
        match edge.kind:
            case "write":
                self.uncommitted = edge.about
                self.runs += edge.about.startswith("INSERT INTO runs ")
            case "output":
                self.is_written = True
            case "commit" | "rollback":
                self.uncommitted = ""
            case "open" if path.endswith(".tmp"):
                self.unsynced.add(path)
            case "mkdir" if not path.startswith(f"{SCRATCH}/"):
                self.unsynced.add(str(PurePath(path).parent))
            case "rename":
                self.unsynced.add(str(PurePath(target).parent))
                self.pages += bool(_PAGE.search(target))
            case "fsync":
                self.unsynced.discard(path)


def undone_by_a_power_cut(reached: Sequence[Edge]) -> list[str]:
    """Return what is told before it is sure to last; nothing where the order is right."""
    done, wrong = _Done(), []
    for number, edge in enumerate([*reached, Edge("output", "the end")], 1):
        wrong += [f"{number}: {one}" for one in done.wrong(edge)]
        done.do(edge)
    return wrong
