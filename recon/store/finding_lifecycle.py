"""The life of each finding from run to run.

Most findings of a night are new, and are inserted directly. Findings that an earlier run also found
are first written to a temporary table, and then updated if they differ. If there are none, the
table is not made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from recon.core import calendar, judge
from recon.model import FINDING_COLUMNS, Change, Changes, Run
from recon.store import (
    absence_claims,
    changed_identity,
    finding_history,
    finding_news,
    found_again,
)
from recon.store.dialects import among, bulk_insert, id_chunks
from recon.store.finding_list import ACKNOWLEDGED, EXPECTED, OPEN, RESOLVED
from recon.store.found_again import AGAIN, Known, columns_of, known_of
from recon.store.tables import (
    finding_changes,
    findings,
    runs,
)

if TYPE_CHECKING:
    import pyarrow as pa


def update(connection: sa.Connection, account_id: int, run: Run) -> Run:
    """Update the findings of a run's day by the result of the run, see `runs.save`.

    Args:
        connection: in a transaction that has locked the account.
        account_id: whose findings these are.
        run: the run; not suspect.

    Returns:
        The run with `first_seen_on`, `lifecycle`, `changes` and notices of findings that it cannot
        resolve. An unverifiable finding whose row was reported as missing before has the identity
        of the earlier finding.
    """
    import pyarrow.compute as pc

    before = _compared_with(connection, account_id, run)
    day, now = date.fromisoformat(run.verdict.window.label), run.finished_at

    def split() -> tuple[pa.Table, Mapping[str, Known], pa.Table]:
        found = columns_of(run.verdict.findings)
        known, rows = known_of(connection, account_id, day, before, found["discrepancy_id"])
        if not known:
            return found, known, found
        AGAIN.create(connection)
        again = found.append_column("finding_id", rows).filter(pc.is_valid(rows))
        found_again.insert(connection, again, run.verdict.expected)
        return found, known, found.filter(pc.is_null(rows))

    found, known, new = split()
    gone = _gone(account_id, day, known)
    claims = absence_claims.turned_unverifiable(connection, gone, found)
    if claims:
        run = _still_expected(connection, account_id, _renamed(run, claims), claims.values())
        if known:
            AGAIN.drop(connection)
        found, known, new = split()
        gone = _gone(account_id, day, known)
    expected = run.verdict.expected
    if known:
        finding_news.record_news(connection, run, known, claims)
        _renew(connection, day, now)
    carried = changed_identity.carried_on(connection, gone, new)
    kept = absence_claims.unproven(connection, gone, run.verdict)
    _resolve(connection, gone, kept, run)
    if known:
        AGAIN.drop(connection)
    today = calendar.day_at(now, run.verdict.window.zone)
    _open(connection, account_id, run, new, today)
    changed_identity.carry_on(connection, account_id, carried)

    standings = {
        one.identity: (one.first_seen_on, _state(one.identity, expected, accepted=one.is_accepted))
        for one in known.values()
    } | {one: (settled["first_seen_on"], settled["status"]) for one, settled in carried.items()}
    ids = found["discrepancy_id"].to_pylist()
    first_seen_on, lifecycle = {}, {}
    for one in ids:
        standing = standings.get(one)
        if standing is None:
            standing = today, EXPECTED if one in expected else OPEN
        first_seen_on[one], lifecycle[one] = standing
    persisting = sum(one.was_open and lifecycle[one.identity] == OPEN for one in known.values())
    states = Counter(lifecycle.values())
    changes = Changes(
        new=states[OPEN] - persisting,
        persisting=persisting,
        resolved=_resolved_since(connection, account_id, day, before),
        acknowledged=states[ACKNOWLEDGED],
        expected=states[EXPECTED],
    )
    return replace(
        run,
        first_seen_on=first_seen_on,
        lifecycle=lifecycle,
        changes=changes,
        notices=(*run.notices, *absence_claims.sentences(len(kept))),
    )


def _state(identity: str, expected: Mapping[str, str], *, accepted: bool) -> str:
    if accepted:
        return ACKNOWLEDGED
    return EXPECTED if identity in expected else OPEN


def _renamed(run: Run, names: Mapping[str, str]) -> Run:
    """Return the run whose findings have other identities."""
    found = run.verdict.findings
    ids = found["discrepancy_id"].replace(dict(names))
    expected = {names.get(one, one): reason for one, reason in run.verdict.expected.items()}
    verdict = replace(run.verdict, findings=found.assign(discrepancy_id=ids), expected=expected)
    return replace(run, verdict=verdict)


def _still_expected(
    connection: sa.Connection, account_id: int, run: Run, claims: Iterable[str]
) -> Run:
    """Return the run with findings that stay expected although they are now unverifiable.

    The rule names their earlier kind. If the rule no longer applies, they are already open, see
    `recon.jobs.expected_rules`.
    """
    verdict = run.verdict
    kept = finding_history.expected_for(connection, account_id, claims)
    expected = {**kept, **verdict.expected}
    if len(expected) == len(verdict.expected):
        return run
    found = verdict.findings
    others = found.loc[~found["discrepancy_id"].isin(expected)]
    kind = judge.verdict_kind(verdict.local, verdict.provider, others, verdict.gaps)
    return replace(run, verdict=replace(verdict, expected=expected, kind=kind))


def _compared_with(connection: sa.Connection, account_id: int, run: Run) -> datetime | None:
    """Return when the newest run that began on an earlier date ended; `None` without one.

    Dates are in the window's zone.
    """
    zone = run.verdict.window.zone
    today = calendar.window(calendar.day_at(run.started_at, zone), zone).start
    query = (
        sa.select(runs.c.finished_at)
        .where(runs.c.account_id == account_id, runs.c.started_at < today)
        .order_by(runs.c.id.desc())
        .limit(1)
    )
    ended: datetime | None = connection.execute(query).scalar()
    return ended


def _renew(connection: sa.Connection, day: date, now: datetime) -> None:
    """Update findings that were found again, and reopen those that had been resolved."""
    returns = findings.c.status == RESOLVED
    state = sa.case(
        (findings.c.ack_reason.is_not(None), ACKNOWLEDGED),
        (AGAIN.c.expected.is_not(None), EXPECTED),
        else_=OPEN,
    )
    opened = sa.literal(now, findings.c.opened_at.type)
    content = [name for name in FINDING_COLUMNS if name != "discrepancy_id"]
    connection.execute(
        sa.update(findings)
        .where(
            findings.c.id == AGAIN.c.finding_id,
            sa.or_(
                findings.c.status != state,
                findings.c.date != day,
                *(findings.c[name].is_distinct_from(AGAIN.c[name]) for name in content),
            ),
        )
        .values(
            {
                **{name: AGAIN.c[name] for name in content},
                "date": day,
                "status": state,
                "opened_at": sa.case((returns, opened), else_=findings.c.opened_at),
                "resolved_at": None,
            }
        )
    )


def _gone(account_id: int, day: date, known: Mapping[str, Known]) -> sa.ColumnElement[bool]:
    """Return the condition of the day's findings that a run did not find again."""
    of_day = sa.and_(
        findings.c.account_id == account_id,
        findings.c.status.in_([OPEN, ACKNOWLEDGED, EXPECTED]),
        findings.c.date == day,
    )
    if not known:
        return of_day
    return sa.and_(of_day, ~sa.exists().where(AGAIN.c.finding_id == findings.c.id))


