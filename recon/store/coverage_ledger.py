"""The ledger of coverage: what the answers to each key show whole, and what that proves.

It is kept on two bases at once, see `recon.store.tables.coverage`: should a listing ever turn out
not to be in order, all that was joined by shared messages alone is withdrawn, also for the past.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from recon.core.coverage import Reach, extend, is_contradicted, merge, reach, slipped_in, without
from recon.model import LISTING_LIMIT, Listing, Span
from recon.store import withdrawals
from recon.store.accounts import Key
from recon.store.dialects import among
from recon.store.tables import coverage, keys, messages, polls, provider_rejects

_log: Final = logging.getLogger(__name__)

SHARED: Final = "shared"
SETTLED: Final = "settled"


def alone(connection: sa.Connection, account_id: int, key: Key, listing: Listing) -> Reach | None:
    """Return what an answer shows by itself, `None` where nothing, or where it cannot be whole.

    Args:
        connection: in a transaction that has claimed the account.
        account_id: whose ledger.
        key: the key that asked.
        listing: the answer.
    """
    if listing.is_full:
        return reach(listing, key.since)
    latest = sa.select(sa.func.max(polls.c.id)).where(
        polls.c.key_id == key.id, polls.c.item_count > 0
    )
    before = connection.execute(
        sa.select(messages.c.message_id, messages.c.sent_at)
        .where(
            messages.c.account_id == account_id,
            messages.c.listed_by == latest.scalar_subquery(),
        )
        .order_by(messages.c.sent_at.desc())
        .limit(LISTING_LIMIT)
    )
    if not is_contradicted(listing, {row.message_id: row.sent_at for row in before}):
        return reach(listing, key.since)
    _log.warning(
        "the answer of %s (request %s) lists %d messages and lacks some that the one before it "
        "listed: it is not taken for all there is, and proves nothing",
        listing.answered_at.isoformat(),
        listing.request_id,
        listing.item_count,
    )
    return None


def enter(
    connection: sa.Connection,
    account_id: int,
    key: Key,
    listing: Listing,
    shown: Reach | None,
    stored: Mapping[int, Any],
) -> tuple[int | None, int]:
    """Enter an answer, before its messages are kept.

    Args:
        connection: in a transaction that has claimed the account.
        account_id: whose ledger.
        key: the key that asked.
        listing: the answer.
        shown: what the answer shows by itself, see `alone`.
        stored: what is known of its messages, whole rows by id.

    Returns:
        The row of basis `shared` that the answer is a part of now, `None` where it shows nothing
        whole, and how many of its messages an earlier answer to the same key showed.
    """
    parts = _parts(connection, key, stored)
    reaches = _reaches(connection, key.id, SHARED)
    _look_for_disorder(connection, account_id, key, listing, parts, reaches)
    if shown is None:
        return None, len(parts)
    row_id = _enter(connection, account_id, key.id, SHARED, reaches, shown, parts.values())
    settled = _reaches(connection, key.id, SETTLED)
    _enter(connection, account_id, key.id, SETTLED, settled, shown, ())
    return row_id, len(parts)


def spans(connection: sa.Connection, account_id: sa.ScalarSelect[int] | int) -> tuple[Span, ...]:
    """Return for which time an account's messages are proven complete, over all its keys.

    A key that replaced another proves that nothing else was sent only if the other one is not used
    any more: where that polled again later, it was a detour, such as a wrong key for an hour.
    """
    trusted = sa.case((keys.c.disordered_at.is_(None), SHARED), else_=SETTLED)
    older, again, own = keys.alias(), polls.alias(), polls.alias()
    begun = sa.select(sa.func.min(own.c.id)).where(own.c.key_id == keys.c.id).correlate(keys)
    detour = (
        sa.exists()
        .where(older.c.account_id == keys.c.account_id, older.c.id < keys.c.id)
        .where(again.c.key_id == older.c.id, again.c.id > begun.scalar_subquery())
        .correlate(keys)
    )
    mine = coverage.c.account_id == account_id
    return _proven(connection, mine, coverage.c.basis == trusted, ~detour)


def spans_of_key(connection: sa.Connection, key_id: int) -> tuple[Span, ...]:
    """Return for which time the messages of a key are proven complete."""
    trusted = sa.case((keys.c.disordered_at.is_(None), SHARED), else_=SETTLED)
    return _proven(connection, coverage.c.key_id == key_id, coverage.c.basis == trusted)


def _proven(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> tuple[Span, ...]:
    query = (
        sa.select(coverage.c.key_id, coverage.c.starts_at, coverage.c.seen_at)
        .join_from(coverage, keys, coverage.c.key_id == keys.c.id)
        .where(*conditions)
    )
    proven: dict[int, list[Span]] = {}
    for row in connection.execute(query):
        span = Reach(row.starts_at, row.seen_at).span
        if span is not None:
            proven.setdefault(row.key_id, []).append(span)
    left: list[Span] = []
    for key_id, found in proven.items():
        gone = [Span(one.start, one.end) for one in withdrawals.of_key(connection, key_id)]
        left += without(found, gone)
    return merge(left)


def _parts(connection: sa.Connection, key: Key, stored: Mapping[int, Any]) -> dict[int, int]:
    """Return of each message that an answer to the key showed before, the row it is a part of."""
    listed = {message_id: row.listed_by for message_id, row in stored.items() if row.listed_by}
    found = connection.execute(
        sa.select(polls.c.id, polls.c.coverage_id).where(
            polls.c.key_id == key.id,
            polls.c.coverage_id.is_not(None),
            among(connection, polls.c.id, sorted(set(listed.values()))),
        )
    )
    row_of = {row.id: int(row.coverage_id) for row in found}
    return {
        message_id: row_of[poll_id] for message_id, poll_id in listed.items() if poll_id in row_of
    }


def _reaches(connection: sa.Connection, key_id: int, basis: str) -> dict[int, Reach]:
    query = sa.select(coverage.c.id, coverage.c.starts_at, coverage.c.seen_at).where(
        coverage.c.key_id == key_id, coverage.c.basis == basis
    )
    return {row.id: Reach(row.starts_at, row.seen_at) for row in connection.execute(query)}


def _look_for_disorder(
    connection: sa.Connection,
    account_id: int,
    key: Key,
    listing: Listing,
    parts: Mapping[int, int],
    reaches: Mapping[int, Reach],
) -> None:
    if key.disordered_at is not None:
        return
    late = slipped_in(listing.messages, parts, reaches)
    shown = _shown_unreadable(connection, account_id, [one.message_id for one in late])
    late = tuple(one for one in late if one.message_id not in shown)
    if not late:
        return
    _log.warning(
        "message %d, sent at %s, appears in the listing behind messages that were listed before: "
        "from now on two polls count as joined only where they overlap by a minute",
        late[0].message_id,
        late[0].sent_at.isoformat(),
    )
    connection.execute(
        sa.update(keys).where(keys.c.id == key.id).values(disordered_at=listing.answered_at)
    )


def _shown_unreadable(
    connection: sa.Connection, account_id: int, ids: Sequence[int]
) -> frozenset[int]:
    """Return those of `ids` that an answer showed before, though not readable."""
    if not ids:
        return frozenset()
    query = sa.select(provider_rejects.c.message_id).where(
        provider_rejects.c.account_id == account_id,
        among(connection, provider_rejects.c.message_id, ids),
    )
    return frozenset(connection.execute(query).scalars())


def _enter(
    connection: sa.Connection,
    account_id: int,
    key_id: int,
    basis: str,
    before: Mapping[int, Reach],
    new: Reach,
    shared: Collection[int],
) -> int:
    """Write what an answer and all that it joins show together into one row; return its id."""
    whole, joined = extend(before, new, frozenset(shared))
    now: dict[str, datetime | None] = {"starts_at": whole.start, "seen_at": whole.seen_at}
    if not joined:
        made = connection.execute(
            sa.insert(coverage)
            .values(account_id=account_id, key_id=key_id, basis=basis, **now)
            .returning(coverage.c.id)
        )
        return int(made.scalar_one())
    kept, *gone = sorted(joined)
    if before[kept] != whole:
        connection.execute(sa.update(coverage).where(coverage.c.id == kept).values(**now))
    if gone:
        moved = sa.update(polls).where(among(connection, polls.c.coverage_id, gone))
        connection.execute(moved.values(coverage_id=kept))
        connection.execute(sa.delete(coverage).where(among(connection, coverage.c.id, gone)))
    return kept
