"""Findings after their run: listed, and acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from recon.model import FINDING_COLUMNS, Change, State
from recon.store import finding_history
from recon.store.accounts import id_of
from recon.store.dialects import among, chunks, microseconds
from recon.store.engine import reading, writing
from recon.store.tables import FINDING_TYPES, UtcDateTime, accounts, findings

if TYPE_CHECKING:
    import pandas as pd

OPEN: Final = State.OPEN.value
ACKNOWLEDGED: Final = State.ACKNOWLEDGED.value
EXPECTED: Final = State.EXPECTED.value
RESOLVED: Final = State.RESOLVED.value


def content(connection: sa.Connection) -> list[sa.ColumnElement[Any]]:
    """Return what to select for a findings frame: `FINDING_COLUMNS`, times as integers."""
    return [
        microseconds(connection, findings.c[name])
        if isinstance(FINDING_TYPES[name], UtcDateTime)
        else findings.c[name]
        for name in FINDING_COLUMNS
    ]


def listing(
    engine: sa.Engine,
    *,
    account: str | None = None,
    status: str | None = None,
    date: date | None = None,
) -> pd.DataFrame:
    """Return findings as they stand now, the latest day first, then as reports sort them.

    Args:
        engine: the store.
        account: only this account's; `None` is all.
        status: only `open`, `acknowledged` or `resolved` ones.
        date: only those of this day, in the zone that the account was judged in.

    Returns:
        `account`, `date`, all of `FINDING_COLUMNS`, `status`, `first_seen_on`, `ack_reason`; the
        two days as ISO texts, what does not apply null.
    """
    from recon.store import stored_frames

    wanted = []
    if account is not None:
        wanted.append(accounts.c.name == account)
    if status is not None:
        wanted.append(findings.c.status == status)
    if date is not None:
        wanted.append(findings.c.date == date)
    time = sa.func.coalesce(findings.c.provider_sent_at, findings.c.local_sent_at)
    with reading(engine) as connection:
        query = (
            sa.select(
                accounts.c.name,
                findings.c.date,
                *content(connection),
                findings.c.status,
                findings.c.first_seen_on,
                findings.c.ack_reason,
            )
            .join_from(findings, accounts)
            .where(*wanted)
            .order_by(
                findings.c.date.desc(),
                accounts.c.name,
                findings.c.severity,
                findings.c.kind,
                time.asc().nulls_last(),
                findings.c.discrepancy_id,
            )
        )
        return stored_frames.placed_findings(connection, query)


def days_with_open(engine: sa.Engine, account: str, since: date, before: date) -> list[date]:
    """Return the days of `[since, before)` that have open findings, in order."""
    query = (
        sa.select(findings.c.date)
        .distinct()
        .where(
            findings.c.account_id == id_of(account),
            findings.c.status == OPEN,
            findings.c.date >= since,
            findings.c.date < before,
        )
        .order_by(findings.c.date)
    )
    with reading(engine) as connection:
        return list(connection.execute(query).scalars())


def statuses(engine: sa.Engine, ids: Sequence[str]) -> dict[str, str]:
    """Return where each of these findings stands; unknown ids are left out."""
    found: dict[str, str] = {}
    with reading(engine) as connection:
        for some in chunks(sorted(set(ids))):
            query = sa.select(findings.c.discrepancy_id, findings.c.status).where(
                among(connection, findings.c.discrepancy_id, some)
            )
            found.update((row[0], row[1]) for row in connection.execute(query))
    return found


def reopen(engine: sa.Engine, ids: Sequence[str], reason: str, now: datetime) -> None:
    """Take back the acknowledgement of these findings; all others stay as they are.

    The history keeps both reasons. Where a rule covers a finding, the next run of its day says so.
    """
    with writing(engine) as connection:
        for some in chunks(sorted(set(ids))):
            these = sa.and_(
                among(connection, findings.c.discrepancy_id, some),
                findings.c.status == ACKNOWLEDGED,
            )
            finding_history.record(connection, Change.REOPENED, these, now, reason=reason)
            connection.execute(
                sa.update(findings)
                .where(these)
                .values(status=OPEN, ack_reason=None, acknowledged_at=None)
            )


def acknowledge(
    engine: sa.Engine, ids: Sequence[str], reason: str, now: datetime
) -> tuple[str, ...]:
    """Acknowledge findings that are not resolved; later runs keep them so.

    One that is acknowledged already takes the new reason.

    Returns:
        Which of `ids` are acknowledged now, sorted; the others are resolved or unknown.
    """
    done: list[str] = []
    with writing(engine) as connection:
        for some in chunks(sorted(set(ids))):
            these = sa.and_(
                among(connection, findings.c.discrepancy_id, some), findings.c.status != RESOLVED
            )
            finding_history.record(connection, Change.ACKNOWLEDGED, these, now, reason=reason)
            updated = connection.execute(
                sa.update(findings)
                .where(these)
                .values(status=ACKNOWLEDGED, ack_reason=reason, acknowledged_at=now)
                .returning(findings.c.discrepancy_id)
            )
            done.extend(updated.scalars())
    return tuple(sorted(done))
