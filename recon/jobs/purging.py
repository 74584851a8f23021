"""Purge the store of data past its retention, each night or on request."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from recon.core import calendar
from recon.errors import ReconError
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
) -> Iterator[tuple[str, dict[str, int]]]:
    """Purge each account in the store, including accounts that are no longer configured.

    Args:
        engine: the store, its schema ready.
        before: the beginning of the time that is kept.
        dry_run: count only.
        most: with `dry_run`, counting stops above this number of rows of a kind; `None` counts all.
        progress: called with the number of rows after each transaction.

    Yields:
        Each account with the number of rows of each kind.

    Raises:
        TemporaryError: another process holds the account's lock, or the database is busy.
        OutputError: the database cannot be written.
    """
    for account in retention.account_names_stored(engine):
        if dry_run:
            yield account, retention.expired(engine, account, before, most=most)
            continue
        with lock.hold(engine, account):
            yield account, retention.purge(engine, account, before, progress=progress)


def purge_after_night(engine: Engine, before: Limit) -> None:
    """Purge as `purge` does; an error is logged, and the next night tries again."""
    try:
        for _ in purge(engine, before):
            pass
    except ReconError as error:
        log.warning("not all data older than %s was purged: %s", before.day, error.one_line)
