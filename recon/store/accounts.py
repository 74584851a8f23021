"""The accounts and keys of the store, by their names."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from recon.store.dialects import insert
from recon.store.tables import accounts, keys


class Key(NamedTuple):
    """A key of an account, known by its fingerprint only."""

    id: int
    since: datetime | None
    """The first message known of it, where it replaced another key."""
    disordered_at: datetime | None = None
    """When an answer to it first showed a message out of order."""


def claim(connection: sa.Connection, name: str) -> int:
    """Return the id of an account, made where it is new, and keep others from writing to it.

    Everything that writes to an account claims it first, until the end of the transaction, so
    that what it reads stays true while it writes. (SQLite has one writer at a time anyway.)
    """
    wanted = sa.select(accounts.c.id).where(accounts.c.name == name).with_for_update(key_share=True)
    found = connection.execute(wanted).scalar_one_or_none()
    if found is None:
        connection.execute(insert(connection, accounts).values(name=name).on_conflict_do_nothing())
        found = connection.execute(wanted).scalar_one()
    return int(found)


def id_of(name: str) -> sa.ScalarSelect[int]:
    """Return the id of an account as part of a statement; null where there is none."""
    return sa.select(accounts.c.id).where(accounts.c.name == name).scalar_subquery()


def key(connection: sa.Connection, account_id: int, fingerprint: str, since: datetime) -> Key:
    """Return a key of an account, made where it is new.

    Args:
        connection: in a transaction that has claimed the account.
        account_id: whose key.
        fingerprint: what tells the key from others; never the key.
        since: the first message known of it; kept where the account had another key before.
    """
    known = {
        row.fingerprint: Key(row.id, row.since, row.disordered_at)
        for row in connection.execute(sa.select(keys).where(keys.c.account_id == account_id))
    }
    if fingerprint in known:
        return known[fingerprint]
    start = since if known else None
    made = connection.execute(
        sa.insert(keys)
        .values(account_id=account_id, fingerprint=fingerprint, since=start)
        .returning(keys.c.id)
    )
    return Key(int(made.scalar_one()), start)
