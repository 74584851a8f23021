"""List and acknowledge stored findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, TypedDict, Unpack

import sqlalchemy as sa

from recon.model import FINDING_COLUMNS, Change, Kind, State
from recon.store import finding_history
from recon.store.accounts import id_of
from recon.store.column_types import UtcDateTime
from recon.store.dialects import among, id_chunks, microseconds
from recon.store.engine import reading, writing
from recon.store.tables import FINDING_TYPES, findings, runs
from recon.store.tables import accounts as account_names

if TYPE_CHECKING:
    import pandas as pd

OPEN: Final = State.OPEN.value
ACKNOWLEDGED: Final = State.ACKNOWLEDGED.value
EXPECTED: Final = State.EXPECTED.value
RESOLVED: Final = State.RESOLVED.value


def finding_columns(connection: sa.Connection) -> list[sa.ColumnElement[Any]]:
    """Return the columns to select for a findings frame: `FINDING_COLUMNS`, times as integers."""
    return [
        microseconds(connection, findings.c[name])
        if isinstance(FINDING_TYPES[name], UtcDateTime)
        else findings.c[name]
        for name in FINDING_COLUMNS
    ]


class Filters(TypedDict, total=False):
    """Which findings to list; a filter that is left out does not restrict anything."""

    accounts: Sequence[str] | None
    """Only these accounts; `None` is all."""
    states: Sequence[str]
    """Only findings in these states."""
    kinds: Sequence[str]
    severity: str | None
    """Only `error` or `warning`; `None` is both."""
    days: tuple[date, date] | None
    """Only these days, the first and the last one included, in the time zone of the runs; `None` is
    all."""


def listing(
    engine: sa.Engine, *, limit: int | None = None, **filters: Unpack[Filters]
) -> pd.DataFrame:
    """Return findings with their current state, the latest day first, then in the order of reports.

    Args:
        engine: the store.
        limit: only this many from the start; `None` is all.
        filters: which findings.

    Returns:
        `account`, `date`, `run_id` (the newest run of the account and day), all of
        `FINDING_COLUMNS`, `state`, `first_seen_on`, `ack_reason`; the two days as ISO texts; null
        if a column does not apply.
    """
    from recon.store import stored_frames

    with reading(engine) as connection:
        query = _query(connection, finding_columns(connection), limit, filters)
        return stored_frames.placed_findings(connection, query)


def rows(
    engine: sa.Engine, *, limit: int | None = None, **filters: Unpack[Filters]
) -> list[dict[str, Any]]:
    """Return the same as `listing`, a mapping for each finding, in half the time for a few.

    Days are dates, times are aware, and a value that does not apply is `None`.
    """
    with reading(engine) as connection:
        columns = [findings.c[name] for name in FINDING_COLUMNS]
        query = _query(connection, columns, limit, filters)
        return [dict(row) for row in connection.execute(query).mappings()]


def _query(
    connection: sa.Connection,
    columns: Sequence[sa.ColumnElement[Any]],
    limit: int | None,
    filters: Filters,
) -> sa.Select[*tuple[Any, ...]]:
    time = sa.func.coalesce(findings.c.provider_sent_at, findings.c.local_sent_at)
    wanted = _wanted(connection, filters)
    order = (
        findings.c.date.desc(),
        account_names.c.name,
        findings.c.severity,
        findings.c.kind,
        time.asc().nulls_last(),
        findings.c.discrepancy_id,
    )
    if limit is not None:
        # Chosen before all of each is read.
        first = sa.select(findings.c.id).join_from(findings, account_names).where(*wanted)
        wanted = [findings.c.id.in_(first.order_by(*order).limit(limit))]
    selected: sa.Select[*tuple[Any, ...]] = sa.select(
        account_names.c.name.label("account"),
        findings.c.date,
        _newest_run().label("run_id"),
        *columns,
        findings.c.status.label("state"),
        findings.c.first_seen_on,
        findings.c.ack_reason,
    )
    return selected.join_from(findings, account_names).where(*wanted).order_by(*order)


def count(engine: sa.Engine, **filters: Unpack[Filters]) -> int:
    """Return how many findings `listing` returns without a limit."""
    with reading(engine) as connection:
        wanted = _wanted(connection, filters)
        query = sa.select(sa.func.count()).select_from(findings).where(*wanted)
        return int(connection.execute(query).scalar_one())


def _wanted(connection: sa.Connection, filters: Filters) -> list[sa.ColumnElement[bool]]:
    accounts, days = filters.get("accounts"), filters.get("days")
    severity = filters.get("severity")
    kinds = [Kind(kind) for kind in filters.get("kinds", Kind)]
    chosen = [kind.value for kind in kinds if severity in {None, kind.severity}]
    names = sa.select(account_names.c.id)
    if accounts is not None:
        names = names.where(account_names.c.name.in_(accounts))
    # All columns of the index, so that it is used for every filter.
    wanted: list[sa.ColumnElement[bool]] = [
        findings.c.account_id.in_(connection.execute(names).scalars().all()),
        findings.c.status.in_(filters.get("states", tuple(State))),
        findings.c.kind.in_(chosen),
    ]
    if days is not None:
        wanted.append(findings.c.date.between(*days))
    return wanted


def _newest_run() -> sa.ScalarSelect[str]:
    """Return the newest run of a finding's day."""
    return (
        sa.select(runs.c.run_id)
        .where(runs.c.account_id == findings.c.account_id, runs.c.date == findings.c.date)
        .order_by(runs.c.id.desc())
        .limit(1)
        .correlate(findings)
        .scalar_subquery()
    )


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
    """Return the state of each of these findings; unknown ids are left out."""
    found: dict[str, str] = {}
    with reading(engine) as connection:
        for some in id_chunks(sorted(set(ids))):
            query = sa.select(findings.c.discrepancy_id, findings.c.status).where(
                among(connection, findings.c.discrepancy_id, some)
            )
            found.update((row[0], row[1]) for row in connection.execute(query))
    return found


