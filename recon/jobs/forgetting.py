"""Forget a person: remove the number from the store, and name the reports that contain it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from recon.core.person import Person
from recon.errors import UsageError
from recon.store import forgotten_numbers, lock, retention

if TYPE_CHECKING:
    from sqlalchemy import Engine

#: Files in which recon writes numbers, or people export them.
_REPORTS: Final = frozenset({".csv", ".json", ".html", ".eml", ".txt"})


def person(number: str, region: str | None) -> Person:
    """Return the person with a number or WhatsApp user id.

    Raises:
        UsageError: it is neither.
    """
    found = Person.of(number, region)
    if found is None:
        more = "" if region else " If it is a national number, set matching.default_region."
        raise UsageError(
            "--phone-number is neither a phone number nor a WhatsApp user id.",
            hint=f"Write it with its country code, such as +353871234567.{more}",
        )
    return found


def step_count() -> int:
    """Return how often `forget` reports progress."""
    return len(forgotten_numbers.searched())


def forget(
    engine: Engine,
    whom: Person,
    now: datetime,
    rng: random.Random,
    *,
    dry_run: bool = False,
    progress: Callable[[str], None] = lambda _table: None,
) -> dict[str, int]:
    """Blank the number in every table, and prevent that it is stored again.

    Args:
        engine: the store.
        whom: whose number.
        now: our own clock.
        rng: makes the key of the hashes, the first time.
        dry_run: only count.
        progress: called with the name of a table after one of its columns was searched.

    Returns:
        The number of changed values of each table.

    Raises:
        TemporaryError: a run in progress could store the number again, or the database is busy.
    """
    with ExitStack() as held:
        for account in [] if dry_run else retention.account_names_stored(engine):
            held.enter_context(lock.hold(engine, account))
        return forgotten_numbers.forget(engine, whom, now, rng, dry_run=dry_run, progress=progress)


def files_with(whom: Person, directory: Path) -> Iterator[Path]:
    """Yield the files in a directory of reports, and below it, that contain the number."""
    for path in sorted(directory.rglob("*")):
        if path.suffix in _REPORTS and path.is_file():
            try:
                with path.open(encoding="utf-8", errors="replace") as lines:
                    if any(whom.blanked(line) != line for line in lines if whom.may_be_in(line)):
                        yield path
            except OSError:
                # A file that cannot be read is named, so that a person reads it.
                yield path
