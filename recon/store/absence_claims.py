"""Findings about missing records or messages, which a run may resolve only with evidence.

A run that does not report such a finding again may lack the evidence: coverage has a gap, its proof
was withdrawn, or a row cannot be read. Then the finding stays as it is until its record or message
has a partner, or the time is proven.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import sqlalchemy as sa

from recon.model import Change, Kind, Verdict
from recon.store.accounts import id_of
from recon.store.engine import reading
from recon.store.finding_list import RESOLVED, finding_columns
from recon.store.tables import finding_changes, findings

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: The kinds that say that something is not there.
_ABSENCE: Final = (
    Kind.MISSING_AT_PROVIDER,
    Kind.MISSING_LOCALLY,
    Kind.DUPLICATE_SEND,
    Kind.DUPLICATE_LOCAL,
)

#: What identifies the record or the message that a finding is about, of any kind.
_RECORD: Final = ("local_id", "local_phone_number", "local_sent_at")
_MESSAGE: Final = ("message_id", "provider_sent_at")


def condition() -> sa.ColumnElement[bool]:
    """Return the condition that a finding reports absence, or did before it was unverifiable."""
    turned = sa.exists().where(
        finding_changes.c.finding_id == findings.c.id,
        finding_changes.c.change == Change.UNVERIFIABLE.value,
    )
    return sa.or_(
        findings.c.kind.in_([kind.value for kind in _ABSENCE]),
        sa.and_(findings.c.kind == Kind.UNVERIFIABLE.value, turned),
    )


def turned_unverifiable(
    connection: sa.Connection, gone: sa.ColumnElement[bool], found: pa.Table
) -> dict[str, str]:
    """Return unverifiable findings of a run whose rows already have a finding about absence.

    Such a finding is the same claim without proof, so it does not count twice.

    Args:
        connection: to the store.
        gone: the condition of the findings that the run did not find again.
        found: the findings of the run.

    Returns:
        The identity of each claim, by the identity that the run gave the finding.
    """
    import pyarrow.compute as pc

    unverifiable = found.filter(pc.equal(found["kind"], Kind.UNVERIFIABLE.value))
    if not unverifiable.num_rows:
        return {}
    columns = ["discrepancy_id", *_RECORD, *_MESSAGE]
    claims = connection.execute(
        sa.select(*(findings.c[name] for name in columns)).where(gone, condition())
    )
    before = alone(claims.mappings(), _row)
    if not before:
        return {}
    after = alone(unverifiable.select(columns).to_pylist(), _row)
    return {
        after[row]["discrepancy_id"]: claim["discrepancy_id"]
        for row, claim in before.items()
        if row in after
    }


def _row(finding: Mapping[Any, Any]) -> tuple[Any, ...]:
    """Return what identifies the record or the message that a finding is about."""
    names = _MESSAGE if finding["local_sent_at"] is None else _RECORD
    return (names, *(finding[name] for name in names))


def alone(
    rows: Iterable[Mapping[Any, Any]], key: Callable[[Mapping[Any, Any]], tuple[Any, ...]]
) -> dict[tuple[Any, ...], Mapping[Any, Any]]:
    """Return the findings whose key no other finding has, by that key."""
    groups: dict[tuple[Any, ...], list[Mapping[Any, Any]]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return {one: group[0] for one, group in groups.items() if len(group) == 1}


def of_days(engine: sa.Engine, account: str, days: Sequence[date]) -> pd.DataFrame:
    """Return the unresolved findings about absence of some days, `FINDING_COLUMNS`.

    Args:
        engine: the store.
        account: the account's name.
        days: the days.
    """
    from recon.store import stored_frames

    with reading(engine) as connection:
        query = sa.select(*finding_columns(connection)).where(
            findings.c.account_id == id_of(account),
            findings.c.date.in_(days),
            findings.c.status != RESOLVED,
            condition(),
        )
        return stored_frames.findings(connection, [query])


def unproven(
    connection: sa.Connection, gone: sa.ColumnElement[bool], verdict: Verdict
) -> Sequence[int]:
    """Return the rows of findings that a run did not find again and may not resolve.

    Args:
        connection: to the store.
        gone: the condition of the findings of the day that the run did not find again.
        verdict: of the run.
    """
    if not verdict.gaps:
        return []
    from recon.store import stored_frames

    query = sa.select(*finding_columns(connection)).where(gone, condition()).order_by(findings.c.id)
    ids = sa.select(findings.c.id).where(gone, condition()).order_by(findings.c.id)
    rows = np.array(connection.execute(ids).scalars().all(), dtype=np.int64)
    if not rows.size:
        return []
    claims = stored_frames.findings(connection, [query])
    open_ = _in_gap(claims, verdict)
    if verdict.is_settled is not None:
        open_ &= ~verdict.is_settled(claims)
    kept: list[int] = rows[open_.to_numpy(dtype=np.bool_)].tolist()
    return kept


def sentences(count: int) -> list[str]:
    """Say how many findings stay open although the run did not find them; nothing for 0."""
    if not count:
        return []
    noun, verb = ("finding", "stays") if count == 1 else ("findings", "stay")
    said = (
        f"{count:,} earlier {noun} of this day {verb} unresolved: what was missing has not been "
        "found, and the collected messages do not prove the time of the send."
    )
    return [said]


def _in_gap(claims: pd.DataFrame, verdict: Verdict) -> pd.Series[bool]:
    """Say for each finding whether its time is in a gap; without a time it is not."""
    time = claims["provider_sent_at"].fillna(claims["local_sent_at"])
    inside = time.isna()
    for gap in verdict.gaps:
        within = time.notna()
        if gap.start is not None:
            within &= time >= gap.start
        if gap.end is not None:
            within &= time < gap.end
        inside |= within
    return inside
