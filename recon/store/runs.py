"""The log of runs, and the life of each finding from run to run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from recon.core import calendar
from recon.model import (
    FINDING_COLUMNS,
    LocalBalance,
    ProviderBalance,
    RequestCounts,
    Run,
    Span,
    Verdict,
    VerdictWord,
    Window,
)
from recon.store.accounts import claim, named
from recon.store.dialects import fill, insert, is_postgres
from recon.store.engine import reading, writing
from recon.store.findings import ACKNOWLEDGED, OPEN, RESOLVED, content
from recon.store.tables import FINDING_TYPES, UtcDateTime, findings, run_findings, runs, storable
from recon.store.tables import accounts as account_names

if TYPE_CHECKING:
    import pandas as pd

#: What a run found, as long as its transaction lasts: then all else is said in sets.
_FOUND: Final = sa.Table(
    "found",
    sa.MetaData(),
    sa.Column("position", sa.Integer, nullable=False),
    *(
        sa.Column(name, kind, primary_key=name == "discrepancy_id")
        for name, kind in FINDING_TYPES.items()
    ),
    prefixes=["TEMPORARY"],
)


def save(engine: sa.Engine, run: Run, mode: str) -> Run:
    """Store a run and move on the life of the findings of its day, in one transaction.

    A finding is `open` when it is first found and `resolved` by the run of its day that no longer
    finds it. Where it returns it is open again, or acknowledged again if a person had settled it.
    One that is found for another day than before moves there: save the newest day first, and the
    run of the day it left has nothing to resolve. A suspect run opens and closes nothing.

    Args:
        engine: the store.
        run: what was found for one calendar day of one account; its `run_id` is new.
        mode: what kind of job it was, for the log.

    Returns:
        The run with `first_seen_on` and `lifecycle` of each of its findings.
    """
    verdict = run.verdict
    day = date.fromisoformat(verdict.window.label)
    with writing(engine) as connection:
        account_id = claim(connection, verdict.account)
        row_id = _log_run(connection, account_id, run, day, mode)
        if verdict.word is VerdictWord.SUSPECT:
            return run
        _FOUND.create(connection)
        fill(connection, _FOUND, _rows(verdict.findings, native=is_postgres(connection)))
        _open(connection, account_id, day, run)
        _resolve(connection, account_id, day, run.finished_at)
        _attach(connection, account_id, row_id)
        _FOUND.drop(connection)
        first_seen_on, lifecycle = _standing(connection, row_id)
    return replace(run, first_seen_on=first_seen_on, lifecycle=lifecycle)


def _log_run(connection: sa.Connection, account_id: int, run: Run, day: date, mode: str) -> int:
    verdict = run.verdict
    made = connection.execute(
        sa.insert(runs)
        .values(
            run_id=run.run_id,
            account_id=account_id,
            date=day,
            mode=mode,
            verdict=verdict.word.value,
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
            requests=asdict(run.requests),
            suspicions=list(verdict.suspicions),
        )
        .returning(runs.c.id)
    )
    return int(made.scalar_one())


def _rows(found: pd.DataFrame, *, native: bool) -> Iterator[Sequence[Any]]:
    """Return the rows of `_FOUND` as the driver takes them (`native`: times as ISO texts)."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    columns: list[Sequence[Any]] = [range(len(found))]
    for name in FINDING_COLUMNS:
        if isinstance(FINDING_TYPES[name], UtcDateTime):
            missing = found[name].isna().tolist()
            exact = found[name].to_numpy(dtype="datetime64[us]")
            times = np.datetime_as_string(exact, timezone="UTC") if native else exact.view("i8")
            cells = zip(times.tolist(), missing, strict=True)
            columns.append([None if no else time for time, no in cells])
        else:
            texts = pa.array(found[name], pa.large_string(), from_pandas=True)
            words = texts.to_numpy(zero_copy_only=False).tolist()
            # Half a pair of surrogates, the other thing that is not storable, is no Arrow text.
            if pc.any(pc.match_substring(texts, "\0")).as_py():
                words = [None if word is None else storable(word) for word in words]
            columns.append(words)
    return zip(*columns, strict=True)


