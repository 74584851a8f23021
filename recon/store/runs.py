"""The log of runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Final

import sqlalchemy as sa

from recon.core import calendar
from recon.model import (
    Changes,
    Confirmation,
    LocalBalance,
    ProviderBalance,
    RequestCounts,
    Run,
    RunFigures,
    Span,
    Status,
    Unreadable,
    Verdict,
    VerdictKind,
    Window,
)
from recon.store import finding_history, incident_ids, notifications, run_columns
from recon.store.accounts import id_of, lock_account
from recon.store.dialects import among, id_chunks
from recon.store.engine import reading, writing
from recon.store.finding_list import ACKNOWLEDGED, EXPECTED, OPEN, finding_columns
from recon.store.notifications import Announcement
from recon.store.tables import accounts as account_names
from recon.store.tables import findings, runs

#: The mode of a run of a day that was asked for, or was due.
RUN: Final = "run"
#: The mode of a run of an earlier day that is judged again.
LATE_NEWS: Final = "late_news"


@dataclass(frozen=True, slots=True)
class JudgedDay:
    """The latest run of a day."""

    run_id: str
    basis: str | None
    """See `recon.core.verdict_basis`; `None` for a run of an earlier version."""


def save(engine: sa.Engine, run: Run, mode: str, announcement: Announcement | None = None) -> Run:
    """Store a run and update the state of the findings of its day, in one transaction.

    A new finding is `open`. A run of its day that does not find it again makes it `resolved`. A
    finding about a missing counterpart is resolved only if the counterpart is there now, or the
    time is proven. If a finding returns, it is open again, or acknowledged again if a person had
    acknowledged it. While a rule covers it, it is `expected` instead of open. A finding that now
    belongs to another day moves there; save the newest day first, so that the run of the old day
    does not resolve it. A suspect run opens and resolves nothing.

    Args:
        engine: the store.
        run: the result for one calendar day of one account, with a new `run_id`.
        mode: the kind of job, for the log.
        announcement: which channels to notify of it, and when; `None` is none.

    Returns:
        The run with `first_seen_on` and `lifecycle` of each finding, and `changes`.
    """
    # Who only reads runs needs nothing of what judges.
    from recon.store import finding_lifecycle

    with writing(engine) as connection:
        account_id = lock_account(connection, run.verdict.account)
        if run.verdict.kind is not VerdictKind.SUSPECT:
            run = incident_ids.carry_on(connection, account_id, run)
            run = finding_lifecycle.update(connection, account_id, run)
        _log(connection, account_id, run, mode)
        if announcement is not None:
            again = mode == LATE_NEWS
            notifications.queue_run(connection, account_id, run, announcement, judged_again=again)
    # It holds all rows of the day, which are not needed any more.
    return replace(run, verdict=replace(run.verdict, is_settled=None))


def _log(connection: sa.Connection, account_id: int, run: Run, mode: str) -> None:
    verdict = run.verdict
    # As parameters of a statement that is the same each time, and so compiled once.
    connection.execute(
        sa.insert(runs),
        {
            "run_id": run.run_id,
            "account_id": account_id,
            "date": date.fromisoformat(verdict.window.label),
            "mode": mode,
            "verdict": verdict.kind.value,
            "window_start": verdict.window.start,
            "window_end": verdict.window.end,
            "timezone": verdict.window.zone,
            "started_at": run.started_at,
            "finished_at": run.finished_at,
            "local": asdict(verdict.local),
            "provider": asdict(verdict.provider),
            "discrepancies": verdict.counts,
            "statuses": dict(verdict.statuses),
            "gaps": [
                [run_columns.iso(gap.start), run_columns.iso(gap.end)] for gap in verdict.gaps
            ],
            "evidence": run_columns.evidence_as_json(verdict.evidence),
            "requests": {
                name: count
                for name, count in asdict(run.requests).items()
                if count or name != "waited_seconds"
            },
            "suspicions": list(verdict.suspicions),
            "unreadable": [asdict(one) for one in verdict.unreadable],
            "found": list(run.lifecycle),
            "confirmation": asdict(run.confirmation),
            "notices": list(run.statements),
            "input_digest": run.input_digest,
            "acknowledged": [one for one, at in run.lifecycle.items() if at == ACKNOWLEDGED],
            "expected": _expected_as_json(run),
            "changes": asdict(run.changes),
            "incidents": run_columns.incidents_as_json(verdict.incidents),
            "advice": run_columns.advice_as_json(verdict.advice),
            "failures": list(verdict.failures.items()),
            "expected_rules": run.expected_rules,
            "verdict_basis": run.verdict_basis,
        },
    )


def _expected_as_json(run: Run) -> dict[str, list[str]]:
    """Return the expected findings by the reason of their rule."""
    if not run.verdict.expected:
        return {}
    expected = {one for one, at in run.lifecycle.items() if at == EXPECTED}
    reasons = {one: why for one, why in run.verdict.expected.items() if one in expected}
    return finding_history.by_reason(reasons)


def last(engine: sa.Engine, account: str, date: date | None = None) -> Run | None:
    """Return the latest run of a day, or without `date` of the newest day; `None` without a run."""
    mine = [runs.c.account_id == id_of(account)]
    if date is not None:
        mine.append(runs.c.date == date)
    query = sa.select(runs.c.run_id).where(*mine).order_by(runs.c.date.desc(), runs.c.id.desc())
    with reading(engine) as connection:
        run_id = connection.execute(query.limit(1)).scalar()
    return None if run_id is None else load(engine, run_id)


def last_day(engine: sa.Engine, account: str) -> date | None:
    """Return the newest day with a finished run of the account, `None` without one."""
    query = sa.select(sa.func.max(runs.c.date)).where(runs.c.account_id == id_of(account))
    with reading(engine) as connection:
        newest: date | None = connection.execute(query).scalar()
    return newest


def day_count(engine: sa.Engine, account: str, before: date) -> int:
    """Return how many days before `before` have a finished run of the account."""
    query = sa.select(sa.func.count(runs.c.date.distinct())).where(
        runs.c.account_id == id_of(account), runs.c.date < before
    )
    with reading(engine) as connection:
        return int(connection.execute(query).scalar_one())


def last_expected_rules(engine: sa.Engine, account: str) -> str | None:
    """Return the digest of the rules stored with the account's newest run."""
    query = (
        sa.select(runs.c.expected_rules)
        .where(runs.c.account_id == id_of(account))
        .order_by(runs.c.id.desc())
        .limit(1)
    )
    with reading(engine) as connection:
        found: str | None = connection.execute(query).scalar()
    return found


