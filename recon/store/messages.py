"""Collected messages: store answers of the list call, and read frames and proven spans."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import sqlalchemy as sa

from recon.core import listing_evidence
from recon.core.listing_evidence import Proof, prove
from recon.core.listing_times import TimeDispute
from recon.model import Listing, Message, Span
from recon.store import (
    accounts,
    answer_log,
    coverage_ledger,
    coverage_notes,
    coverage_proof,
    forgotten_numbers,
    key_history,
    poll_thinning,
    removed_messages,
    replaced_keys,
    time_disputes,
)
from recon.store.dialects import among, id_chunks, is_postgres, microseconds
from recon.store.engine import counting, reading, writing
from recon.store.tables import messages, polls, provider_rejects
from recon.store.upserts import keep_messages, keep_rejects, stored_messages

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

Collected = TypeVar("Collected")

#: Messages that one query reads by default, where it has them in one piece.
PAGE_ROWS: Final = 64_000
#: More messages of SQLite are read as Arrow columns, which takes half the time of Python objects.
_FEW_ROWS: Final = 3_000


@dataclass(frozen=True, slots=True)
class KeepResult:
    """The changes made by one answer."""

    new: int
    """Messages that were not known before."""
    shared: int
    """Messages that an earlier answer to the key showed; with at least one, the poll joins it."""
    changed: int
    """Known messages whose status changed."""
    proof: Proof
    """What this answer alone proves, and why not more."""
    gap: Span | None = None
    """The unproven time before the answer, if it joined nothing."""
    ask_for: Sequence[int] = ()
    """Messages that have been absent from answers for a day, to ask for one by one, see
    `recon.store.removed_messages`."""


def keep(
    engine: sa.Engine,
    account: str,
    key_fingerprint: str,
    listing: Listing,
    seen_at: datetime | None = None,
    *,
    new_coverage: bool = False,
    quiet: bool = False,
) -> KeepResult:
    """Store one answer completely in one transaction, joined with everything stored before.

    Args:
        engine: the store.
        account: the account's name in the configuration; created if it is new.
        key_fingerprint: distinguishes the key that asked from the account's others; never the key.
        listing: the answer. Its clock (`recon.core.listing_evidence.clock`) is when its statuses
            were observed.
        seen_at: our own clock at the answer, for the log of polls; without it, the answer's clock.
        new_coverage: start the coverage of the key again from this answer, without comparing it
            with earlier ones, and treat the key as the newest of the account.
        quiet: log nothing about the answer: for a temporary store.

    Raises:
        TemporaryError, OutputError, ConfigError: see `recon.store.store_errors.translated`; then
            nothing of the answer is stored.
    """
    listing = replace(listing, answered_at=listing_evidence.clock(listing))
    own_clock = seen_at or listing.answered_at
    with writing(engine) as connection:
        account_id = accounts.lock_account(connection, account)
        since = min((message.sent_at for message in listing.messages), default=listing.answered_at)
        key = accounts.get_or_create_key(connection, account_id, key_fingerprint, since)
        dispute = time_disputes.load(connection, key.id)
        last = coverage_notes.last_poll(connection, account_id)
        stored = stored_messages(
            connection, account_id, [one.message_id for one in listing.messages]
        )
        proof = _prove(connection, account_id, key, listing, stored, dispute)
        is_lost = proof.has_doubtful_times and dispute and dispute.is_lost_at(listing.answered_at)
        if new_coverage or (is_lost and not key.is_superseded):
            if dispute is not None:
                time_disputes.believe(
                    connection, account_id, key, listing, proof, dispute, own_clock
                )
                dispute = None
            key = key_history.start_again(connection, key, since)
            proof = _prove(connection, account_id, key, listing, stored, None)
        purged = accounts.purged_before(connection, account_id)
        kept_part = listing if purged is None else _since(listing, purged)
        kept_part = forgotten_numbers.load(connection).without(kept_part)
        kept_part = time_disputes.take(
            connection, account_id, key, kept_part, proof, stored, dispute
        )
        new = _not_listed_before(connection, account_id, key, kept_part, stored)
        settling = key.settling
        key = coverage_ledger.note_new_messages(
            connection, account_id, key, kept_part, new, own_clock
        )
        entered = coverage_ledger.add_answer(connection, account_id, key, kept_part, proof, stored)
        unknown = sum(one.message_id not in stored for one in kept_part.messages)
        times = [] if proof.has_doubtful_times else [one.sent_at for one in listing.messages]
        made = connection.execute(
            sa.insert(polls)
            .values(
                account_id=account_id,
                key_id=key.id,
                answered_at=listing.answered_at,
                kept_at=own_clock,
                date_at=listing.date,
                item_limit=listing.limit if proof.cap is None else min(listing.limit, proof.cap),
                item_count=listing.item_count,
                new_count=unknown,
                shared_count=entered.shared,
                reject_count=len(listing.rejects),
                oldest_sent_at=min(times, default=None),
                newest_sent_at=max(times, default=None),
                request_id=listing.request_id,
                coverage_id=entered.row_id,
                reading=proof.reading.value,
                why=proof.why or None,
            )
            .returning(polls.c.id)
        )
        poll_id = int(made.scalar_one())
        key_history.note_poll(connection, key, poll_id, listing, proof)
        if key.started_by is None or proof.cap != key.item_cap:
            replaced_keys.withdraw(connection, account_id, own_clock)
        listed_by = poll_id if proof.is_accepted else None
        changed = keep_messages(connection, account_id, key.id, kept_part, stored, listed_by)
        is_older = key.since is not None and any(one.sent_at < key.since for one in new)
        if is_older or key.settling > settling:
            # The first answer to the key may have lacked them.
            replaced_keys.withdraw(connection, account_id, own_clock)
        keep_rejects(connection, account_id, kept_part)
        ask_for = removed_messages.note(connection, key.id, listing, proof)
        poll_thinning.thin(connection, key)
        news = answer_log.news(connection, account_id, key, last)
    if not quiet:
        answer_log.tell(account, key, listing, proof, news)
    return KeepResult(
        new=unknown,
        shared=entered.shared,
        changed=changed,
        proof=proof,
        gap=entered.gap,
        ask_for=ask_for,
    )


def _prove(
    connection: sa.Connection,
    account_id: int,
    key: accounts.Key,
    listing: Listing,
    stored: Mapping[int, Any],
    dispute: TimeDispute | None,
) -> Proof:
    known = key_history.load(connection, key, listing)
    times = time_disputes.times_before(connection, account_id, key, listing, stored, dispute)
    return prove(listing, replace(known, times=times, is_time_disputed=dispute is not None))


def _since(listing: Listing, purged: datetime) -> Listing:
    """Return an answer without messages before a purge, which must not be stored again."""
    rejects = [one for one in listing.rejects if (one.sent_at or one.latest or purged) >= purged]
    messages = [one for one in listing.messages if one.sent_at >= purged]
    return replace(listing, messages=messages, rejects=rejects)


def _not_listed_before(
    connection: sa.Connection,
    account_id: int,
    key: accounts.Key,
    listing: Listing,
    stored: Mapping[int, Any],
) -> list[Message]:
    """Return the messages of an answer that no earlier accepted answer to the key listed."""
    new = []
    for message in listing.messages:
        before = stored.get(message.message_id)
        if before is None or before.listed_by is None or before.key_id != key.id:
            new.append(message)
    shown = coverage_ledger.shown_unreadable(
        connection, account_id, [one.message_id for one in new]
    )
    return [one for one in new if one.message_id not in shown]


def spans(engine: sa.Engine, account: str) -> tuple[Span, ...]:
    """Return the time for which the account's messages are proven complete, by all its keys."""
    return coverage_proof.read(engine, account).spans


