"""The log of polls, from which the next poll is decided, and the lock for polling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from recon.core.coverage import SETTLING
from recon.core.listing_evidence import AnswerKind
from recon.core.polling import next_answer_must_reach
from recon.core.polling_rhythm import Poll
from recon.model import VerdictKind
from recon.store import accounts, coverage_ledger, lock
from recon.store.dialects import microseconds
from recon.store.engine import reading
from recon.store.tables import coverage, keys, messages, polls, runs

_EPOCH: Final = datetime.fromtimestamp(0, tz=UTC)


@dataclass(frozen=True, slots=True)
class KeyState:
    """The state of the current key of an account."""

    last_id: int | None = None
    """The id of the latest poll; `None` before the first."""
    last_at: datetime | None = None
    """When its answer came, by the provider's clock."""
    ahead: timedelta = timedelta()
    """How far the provider's clock was ahead of ours at that time."""
    recent: Sequence[Poll] = ()
    """The latest polls, in order of time."""
    newest: datetime | None = None
    """When the newest message in answers was sent."""
    unproven: int | None = None
    """If the listing was out of order: how many messages are not proven yet; else `None`."""
    unrecorded_share: float = 0.0
    """The share of the provider's messages without a record, in the last run."""
    settling: timedelta = SETTLING
    """How much later than its own time a message may appear in the listing of this key."""
    item_cap: int | None = None
    """The lowest number of items at which its listing is known to be cut off."""


def key_state(engine: sa.Engine, account: str, key_fingerprint: str, *, recent: int) -> KeyState:
    """Return the state of a key, which any account may have polled, at one moment.

    Args:
        engine: the store.
        account: the account's name.
        key_fingerprint: distinguishes the key from the account's others.
        recent: how many of the latest polls to return.
    """
    with reading(engine) as connection:
        key = connection.execute(
            sa.select(
                keys.c.id, keys.c.disordered_at, keys.c.settling_seconds, keys.c.item_cap
            ).where(
                keys.c.account_id == accounts.id_of(account),
                keys.c.fingerprint == key_fingerprint,
            )
        ).one_or_none()
        share = _unrecorded_share(connection, account)
        if key is None:
            return KeyState(unrecorded_share=share)
        newest_first = connection.execute(
            _log(connection, account)
            .add_columns(polls.c.id, polls.c.kept_at)
            .where(polls.c.key_id == key.id)
            # As they were kept: one answer with a date far ahead must not stay the last for long.
            .order_by(None)
            .order_by(polls.c.id.desc())
            .limit(recent)
        ).all()
        if not newest_first:
            return KeyState(unrecorded_share=share)
        last = newest_first[0]
        last_at = _time(last.answered_at)
        shown = tuple(_poll(row) for row in reversed(newest_first))
        in_order = key.disordered_at is None
        settling = timedelta(seconds=key.settling_seconds)
        return KeyState(
            last_id=last.id,
            last_at=last_at,
            ahead=last_at - last.kept_at,
            recent=shown,
            newest=max((one.newest for one in shown if one.newest is not None), default=None),
            unproven=None
            if in_order
            else _unproven(connection, account, key.id, last_at, settling),
            unrecorded_share=share,
            settling=settling,
            item_cap=key.item_cap,
        )


def history(engine: sa.Engine, account: str, since: datetime, count: int) -> tuple[Poll, ...]:
    """Return the account's polls from `since` on, with any key, in order of time.

    Args:
        engine: the store.
        account: the account's name.
        since: the provider's clock.
        count: the latest polls, at most this many.
    """
    with reading(engine) as connection:
        query = _log(connection, account).where(polls.c.answered_at >= since).limit(count)
        newest_first = connection.execute(query).all()
    return tuple(_poll(row) for row in reversed(newest_first))


def _log(connection: sa.Connection, account: str) -> sa.Select[Any]:
    """Return the polls of an account, the latest first; times are microseconds, for speed."""
    return (
        sa.select(
            microseconds(connection, polls.c.answered_at),
            microseconds(connection, polls.c.oldest_sent_at),
            microseconds(connection, polls.c.newest_sent_at),
            polls.c.item_count,
            polls.c.item_limit,
            polls.c.new_count,
            polls.c.shared_count,
            polls.c.reject_count,
            polls.c.reading,
        )
        .where(polls.c.account_id == accounts.id_of(account))
        .order_by(polls.c.answered_at.desc(), polls.c.id.desc())
    )


def _poll(row: sa.Row[Any]) -> Poll:
    # Which of the unreadable items are new is not kept: as many as among the others.
    readable = row.new_count + row.shared_count
    new_rejects = row.reject_count * row.new_count // readable if readable else row.reject_count
    return Poll(
        at=_time(row.answered_at),
        new=row.new_count + new_rejects,
        items=row.item_count,
        joined=row.shared_count > 0 or row.reading == AnswerKind.WHOLE.value,
        oldest=None if row.oldest_sent_at is None else _time(row.oldest_sent_at),
        newest=None if row.newest_sent_at is None else _time(row.newest_sent_at),
    )


def _time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def _unproven(
    connection: sa.Connection, account: str, key_id: int, last_at: datetime, settling: timedelta
) -> int:
    # Only if the listing was out of order, so that the other basis counts.
    last = connection.execute(
        sa.select(sa.func.max(coverage.c.seen_at)).where(
            coverage.c.key_id == key_id, coverage.c.basis == coverage_ledger.SETTLED
        )
    ).scalar()
    moment = next_answer_must_reach((last or last_at) - settling)
    query = sa.select(sa.func.count()).where(
        messages.c.account_id == accounts.id_of(account),
        messages.c.sent_at > moment,
    )
    return int(connection.execute(query).scalar_one())


def _unrecorded_share(connection: sa.Connection, account: str) -> float:
    query = (
        sa.select(runs.c.provider)
        .where(
            runs.c.account_id == accounts.id_of(account),
            runs.c.verdict != VerdictKind.SUSPECT.value,
        )
        .order_by(runs.c.date.desc(), runs.c.id.desc())
        .limit(1)
    )
    balance = connection.execute(query).scalar() or {}
    unknown = balance.get("missing_locally", 0) + balance.get("duplicate_send", 0)
    total = sum(balance.values())
    return float(unknown / total) if total else 0.0


@contextmanager
def hold_poll_lock(engine: sa.Engine, account: str) -> Iterator[bool]:
    """Lock the polling of an account until the block ends; `False` if another has the lock.

    It is a separate lock, so a run and a poll never wait for each other.

    Raises:
        TemporaryError, OutputError, ConfigError: the store failed.
    """
    with ExitStack() as held:
        try:
            # No account has this name, because names cannot contain a colon.
            held.enter_context(lock.hold(engine, f"collect:{account}"))
        except lock.LockHeldError:
            mine = False
        else:
            mine = True
        yield mine
