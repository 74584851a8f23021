"""The history of findings: what happened to each, when, by which run, and a person's reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from recon.model import Change, FindingChange, State
from recon.store.accounts import id_of
from recon.store.dialects import among, id_chunks
from recon.store.engine import reading
from recon.store.tables import finding_changes, findings, runs


def of(engine: sa.Engine, account: str, discrepancy_id: str) -> list[FindingChange]:
    """Return the history of a finding, the oldest change first; empty without changes."""
    with reading(engine) as connection:
        row = connection.execute(
            sa.select(findings.c.id, findings.c.opened_at, _opening_run().label("run_id")).where(
                findings.c.account_id == id_of(account),
                findings.c.discrepancy_id == discrepancy_id,
            )
        ).one_or_none()
        if row is None:
            return []
        stored = connection.execute(
            sa.select(finding_changes)
            .where(finding_changes.c.finding_id == row.id)
            .order_by(finding_changes.c.id)
        ).all()
    history = [
        FindingChange(
            each.changed_at, Change(each.change), each.run_id, each.reason, each.from_date
        )
        for each in stored
    ]
    if not any(one.change is Change.OPENED for one in history):
        history.append(FindingChange(row.opened_at, Change.OPENED, row.run_id))
    return sorted(history, key=lambda one: one.change is not Change.OPENED)


def record(
    connection: sa.Connection,
    change: Change,
    condition: sa.ColumnElement[bool],
    at: datetime,
    *,
    run_id: str | None = None,
    reason: str | sa.ColumnElement[Any] | None = None,
) -> None:
    """Record a change of all findings that meet a condition.

    Args:
        connection: in a transaction that has claimed the account.
        change: the change.
        condition: which findings.
        at: when; our own clock.
        run_id: the run that does it.
        reason: why.
    """
    _insert(
        connection,
        condition,
        {
            "changed_at": sa.literal(at, finding_changes.c.changed_at.type),
            "change": sa.literal(change.value),
            "run_id": sa.literal(run_id, finding_changes.c.run_id.type),
            "reason": reason
            if isinstance(reason, sa.ColumnElement)
            else sa.literal(reason, finding_changes.c.reason.type),
            "from_date": findings.c.date if change is Change.MOVED else sa.null(),
        },
    )


def keep_opening(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> None:
    """Record when findings were first opened, before their rows get the time of the new opening."""
    is_kept = sa.exists().where(
        finding_changes.c.finding_id == findings.c.id,
        finding_changes.c.change == Change.OPENED.value,
    )
    _insert(
        connection,
        sa.and_(condition, ~is_kept),
        {
            "changed_at": findings.c.opened_at,
            "change": sa.literal(Change.OPENED.value),
            "run_id": _opening_run(),
        },
    )


def _opening_run() -> sa.ScalarSelect[str | None]:
    """Return the run that opened a finding; its end is the time of opening."""
    return (
        sa.select(sa.func.min(runs.c.run_id))
        .where(
            runs.c.account_id == findings.c.account_id, runs.c.finished_at == findings.c.opened_at
        )
        .correlate(findings)
        .scalar_subquery()
    )


def _insert(
    connection: sa.Connection,
    condition: sa.ColumnElement[bool],
    values: dict[str, sa.ColumnElement[Any]],
) -> None:
    chosen = sa.select(findings.c.id, *values.values()).where(condition).order_by(findings.c.id)
    names = ["finding_id", *values]
    connection.execute(sa.insert(finding_changes).from_select(names, chosen))


def was_open(at: datetime) -> sa.ColumnElement[bool]:
    """Return the condition that a finding existed, and was not resolved, at a time.

    It was if it was opened by then, and resolved only later or never.
    """
    resolved, returned = finding_changes.alias(), finding_changes.alias()
    before = sa.exists().where(
        returned.c.finding_id == findings.c.id,
        returned.c.change == Change.RETURNED.value,
        returned.c.changed_at > at,
        returned.c.changed_at <= resolved.c.changed_at,
    )
    later = sa.exists().where(
        resolved.c.finding_id == findings.c.id,
        resolved.c.change == Change.RESOLVED.value,
        resolved.c.changed_at > at,
        ~before,
    )
    first = sa.exists().where(
        resolved.c.finding_id == findings.c.id,
        resolved.c.change == Change.OPENED.value,
        resolved.c.changed_at <= at,
    )
    not_since = sa.or_(findings.c.resolved_at.is_(None), findings.c.resolved_at > at)
    return sa.or_(sa.and_(findings.c.opened_at <= at, not_since), sa.and_(later, first))


def expected_for(connection: sa.Connection, account_id: int, ids: Iterable[str]) -> dict[str, str]:
    """Return which of these findings a rule covers, each with the rule's reason."""
    latest = (
        sa.select(finding_changes.c.reason)
        .where(
            finding_changes.c.finding_id == findings.c.id,
            finding_changes.c.change == Change.EXPECTED.value,
        )
        .order_by(finding_changes.c.id.desc())
        .limit(1)
        .correlate(findings)
        .scalar_subquery()
    )
    covered: dict[str, str] = {}
    for some in id_chunks(sorted(ids)):
        query = sa.select(findings.c.discrepancy_id, latest).where(
            findings.c.account_id == account_id,
            findings.c.status == State.EXPECTED.value,
            among(connection, findings.c.discrepancy_id, some),
        )
        covered.update((row[0], row[1] or "") for row in connection.execute(query))
    return covered


def was_expected() -> sa.ColumnElement[bool]:
    """Return the condition that a rule made the last such change of a finding."""
    latest = (
        sa.select(finding_changes.c.change)
        .where(
            finding_changes.c.finding_id == findings.c.id,
            finding_changes.c.change.in_(
                [Change.EXPECTED.value, Change.NOT_EXPECTED.value, Change.ACKNOWLEDGED.value]
            ),
        )
        .order_by(finding_changes.c.id.desc())
        .limit(1)
        .correlate(findings)
        .scalar_subquery()
    )
    return sa.func.coalesce(latest, "") == Change.EXPECTED.value


def by_reason(reasons: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the findings of each reason, given the reason of each finding."""
    found: dict[str, list[str]] = {}
    for one, reason in reasons.items():
        found.setdefault(reason, []).append(one)
    return found


def first_seen(connection: sa.Connection, account_id: int, ids: Sequence[str]) -> dict[str, date]:
    """Return, for each of these findings in order, when it was first seen."""
    seen: dict[str, date] = {}
    for some in id_chunks(ids):
        query = sa.select(findings.c.discrepancy_id, findings.c.first_seen_on).where(
            findings.c.account_id == account_id,
            among(connection, findings.c.discrepancy_id, some),
        )
        seen.update((row[0], row[1]) for row in connection.execute(query))
    return {one: seen[one] for one in ids if one in seen}