def input_digests(
    engine: sa.Engine, account: str, since: date, before: date
) -> dict[date, str | None]:
    """Return the days of `[since, before)` that have a run, each with its latest input digest."""
    latest = _latest_of_each_day(account, runs.c.date >= since, runs.c.date < before)
    query = sa.select(runs.c.date, runs.c.input_digest).where(runs.c.id.in_(latest))
    with reading(engine) as connection:
        return {row.date: row.input_digest for row in connection.execute(query)}


def judged_days(engine: sa.Engine, account: str, first: date, last: date) -> dict[str, JudgedDay]:
    """Return the latest run of each day of `[first, last]` that has one, by the day's ISO date."""
    latest = _latest_of_each_day(account, runs.c.date.between(first, last))
    query = sa.select(runs.c.date, runs.c.run_id, runs.c.verdict_basis).where(runs.c.id.in_(latest))
    with reading(engine) as connection:
        return {
            row.date.isoformat(): JudgedDay(row.run_id, row.verdict_basis)
            for row in connection.execute(query)
        }


def figures(engine: sa.Engine, account: str, until: date | None, days: int) -> list[RunFigures]:
    """Return the counts of the latest run of each day, the newest day first.

    Args:
        engine: the store.
        account: whose runs.
        until: the last day, `None` for all.
        days: at most this many days that have a run.
    """
    shown = [] if until is None else [runs.c.date <= until]
    latest = _latest_of_each_day(account, *shown).order_by(runs.c.date.desc()).limit(days)
    columns = (runs.c.date, runs.c.verdict, runs.c.local, runs.c.provider)
    counted = (runs.c.statuses, runs.c.discrepancies, runs.c.gaps)
    query = sa.select(*columns, *counted).where(runs.c.id.in_(latest)).order_by(runs.c.date.desc())
    with reading(engine) as connection:
        return [
            RunFigures(
                day=row.date,
                verdict=VerdictKind(row.verdict),
                records=sum(row.local.values()),
                messages=sum(row.provider.values()),
                failed=row.statuses.get(Status.FAILED.value, 0),
                findings=sum(row.discrepancies.values()),
                gaps=len(row.gaps),
            )
            for row in connection.execute(query)
        ]


