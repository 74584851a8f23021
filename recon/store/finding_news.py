"""Record the effect of a run on known findings, before their rows change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

from recon.model import Change, Kind, Run
from recon.store.finding_history import keep_opening, record
from recon.store.finding_list import EXPECTED, RESOLVED
from recon.store.found_again import AGAIN, IS_AGAIN, Known
from recon.store.tables import findings


def record_news(
    connection: sa.Connection, run: Run, known: Mapping[str, Known], claims: Mapping[str, str]
) -> None:
    """Record the changes of known findings before their rows change."""
    expected, now = run.verdict.expected, run.finished_at
    is_expected = findings.c.id.in_(
        sa.select(AGAIN.c.finding_id).where(AGAIN.c.expected.is_not(None))
    )
    is_found_again = findings.c.id.in_(
        sa.select(AGAIN.c.finding_id).where(AGAIN.c.kind != Kind.UNVERIFIABLE.value)
    )
    open_, unverifiable = findings.c.ack_reason.is_(None), Kind.UNVERIFIABLE.value
    reason = (
        sa.select(AGAIN.c.expected).where(AGAIN.c.finding_id == findings.c.id).scalar_subquery()
    )
    is_returned = sa.and_(IS_AGAIN, findings.c.status == RESOLVED)
    news = [one for one in known.values() if not one.is_accepted]
    if any(one.status == RESOLVED for one in known.values()):
        keep_opening(connection, is_returned)
        record(connection, Change.RETURNED, is_returned, now, run_id=run.run_id)
    happened: list[tuple[bool, Change, sa.ColumnElement[bool], Any]] = [
        (
            any(one.is_moved for one in known.values()),
            Change.MOVED,
            sa.and_(IS_AGAIN, findings.c.date != date.fromisoformat(run.verdict.window.label)),
            None,
        ),
        (
            bool(claims),
            Change.UNVERIFIABLE,
            sa.and_(
                findings.c.id.in_([known[one].row for one in claims.values() if one in known]),
                findings.c.kind != unverifiable,
            ),
            None,
        ),
        (
            any(one.was_unverifiable for one in known.values()),
            Change.PROVEN,
            sa.and_(is_found_again, findings.c.kind == unverifiable),
            None,
        ),
        (
            any(one.status != EXPECTED and one.identity in expected for one in news),
            Change.EXPECTED,
            sa.and_(is_expected, open_, findings.c.status != EXPECTED),
            reason,
        ),
        (
            any(one.status == EXPECTED and one.identity not in expected for one in news),
            Change.NOT_EXPECTED,
            sa.and_(IS_AGAIN, ~is_expected, open_, findings.c.status == EXPECTED),
            None,
        ),
    ]
    for has_any, change, which, why in happened:
        if has_any:
            record(connection, change, which, now, run_id=run.run_id, reason=why)
