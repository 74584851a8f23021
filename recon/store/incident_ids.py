"""Incidents keep their id from night to night, even if some of their findings change."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Final

import sqlalchemy as sa

from recon.model import Run
from recon.store.dialects import among
from recon.store.tables import findings

#: Findings of an incident that are asked for what they were part of. They have the smallest
#: identities of all, which are hashes: whatever changes, most of them stay.
_ASKED: Final = 64


def carry_on(connection: sa.Connection, account_id: int, run: Run) -> Run:
    """Give each incident of a run the id that most of its findings have in the store.

    If an incident has split, the larger part keeps the id.
    """
    found, taken, names = run.verdict.findings, set[str](), dict[str, str]()
    for one in run.verdict.incidents:
        mine = found.loc[found["incident_id"] == one.incident_id, "discrepancy_id"]
        before = _stored(connection, account_id, mine.sort_values().head(_ASKED).tolist())
        candidates = [name for name in before if name not in taken] or [one.incident_id]
        names[one.incident_id] = candidates[0]
        taken.add(candidates[0])
    if all(before == after for before, after in names.items()):
        return run
    incidents = [replace(one, incident_id=names[one.incident_id]) for one in run.verdict.incidents]
    renamed = found["incident_id"].replace(names)
    verdict = replace(
        run.verdict, incidents=tuple(incidents), findings=found.assign(incident_id=renamed)
    )
    return replace(run, verdict=verdict)


def _stored(connection: sa.Connection, account_id: int, ids: list[str]) -> list[str]:
    """Return the incidents of which these findings were part, the most frequent first."""
    query = sa.select(findings.c.incident_id).where(
        findings.c.account_id == account_id,
        among(connection, findings.c.discrepancy_id, ids),
        findings.c.incident_id.is_not(None),
    )
    counted = Counter(connection.execute(query).scalars())
    return [name for name, _ in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))]
