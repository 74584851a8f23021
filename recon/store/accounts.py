"""The accounts and keys of the store, by their names."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from recon.core.coverage import SETTLING
from recon.store.dialects import insert
from recon.store.tables import accounts, keys


class Key(NamedTuple):
    """A key of an account, identified only by its fingerprint."""

    id: int
    since: datetime | None
    """Its first known message, if it replaced another key or its coverage was started again."""
    disordered_at: datetime | None = None
    """When an answer to this key first showed a message out of order."""
    started_by: int | None = None
    """The poll with which its coverage started."""
    first_listed_at: datetime | None = None
    """When the oldest message that it ever listed was sent."""
    last_listed_at: datetime | None = None
    """When the newest message that it ever listed was sent."""
    item_cap: int | None = None
    """The lowest number of items at which its listing is known to be cut off."""
    settling: timedelta = SETTLING
    """How much later than its own time a message may appear in its listing."""
    is_superseded: bool = False
    """Whether another key of the account was first polled after it."""


def lock_account(connection: sa.Connection, name: str) -> int:
    """Return the id of an account, created if it is new, and lock it against other writers.

    Everything that writes to an account first locks it until the end of the transaction. So the
    data that it has read does not change while it writes. (SQLite has one writer at a time anyway.)
    """
    wanted = sa.select(accounts.c.id).where(accounts.c.name == name).with_for_update(key_share=True)
    found = connection.execute(wanted).scalar_one_or_none()
    if found is None:
        connection.execute(insert(connection, accounts).values(name=name).on_conflict_do_nothing())
        found = connection.execute(wanted).scalar_one()
    return int(found)


def id_of(name: str) -> sa.ScalarSelect[int]:
    """Return the id of an account as part of a statement; null if the account does not exist."""
    return sa.select(accounts.c.id).where(accounts.c.name == name).scalar_subquery()


def name_of(connection: sa.Connection, account_id: int) -> str:
    """Return the name of an account, for the log."""
    query = sa.select(accounts.c.name).where(accounts.c.id == account_id)
    return str(connection.execute(query).scalar())


def get_or_create_key(
    connection: sa.Connection, account_id: int, fingerprint: str, since: datetime
) -> Key:
    """Return a key of an account, created if it is new.

    Args:
        connection: in a transaction that has locked the account.
        account_id: whose key.
        fingerprint: distinguishes the key from others; never the key.
        since: the time of its first known message; stored if the account had another key before.
    """
    rows = connection.execute(sa.select(keys).where(keys.c.account_id == account_id)).all()
    mine = next((row for row in rows if row.fingerprint == fingerprint), None)
    if mine is None:
        start = since if rows else None
        made = connection.execute(
            sa.insert(keys)
            .values(account_id=account_id, fingerprint=fingerprint, since=start)
            .returning(keys.c.id)
        )
        return Key(int(made.scalar_one()), start)
    started = mine.started_by
    return Key(
        id=mine.id,
        since=mine.since,
        disordered_at=mine.disordered_at,
        started_by=started,
        first_listed_at=mine.first_listed_at,
        last_listed_at=mine.last_listed_at,
        item_cap=mine.item_cap,
        settling=timedelta(seconds=mine.settling_seconds),
        is_superseded=started is not None
        and any(row.started_by is not None and row.started_by > started for row in rows),
    )


def purged_before(
    connection: sa.Connection, account_id: int | sa.ScalarSelect[int]
) -> datetime | None:
    """Return the time before which an account's messages were purged, `None` before any purge."""
    query = sa.select(accounts.c.purged_before).where(accounts.c.id == account_id)
    found: datetime | None = connection.execute(query).scalar()
    return found


def accounts_with_key_of(connection: sa.Connection, key_id: int) -> list[str]:
    """Return the names of other accounts that use the same key."""
    other = keys.alias()
    query = (
        sa.select(accounts.c.name)
        .join_from(keys, other, keys.c.fingerprint == other.c.fingerprint)
        .join(accounts, accounts.c.id == other.c.account_id)
        .where(keys.c.id == key_id, other.c.id != key_id)
        .order_by(accounts.c.name)
    )
    return list(connection.execute(query).scalars())
