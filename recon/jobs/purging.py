"""Purge the store of data past its retention, each night or on request."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from recon.core import calendar
from recon.errors import ReconError
from recon.jobs.account_errors import AccountErrors
from recon.store import lock, retention
from recon.store.retention import Limit

if TYPE_CHECKING:
    from sqlalchemy import Engine

log = logging.getLogger(__name__)


def limit(now: datetime, days: int, zone: str) -> Limit:
    """Return the beginning of the time that is kept: the calendar day `days` days before today.

    Args:
        now: the current time, aware.
        days: how many days are kept, before today.
        zone: whose calendar days are meant.
    """
    day = calendar.day_at(now, zone) - timedelta(days=days)
    start = calendar.window(day, zone).start
    assert start is not None
    return Limit(day, start)


def purge(
    engine: Engine,
    before: Limit,
    *,
    dry_run: bool = False,
    most: int | None = None,
    progress: Callable[[int], None] = lambda _rows: None,
    errors: AccountErrors,
) -> Iterator[tuple[str, dict[str, int]]]:
    """Purge each account in the store, including accounts that are no longer configured.

    Args:
        engine: the store, its schema ready.
        before: the beginning of the time that is kept.
        dry_run: count only.
        most: with `dry_run`, counting stops above this number of rows of a kind; `None` counts all.
        progress: called with the number of rows after each transaction.
        errors: gets the error of each account that was not purged, or not to the end: another
            process holds its lock, or the database is busy or cannot be written.

    Yields:
        Each account with the number of rows of each kind.

    Raises:
        TemporaryError, OutputError, ConfigError: the accounts cannot be read.
    """
    for account in retention.account_names_stored(engine):
        counts = None
        with errors.kept(account):
            if dry_run:
                counts = retention.expired(engine, account, before, most=most)
            else:
                with lock.hold(engine, account):
                    counts = retention.purge(engine, account, before, progress=progress)
        if counts is not None:
            yield account, counts


def purge_after_night(engine: Engine, before: Limit) -> None:
    """Purge as `purge` does; errors are logged, and the next night tries again."""
    errors = AccountErrors()
    try:
        for _ in purge(engine, before, errors=errors):
            pass
    except ReconError as error:
        log.warning("not all data older than %s was purged: %s", before.day, error.one_line)
    for account, met in errors.met:
        said = met.one_line if isinstance(met, ReconError) else "internal error"
        log.warning(
            "account %s: not all data older than %s was purged: %s", account, before.day, said
        )
