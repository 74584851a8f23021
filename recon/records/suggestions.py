"""Errors for a missing file, table or column, with similar names and all names.

They never show a value of the user's data, even if it is in the place of a name.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from recon.core.near_words import CLOSE, are_opposites, contains, may_be_meant
from recon.errors import InputError

_LONGEST_NAME: Final = 60
#: A longer text is no slip of a name.
_LONGEST_COMPARED: Final = 200
#: Numbers, phone numbers, times, ids in hexadecimal digits, addresses: values, no names.
_VALUE: Final = re.compile(
    r"""[\s'"=#]*(?:
        [+-]?[\d\s().,:/\\-]*\d[\d\s().,:/\\-]*%?   # a number, a phone number, a date
      | \d{4}[-/.]\d{1,2}[-/.]\d{1,2}.*             # a time
      | (?:[a-z]{3,9},?\s+)?\d{1,2}[\s-][a-z]{3,9}[\s-]\d{4}.*
      | [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]+          # a UUID
      | (?=[0-9a-f]*\d)[0-9a-f]{16,}
      | [^@\s]+@[^@\s]+\.[^@\s]+                    # a mail address
      | wamid\..*
    )["'\s]*""",
    re.VERBOSE | re.IGNORECASE,
)


def printable(text: str) -> str:
    """Return a text that is safe to show on a terminal: without control characters, shortened."""
    shown = "".join(char if char.isprintable() else "\ufffd" for char in text)
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[: _LONGEST_NAME - 1]}…"


def looks_like_data(name: str) -> bool:
    """Say whether a text in the place of a name is a value: a number, a time, an address."""
    return _VALUE.fullmatch(name) is not None


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?`, or nothing without a similar name.

    Not offered are blank names, values, names that mean the opposite (`not_sent` for `sent`), and
    names that differ in one word (`order_number` for `phone_number`).
    """
    if len(name) > _LONGEST_COMPARED:
        # Comparing takes the square of the length.
        return ""
    fold = name.casefold()
    by_fold = {
        one.casefold(): one
        for one in known
        if one.strip()
        and len(one) <= _LONGEST_COMPARED
        and not looks_like_data(one)
        and not are_opposites(name, one)
    }
    alike = [one for one in by_fold if may_be_meant(fold, one)]
    found = difflib.get_close_matches(fold, alike, n=2, cutoff=CLOSE)
    # `phone` is no close match of `phone_number`, and yet it is what was meant.
    found = found or [one for one in alike if contains(fold, one) or contains(one, fold)][:2]
    if not found:
        return ""
    return "; did you mean " + " or ".join(f"'{printable(by_fold[one])}'" for one in found) + "?"


def not_found_error(
    what: str,
    names: Sequence[str],
    known: Iterable[str],
    *,
    where: str,
    mapped: Iterable[str] = (),
) -> InputError:
    """Return the error for a missing table or columns, with similar names and all names.

    Args:
        what: "table" or "column".
        names: those that were not found.
        known: those that there are; values among them are counted and not shown.
        where: where they were searched for.
        mapped: names that are found and in use; none of them is what was meant by another.
    """
    every = sorted({one for one in known if one.strip()})
    shown = [one for one in every if not looks_like_data(one)]
    free = sorted({*shown} - {*mapped})
    parts = [f"{where} has no {what} '{printable(name)}'{nearest(name, free)}" for name in names]
    there = ", ".join(map(printable, shown)) if shown else f"no {what} at all"
    if len(shown) < len(every):
        there = f"{there}; {len(every) - len(shown)} more look like values, not like names"
    return InputError("\n".join(parts), hint=f"It has: {there}.")


def no_header(names: Iterable[str], *, where: str) -> InputError:
    """Return the error for a file whose first row looks like data, without quoting the row."""
    wanted = ", ".join(map(printable, names))
    return InputError(
        f"{where} has no header: the first row looks like data",
        hint=f"Add a first row with the names of the columns; recon needs {wanted}.",
    )


def no_known_name(names: Iterable[str], count: int, *, where: str) -> InputError:
    """Return the error for a first row without any usual name, without quoting the row.

    Args:
        names: those that are needed.
        count: how many cells the first row has.
        where: the file.
    """
    wanted = ", ".join(map(printable, names))
    return InputError(
        f"{where} has none of the columns {wanted}: none of the {count} cells of its first row is "
        "a usual name for one of them",
        hint="Is the header missing? The first row is not shown, since it may be data. Write the "
        "names of the columns above the rows, or map them under [accounts.NAME.local.columns].",
    )


def no_such_file(path: Path, setting: str = "") -> InputError:
    """Return the error for a missing file; it names similar files and the setting."""
    if path.is_dir():
        return InputError(
            f"{setting}{': ' if setting else ''}{path.absolute()} is a directory, not a file",
            hint="Name the file in it.",
        )
    others: list[str] = []
    if path.parent.is_dir():
        others = sorted(one.name for one in path.parent.iterdir() if one.is_file())
    near = difflib.get_close_matches(path.name, others, n=3)
    return InputError(
        f"{setting}{': ' if setting else ''}there is no file {path.absolute()}",
        hint=f"Similar names there: {', '.join(map(printable, near))}."
        if near
        else "Check the path; recon does not create this file.",
    )
