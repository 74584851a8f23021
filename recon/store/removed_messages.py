"""Detect whether listed messages that later answers lack were removed at Octopods."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from recon.core.listing_evidence import AbsentMessage, Proof
from recon.model import Listing
from recon.store import accounts
from recon.store.dialects import among, insert
from recon.store.engine import writing
from recon.store.tables import absences, keys

_log: Final = logging.getLogger(__name__)

#: How many of the messages that answers lack are asked for one by one.
ASKED_FOR: Final = 5


def note(connection: sa.Connection, key_id: int, listing: Listing, proof: Proof) -> tuple[int, ...]:
    """Store which listed messages an answer lacks, and which it shows again.

    Args:
        connection: in a transaction that has locked the account.
        key_id: the key that asked.
        listing: the answer.
        proof: how it was judged.

    Returns:
        Up to `ASKED_FOR` ids to ask Octopods for: enough answers over enough time lacked them, and
        agreed in everything else.
    """
    shown = [one.message_id for one in listing.messages]
    connection.execute(
        sa.delete(absences).where(
            absences.c.key_id == key_id, among(connection, absences.c.message_id, shown)
        )
    )
    if not proof.lacking:
        return ()
    at = listing.answered_at
    upsert = insert(connection, absences)
    connection.execute(
        upsert.on_conflict_do_update(
            index_elements=["key_id", "message_id"],
            set_={"last_at": upsert.excluded.last_at, "answers": absences.c.answers + 1},
        ),
        [
            {"key_id": key_id, "message_id": one, "first_at": at, "last_at": at, "answers": 1}
            for one in proof.lacking
        ],
    )
    lacked = connection.execute(
        sa.select(absences)
        .where(
            absences.c.key_id == key_id,
            among(connection, absences.c.message_id, proof.lacking),
        )
        .order_by(absences.c.message_id)
    )
    return tuple(_due(lacked)[:ASKED_FOR])


def _due(rows: Iterable[sa.Row[Any]]) -> list[int]:
    """Return the messages of some rows of `absences` that Octopods is to be asked for."""
    return [
        row.message_id
        for row in rows
        if AbsentMessage(row.first_at, row.last_at, row.answers, row.asked_at).is_to_be_asked_for
    ]


def settle(
    engine: sa.Engine,
    account: str,
    key_fingerprint: str,
    *,
    denied: Sequence[int],
    found: Sequence[int],
    at: datetime,
) -> bool:
    """Store the status answers about messages that the listings lack.

    If Octopods denied all these ids, each message that as many answers lack counts as removed. If
    it has one of them, its answers are still refused.

    Args:
        engine: the store.
        account: the account's name.
        key_fingerprint: the key that asked.
        denied: ids that Octopods does not have any more.
        found: ids that it has.
        at: the clock of the answer.

    Returns:
        Whether the messages count as removed.
    """
    with writing(engine) as connection:
        account_id = accounts.lock_account(connection, account)
        key_id = connection.execute(
            sa.select(keys.c.id).where(
                keys.c.account_id == account_id, keys.c.fingerprint == key_fingerprint
            )
        ).scalar_one()
        mine = (absences.c.key_id == key_id, absences.c.removed_at.is_(None))
        due = _due(connection.execute(sa.select(absences).where(*mine)))
        asked = sa.update(absences).where(*mine, among(connection, absences.c.message_id, due))
        if found or not denied:
            connection.execute(asked.values(asked_at=at))
            if found:
                _log.warning(
                    "account %s: Octopods has message %d, which its list has lacked for a day: the "
                    "list hides messages, and recon still refuses it. If the list is right, "
                    "run `recon collect --new-coverage`",
                    account,
                    found[0],
                )
            return False
        connection.execute(asked.values(asked_at=at, removed_at=at))
    _log.warning(
        "account %s: Octopods denies %d of the %d messages that its list has lacked for a day "
        "(recon asks for a few): all count as removed at Octopods, and are no longer compared",
        account,
        len(denied),
        len(due),
    )
    return True
