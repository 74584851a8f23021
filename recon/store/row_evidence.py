"""The stored data about one message, and about the time around it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from recon.core.explanation import Denial, KeptPoll, MessageRow, SeenStatus, StoredFinding
from recon.core.listing_evidence import AnswerKind
from recon.model import Span
from recon.store import finding_history, run_columns
from recon.store.accounts import id_of
from recon.store.engine import reading
from recon.store.tables import (
    denied_ids,
    findings,
    keys,
    messages,
    polls,
    provider_rejects,
    runs,
    status_changes,
)

_ACCEPTED = (AnswerKind.WHOLE.value, AnswerKind.AFTER_OLDEST.value)


def message(engine: sa.Engine, account: str, message_id: int) -> MessageRow | None:
    """Return a message as it is known now; `None` if no answer showed it in a readable item."""
    query = sa.select(messages).where(
        messages.c.account_id == id_of(account), messages.c.message_id == message_id
    )
    with reading(engine) as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return MessageRow(
        row.message_id,
        row.phone_number,
        row.sent_at,
        row.status,
        row.failure_reason,
        observed_at=row.observed_at,
        first_seen_at=row.first_seen_at,
        is_listed=row.listed_by is not None,
    )


def reject_times(engine: sa.Engine, account: str, message_id: int) -> list[datetime | None]:
    """Return the time of each unreadable item with this id, `None` for an item without a time."""
    query = sa.select(provider_rejects.c.sent_at).where(
        provider_rejects.c.account_id == id_of(account),
        provider_rejects.c.message_id == message_id,
    )
    with reading(engine) as connection:
        return list(connection.execute(query).scalars())


def statuses(engine: sa.Engine, account: str, message_id: int) -> list[SeenStatus]:
    """Return each status of a message that differed from the one before, in order of time."""
    query = (
        sa.select(status_changes)
        .where(
            status_changes.c.account_id == id_of(account),
            status_changes.c.message_id == message_id,
        )
        .order_by(status_changes.c.seen_at)
    )
    with reading(engine) as connection:
        rows = connection.execute(query).all()
    return [SeenStatus(row.seen_at, row.status, row.failure_reason) for row in rows]


def denials(engine: sa.Engine, account: str, message_id: int) -> list[Denial]:
    """Return when Octopods denied an id to each key of the account."""
    query = (
        sa.select(denied_ids)
        .where(denied_ids.c.account_id == id_of(account), denied_ids.c.message_id == message_id)
        .order_by(denied_ids.c.asked_at)
    )
    with reading(engine) as connection:
        rows = connection.execute(query).all()
    return [Denial(row.message_id, row.asked_at, row.asked_again_at) for row in rows]


def polls_of_span(
    engine: sa.Engine, account: str, span: Span
) -> tuple[KeptPoll | None, KeptPoll | None]:
    """Return the first and the last accepted poll that prove a span of time complete.

    Polls that say the same as their neighbours are deleted from the log, so these are the first and
    last ones left.
    """
    query = _accepted(account)
    if span.start is not None:
        query = query.where(polls.c.answered_at > span.start)
    with reading(engine) as connection:
        if span.end is not None:
            query = query.where(polls.c.answered_at <= span.end + _settling(connection, account))
        first = connection.execute(query.order_by(polls.c.answered_at).limit(1)).one_or_none()
        last = connection.execute(query.order_by(polls.c.answered_at.desc()).limit(1)).one_or_none()
    return _poll(first), _poll(last)


def polls_beside_gap(
    engine: sa.Engine, account: str, gap: Span
) -> tuple[KeptPoll | None, KeptPoll | None]:
    """Return the last accepted poll before a gap of coverage, and the first one after it."""
    query = _accepted(account)
    before = after = None
    with reading(engine) as connection:
        if gap.start is not None:
            # Proof ends a settling time before the poll that it rests on.
            end = gap.start + _settling(connection, account)
            before = connection.execute(
                query.where(polls.c.answered_at <= end)
                .order_by(polls.c.answered_at.desc())
                .limit(1)
            ).one_or_none()
        if gap.end is not None:
            after = connection.execute(
                query.where(polls.c.answered_at >= gap.end).order_by(polls.c.answered_at).limit(1)
            ).one_or_none()
    return _poll(before), _poll(after)


def _accepted(account: str) -> sa.Select[Any]:
    return sa.select(polls.c.answered_at, polls.c.item_count, polls.c.shared_count).where(
        polls.c.account_id == id_of(account), polls.c.reading.in_(_ACCEPTED)
    )


def _settling(connection: sa.Connection, account: str) -> timedelta:
    query = sa.select(sa.func.max(keys.c.settling_seconds)).where(
        keys.c.account_id == id_of(account)
    )
    return timedelta(seconds=connection.execute(query).scalar() or 0)


def _poll(row: sa.Row[Any] | None) -> KeptPoll | None:
    return None if row is None else KeptPoll(row.answered_at, row.item_count, row.shared_count)


def found(
    engine: sa.Engine,
    account: str,
    *,
    discrepancy_ids: Collection[str] = (),
    message_id: str | None = None,
    local_id: str | None = None,
) -> list[StoredFinding]:
    """Return the stored findings with any of these ids, the newest first.

    Args:
        engine: the store.
        account: the account's name.
        discrepancy_ids: of findings themselves.
        message_id: of findings about a message, or about a record that holds this id.
        local_id: of findings about a record.
    """
    any_of: list[sa.ColumnElement[bool]] = [findings.c.discrepancy_id.in_(list(discrepancy_ids))]
    if message_id is not None:
        any_of.append(findings.c.message_id == message_id)
    if local_id is not None:
        any_of.append(findings.c.local_id == local_id)
    query = (
        sa.select(findings)
        .where(findings.c.account_id == id_of(account), sa.or_(*any_of))
        .order_by(findings.c.date.desc(), findings.c.id)
    )
    with reading(engine) as connection:
        rows = connection.execute(query).all()
        summaries = {
            day: _summaries(connection, account, day)
            for day in {row.date for row in rows if row.incident_id is not None}
        }
    return [
        StoredFinding(
            row.discrepancy_id,
            row.kind,
            row.status,
            row.date,
            row.detail,
            row.message_id,
            row.local_id,
            row.first_seen_on,
            finding_history.of(engine, account, row.discrepancy_id),
            row.incident_id,
            summaries.get(row.date, {}).get(row.incident_id),
        )
        for row in rows
    ]


def _summaries(connection: sa.Connection, account: str, day: date) -> dict[str, str]:
    """Return the summary of each incident in the latest run of a day."""
    stored = connection.execute(_latest_run(account, day, runs.c.incidents)).scalar()
    return {one.incident_id: one.summary for one in run_columns.incidents(stored)}


def _latest_run(account: str, day: date, column: sa.Column[Any]) -> sa.Select[Any]:
    return (
        sa.select(column)
        .where(runs.c.account_id == id_of(account), runs.c.date == day)
        .order_by(runs.c.id.desc())
        .limit(1)
    )


def last_judged(engine: sa.Engine, account: str, day: date) -> datetime | None:
    """Return when the latest run of a day ended; `None` if no run has judged it."""
    with reading(engine) as connection:
        ended: datetime | None = connection.execute(
            _latest_run(account, day, runs.c.finished_at)
        ).scalar()
    return ended