def of_rows(engine: sa.Engine, names: Sequence[str]) -> dict[str, list[str]]:
    """Return the ids of messages or records among these, each with its unresolved findings."""
    found: dict[str, list[str]] = {}
    query = (
        sa.select(findings.c.message_id, findings.c.local_id, findings.c.discrepancy_id)
        .where(
            findings.c.status != RESOLVED,
            sa.or_(findings.c.message_id.in_(names), findings.c.local_id.in_(names)),
        )
        .order_by(findings.c.id)
    )
    with reading(engine) as connection:
        for message_id, local_id, identity in connection.execute(query):
            for name in dict.fromkeys([message_id, local_id]):
                if name in names:
                    found.setdefault(name, []).append(identity)
    return found


def reopen(engine: sa.Engine, reasons: Mapping[str, str], now: datetime) -> None:
    """Withdraw the acknowledgement of findings, in one transaction; other findings do not change.

    The history keeps both reasons. If a rule covers a finding, the next run of its day marks it as
    expected.

    Args:
        engine: the store.
        reasons: the reason for each finding, by its `discrepancy_id`.
        now: our own clock.
    """
    with writing(engine) as connection:
        for reason, mine in _by_reason(connection, reasons):
            these = sa.and_(mine, findings.c.status == ACKNOWLEDGED)
            finding_history.record(connection, Change.REOPENED, these, now, reason=reason)
            connection.execute(
                sa.update(findings)
                .where(these)
                .values(status=OPEN, ack_reason=None, acknowledged_at=None)
            )


def acknowledge(engine: sa.Engine, reasons: Mapping[str, str], now: datetime) -> None:
    """Acknowledge findings that are not resolved, in one transaction; they stay so in later runs.

    A finding that is already acknowledged gets the new reason. With the same reason it does not
    change, so a command may be repeated.

    Args:
        engine: the store.
        reasons: the reason for each finding, by its `discrepancy_id`.
        now: our own clock.
    """
    with writing(engine) as connection:
        for reason, mine in _by_reason(connection, reasons):
            is_news = sa.or_(findings.c.status != ACKNOWLEDGED, findings.c.ack_reason != reason)
            these = sa.and_(mine, findings.c.status != RESOLVED, is_news)
            finding_history.record(connection, Change.ACKNOWLEDGED, these, now, reason=reason)
            connection.execute(
                sa.update(findings)
                .where(these)
                .values(status=ACKNOWLEDGED, ack_reason=reason, acknowledged_at=now)
            )


def _by_reason(
    connection: sa.Connection, reasons: Mapping[str, str]
) -> Iterator[tuple[str, sa.ColumnElement[bool]]]:
    """Yield each reason with a condition for some of its findings, few enough for one statement."""
    for reason, mine in finding_history.by_reason(reasons).items():
        for some in id_chunks(sorted(mine)):
            yield reason, among(connection, findings.c.discrepancy_id, some)
