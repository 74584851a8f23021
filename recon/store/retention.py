"""Purge data past its retention, so that no deleted message is ever reported as missing.

First the proof of that time is withdrawn, in its own transaction. Then rows are deleted in batches,
each in a short transaction, so that other processes do not wait long. A purge that is killed has
withdrawn the proof of everything that it deleted, and the next purge continues.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeAlias

import sqlalchemy as sa

from recon.store import accounts
from recon.store.dialects import is_postgres
from recon.store.engine import reading, writing
from recon.store.finding_list import RESOLVED
from recon.store.tables import (
    absences,
    coverage,
    denied_ids,
    findings,
    keys,
    messages,
    polls,
    provider_rejects,
    retry_exports,
    runs,
    status_changes,
    withdrawals,
)
from recon.store.tables import accounts as account_names

_log: Final = logging.getLogger(__name__)

#: Rows that one transaction deletes.
BATCH_ROWS: Final = 5_000


_Key: TypeAlias = sa.Column[int] | sa.Column[str]


@dataclass(frozen=True, slots=True)
class Limit:
    """The beginning of the time that is kept, which is the beginning of a calendar day."""

    day: date
    """The first day that is kept, in the configured zone."""
    start: datetime
    """The beginning of this day, aware."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One kind of row that is deleted."""

    name: str | None
    """Its name for people; `None` if it is not shown."""
    key: _Key
    """The columns that identify a row of an account or of one of its keys."""
    conditions: tuple[sa.ColumnElement[bool], ...]
    account_id: int

    @property
    def table(self) -> sa.Table:
        """Where the rows are."""
        table = self.key.table
        assert isinstance(table, sa.Table)
        return table

    @property
    def condition(self) -> tuple[sa.ColumnElement[bool], ...]:
        """The least condition with which `key` is unique, so that its index is used."""
        others = [one.name for one in self.table.primary_key if one.name != self.key.name]
        return self.conditions if "key_id" in others else self.conditions[:1]


def account_names_stored(engine: sa.Engine) -> list[str]:
    """Return the names of all accounts in the store, including those no longer configured."""
    query = sa.select(account_names.c.name).order_by(account_names.c.name)
    with reading(engine) as connection:
        return list(connection.execute(query).scalars())


def expired(
    engine: sa.Engine, account: str, limit: Limit, *, most: int | None = None
) -> dict[str, int]:
    """Return how many rows of each kind a purge would delete; nothing is changed.

    Args:
        engine: the store.
        account: the account's name.
        limit: the beginning of what is kept.
        most: counting stops above this number, so that it is fast; `None` counts all.
    """
    counts: dict[str, int] = {}
    with reading(engine) as connection:
        account_id = _id(connection, account)
        for step in _steps(account_id, limit):
            if step.name is not None:
                rows = sa.select(step.key).where(*step.conditions)
                if most is not None:
                    rows = rows.limit(most + 1)
                query = sa.select(sa.func.count()).select_from(rows.subquery())
                found = int(connection.execute(query).scalar_one())
                counts[step.name] = counts.get(step.name, 0) + found
    return counts


def purge(
    engine: sa.Engine,
    account: str,
    limit: Limit,
    *,
    batch_rows: int = BATCH_ROWS,
    progress: Callable[[int], None] = lambda _rows: None,
) -> dict[str, int]:
    """Withdraw the coverage before a day, then delete older rows; return how many were deleted.

    The caller holds the account's lock. The latest poll of each key is kept.

    Args:
        engine: the store.
        account: the account's name.
        limit: where what is kept begins.
        batch_rows: rows that one transaction deletes; a message counts with its history.
        progress: called with the number of rows after each transaction.

    Raises:
        TemporaryError, OutputError, ConfigError: the store failed; what was deleted before
            is deleted, and its coverage withdrawn.
    """
    with writing(engine) as connection:
        account_id = accounts.lock_account(connection, account)
        before = account_names.c.purged_before
        connection.execute(
            sa.update(account_names)
            .where(account_names.c.id == account_id)
            .where(sa.or_(before.is_(None), before < limit.start))
            .values(purged_before=limit.start)
        )
    counts: dict[str, int] = {}
    for step in _steps(account_id, limit):
        for deleted in _batches(engine, account, step, batch_rows):
            progress(deleted)
            if step.name is not None:
                counts[step.name] = counts.get(step.name, 0) + deleted
    told = _told(counts)
    if told:
        _log.info("account %s: purged what is older than %s: %s", account, limit.day, told)
    return counts


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def _id(connection: sa.Connection, account: str) -> int:
    found = connection.execute(sa.select(accounts.id_of(account))).scalar()
    return -1 if found is None else int(found)


