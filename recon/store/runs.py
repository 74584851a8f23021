"""The log of runs, and the life of each finding from run to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from typing import Any, Final

import sqlalchemy as sa

from recon.core import calendar
from recon.model import (
    Changes,
    Confirmation,
    CoverageEvidence,
    LocalBalance,
    ProviderBalance,
    RefusedAnswer,
    RequestCounts,
    Run,
    Span,
    Unreadable,
    Verdict,
    VerdictKind,
    Window,
    Withdrawal,
)
from recon.store import finding_lifecycle, notifications
from recon.store.accounts import id_of, lock_account
from recon.store.dialects import among, id_chunks
from recon.store.engine import reading, writing
from recon.store.finding_list import ACKNOWLEDGED, EXPECTED, OPEN, finding_columns
from recon.store.notifications import Announcement
from recon.store.tables import accounts as account_names
from recon.store.tables import findings, runs

#: The mode of a run of an earlier day that is judged again.
LATE_NEWS: Final = "late_news"


def save(engine: sa.Engine, run: Run, mode: str, announcement: Announcement | None = None) -> Run:
    """Store a run and move on the life of the findings of its day, in one transaction.

    A finding is `open` when it is first found and `resolved` by the run of its day that no longer
    finds it; one about absence only if it has its counterpart now, or its time is proven. Where it
    returns it is open again, or acknowledged again if a person had settled it. While a rule covers
    it, it is `expected` instead of open.
    One that is found for another day than before moves there: save the newest day first, and the
    run of the day it left has nothing to resolve. A suspect run opens and closes nothing.

    Args:
        engine: the store.
        run: what was found for one calendar day of one account; its `run_id` is new.
        mode: what kind of job it was, for the log.
        announcement: who is to be told of it, and when; `None` is nobody.

    Returns:
        The run with `first_seen_on` and `lifecycle` of each of its findings, and `changes`.
    """
    with writing(engine) as connection:
        account_id = lock_account(connection, run.verdict.account)
        if run.verdict.kind is not VerdictKind.SUSPECT:
            run = finding_lifecycle.update(connection, account_id, run)
        _log(connection, account_id, run, mode)
        if announcement is not None:
            again = mode == LATE_NEWS
            notifications.queue_run(connection, account_id, run, announcement, judged_again=again)
    # It holds all rows of the day, which are not needed any more.
    return replace(run, verdict=replace(run.verdict, is_settled=None))


def _log(connection: sa.Connection, account_id: int, run: Run, mode: str) -> None:
    verdict = run.verdict
    connection.execute(
        sa.insert(runs).values(
            run_id=run.run_id,
            account_id=account_id,
            date=date.fromisoformat(verdict.window.label),
            mode=mode,
            verdict=verdict.kind.value,
            window_start=verdict.window.start,
            window_end=verdict.window.end,
            timezone=verdict.window.zone,
            started_at=run.started_at,
            finished_at=run.finished_at,
            local=asdict(verdict.local),
            provider=asdict(verdict.provider),
            discrepancies=verdict.counts,
            statuses=dict(verdict.statuses),
            gaps=[[_iso(gap.start), _iso(gap.end)] for gap in verdict.gaps],
            evidence=_evidence_as_json(verdict.evidence),
            requests=asdict(run.requests),
            suspicions=list(verdict.suspicions),
            unreadable=[asdict(one) for one in verdict.unreadable],
            found=list(run.lifecycle),
            confirmation=asdict(run.confirmation),
            notices=list(run.statements),
            input_digest=run.input_digest,
            acknowledged=[one for one, at in run.lifecycle.items() if at == ACKNOWLEDGED],
            expected=_expected_as_json(run),
            changes=asdict(run.changes),
        )
    )


def _expected_as_json(run: Run) -> dict[str, list[str]]:
    """Return the expected findings by the reason of their rule."""
    if not run.verdict.expected:
        return {}
    expected = {one for one, at in run.lifecycle.items() if at == EXPECTED}
    reasons = {one: why for one, why in run.verdict.expected.items() if one in expected}
    return finding_lifecycle.by_reason(reasons)


def last(engine: sa.Engine, account: str, date: date | None = None) -> Run | None:
    """Return the latest run of a day, without `date` of the newest day; `None` if there is none."""
    mine = [runs.c.account_id == id_of(account)]
    if date is not None:
        mine.append(runs.c.date == date)
    query = sa.select(runs.c.run_id).where(*mine).order_by(runs.c.date.desc(), runs.c.id.desc())
    with reading(engine) as connection:
        run_id = connection.execute(query.limit(1)).scalar()
    return None if run_id is None else load(engine, run_id)


def last_day(engine: sa.Engine, account: str) -> date | None:
    """Return the newest day that a run of the account finished, `None` where there is none."""
    query = sa.select(sa.func.max(runs.c.date)).where(runs.c.account_id == id_of(account))
    with reading(engine) as connection:
        newest: date | None = connection.execute(query).scalar()
    return newest


def input_digests(
    engine: sa.Engine, account: str, since: date, before: date
) -> dict[date, str | None]:
    """Return the days of `[since, before)` that have a run, each with its latest input digest."""
    latest = (
        sa.select(sa.func.max(runs.c.id))
        .where(runs.c.account_id == id_of(account), runs.c.date >= since, runs.c.date < before)
        .group_by(runs.c.date)
    )
    query = sa.select(runs.c.date, runs.c.input_digest).where(runs.c.id.in_(latest))
    with reading(engine) as connection:
        return {row.date: row.input_digest for row in connection.execute(query)}


def load(engine: sa.Engine, run_id: str) -> Run | None:
    """Return a stored run, to render it again; `None` where there is none.

    Its findings are those it reported, in its order and with the lifecycle of that time; what
    is shown of them is their latest content.
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
        first_seen_on = finding_lifecycle.first_seen(connection, row.account_id, row.found)
    # In the order of the report; what has been deleted is left out.
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
        gaps=tuple(Span(_time(start), _time(end)) for start, end in row.gaps),
        statuses=row.statuses,
        suspicions=tuple(row.suspicions),
        unreadable=tuple(Unreadable(**one) for one in row.unreadable),
        evidence=_evidence(row.evidence),
        expected=expected,
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
        first_seen_on=first_seen_on,
        lifecycle=lifecycle,
        changes=_changes(row, first_seen_on, lifecycle),
    )