def read(
    engine: sa.Engine,
    account: str,
    start: datetime | None,
    end: datetime | None,
    *,
    page_rows: int = PAGE_ROWS,
) -> pd.DataFrame:
    """Return the messages sent in `[start, end)` (`None` is without bound), a provider frame.

    With more than `page_rows` messages, SQLite is read in pages of about this size. All but a few
    messages are read as Arrow columns.
    """
    from recon.store import stored_frames

    with reading(engine) as connection:
        queries, are_parts = _pages(connection, account, start, end, page_rows)
        part_rows = min(page_rows, stored_frames.PART_ROWS)
        return stored_frames.provider(connection, queries, part_rows=part_rows, are_parts=are_parts)


def read_in_parts(
    engine: sa.Engine,
    account: str,
    start: datetime,
    end: datetime,
    collect: Callable[[Iterator[pd.DataFrame]], Collected],
) -> Collected:
    """Read the same messages as `read` in parts, and return the result of `collect`.

    Args:
        engine: the store.
        account: the account's name.
        start: the first time.
        end: the time after the last.
        collect: is called with the frames as they are read. It may be called again with all parts
            from the first one on, and then has to start again.
    """
    from recon.store import stored_frames

    def typed(parts: Iterator[pd.DataFrame]) -> Collected:
        return collect(part.assign(status=part["status"].astype("category")) for part in parts)

    with reading(engine) as connection:
        queries, are_parts = _pages(connection, account, start, end, PAGE_ROWS)
        return stored_frames.provider_in_parts(connection, queries, typed, are_parts=are_parts)


