"""The proven coverage of an account by the ledger, and why it is not more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from recon.core import key_use
from recon.core.coverage import SETTLING, ShownSpan, intersect, merge, subtract
from recon.core.listing_evidence import AnswerKind
from recon.model import CoverageEvidence, RefusedAnswer, Span, Withdrawal
from recon.store import accounts, coverage_notes, key_history, time_disputes, withdrawals
from recon.store.coverage_ledger import SETTLED, SHARED
from recon.store.engine import reading
from recon.store.tables import coverage, keys, messages, polls

#: Refused answers that a report names at most: the latest.
_REFUSED: Final = 20

#: Why nothing is proven of time that was purged.
PURGED: Final = "the messages of this time were purged (retention.days, recon purge)"

#: A record may be so much later than its message, which may have been purged: so long after the
#: purged time its absence proves nothing either. The zones of the world are 26 hours apart.
PURGED_MARGIN: Final = timedelta(days=2)

#: Larger than any id of a message.
_NO_ID: Final = 2**63 - 1

_NOT_ACCEPTED: Final = (AnswerKind.REFUSED.value, AnswerKind.NOTHING.value)


@dataclass(frozen=True, slots=True)
class AccountProof:
    """The time for which an account's messages are proven complete."""

    spans: tuple[Span, ...] = ()
    first_contact: Span | None = None
    """The part of it before the oldest message that was ever listed. Nothing of that time was
    listed, so nothing could have contradicted the answers: there only an id that Octopods denies is
    missing. It has no end if nothing was ever listed; `None` if no answer proves it."""
    purged_below: int | None = None
    """Messages with smaller ids may have been purged; `None` if nothing was purged."""


def read(engine: sa.Engine, account: str) -> AccountProof:
    """Return the proof of all keys of an account together."""
    with reading(engine) as connection:
        account_id = accounts.id_of(account)
        rows = connection.execute(sa.select(keys).where(keys.c.account_id == account_id)).all()
        periods = key_use.periods(key_history.uses(connection, account_id))
        spans: list[Span] = []
        first_contact = None
        for row in rows:
            period = periods.get(row.id)
            if period is None:
                continue
            mine = intersect(of_key(connection, row), period)
            spans += mine
            if mine and mine[0].start is None:
                first_contact = Span(None, row.first_listed_at)
        purged = unproven_before(connection, account)
        if purged is not None:
            spans = list(subtract(spans, [Span(None, purged)]))
            return AccountProof(merge(spans), first_contact, _smallest_id(connection, account))
    return AccountProof(merge(spans), first_contact)


def _smallest_id(connection: sa.Connection, account: str) -> int:
    """Return the smallest id left after a purge; without any, a number above all ids."""
    query = sa.select(sa.func.min(messages.c.message_id)).where(
        messages.c.account_id == accounts.id_of(account)
    )
    smallest: int | None = connection.execute(query).scalar()
    return _NO_ID if smallest is None else smallest


def unproven_before(connection: sa.Connection, account: str) -> datetime | None:
    """Return the time before which nothing is proven because of a purge, `None` before any."""
    purged = accounts.purged_before(connection, accounts.id_of(account))
    return None if purged is None else purged + PURGED_MARGIN


def of_key(connection: sa.Connection, key: sa.Row[Any]) -> tuple[Span, ...]:
    """Return the time for which the messages of a key, a row of `keys`, are proven complete."""
    basis = SHARED if key.disordered_at is None else SETTLED
    query = sa.select(coverage.c.starts_at, coverage.c.seen_at).where(
        coverage.c.key_id == key.id, coverage.c.basis == basis
    )
    settling = timedelta(seconds=key.settling_seconds)
    shown = (ShownSpan(row.starts_at, row.seen_at) for row in connection.execute(query))
    proven = [span for one in shown if (span := one.span(settling)) is not None]
    gone = [Span(one.start, one.end) for one in withdrawals.of_key(connection, key.id)]
    dispute = time_disputes.load(connection, key.id)
    if dispute is not None:
        gone.append(Span(dispute.since, None))
    return subtract(proven, gone)


