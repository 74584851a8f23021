"""The life of each finding from run to run.

Most findings of a night are new. Those are written once, straight to where they stay; only those
that an earlier run found too pass through a temporary table, and change where they differ.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from recon.core import calendar
from recon.model import FINDING_COLUMNS, Run
from recon.store.dialects import among, bulk_insert, chunks
from recon.store.finding_list import ACKNOWLEDGED, OPEN, RESOLVED
from recon.store.tables import FINDING_TYPES, UtcDateTime, findings, storable

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: What a run found and an earlier one did too, as long as its transaction lasts.
_AGAIN: Final = sa.Table(
    "found_again",
    sa.MetaData(),
    sa.Column("finding_id", sa.BigInteger, primary_key=True, autoincrement=False),
    *(sa.Column(name, kind) for name, kind in FINDING_TYPES.items()),
    prefixes=["TEMPORARY"],
)

#: What tells a finding whose identity has changed from all others of its day.
_SAME: Final = (
    "kind",
    "message_id",
    "local_id",
    "phone_number",
    "local_sent_at",
    "provider_sent_at",
)
#: What a person has settled, and since when it is known.
_SETTLED: Final = ("status", "first_seen_on", "opened_at", "acknowledged_at", "ack_reason")
_ZERO_FRACTION: Final = re.compile(r"(?<=[0-9])\.0*$")


def update(
    connection: sa.Connection, account_id: int, run: Run
) -> tuple[dict[str, date], dict[str, str]]:
    """Bring the findings of a run's day to where the run leaves them, see `runs.save`.

    Args:
        connection: in a transaction that has claimed the account.
        account_id: whose findings these are.
        run: what was found; not suspect.

    Returns:
        For each finding of the run, in its order, when it was first seen, and where it stands.
    """
    import pyarrow.compute as pc

    day, now = date.fromisoformat(run.verdict.window.label), run.finished_at
    today = calendar.day_at(now, run.verdict.window.zone)
    found = _columns(run.verdict.findings)
    known = _known(connection, account_id, found["discrepancy_id"])
    again = found.append_column("finding_id", known).filter(pc.is_valid(known))
    new = found.filter(pc.is_null(known))

    _AGAIN.create(connection)
    bulk_insert(connection, _AGAIN, again)
    _renew(connection, day, now)
    carried = _carried_on(connection, account_id, day, new)
    _resolve(connection, account_id, day, now)
    standing = _standing(connection)
    _AGAIN.drop(connection)

    bulk_insert(
        connection,
        findings,
        new,
        {
            "account_id": account_id,
            "date": day,
            "status": OPEN,
            "first_seen_on": today,
            "opened_at": now,
        },
    )
    for one, settled in carried.items():
        connection.execute(
            sa.update(findings)
            .where(findings.c.account_id == account_id, findings.c.discrepancy_id == one)
            .values(settled)
        )
        standing[one] = settled["first_seen_on"], settled["status"]
    ids = found["discrepancy_id"].to_pylist()
    standings = [standing.get(one, (today, OPEN)) for one in ids]
    return (
        {one: seen for one, (seen, _) in zip(ids, standings, strict=True)},
        {one: stands for one, (_, stands) in zip(ids, standings, strict=True)},
    )


def _columns(found: pd.DataFrame) -> pa.Table:
    """Return findings as they are stored."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns: dict[str, pa.Array] = {}
    for name in FINDING_COLUMNS:
        if isinstance(FINDING_TYPES[name], UtcDateTime):
            columns[name] = pa.array(found[name], pa.timestamp("us", "UTC"), from_pandas=True)
            continue
        texts = pa.array(found[name], pa.large_string(), from_pandas=True)
        # Half a pair of surrogates, the other thing that is not storable, is no Arrow text.
        if pc.any(pc.match_substring(texts, "\0")).as_py():
            words = texts.to_pylist()
            words = [None if word is None else storable(word) for word in words]
            texts = pa.array(words, pa.large_string())
        columns[name] = texts
    return pa.table(columns)


