"""What to say of a file, a table or a column that is not there: the near ones, and all."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from recon.errors import InputError


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?`, or nothing where nothing is near."""
    by_fold = {one.casefold(): one for one in known}
    fold = name.casefold()
    found = difflib.get_close_matches(fold, by_fold, n=2, cutoff=0.7)
    # `phone` is no close match of `phone_number`, and yet it is what was meant.
    found = found or [one for one in by_fold if fold and (fold in one or one in fold)][:2]
    if not found:
        return ""
    return "; did you mean " + " or ".join(f"'{by_fold[one]}'" for one in found) + "?"


def missing(what: str, names: Iterable[str], known: Iterable[str], *, where: str) -> InputError:
    """Return the error for a table or columns that are not there: the near ones, and all.

    Args:
        what: "table" or "column".
        names: those that were looked for and not found.
        known: those that there are.
        where: in what they were looked for.
    """
    every = sorted(known)
    parts = [f"{where} has no {what} '{name}'{nearest(name, every)}" for name in names]
    there = ", ".join(every) if every else f"no {what} at all"
    return InputError("\n".join(parts), hint=f"there is: {there}")


def no_such_file(path: Path) -> InputError:
    """Return the error for a file that is not there; it names the near ones."""
    others: list[str] = []
    if path.parent.is_dir():
        others = sorted(one.name for one in path.parent.iterdir() if one.is_file())
    near = difflib.get_close_matches(path.name, others, n=3)
    return InputError(
        f"there is no file {path}",
        hint=f"near it: {', '.join(near)}" if near else "check the path; it is not made for you",
    )
