"""The messages in accepted answers to a key with which the next answer is compared."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from recon.core.coverage import SETTLING, next_second
from recon.core.key_use import KeyUse
from recon.core.listing_evidence import AnswerKind, KeyHistory, Proof
from recon.model import Listing
from recon.store.accounts import Key
from recon.store.dialects import among
from recon.store.tables import absences, keys, messages, polls

#: How many of the messages that an answer lacks are read: more than any answer shows.
_ABSENT: Final = 200
#: A cap is known by the same number of items in one of this many answers before.
_COUNTS: Final = 16


def load(connection: sa.Connection, key: Key, listing: Listing) -> KeyHistory:
    """Return the history with which an answer to a key is compared, before it is stored.

    Args:
        connection: in a transaction that has locked the account.
        key: the key that asked.
        listing: the answer; its `answered_at` is its clock.
    """
    if key.started_by is None:
        return KeyHistory(cap=key.item_cap, settling=key.settling, since=key.since)
    limit = listing.limit if key.item_cap is None else min(listing.limit, key.item_cap)
    is_full = listing.item_count >= limit
    counts = connection.execute(
        sa.select(polls.c.item_count)
        .where(
            polls.c.key_id == key.id,
            polls.c.id >= key.started_by,
            polls.c.reading.in_([AnswerKind.WHOLE.value, AnswerKind.AFTER_OLDEST.value]),
        )
        .order_by(polls.c.id.desc())
        .limit(_COUNTS)
    )
    return KeyHistory(
        absent=_absent(connection, key, listing, also_older=not is_full),
        cap=key.item_cap,
        counts=frozenset(counts.scalars()),
        settling=key.settling,
        since=key.since,
        is_superseded=key.is_superseded,
    )


def _absent(
    connection: sa.Connection, key: Key, listing: Listing, *, also_older: bool
) -> dict[int, datetime]:
    """Return some listed messages that an answer does not show.

    They are read in order of the index by key and time, so the cost does not depend on the number
    of messages.
    """
    shown = [one.message_id for one in listing.messages]
    # The rule decides what is too old or too new; this only has to bring enough of both.
    oldest = min((one.sent_at for one in listing.messages), default=None)
    sent_at = messages.c.sent_at
    lacking: sa.Select[Any] = sa.select(messages.c.message_id, sent_at).where(
        messages.c.key_id == key.id,
        messages.c.listed_by >= key.started_by,
        sa.not_(among(connection, messages.c.message_id, shown)),
        messages.c.message_id.not_in(
            sa.select(absences.c.message_id).where(
                absences.c.key_id == key.id, absences.c.removed_at.is_not(None)
            )
        ),
        sent_at < listing.answered_at - key.settling,
    )
    if key.since is not None:
        lacking = lacking.where(sent_at >= key.since)
    newer = lacking if oldest is None else lacking.where(sent_at >= next_second(oldest))
    found = {
        row.message_id: row.sent_at
        for row in connection.execute(newer.order_by(sent_at).limit(_ABSENT))
    }
    if also_older and oldest is not None:
        older = lacking.where(sent_at < next_second(oldest)).order_by(sent_at.desc())
        unreadable = len(listing.rejects)
        rows = connection.execute(older.limit(1 + unreadable))
        found |= {row.message_id: row.sent_at for row in rows}
    return found


def note_poll(
    connection: sa.Connection, key: Key, poll_id: int, listing: Listing, proof: Proof
) -> None:
    """Update the key's history with the answer that was stored as `poll_id`."""
    now: dict[str, Any] = {}
    if key.started_by is None:
        now["started_by"] = poll_id
    times = [one.sent_at for one in listing.messages]
    if proof.is_accepted and times:
        first, last = min(times), max(times)
        if key.first_listed_at is None or first < key.first_listed_at:
            now["first_listed_at"] = first
        if key.last_listed_at is None or last > key.last_listed_at:
            now["last_listed_at"] = last
    if now:
        connection.execute(sa.update(keys).where(keys.c.id == key.id).values(now))


def start_again(connection: sa.Connection, key: Key, since: datetime) -> Key:
    """Delete the history of a key, so that its coverage starts again, and make it the newest key.

    Earlier proof stays; new proof begins after `since`.
    """
    connection.execute(sa.delete(absences).where(absences.c.key_id == key.id))
    now = {"since": since, "started_by": None, "item_cap": None}
    connection.execute(sa.update(keys).where(keys.c.id == key.id).values(now))
    return key._replace(since=since, started_by=None, item_cap=None, is_superseded=False)


def uses(connection: sa.Connection, account_id: int | sa.ScalarSelect[int]) -> list[KeyUse]:
    """Return when each key of an account was in use, by the answers to it."""
    seen = sa.select(sa.func.max(messages.c.sent_at)).where(messages.c.key_id == keys.c.id)
    # An alias, since the statement joins the same table.
    first = polls.alias("first")
    asked = sa.select(first.c.answered_at).where(first.c.key_id == keys.c.id).order_by(first.c.id)
    query = (
        sa.select(
            keys,
            polls.c.reading.label("started_as"),
            polls.c.answered_at.label("started_at"),
            seen.scalar_subquery().label("seen"),
            asked.limit(1).scalar_subquery().label("asked"),
        )
        .outerjoin(polls, polls.c.id == keys.c.started_by)
        .where(keys.c.account_id == account_id)
    )
    return [
        KeyUse(
            key_id=row.id,
            started=row.started_by or 0,
            newest=row.last_listed_at,
            oldest=row.first_listed_at,
            starts_whole=row.started_as in {None, AnswerKind.WHOLE.value}
            and not _began_late(connection, row.id, row.started_at),
            seen=row.seen,
            # The first answers may have been purged; a key that listed nothing began with one.
            asked=min((time for time in (row.asked, row.since) if time is not None), default=None),
        )
        for row in connection.execute(query).all()
    ]


def _began_late(connection: sa.Connection, key_id: int, started_at: datetime | None) -> bool:
    """Say whether the first answer to a key, which seemed complete, lacked messages.

    Before it, fewer messages were sent than an answer holds, so few rows are read.
    """
    if started_at is None:
        return False
    lacked = sa.select(sa.literal(1)).where(
        messages.c.key_id == key_id,
        messages.c.sent_at < started_at - SETTLING,
        messages.c.first_seen_at > started_at,
        messages.c.listed_by.is_not(None),
    )
    return connection.execute(lacked.limit(1)).first() is not None