def count(engine: sa.Engine, account: str, start: datetime, end: datetime) -> int:
    """Return how many messages of `[start, end)` there are."""
    mine = messages.c.account_id == accounts.id_of(account)
    found = sa.select(sa.func.count()).where(mine, *_between(messages.c.sent_at, start, end))
    with counting(engine) as connection:
        return int(connection.execute(found).scalar_one())


def _pages(
    connection: sa.Connection,
    account: str,
    start: datetime | None,
    end: datetime | None,
    page_rows: int,
) -> tuple[list[sa.Select[Any]], bool]:
    """Return the queries of a span, and whether they are `Query.are_parts`."""
    mine = messages.c.account_id == accounts.id_of(account)
    every = _of_provider(connection).where(mine)
    spans, are_parts = _spans(connection, mine, start, end, page_rows)
    return [every.where(*_between(messages.c.sent_at, *span)) for span in spans], are_parts


def _spans(
    connection: sa.Connection,
    mine: sa.ColumnElement[bool],
    start: datetime | None,
    end: datetime | None,
    page_rows: int,
) -> tuple[list[tuple[datetime | None, datetime | None]], bool]:
    """Divide a span, in SQLite, into spans with about `page_rows` of the messages `mine` each.

    Also say whether they are parts to be read as Arrow columns: there are more than a few messages,
    and they are not all of one time.
    """

    def after(start: datetime | None, rows: int) -> datetime | None:
        sent_at = messages.c.sent_at
        times = sa.select(sent_at).where(mine, *_between(sent_at, start, end)).order_by(sent_at)
        found: datetime | None = connection.execute(times.limit(1).offset(rows)).scalar()
        return found

    if is_postgres(connection) or after(start, min(_FEW_ROWS, page_rows)) is None:
        return [(start, end)], False
    spans = []
    while (cut := after(start, page_rows)) is not None and cut != start:
        spans.append((start, cut))
        start = cut
    return [*spans, (start, end)], bool(spans) or cut is None


