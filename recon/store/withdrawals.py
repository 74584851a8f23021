"""Withdrawn proof: time for which the answers to a key turned out to lack a message.

A withdrawal is not undone by later answers, and counts for every day that it touches.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from recon.model import Withdrawal
from recon.store import accounts
from recon.store.engine import reading, writing
from recon.store.tables import keys, withdrawals

_log: Final = logging.getLogger(__name__)


def withdraw(
    engine: sa.Engine,
    account: str,
    key_fingerprint: str,
    withdrawal: Withdrawal,
    at: datetime,
) -> bool:
    """Withdraw the proof of a key for a stretch of time, in its own transaction.

    Args:
        engine: the store.
        account: the account's name.
        key_fingerprint: whose proof; a key that was never polled has none.
        withdrawal: the time, and why.
        at: our own clock.

    Returns:
        Whether this is new; the same time is withdrawn only once.

    Raises:
        TemporaryError, OutputError, ConfigError: the store failed.
    """
    with writing(engine) as connection:
        account_id = accounts.lock_account(connection, account)
        key_id = connection.execute(
            sa.select(keys.c.id).where(
                keys.c.account_id == account_id, keys.c.fingerprint == key_fingerprint
            )
        ).scalar()
        return key_id is not None and add(connection, account_id, key_id, withdrawal, at)


def add(
    connection: sa.Connection,
    account_id: int,
    key_id: int,
    withdrawal: Withdrawal,
    at: datetime,
) -> bool:
    """Withdraw as `withdraw` does, in a transaction that has locked the account."""
    start = withdrawals.c.starts_at
    within: sa.ColumnElement[bool] = start.is_(None)
    if withdrawal.start is not None:
        within |= start <= withdrawal.start
    known = sa.select(withdrawals.c.id).where(
        withdrawals.c.key_id == key_id, withdrawals.c.ends_at >= withdrawal.end, within
    )
    if connection.execute(known.limit(1)).first() is not None:
        return False
    connection.execute(
        sa.insert(withdrawals).values(
            account_id=account_id,
            key_id=key_id,
            starts_at=withdrawal.start,
            ends_at=withdrawal.end,
            reason=withdrawal.reason,
            withdrawn_at=at,
        )
    )
    _log.warning(
        "account %s: the proof that all messages from %s to %s were listed is withdrawn: %s",
        accounts.name_of(connection, account_id),
        "the beginning" if withdrawal.start is None else withdrawal.start.isoformat(),
        withdrawal.end.isoformat(),
        withdrawal.reason,
    )
    return True


def of_key(connection: sa.Connection, key_id: int) -> list[Withdrawal]:
    """Return all withdrawn proof of a key, in order of time."""
    return _read(connection, [withdrawals.c.key_id == key_id])


def of_account(
    engine: sa.Engine, account: str, start: datetime | None, end: datetime | None
) -> list[Withdrawal]:
    """Return withdrawn proof of any key of the account that touches `[start, end)`.

    Args:
        engine: the store.
        account: the account's name.
        start: the beginning of the time; `None` is without bound.
        end: its end, likewise.
    """
    begins, ends = withdrawals.c.starts_at, withdrawals.c.ends_at
    wanted = [withdrawals.c.account_id == accounts.id_of(account)]
    if start is not None:
        wanted.append(ends > start)
    if end is not None:
        wanted.append(sa.or_(begins.is_(None), begins < end))
    with reading(engine) as connection:
        return _read(connection, wanted)


def _read(connection: sa.Connection, wanted: Sequence[sa.ColumnElement[bool]]) -> list[Withdrawal]:
    columns = withdrawals.c.starts_at, withdrawals.c.ends_at, withdrawals.c.reason
    query = sa.select(*columns).where(*wanted)
    found = connection.execute(query.order_by(withdrawals.c.ends_at, withdrawals.c.id))
    return [Withdrawal(*row) for row in found]