def _changes(
    row: sa.Row[Any], first_seen_on: Mapping[str, date], lifecycle: Mapping[str, str]
) -> Changes:
    """Return what a run was stored with.

    For a run of an earlier version it is what its findings tell; what it resolved is not known.
    """
    if row.changes is not None:
        return Changes(**row.changes)
    today = calendar.day_at(row.finished_at, row.timezone)
    opened = [one for one, state in lifecycle.items() if state == OPEN]
    new = sum(first_seen_on[one] == today for one in opened)
    return Changes(new=new, persisting=len(opened) - new, acknowledged=len(lifecycle) - len(opened))


def _evidence_as_json(evidence: CoverageEvidence) -> dict[str, Any]:
    return {
        "refused": [[_iso(one.at), one.why] for one in evidence.refused],
        "withdrawn": [[_iso(one.start), _iso(one.end), one.reason] for one in evidence.withdrawn],
        "notes": list(evidence.notes),
    }


def _evidence(stored: dict[str, Any] | None) -> CoverageEvidence:
    """Return what a run was stored with; runs of earlier versions have none."""
    if stored is None:
        return CoverageEvidence()
    iso = datetime.fromisoformat
    return CoverageEvidence(
        tuple(RefusedAnswer(iso(at), why) for at, why in stored["refused"]),
        tuple(Withdrawal(_time(start), iso(end), why) for start, end, why in stored["withdrawn"]),
        tuple(stored["notes"]),
    )


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