def find(engine: sa.Engine, account: str, message_ids: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Return the stored messages with these ids, whenever they were sent, a provider frame."""
    import numpy as np

    from recon.store import stored_frames

    wanted = np.unique(message_ids).tolist()
    mine = messages.c.account_id == accounts.id_of(account)
    with reading(engine) as connection:
        every = _of_provider(connection).where(mine)
        queries = [
            every.where(among(connection, messages.c.message_id, some))
            for some in id_chunks(wanted)
        ]
        return stored_frames.provider(connection, queries, are_parts=len(queries) > 1)


def _of_provider(connection: sa.Connection) -> sa.Select[Any]:
    return sa.select(
        messages.c.message_id,
        messages.c.phone_number,
        microseconds(connection, messages.c.sent_at),
        messages.c.status,
        messages.c.failure_reason,
        microseconds(connection, messages.c.observed_at),
    )


def rejects(
    engine: sa.Engine,
    account: str,
    start: datetime | None,
    end: datetime | None,
    *,
    untimed: bool,
) -> pd.DataFrame:
    """Return the unreadable items, a provider rejects frame.

    Args:
        engine: the store.
        account: the account's name.
        start: the first time, for items with a readable time; `None` is all.
        end: the time after the last.
        untimed: also include items without a time, if the account's latest answer still showed
            them; older ones belong to past days.
    """
    table = provider_rejects.c
    inside = sa.and_(table.sent_at.is_not(None), *_between(table.sent_at, start, end))
    counted = sa.or_(inside, _untimed_of_latest(account)) if untimed else inside
    return _rejects(engine, account, counted)


def rejects_of_other_days(
    engine: sa.Engine, account: str, start: datetime, end: datetime, *, untimed: bool
) -> pd.DataFrame:
    """Return items without a readable time that may lie in `[start, end)` but count elsewhere.

    Args:
        engine: the store.
        account: the account's name.
        start: the first time.
        end: the time after the last.
        untimed: whether those of the latest answer are counted here, see `rejects`.
    """
    table = provider_rejects.c
    may_lie_inside = sa.and_(
        table.sent_at.is_(None),
        sa.or_(table.earliest.is_(None), table.earliest < end),
        sa.or_(table.latest.is_(None), table.latest >= start),
    )
    if untimed:
        may_lie_inside = sa.and_(may_lie_inside, sa.not_(_untimed_of_latest(account)))
    return _rejects(engine, account, may_lie_inside)


def _untimed_of_latest(account: str) -> sa.ColumnElement[bool]:
    table = provider_rejects.c
    latest = (
        sa.select(sa.func.max(polls.c.answered_at))
        .where(polls.c.account_id == accounts.id_of(account))
        .scalar_subquery()
    )
    return sa.and_(table.sent_at.is_(None), table.observed_at == latest)


def _rejects(engine: sa.Engine, account: str, condition: sa.ColumnElement[bool]) -> pd.DataFrame:
    from recon.store import stored_frames

    table = provider_rejects.c
    with reading(engine) as connection:
        query = sa.select(
            table.key,
            table.message_id,
            table.phone_number,
            microseconds(connection, table.sent_at),
            table.status,
            table.failure_reason,
            table.reason,
            microseconds(connection, table.earliest),
            microseconds(connection, table.latest),
        ).where(table.account_id == accounts.id_of(account), condition)
        return stored_frames.provider_rejects(connection, query.order_by(table.key))


def asked_singly(engine: sa.Engine, account: str, start: datetime, end: datetime) -> pd.DataFrame:
    """Return the messages of `[start, end)` that only status calls found, and no list showed."""
    from recon.store import stored_frames

    with reading(engine) as connection:
        query = _of_provider(connection).where(
            messages.c.account_id == accounts.id_of(account),
            messages.c.listed_by.is_(None),
            *_between(messages.c.sent_at, start, end),
        )
        return stored_frames.provider(connection, [query])


def _between(
    column: sa.Column[datetime], start: datetime | None, end: datetime | None
) -> list[sa.ColumnElement[bool]]:
    bounds = []
    if start is not None:
        bounds.append(column >= start)
    if end is not None:
        bounds.append(column < end)
    return bounds
