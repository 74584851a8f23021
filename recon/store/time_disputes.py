"""Answers that give listed messages other times: what is stored, and which times count.

The rules are in `recon.core.listing_times`. During a dispute neither side proves anything: proof by
the earlier times is suspended, and messages that only the later answers showed are stored as items
without a readable time.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from recon.core import listing_times
from recon.core.listing_evidence import Proof
from recon.core.listing_times import TimeDispute
from recon.model import Listing, Withdrawal
from recon.store import accounts, withdrawals
from recon.store.accounts import Key
from recon.store.dialects import among, id_chunks, insert
from recon.store.tables import messages, polls, provider_rejects, time_disputes

_log: Final = logging.getLogger(__name__)

#: Why nothing is proven as long as a dispute lasts.
DISPUTED: Final = (
    "the list gives messages different times than before, and it is not known yet which are right"
)
_LOST: Final = "for a day the list has given messages different times than before"


def load(connection: sa.Connection, key_id: int) -> TimeDispute | None:
    """Return the dispute about the times that a key lists, `None` without one."""
    query = sa.select(time_disputes).where(time_disputes.c.key_id == key_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    by = None if row.moved_seconds is None else timedelta(seconds=row.moved_seconds)
    return TimeDispute(row.first_at, row.last_at, row.answers, row.starts_at, by)


def times_before(
    connection: sa.Connection,
    account_id: int,
    key: Key,
    listing: Listing,
    stored: Mapping[int, Any],
    dispute: TimeDispute | None,
) -> dict[int, datetime]:
    """Return when the messages of an answer were sent, by earlier answers to its key.

    In a dispute this is also known for messages that only later answers showed, if all messages
    have moved by the same length.
    """
    times = {
        message_id: row.sent_at
        for message_id, row in stored.items()
        if row.key_id == key.id and key.started_by and (row.listed_by or 0) >= key.started_by
    }
    if dispute is None or dispute.moved is None:
        return times
    for some in id_chunks([one.message_id for one in listing.messages]):
        query = sa.select(
            provider_rejects.c.message_id, provider_rejects.c.earliest, provider_rejects.c.latest
        ).where(
            provider_rejects.c.account_id == account_id,
            provider_rejects.c.reason == listing_times.DOUBTFUL,
            among(connection, provider_rejects.c.message_id, some),
        )
        for row in connection.execute(query):
            time = listing_times.as_listed_before(row.earliest, row.latest, dispute.moved)
            if time is not None:
                times.setdefault(row.message_id, time)
    return times


def take(
    connection: sa.Connection,
    account_id: int,
    key: Key,
    listing: Listing,
    proof: Proof,
    stored: Mapping[int, Any],
    dispute: TimeDispute | None,
) -> Listing:
    """Apply an answer to a dispute, and return the answer with the times that may be stored.

    Args:
        connection: in a transaction that has locked the account.
        account_id: whose answer.
        key: the key that asked.
        listing: the answer, without messages that must not be stored.
        proof: what it was taken for.
        stored: what is known of its messages, whole rows by id.
        dispute: the dispute so far.
    """
    if not proof.has_doubtful_times:
        if proof.is_accepted and listing.messages and dispute is not None:
            _end(connection, account_id, key)
        return listing
    by = None
    if not key.is_superseded:
        now = _note(connection, key, listing, proof, stored, dispute)
        by = now.moved if proof.moved else None
    return _without_doubtful_times(listing, stored, by)


def _note(
    connection: sa.Connection,
    key: Key,
    listing: Listing,
    proof: Proof,
    stored: Mapping[int, Any],
    before: TimeDispute | None,
) -> TimeDispute:
    """Store that an answer did not agree with the times listed before, and return the dispute."""
    at = listing.answered_at
    by = listing_times.common(proof.moved.values())
    starts = [before.since] if before else []
    starts += [one.sent_at for one in listing.messages if one.message_id in proof.moved]
    listed = [stored[one] for one in proof.moved if one in stored]
    starts += [row.sent_at for row in listed]
    # Everything else in the answers with the other times may be wrong too.
    oldest = sa.select(sa.func.min(polls.c.oldest_sent_at)).where(
        among(connection, polls.c.id, sorted({row.listed_by for row in listed}))
    )
    starts += [time for time in [connection.execute(oldest).scalar()] if time is not None]
    now = TimeDispute(at, at, 1, min(starts), by)
    if before is not None:
        now = replace(now, first_at=before.first_at, answers=before.answers + 1, moved=before.moved)
        if proof.moved and not listing_times.is_same(by, before.moved):
            now = replace(now, moved=None)
    row = {
        "first_at": now.first_at,
        "last_at": now.last_at,
        "answers": now.answers,
        "starts_at": now.since,
        "moved_seconds": None if now.moved is None else round(now.moved.total_seconds()),
    }
    upsert = insert(connection, time_disputes).values(key_id=key.id, **row)
    connection.execute(upsert.on_conflict_do_update(index_elements=["key_id"], set_=row))
    return now


def _without_doubtful_times(
    listing: Listing, stored: Mapping[int, Any], by: timedelta | None
) -> Listing:
    """Return an answer with the stored times, and other messages as items without a time."""
    known = [
        replace(one, sent_at=stored[one.message_id].sent_at)
        for one in listing.messages
        if one.message_id in stored
    ]
    doubtful = [
        listing_times.doubtful(one, by) for one in listing.messages if one.message_id not in stored
    ]
    return replace(listing, messages=known, rejects=[*listing.rejects, *doubtful])


def _end(connection: sa.Connection, account_id: int, key: Key) -> None:
    """End a dispute: an accepted answer agrees with the times that were listed first."""
    connection.execute(sa.delete(time_disputes).where(time_disputes.c.key_id == key.id))
    _log.warning(
        "account %s: the list gives messages their earlier times again: these count as right, and "
        "their proof counts again",
        accounts.name_of(connection, account_id),
    )


def believe(
    connection: sa.Connection,
    account_id: int,
    key: Key,
    listing: Listing,
    proof: Proof,
    dispute: TimeDispute,
    own_clock: datetime,
) -> None:
    """Accept the later times: withdraw proof by the earlier times, and correct these.

    Args:
        connection: in a transaction that has locked the account.
        account_id: whose messages.
        key: the key that asked.
        listing: the answer with which the coverage of the key starts again.
        proof: how it was judged until now.
        dispute: the dispute so far.
        own_clock: when the answer is stored.
    """
    gone = Withdrawal(dispute.since, dispute.first_at, _LOST)
    withdrawals.add(connection, account_id, key.id, gone, own_clock)
    by = listing_times.common(proof.moved.values())
    # An answer by which nothing can be checked may have the earlier times again.
    if dispute.moved is not None and listing_times.is_same(by, dispute.moved):
        shown = [one.message_id for one in listing.messages]
        mine = (messages.c.account_id == account_id, messages.c.key_id == key.id)
        rows = connection.execute(
            sa.select(messages.c.message_id, messages.c.sent_at).where(
                *mine,
                messages.c.sent_at >= dispute.since,
                messages.c.listed_by.is_not(None),
                sa.not_(among(connection, messages.c.message_id, shown)),
            )
        ).all()
        if rows:
            connection.execute(
                sa.update(messages)
                .where(*mine, messages.c.message_id == sa.bindparam("of"))
                .values(sent_at=sa.bindparam("time")),
                [{"of": row.message_id, "time": row.sent_at + dispute.moved} for row in rows],
            )
    connection.execute(sa.delete(time_disputes).where(time_disputes.c.key_id == key.id))
    _log.warning(
        "account %s: the list has given messages different times since %s: from now on these "
        "count, and the proof by the earlier times is withdrawn from %s on",
        accounts.name_of(connection, account_id),
        dispute.first_at.isoformat(timespec="seconds"),
        dispute.since.isoformat(timespec="seconds"),
    )