def _batches(engine: sa.Engine, account: str, step: _Step, batch_rows: int) -> Iterator[int]:
    """Delete the rows of a step, and yield the number of deleted rows after each transaction."""
    # The statements are made once: each of their objects would wait for Python's collector.
    statements = _statements(step, batch_rows)
    while True:
        with writing(engine) as connection:
            accounts.lock_account(connection, account)
            if not is_postgres(connection):
                # Freed pages keep no phone number.
                connection.exec_driver_sql("PRAGMA secure_delete = ON")
            deleted = [connection.execute(one).rowcount for one in statements][-1]
        if deleted:
            yield deleted
        if deleted < batch_rows:
            return


def _statements(step: _Step, batch_rows: int) -> list[sa.Delete]:
    """Return the statements that delete some rows of a step, the rows themselves last."""
    some = sa.select(step.key).where(*step.conditions).limit(batch_rows)
    if step.table is not messages:
        return [sa.delete(step.table).where(*step.condition, step.key.in_(some))]
    # Along the index, so that no batch searches what the ones before it have left, and the same
    # rows for both statements. By the foreign key alone, the history takes several times as long.
    some = some.order_by(messages.c.sent_at, messages.c.message_id)
    of_account = status_changes.c.account_id == step.account_id
    return [
        sa.delete(status_changes).where(of_account, status_changes.c.message_id.in_(some)),
        sa.delete(messages).where(*step.condition, messages.c.message_id.in_(some)),
    ]


def _steps(account_id: int, limit: Limit) -> list[_Step]:
    """Return what is deleted, in this order."""

    def step(name: str | None, key: _Key, *conditions: sa.ColumnElement[bool]) -> _Step:
        return _Step(name, key, conditions, account_id)

    def mine(table: sa.Table) -> sa.ColumnElement[bool]:
        return table.c.account_id == account_id

    rejects, start = provider_rejects.c, limit.start
    time = sa.func.coalesce(rejects.sent_at, rejects.latest, rejects.observed_at)
    newest = sa.select(sa.func.max(polls.c.id)).where(mine(polls)).group_by(polls.c.key_id)
    of_key = absences.c.key_id.in_(sa.select(keys.c.id).where(mine(keys)))
    old = findings.c.date < limit.day
    return [
        step("messages", messages.c.message_id, mine(messages), messages.c.sent_at < start),
        step("unreadable items", rejects.key, mine(provider_rejects), time < start),
        step("findings", findings.c.id, mine(findings), old, findings.c.status == RESOLVED),
        step("findings", findings.c.id, mine(findings), old, findings.c.status != RESOLVED),
        step("runs", runs.c.id, mine(runs), runs.c.date < limit.day),
        step(
            "polls",
            polls.c.id,
            mine(polls),
            polls.c.answered_at < start,
            polls.c.id.not_in(newest),
        ),
        step(
            "denied ids", denied_ids.c.message_id, mine(denied_ids), denied_ids.c.asked_at < start
        ),
        step(
            None,
            retry_exports.c.message_id,
            mine(retry_exports),
            retry_exports.c.date < limit.day,
        ),
        step(None, absences.c.message_id, of_key, absences.c.last_at < start),
        step(None, withdrawals.c.id, mine(withdrawals), withdrawals.c.ends_at <= start),
        step(None, coverage.c.id, mine(coverage), coverage.c.seen_at <= start),
    ]