def evidence(
    engine: sa.Engine,
    account: str,
    start: datetime | None,
    end: datetime | None,
    *,
    with_notes: bool = True,
) -> CoverageEvidence:
    """Return why the coverage of `[start, end)` is not more.

    Answers from the beginning of the time to the first accepted one after its end can prove some of
    it, so the refused ones among these are reported.

    Args:
        engine: the store.
        account: the account's name.
        start: the beginning of the time; `None` is without bound.
        end: its end, likewise.
        with_notes: whether to read the notes, which are about the account at any time.
    """
    [found] = evidence_of_each(engine, account, [Span(start, end)], with_notes=with_notes)
    return found


def evidence_of_each(
    engine: sa.Engine, account: str, times: Sequence[Span], *, with_notes: bool = True
) -> list[CoverageEvidence]:
    """Return what `evidence` does, of each of several times in order.

    What is the same for all of them is read once: for seven small days, each in turn, that took a
    fifth of the time of a backfill.
    """
    with reading(engine) as connection:
        account_id = accounts.id_of(account)
        rows = connection.execute(sa.select(keys).where(keys.c.account_id == account_id)).all()
        refused = _refused_of_each(connection, account_id, times)
        notes = coverage_notes.of_account(connection, account_id, rows) if with_notes else ()
        purged = unproven_before(connection, account)
        disputes = [time_disputes.load(connection, row.id) for row in rows]
    withdrawn = withdrawals.of_account(engine, account, times[0].start, times[-1].end)
    withdrawn += [
        Withdrawal(one.since, one.last_at, time_disputes.DISPUTED)
        for one in disputes
        if one is not None
    ]
    if purged is not None:
        withdrawn.insert(0, Withdrawal(None, purged, PURGED))
    return [
        CoverageEvidence(
            tuple(of_time), tuple(one for one in withdrawn if _touches(one, time)), tuple(notes)
        )
        for time, of_time in zip(times, refused, strict=True)
    ]


def _touches(one: Withdrawal, time: Span) -> bool:
    begins_before = one.start is None or time.end is None or one.start < time.end
    return begins_before and (time.start is None or time.start < one.end)


def _refused_of_each(
    connection: sa.Connection, account_id: sa.ScalarSelect[int], times: Sequence[Span]
) -> list[list[RefusedAnswer]]:
    """Return the refused answers of each of several times in order; mostly there are none."""
    since = [polls.c.kept_at >= times[0].start] if times[0].start is not None else []
    query = sa.select(polls.c.id).where(
        polls.c.account_id == account_id, polls.c.reading.in_(_NOT_ACCEPTED), *since
    )
    if connection.execute(query.limit(1)).scalar() is None:
        return [[] for _ in times]
    return [_refused(connection, account_id, time.start, time.end) for time in times]


def _refused(
    connection: sa.Connection,
    account_id: sa.ScalarSelect[int],
    start: datetime | None,
    end: datetime | None,
) -> list[RefusedAnswer]:
    mine = [polls.c.account_id == account_id]
    if start is not None:
        mine.append(polls.c.kept_at >= start)
    until = None
    if end is not None:
        until = connection.execute(
            sa.select(sa.func.min(polls.c.kept_at)).where(
                polls.c.account_id == account_id,
                polls.c.kept_at >= end + SETTLING,
                polls.c.reading.not_in(_NOT_ACCEPTED),
            )
        ).scalar()
    if until is not None:
        mine.append(polls.c.kept_at <= until)
    query = (
        sa.select(polls.c.kept_at, polls.c.why)
        .where(*mine, polls.c.reading.in_(_NOT_ACCEPTED))
        .order_by(polls.c.kept_at.desc(), polls.c.id.desc())
        .limit(_REFUSED)
    )
    found = [RefusedAnswer(row.kept_at, row.why or "") for row in connection.execute(query)]
    return found[::-1]
