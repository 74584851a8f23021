"""The ledger of coverage: how an answer joins the spans of earlier answers to the same key.

It has two bases, see `recon.store.tables.coverage`: if a listing turns out not to be in order, all
spans joined only by shared messages are withdrawn, also for the past. The cost of an answer does
not depend on the length of the ledger: only the rows that it touches are read.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from recon.core.coverage import ShownSpan, extend, late_messages, next_second
from recon.core.listing_evidence import AnswerKind, LateMessage, Proof, appeared_late
from recon.model import Listing, Message, Span, Withdrawal
from recon.store import accounts, withdrawals
from recon.store.accounts import Key
from recon.store.dialects import among
from recon.store.tables import coverage, keys, messages, polls, provider_rejects

_log: Final = logging.getLogger(__name__)

SHARED: Final = "shared"
SETTLED: Final = "settled"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """The effect of an answer on the ledger."""

    row_id: int | None
    """The row of basis `shared` to which it belongs, `None` if it proves nothing."""
    shared: int
    """How many of its messages an earlier accepted answer to the key showed."""
    gap: Span | None = None
    """The unproven time before it, if it joined no earlier answer; `None` without a gap."""


def add_answer(
    connection: sa.Connection,
    account_id: int,
    key: Key,
    listing: Listing,
    proof: Proof,
    stored: Mapping[int, Any],
) -> LedgerEntry:
    """Enter an answer, before its messages are stored.

    Args:
        connection: in a transaction that has locked the account.
        account_id: whose ledger.
        key: the key that asked.
        listing: the answer.
        proof: the proof of this answer alone.
        stored: what is known of its messages, whole rows by id.
    """
    part_of = _part_of(connection, key, stored)
    if proof.is_accepted:
        key = _check_order(connection, account_id, key, listing, part_of)
    if proof.cap is not None and proof.cap != key.item_cap:
        _lower_the_cap(connection, account_id, key, proof.cap)
    if proof.shown is None:
        return LedgerEntry(None, len(part_of))
    rows = frozenset(part_of.values())
    row_id, gap = _join(connection, account_id, key, SHARED, proof.shown, rows)
    if proof.shown.span(key.settling) is not None:
        # One that is too young to prove anything by itself joins nothing here, and would only
        # leave a row for each poll.
        _, settled_gap = _join(connection, account_id, key, SETTLED, proof.shown)
        gap = gap if key.disordered_at is None else settled_gap
    return LedgerEntry(row_id, len(part_of), gap)


def note_new_messages(
    connection: sa.Connection,
    account_id: int,
    key: Key,
    listing: Listing,
    new: Sequence[Message],
    own_clock: datetime,
) -> Key:
    """Withdraw proof that is contradicted by messages that the key lists for the first time.

    An answer without them may have been an old one. If the list no longer reaches back to a message
    that was listed before them, it may also have lost others that this answer lacked. Then all
    proof from the last message listed before is withdrawn.

    Args:
        connection: in a transaction that has locked the account.
        account_id: whose ledger.
        key: the key that asked.
        listing: the answer, accepted or not.
        new: the messages that no earlier answer to the key had listed.
        own_clock: when the answer was stored.

    Returns:
        The key, with its new settling time.
    """
    begun = key.first_listed_at
    if begun is not None:
        older = [one for one in new if one.sent_at < begun]
        if older:
            # From here on nothing that was proven reaches back to them, so they are not late.
            _end_first_contact(connection, account_id, key, begun, older[0].message_id)
    if not new:
        return key
    shown_spans = _shown_spans(
        connection,
        key.id,
        SHARED if key.disordered_at is None else SETTLED,
        coverage.c.seen_at > min(one.sent_at for one in new) + key.settling,
    )
    late = appeared_late(new, list(shown_spans.values()), key.settling)
    if late is None:
        return key
    first, names = late.span.start, {one.message_id for one in new}
    assert first is not None
    if all(one.sent_at > first or one.message_id in names for one in listing.messages):
        listed = _last_listed(connection, key, first)
        since = first if listed is None else min(first, next_second(listed))
        late = replace(late, span=Span(since, late.span.end))
    _withdraw(connection, account_id, key, late, own_clock)
    return key._replace(settling=late.settling)


def _last_listed(connection: sa.Connection, key: Key, before: datetime) -> datetime | None:
    """Return when the last message before a time, of those in accepted answers, was sent."""
    if key.started_by is None:
        return None  # its coverage was started again: nothing was listed since
    query = sa.select(messages.c.sent_at).where(
        messages.c.key_id == key.id,
        messages.c.listed_by >= key.started_by,
        messages.c.sent_at < before,
    )
    found: datetime | None = connection.execute(
        query.order_by(messages.c.sent_at.desc()).limit(1)
    ).scalar()
    return found


def _withdraw(
    connection: sa.Connection, account_id: int, key: Key, late: LateMessage, own_clock: datetime
) -> None:
    start, end = late.span.start, late.span.end
    assert start is not None
    assert end is not None
    minutes = late.settling.total_seconds() / 60
    reason = (
        f"message {late.message_id} appeared in the listing only after "
        f"{end.isoformat(timespec='seconds')}, when its time already counted as complete; from "
        f"now on, messages of this key have {minutes:.0f} minutes to appear"
    )
    withdrawals.add(connection, account_id, key.id, Withdrawal(start, end, reason), own_clock)
    connection.execute(
        sa.update(keys)
        .where(keys.c.id == key.id)
        .values(settling_seconds=int(late.settling.total_seconds()))
    )


def _end_first_contact(
    connection: sa.Connection, account_id: int, key: Key, begun: datetime, message_id: int
) -> None:
    """Withdraw that the first answers were complete: an older message has appeared."""
    changed = _bound(connection, key, next_second(begun))
    if changed:
        _log.warning(
            "account %s: message %d, older than all that were listed before, appears in the "
            "listing: the answers so far did not show everything, and prove nothing about the "
            "time before %s",
            accounts.name_of(connection, account_id),
            message_id,
            begun.isoformat(),
        )


def _lower_the_cap(connection: sa.Connection, account_id: int, key: Key, cap: int) -> None:
    """Store at how many items the listing is cut off, and judge earlier answers again."""
    connection.execute(sa.update(keys).where(keys.c.id == key.id).values(item_cap=cap))
    _log.warning(
        "account %s: the listing is cut at %d messages: answers with that many messages, earlier "
        "ones too, prove only the time after their oldest message",
        accounts.name_of(connection, account_id),
        cap,
    )
    whole = (polls.c.key_id == key.id, polls.c.reading == AnswerKind.WHOLE.value)
    longest = connection.execute(
        sa.select(polls.c.oldest_sent_at)
        .where(*whole, polls.c.item_count >= cap, polls.c.oldest_sent_at.is_not(None))
        .order_by(polls.c.id.desc())
        .limit(1)
    ).scalar()
    if longest is None:
        return
    shorter = connection.execute(
        sa.select(sa.func.max(polls.c.answered_at)).where(*whole, polls.c.item_count < cap)
    ).scalar()
    _bound(connection, key, next_second(longest))
    connection.execute(
        sa.update(polls)
        .where(*whole, polls.c.item_count >= cap)
        .values(reading=AnswerKind.AFTER_OLDEST.value)
    )
    if shorter is not None:
        shown = ShownSpan(None if key.since is None else next_second(key.since), shorter)
        for basis in (SHARED, SETTLED):
            _join(connection, account_id, key, basis, shown)


def _bound(connection: sa.Connection, key: Key, start: datetime) -> bool:
    """Let proof that reaches back to the key's beginning start later; say whether any changed.

    Proof that ended before becomes empty. Proof never starts before the key's beginning: a list
    that is stored late may reach further back.
    """
    begins: sa.ColumnElement[bool] = coverage.c.starts_at.is_(None)
    if key.since is not None:
        begins = sa.or_(begins, coverage.c.starts_at == next_second(key.since))
        start = max(start, next_second(key.since))
    unbounded = (coverage.c.key_id == key.id, begins)
    changed = connection.execute(sa.update(coverage).where(*unbounded).values(starts_at=start))
    return changed.rowcount > 0


def _part_of(connection: sa.Connection, key: Key, stored: Mapping[int, Any]) -> dict[int, int]:
    """Return the ledger row of each message that an earlier answer to the key showed."""
    listed = {
        message_id: row.listed_by
        for message_id, row in stored.items()
        # Of another key no answer is accepted any more since the coverage of this one started.
        if row.listed_by and row.listed_by >= (key.started_by or 0)
    }
    if key.started_by is None or not listed:
        return {}
    found = connection.execute(
        sa.select(polls.c.id, polls.c.coverage_id).where(
            among(connection, polls.c.id, sorted(set(listed.values())))
        )
    )
    row_of = {row.id: row.coverage_id for row in found}
    for poll_id in set(listed.values()) - row_of.keys():
        row_of[poll_id] = _row_of_thinned(connection, key, poll_id)
    return {
        message_id: int(row_of[poll_id])
        for message_id, poll_id in listed.items()
        if row_of[poll_id] is not None
    }


def _row_of_thinned(connection: sa.Connection, key: Key, poll_id: int) -> int | None:
    """Return the ledger row of a poll that was deleted, see `recon.core.poll_retention`."""
    before = (
        sa.select(polls.c.coverage_id)
        .where(
            polls.c.key_id == key.id,
            polls.c.id.between(key.started_by, poll_id),
            polls.c.reading.in_([AnswerKind.WHOLE.value, AnswerKind.AFTER_OLDEST.value]),
        )
        .order_by(polls.c.id.desc())
        .limit(1)
    )
    row_id: int | None = connection.execute(before).scalar()
    return row_id


def _shown_spans(
    connection: sa.Connection, key_id: int, basis: str, condition: sa.ColumnElement[bool]
) -> dict[int, ShownSpan]:
    query = sa.select(coverage.c.id, coverage.c.starts_at, coverage.c.seen_at).where(
        coverage.c.key_id == key_id, coverage.c.basis == basis, condition
    )
    return {row.id: ShownSpan(row.starts_at, row.seen_at) for row in connection.execute(query)}


def _check_order(
    connection: sa.Connection,
    account_id: int,
    key: Key,
    listing: Listing,
    part_of: Mapping[int, int],
) -> Key:
    if key.disordered_at is not None or not part_of:
        return key
    touched = among(connection, coverage.c.id, sorted(set(part_of.values())))
    shown_spans = _shown_spans(connection, key.id, SHARED, touched)
    late = late_messages(listing.messages, part_of, shown_spans)
    shown = shown_unreadable(connection, account_id, [one.message_id for one in late])
    late = tuple(one for one in late if one.message_id not in shown)
    if not late:
        return key
    _log.warning(
        "account %s: message %d, sent at %s, appears in the list behind messages that were "
        "listed before: from now on two polls count as joined only if they overlap by a minute",
        accounts.name_of(connection, account_id),
        late[0].message_id,
        late[0].sent_at.isoformat(),
    )
    at = listing.answered_at
    connection.execute(sa.update(keys).where(keys.c.id == key.id).values(disordered_at=at))
    return key._replace(disordered_at=at)


def shown_unreadable(
    connection: sa.Connection, account_id: int, ids: Sequence[int]
) -> frozenset[int]:
    """Return the ids in `ids` that an earlier answer showed in unreadable items."""
    if not ids:
        return frozenset()
    query = sa.select(provider_rejects.c.message_id).where(
        provider_rejects.c.account_id == account_id,
        among(connection, provider_rejects.c.message_id, ids),
    )
    return frozenset(connection.execute(query).scalars())


def _join(
    connection: sa.Connection,
    account_id: int,
    key: Key,
    basis: str,
    new: ShownSpan,
    shared: frozenset[int] = frozenset(),
) -> tuple[int, Span | None]:
    """Write the joined span of an answer and earlier answers into one row.

    Returns:
        The row's id, and the unproven time before it if the answer joined nothing.
    """
    begins, seen_at = coverage.c.starts_at, coverage.c.seen_at
    meets = sa.or_(begins.is_(None), begins <= new.seen_at)
    if new.start is not None:
        meets = sa.and_(seen_at >= new.start, meets)
    before = _shown_spans(connection, key.id, basis, meets)
    further = sorted(shared - before.keys())
    if further:
        before |= _shown_spans(connection, key.id, basis, among(connection, coverage.c.id, further))
    whole, joined = extend(before, new, shared, key.settling)
    now: dict[str, datetime | None] = {"starts_at": whole.start, "seen_at": whole.seen_at}
    if not joined:
        made = connection.execute(
            sa.insert(coverage)
            .values(account_id=account_id, key_id=key.id, basis=basis, **now)
            .returning(coverage.c.id)
        )
        return int(made.scalar_one()), _gap_before(connection, key, basis, new)
    kept, *gone = sorted(joined)
    if before[kept] != whole:
        connection.execute(sa.update(coverage).where(coverage.c.id == kept).values(**now))
    if gone:
        moved = sa.update(polls).where(among(connection, polls.c.coverage_id, gone))
        connection.execute(moved.values(coverage_id=kept))
        connection.execute(sa.delete(coverage).where(among(connection, coverage.c.id, gone)))
    return kept, None


def _gap_before(connection: sa.Connection, key: Key, basis: str, new: ShownSpan) -> Span | None:
    mine = new.span(key.settling)
    if mine is None or mine.start is None:
        return None
    last = connection.execute(
        sa.select(sa.func.max(coverage.c.seen_at)).where(
            coverage.c.key_id == key.id,
            coverage.c.basis == basis,
            coverage.c.seen_at < new.seen_at,
        )
    ).scalar()
    if last is None or last - key.settling >= mine.start:
        return None
    return Span(last - key.settling, mine.start)
