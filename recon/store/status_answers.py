"""What Octopods said of single ids: messages it has, and ids it does not have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from recon.model import LISTING_LIMIT, Listing, Message
from recon.store import accounts
from recon.store.dialects import insert
from recon.store.engine import reading, writing
from recon.store.tables import denied_ids, keys
from recon.store.upserts import keep_messages, known

if TYPE_CHECKING:
    from recon.core.buckets import Denials


def keep(
    engine: sa.Engine,
    account: str,
    key_fingerprint: str,
    *,
    found: Sequence[Message],
    denied: Sequence[int],
    at: datetime,
) -> None:
    """Store what was asked, in one transaction; it proves nothing of any span of time.

    Args:
        engine: the store.
        account: the account's name.
        key_fingerprint: tells the key that asked from the account's others.
        found: messages that Octopods has.
        denied: ids that it does not have.
        at: the provider's clock.
    """
    with writing(engine) as connection:
        account_id = accounts.claim(connection, account)
        key = accounts.key(connection, account_id, key_fingerprint, at)
        answer = Listing(found, [], len(found), LISTING_LIMIT, at)
        stored = known(connection, account_id, [message.message_id for message in found])
        keep_messages(connection, account_id, key.id, answer, stored)
        if denied:
            rows = [
                {
                    "account_id": account_id,
                    "message_id": message_id,
                    "key_id": key.id,
                    "asked_at": at,
                }
                for message_id in denied
            ]
            connection.execute(insert(connection, denied_ids).on_conflict_do_nothing(), rows)


def denials(engine: sa.Engine, account: str) -> Denials:
    """Return the ids that a key of the account was asked for and does not have."""
    import numpy as np

    from recon.core.buckets import Denials
    from recon.core.coverage import microseconds

    query = (
        sa.select(denied_ids.c.message_id, keys.c.since)
        .join_from(denied_ids, keys)
        .where(denied_ids.c.account_id == accounts.id_of(account))
    )
    least = np.iinfo(np.int64).min
    since: dict[int, int] = {}
    with reading(engine) as connection:
        for row in connection.execute(query):
            start = least if row.since is None else microseconds(row.since)
            since[row.message_id] = min(start, since.get(row.message_id, start))
    ids = np.fromiter(since.keys(), dtype=np.int64, count=len(since))
    return Denials(ids, np.fromiter(since.values(), dtype=np.int64, count=len(since)))