def _resolve(
    connection: sa.Connection, gone: sa.ColumnElement[bool], kept: Sequence[int], run: Run
) -> None:
    if not connection.execute(sa.select(findings.c.id).where(gone).limit(1)).first():
        return
    if kept:
        gone = sa.and_(gone, ~among(connection, findings.c.id, kept))
    finding_history.record(connection, Change.RESOLVED, gone, run.finished_at, run_id=run.run_id)
    connection.execute(
        sa.update(findings).where(gone).values(status=RESOLVED, resolved_at=run.finished_at)
    )


def _open(connection: sa.Connection, account_id: int, run: Run, new: pa.Table, today: date) -> None:
    """Insert the findings that are new."""
    import pyarrow as pa
    import pyarrow.compute as pc

    expected, now = run.verdict.expected, run.finished_at
    values: dict[str, str | int | date | datetime] = {
        "account_id": account_id,
        "date": date.fromisoformat(run.verdict.window.label),
        "first_seen_on": today,
        "opened_at": now,
    }
    covered = pc.is_in(new["discrepancy_id"], value_set=pa.array(expected, pa.large_string()))
    bulk_insert(connection, findings, new.filter(pc.invert(covered)), values | {"status": OPEN})
    bulk_insert(connection, findings, new.filter(covered), values | {"status": EXPECTED})
    for reason, ids in finding_history.by_reason(expected).items():
        for some in id_chunks(ids):
            which = sa.and_(
                findings.c.account_id == account_id,
                findings.c.status == EXPECTED,
                findings.c.opened_at == now,
                among(connection, findings.c.discrepancy_id, some),
                ~sa.exists().where(
                    finding_changes.c.finding_id == findings.c.id,
                    finding_changes.c.changed_at == now,
                    finding_changes.c.change == Change.EXPECTED.value,
                ),
            )
            finding_history.record(
                connection, Change.EXPECTED, which, now, run_id=run.run_id, reason=reason
            )


def _resolved_since(
    connection: sa.Connection, account_id: int, day: date, before: datetime | None
) -> int:
    """Return how many findings of the day existed at a time and are resolved now.

    A finding that a rule covered until its end does not count.
    """
    if before is None:
        return 0
    query = sa.select(sa.func.count()).where(
        findings.c.account_id == account_id,
        findings.c.status == RESOLVED,
        findings.c.date == day,
        findings.c.resolved_at > before,
        finding_history.was_open(before),
        ~finding_history.was_expected(),
    )
    return int(connection.execute(query).scalar_one())