def _latest_of_each_day(
    account: str, *wanted: sa.ColumnElement[bool]
) -> sa.Select[*tuple[Any, ...]]:
    """Return the query of the latest run of each day that meets all conditions."""
    mine = runs.c.account_id == id_of(account)
    return sa.select(sa.func.max(runs.c.id)).where(mine, *wanted).group_by(runs.c.date)


def load(engine: sa.Engine, run_id: str) -> Run | None:
    """Return a stored run, to render it again; `None` if there is none.

    Its findings are those that it reported, in its order and with their lifecycle at that time, but
    with their latest content.
    """
    import pandas as pd

    from recon.store import stored_frames

    with reading(engine) as connection:
        row = connection.execute(
            sa.select(runs, account_names.c.name.label("account"))
            .join_from(runs, account_names)
            .where(runs.c.run_id == run_id)
        ).one_or_none()
        if row is None:
            return None
        mine = findings.c.account_id == row.account_id
        every = sa.select(*finding_columns(connection)).where(mine)
        queries = [
            every.where(among(connection, findings.c.discrepancy_id, some))
            for some in id_chunks(row.found)
        ]
        found = stored_frames.findings(connection, queries)
        first_seen_on = finding_history.first_seen(connection, row.account_id, row.found)
    # In the order of the report; deleted findings are left out.
    places = pd.Index(found["discrepancy_id"]).get_indexer(row.found)
    found = found.take(places[places >= 0]).reset_index(drop=True)
    expected = {one: reason for reason, ids in row.expected.items() for one in ids}
    states = dict.fromkeys(expected, EXPECTED) | dict.fromkeys(row.acknowledged, ACKNOWLEDGED)
    lifecycle = {one: states.get(one, OPEN) for one in first_seen_on}
    verdict = Verdict(
        account=row.account,
        window=Window(row.date.isoformat(), row.window_start, row.window_end, row.timezone),
        kind=VerdictKind(row.verdict),
        local=LocalBalance(**row.local),
        provider=ProviderBalance(**row.provider),
        findings=found,
        gaps=tuple(Span(*map(run_columns.time, bounds)) for bounds in row.gaps),
        statuses=run_columns.in_order(row.statuses),
        suspicions=tuple(row.suspicions),
        unreadable=tuple(Unreadable(**one) for one in row.unreadable),
        evidence=run_columns.evidence(row.evidence),
        expected=expected,
        incidents=run_columns.incidents(row.incidents),
        advice=run_columns.advice(row.advice),
        failures=dict(row.failures or ()),
    )
    return Run(
        run_id=row.run_id,
        verdict=verdict,
        started_at=row.started_at,
        finished_at=row.finished_at,
        requests=RequestCounts(**row.requests),
        confirmation=Confirmation(**row.confirmation),
        notices=tuple(row.notices),
        input_digest=row.input_digest,
        expected_rules=row.expected_rules,
        verdict_basis=row.verdict_basis,
        first_seen_on=first_seen_on,
        lifecycle=lifecycle,
        changes=_changes(row, first_seen_on, lifecycle),
    )


def _changes(
    row: sa.Row[Any], first_seen_on: Mapping[str, date], lifecycle: Mapping[str, str]
) -> Changes:
    """Return the stored changes of a run.

    For a run of an earlier version, they are derived from its findings; how many it resolved is not
    known.
    """
    if row.changes is not None:
        return Changes(**row.changes)
    today = calendar.day_at(row.finished_at, row.timezone)
    opened = [one for one, state in lifecycle.items() if state == OPEN]
    new = sum(first_seen_on[one] == today for one in opened)
    return Changes(new=new, persisting=len(opened) - new, acknowledged=len(lifecycle) - len(opened))