def _known(connection: sa.Connection, account_id: int, ids: pa.ChunkedArray) -> pa.Array:
    """Return the row of each finding, null where none has it yet.

    Nobody opens one meanwhile: the account is claimed.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    rows: list[int] = []
    names: list[str] = []
    for some in chunks(ids.to_pylist()):
        query = sa.select(findings.c.id, findings.c.discrepancy_id).where(
            findings.c.account_id == account_id,
            among(connection, findings.c.discrepancy_id, some),
        )
        for row, name in connection.execute(query).all():
            rows.append(row)
            names.append(name)
    places = pc.index_in(ids, value_set=pa.array(names, pa.large_string()))
    return pa.array(rows, pa.int64()).take(places.combine_chunks())


def _renew(connection: sa.Connection, day: date, now: datetime) -> None:
    """Give what was found again its latest content, and open what had been resolved."""
    returns = findings.c.status == RESOLVED
    settled = sa.case((findings.c.ack_reason.is_not(None), ACKNOWLEDGED), else_=OPEN)
    opened = sa.literal(now, findings.c.opened_at.type)
    content = [name for name in FINDING_COLUMNS if name != "discrepancy_id"]
    connection.execute(
        sa.update(findings)
        .where(
            findings.c.id == _AGAIN.c.finding_id,
            sa.or_(
                returns,
                findings.c.date != day,
                *(findings.c[name].is_distinct_from(_AGAIN.c[name]) for name in content),
            ),
        )
        .values(
            {
                **{name: _AGAIN.c[name] for name in content},
                "date": day,
                "status": sa.case((returns, settled), else_=findings.c.status),
                "opened_at": sa.case((returns, opened), else_=findings.c.opened_at),
                "resolved_at": None,
            }
        )
    )


def _resolve(connection: sa.Connection, account_id: int, day: date, now: datetime) -> None:
    still = sa.exists().where(_AGAIN.c.finding_id == findings.c.id)
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


def _carried_on(
    connection: sa.Connection, account_id: int, day: date, new: pa.Table
) -> dict[str, dict[str, Any]]:
    """Return what was settled of findings that are new by their identity only.

    The identity of a finding can change with the program, when a row is read better than before:
    an id `7.0` as 7, or a reason in other words. What a person has acknowledged stays so. It is
    the same finding if kind, ids, number and times agree, and those of no other finding do.

    Returns:
        What `_SETTLED` names, by the new `discrepancy_id`.
    """
    if not new.num_rows:
        return {}
    still = sa.exists().where(_AGAIN.c.finding_id == findings.c.id)
    gone = connection.execute(
        sa.select(*(findings.c[name] for name in (*_SAME, *_SETTLED))).where(
            findings.c.account_id == account_id,
            findings.c.date == day,
            findings.c.status == ACKNOWLEDGED,
            ~still,
        )
    ).mappings()
    before = _alone(gone)
    if not before:
        return {}
    after = _alone(new.select(["discrepancy_id", *_SAME]).to_pylist())
    return {
        row["discrepancy_id"]: {name: before[key][name] for name in _SETTLED}
        for key, row in after.items()
        if key in before
    }


def _alone(rows: Iterable[Mapping[Any, Any]]) -> dict[tuple[Any, ...], Mapping[Any, Any]]:
    """Return the rows whose content no other of them has, by that content."""
    groups: dict[tuple[Any, ...], list[Mapping[Any, Any]]] = defaultdict(list)
    for row in rows:
        local_id = row["local_id"]
        spelled = None if local_id is None else _ZERO_FRACTION.sub("", local_id)
        groups[(spelled, *(row[name] for name in _SAME if name != "local_id"))].append(row)
    return {key: group[0] for key, group in groups.items() if len(group) == 1}


def _standing(connection: sa.Connection) -> dict[str, tuple[date, str]]:
    columns = findings.c.discrepancy_id, findings.c.first_seen_on, findings.c.status
    again = sa.select(*columns).join_from(_AGAIN, findings, findings.c.id == _AGAIN.c.finding_id)
    return {row[0]: (row[1], row[2]) for row in connection.execute(again)}


def first_seen(connection: sa.Connection, account_id: int, ids: Sequence[str]) -> dict[str, date]:
    """Return for each of these findings, in their order, when it was first seen."""
    seen: dict[str, date] = {}
    for some in chunks(ids):
        query = sa.select(findings.c.discrepancy_id, findings.c.first_seen_on).where(
            findings.c.account_id == account_id,
            among(connection, findings.c.discrepancy_id, some),
        )
        seen.update((row[0], row[1]) for row in connection.execute(query))
    return {one: seen[one] for one in ids if one in seen}
