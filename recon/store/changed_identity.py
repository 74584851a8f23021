"""Keep decisions about findings whose identity changed with a new version of the program.

The identity of a finding changes if the program reads a row better than before: an id `7.0` as 7,
or a reason with other words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from recon.store.absence_claims import alone
from recon.store.finding_list import ACKNOWLEDGED
from recon.store.tables import finding_changes, findings

if TYPE_CHECKING:
    import pyarrow as pa

#: What distinguishes a finding whose identity has changed from all others of its day.
_SAME: Final = (
    "kind",
    "message_id",
    "local_id",
    "phone_number",
    "local_sent_at",
    "provider_sent_at",
)
#: A person's decision, and since when the finding is known.
_SETTLED: Final = ("status", "first_seen_on", "opened_at", "acknowledged_at", "ack_reason")
_ZERO_FRACTION: Final = re.compile(r"(?<=[0-9])\.0*$")


def carried_on(
    connection: sa.Connection, gone: sa.ColumnElement[bool], new: pa.Table
) -> dict[str, dict[str, Any]]:
    """Return earlier decisions about findings of which only the identity is new.

    It is the same finding if kind, ids, number and times are equal, and no other finding has the
    same.

    Args:
        connection: to the store.
        gone: the condition of the day's findings that a run did not find again.
        new: the findings that are new by their identity.

    Returns:
        The columns in `_SETTLED` and the old row `id`, by the new `discrepancy_id`.
    """
    if not new.num_rows:
        return {}
    settled = connection.execute(
        sa.select(*(findings.c[name] for name in ("id", *_SAME, *_SETTLED))).where(
            gone, findings.c.status == ACKNOWLEDGED
        )
    ).mappings()
    before = alone(settled, _content)
    if not before:
        return {}
    after = alone(new.select(["discrepancy_id", *_SAME]).to_pylist(), _content)
    return {
        row["discrepancy_id"]: {name: before[key][name] for name in ("id", *_SETTLED)}
        for key, row in after.items()
        if key in before
    }


def carry_on(
    connection: sa.Connection, account_id: int, carried: Mapping[str, Mapping[str, Any]]
) -> None:
    """Give the new findings the decisions of `carried_on`, and the history."""
    for one, settled in carried.items():
        row = connection.execute(
            sa.update(findings)
            .where(findings.c.account_id == account_id, findings.c.discrepancy_id == one)
            .values({name: settled[name] for name in _SETTLED})
            .returning(findings.c.id)
        ).scalar_one()
        connection.execute(
            sa.update(finding_changes)
            .where(
                finding_changes.c.finding_id == settled["id"],
                # Not the resolution, by which the old identity ends.
                finding_changes.c.changed_at <= settled["acknowledged_at"],
            )
            .values(finding_id=row)
        )


def _content(row: Mapping[Any, Any]) -> tuple[Any, ...]:
    local_id = row["local_id"]
    spelled = None if local_id is None else _ZERO_FRACTION.sub("", local_id)
    return (spelled, *(row[name] for name in _SAME if name != "local_id"))
