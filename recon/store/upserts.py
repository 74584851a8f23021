"""Store the messages of an answer, in a transaction that has locked the account."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from recon.model import Listing, Message
from recon.store import untimed_items
from recon.store.dialects import among, id_chunks, insert
from recon.store.observations import Observation, is_news, is_regress, merged
from recon.store.tables import denied_ids, messages, provider_rejects, status_changes

_log: Final = logging.getLogger(__name__)

_INT64: Final = 2**63


def stored_messages(
    connection: sa.Connection, account_id: int, ids: Sequence[int]
) -> dict[int, Any]:
    """Return the stored messages with these ids, whole rows by id."""
    return {
        row.message_id: row
        for some in id_chunks(ids)
        for row in connection.execute(
            sa.select(messages).where(
                messages.c.account_id == account_id,
                among(connection, messages.c.message_id, some),
            )
        )
    }


def keep_messages(
    connection: sa.Connection,
    account_id: int,
    key_id: int,
    listing: Listing,
    stored: Mapping[int, Any],
    poll_id: int | None = None,
) -> int:
    """Upsert the messages of an answer and their history; return how many statuses changed.

    Args:
        connection: in a transaction that has locked the account.
        account_id: whose messages.
        key_id: the key that asked.
        listing: the answer.
        stored: what is known of its messages, see `stored_messages`.
        poll_id: the accepted poll that listed them; `None` for answers of status calls, and for
            answers with which later ones are not compared.
    """
    ids = [message.message_id for message in listing.messages]
    history = _history(connection, account_id, ids)
    rows, news = [], []
    changed = 0
    for message in listing.messages:
        seen = Observation(message.status, message.failure_reason, listing.answered_at)
        before = stored.get(message.message_id)
        row = _row(message, seen, before) | _listed(poll_id, key_id, before)
        if poll_id is None and before is not None and before.listed_by is not None:
            # Of a message that was listed, only a list tells the time.
            row["sent_at"] = before.sent_at
        if is_news(history[message.message_id], seen):
            news.append(_change(message.message_id, seen))
            if before is not None and is_regress(_observed(before), seen):
                _log.info(
                    "message %d was %s and is now listed as %s; its history keeps both",
                    message.message_id,
                    before.status,
                    seen.status,
                )
        if before is None or row != {name: getattr(before, name) for name in row}:
            changed += before is not None and row["status"] != before.status
            first = listing.answered_at
            if before is not None:
                first = min(before.first_seen_at, first)
            rows.append(row | {"first_seen_at": first})
    of_account = {"account_id": account_id}
    if rows:
        upsert = insert(connection, messages)
        update = {name: upsert.excluded[name] for name in rows[0] if name != "message_id"}
        connection.execute(
            upsert.on_conflict_do_update(index_elements=["account_id", "message_id"], set_=update),
            [row | of_account for row in rows],
        )
    if news:
        connection.execute(sa.insert(status_changes), [row | of_account for row in news])
    clear_denials(connection, account_id, [one for one in ids if one not in stored])
    return changed


def _listed(poll_id: int | None, key_id: int, before: sa.Row[Any] | None) -> dict[str, int | None]:
    """Return the latest accepted poll that listed a message, and the key of this poll."""
    if poll_id is not None or before is None:
        return {"listed_by": poll_id, "key_id": key_id}
    return {"listed_by": before.listed_by, "key_id": before.key_id}


def _history(
    connection: sa.Connection, account_id: int, ids: Sequence[int]
) -> defaultdict[int, list[Observation]]:
    history: defaultdict[int, list[Observation]] = defaultdict(list)
    for some in id_chunks(ids):
        for row in connection.execute(
            sa.select(status_changes)
            .where(
                status_changes.c.account_id == account_id,
                among(connection, status_changes.c.message_id, some),
            )
            .order_by(status_changes.c.seen_at, status_changes.c.status)
        ):
            observation = Observation(row.status, row.failure_reason, row.seen_at)
            history[row.message_id].append(observation)
    return history


def _observed(stored: sa.Row[Any]) -> Observation:
    return Observation(stored.status, stored.failure_reason, stored.observed_at)


def _row(message: Message, seen: Observation, stored: sa.Row[Any] | None) -> dict[str, Any]:
    """Return the message to store: the facts of the later answer, and the merged status."""
    now = seen if stored is None else merged(_observed(stored), seen)
    facts = message if stored is None or seen.at >= stored.observed_at else stored
    return {
        "message_id": message.message_id,
        "phone_number": facts.phone_number,
        "sent_at": facts.sent_at,
        "status": now.status,
        "failure_reason": now.failure_reason,
        "observed_at": now.at,
    }


def _change(message_id: int, seen: Observation) -> dict[str, Any]:
    return {
        "message_id": message_id,
        "seen_at": seen.at,
        "status": seen.status,
        "failure_reason": seen.failure_reason,
    }


def keep_rejects(connection: sa.Connection, account_id: int, listing: Listing) -> None:
    """Upsert the unreadable items, except those whose message another answer showed readably."""
    mine = provider_rejects.c.account_id == account_id
    for some in id_chunks([message.message_id for message in listing.messages]):
        mended = among(connection, provider_rejects.c.message_id, some)
        connection.execute(sa.delete(provider_rejects).where(mine, mended))
    rejects = {reject.key: reject for reject in listing.rejects}
    ids = {key: _int64(reject.message_id) for key, reject in rejects.items()}
    shown = stored_messages(connection, account_id, [i for i in ids.values() if i is not None])
    rows = [
        {
            "account_id": account_id,
            "key": key,
            "message_id": ids[key],
            "phone_number": reject.phone_number,
            "sent_at": reject.sent_at,
            "status": reject.status,
            "failure_reason": reject.failure_reason,
            "reason": reject.reason,
            "earliest": reject.earliest,
            "latest": reject.latest,
            "first_seen_at": listing.answered_at,
            "observed_at": listing.answered_at,
        }
        for key, reject in rejects.items()
        if ids[key] not in shown
    ]
    clear_denials(connection, account_id, [one for one in ids.values() if one is not None])
    if rows:
        untimed_items.keep_stretches(connection, account_id, rows)
        upsert = insert(connection, provider_rejects)
        update: dict[str, Any] = {
            name: upsert.excluded[name]
            for name in rows[0]
            if name not in {"account_id", "key", "first_seen_at"}
        }
        update["earliest"] = untimed_items.earliest_of(provider_rejects, upsert.excluded)
        connection.execute(
            upsert.on_conflict_do_update(
                index_elements=["account_id", "key"],
                set_=update,
                where=upsert.excluded.observed_at > provider_rejects.c.observed_at,
            ),
            rows,
        )


def clear_denials(connection: sa.Connection, account_id: int, ids: Sequence[int]) -> None:
    """Delete denials of these ids, because an answer shows them, readable or not."""
    for some in id_chunks(ids):
        connection.execute(
            sa.delete(denied_ids).where(
                denied_ids.c.account_id == account_id,
                among(connection, denied_ids.c.message_id, some),
            )
        )


def _int64(number: int | None) -> int | None:
    return number if number is not None and -_INT64 <= number < _INT64 else None