def _open(connection: sa.Connection, account_id: int, day: date, run: Run) -> None:
    """Upsert what was found, with its latest content."""
    today = calendar.day_at(run.finished_at, run.verdict.window.zone)
    upsert = insert(connection, findings)
    new = {
        "account_id": sa.literal(account_id),
        "date": sa.literal(day, sa.Date),
        "status": sa.literal(OPEN),
        "first_seen_on": sa.literal(today, sa.Date),
        "opened_at": sa.literal(run.finished_at, findings.c.opened_at.type),
    }
    chosen = sa.select(*(_FOUND.c[name] for name in FINDING_COLUMNS), *new.values())
    returns = findings.c.status == RESOLVED
    settled = sa.case((findings.c.ack_reason.is_not(None), ACKNOWLEDGED), else_=OPEN)
    connection.execute(
        upsert.from_select(
            [*FINDING_COLUMNS, *new],
            # SQLite takes ON for a join's unless a WHERE stands before it.
            chosen.where(sa.true()).order_by(_FOUND.c.position),
        ).on_conflict_do_update(
            index_elements=["account_id", "discrepancy_id"],
            set_={
                **{name: upsert.excluded[name] for name in FINDING_COLUMNS},
                "date": upsert.excluded.date,
                "status": sa.case((returns, settled), else_=findings.c.status),
                "opened_at": sa.case(
                    (returns, upsert.excluded.opened_at), else_=findings.c.opened_at
                ),
                "resolved_at": None,
            },
        )
    )


def _resolve(connection: sa.Connection, account_id: int, day: date, now: datetime) -> None:
    still = sa.exists().where(_FOUND.c.discrepancy_id == findings.c.discrepancy_id)
    connection.execute(
        sa.update(findings)
        .where(
            findings.c.account_id == account_id,
            findings.c.date == day,
            findings.c.status != RESOLVED,
            ~still,
        )
        .values(status=RESOLVED, resolved_at=now)
    )


def _attach(connection: sa.Connection, account_id: int, row_id: int) -> None:
    mine = sa.and_(
        findings.c.account_id == account_id,
        findings.c.discrepancy_id == _FOUND.c.discrepancy_id,
    )
    connection.execute(
        sa.insert(run_findings).from_select(
            ["run_id", "finding_id", "position", "status"],
            sa.select(
                sa.literal(row_id), findings.c.id, _FOUND.c.position, findings.c.status
            ).join_from(_FOUND, findings, mine),
        )
    )


def _standing(connection: sa.Connection, row_id: int) -> tuple[dict[str, date], dict[str, str]]:
    query = (
        sa.select(findings.c.discrepancy_id, findings.c.first_seen_on, run_findings.c.status)
        .join_from(run_findings, findings)
        .where(run_findings.c.run_id == row_id)
        .order_by(run_findings.c.position)
    )
    rows = connection.execute(query).all()
    return {row[0]: row[1] for row in rows}, {row[0]: row[2] for row in rows}


def last(engine: sa.Engine, account: str, date: date | None = None) -> Run | None:
    """Return the latest run of a day, without `date` of the newest day; `None` if there is none."""
    mine = [runs.c.account_id == named(account)]
    if date is not None:
        mine.append(runs.c.date == date)
    query = sa.select(runs.c.run_id).where(*mine).order_by(runs.c.date.desc(), runs.c.id.desc())
    with reading(engine) as connection:
        run_id = connection.execute(query.limit(1)).scalar()
    return None if run_id is None else load(engine, run_id)


def load(engine: sa.Engine, run_id: str) -> Run | None:
    """Return a stored run, to render it again; `None` where there is none.

    Its findings are those it reported, in its order and with the lifecycle of that time; what
    they are told with is their latest content.
    """
    from recon.store import frames

    with reading(engine) as connection:
        row = connection.execute(
            sa.select(runs, account_names.c.name.label("account"))
            .join_from(runs, account_names)
            .where(runs.c.run_id == run_id)
        ).one_or_none()
        if row is None:
            return None
        reported = (
            sa.select(*content(connection))
            .join_from(run_findings, findings)
            .where(run_findings.c.run_id == row.id)
            .order_by(run_findings.c.position)
        )
        found = frames.findings(connection, reported)
        first_seen_on, lifecycle = _standing(connection, row.id)
    verdict = Verdict(
        account=row.account,
        window=Window(row.date.isoformat(), row.window_start, row.window_end, row.timezone),
        word=VerdictWord(row.verdict),
        local=LocalBalance(**row.local),
        provider=ProviderBalance(**row.provider),
        findings=found,
        gaps=tuple(Span(_time(start), _time(end)) for start, end in row.gaps),
        statuses=row.statuses,
        suspicions=tuple(row.suspicions),
    )
    return Run(
        run_id=row.run_id,
        verdict=verdict,
        started_at=row.started_at,
        finished_at=row.finished_at,
        requests=RequestCounts(**row.requests),
        first_seen_on=first_seen_on,
        lifecycle=lifecycle,
    )


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
