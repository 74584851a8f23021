"""The few figures of an account that a monitoring system needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from recon.model import LocalBalance, ProviderBalance, RequestCounts, Span, VerdictKind, Window
from recon.store import run_columns
from recon.store.accounts import id_of
from recon.store.column_types import UtcDateTime
from recon.store.engine import reading
from recon.store.figure_counts import ON_THE_WAY, REACHED
from recon.store.finding_list import RESOLVED
from recon.store.tables import findings, messages, runs, status_changes

#: The most messages of a day that are used for delivery times.
_MOST_MESSAGES: Final = 20_000


@dataclass(frozen=True, slots=True)
class LatestRun:
    """The latest run of the newest day."""

    window: Window
    local: LocalBalance
    provider: ProviderBalance
    gaps: tuple[Span, ...]
    requests: RequestCounts


def latest_run(engine: sa.Engine, account: str) -> LatestRun | None:
    """Return the latest run of an account's newest day, without its findings."""
    query = (
        sa.select(runs)
        .where(runs.c.account_id == id_of(account))
        .order_by(runs.c.date.desc(), runs.c.id.desc())
        .limit(1)
    )
    with reading(engine) as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return LatestRun(
        window=Window(row.date.isoformat(), row.window_start, row.window_end, row.timezone),
        local=LocalBalance(**row.local),
        provider=ProviderBalance(**row.provider),
        gaps=tuple(Span(*map(run_columns.time, bounds)) for bounds in row.gaps),
        requests=RequestCounts(**row.requests),
    )


def last_success(engine: sa.Engine, account: str) -> datetime | None:
    """Return when the last run of an account that was not suspect finished."""
    query = (
        sa.select(runs.c.finished_at)
        .where(runs.c.account_id == id_of(account), runs.c.verdict != VerdictKind.SUSPECT.value)
        .order_by(runs.c.id.desc())
        .limit(1)
    )
    with reading(engine) as connection:
        found: datetime | None = connection.execute(query).scalar()
    return found


def findings_by_state(engine: sa.Engine, account: str) -> list[tuple[str, str, int, datetime]]:
    """Return kind, state, count and oldest time of opening of the findings not resolved."""
    query = (
        sa.select(
            findings.c.kind,
            findings.c.status,
            sa.func.count(),
            sa.func.min(findings.c.opened_at),
        )
        .where(findings.c.account_id == id_of(account), findings.c.status != RESOLVED)
        .group_by(findings.c.kind, findings.c.status)
        .order_by(findings.c.kind, findings.c.status)
    )
    with reading(engine) as connection:
        return [tuple(row) for row in connection.execute(query)]


def delivery_times(
    engine: sa.Engine, account: str, start: datetime, end: datetime
) -> list[tuple[timedelta, timedelta]]:
    """Return the limits of the delivery time of messages sent in `[start, end)`.

    The first is when a message was last seen on its way (0 if never), the second when it was first
    seen delivered, both counted from `sent_at`.
    """
    seen = sa.func.min(sa.case((status_changes.c.status.in_(REACHED), status_changes.c.seen_at)))
    before = sa.func.max(
        sa.case((status_changes.c.status.in_(ON_THE_WAY), status_changes.c.seen_at))
    )
    query = (
        sa.select(
            messages.c.sent_at,
            sa.type_coerce(before, UtcDateTime()),
            sa.type_coerce(seen, UtcDateTime()),
        )
        .join(
            status_changes,
            sa.and_(
                status_changes.c.account_id == messages.c.account_id,
                status_changes.c.message_id == messages.c.message_id,
            ),
        )
        .where(
            messages.c.account_id == id_of(account),
            messages.c.sent_at >= start,
            messages.c.sent_at < end,
            messages.c.status.in_(REACHED),
        )
        .group_by(messages.c.account_id, messages.c.message_id, messages.c.sent_at)
        .limit(_MOST_MESSAGES)
    )
    with reading(engine) as connection:
        rows: list[Any] = list(connection.execute(query))
    nothing = timedelta()
    return [
        (max((before or sent) - sent, nothing), max(seen - sent, nothing))
        for sent, before, seen in rows
        if seen is not None
    ]
