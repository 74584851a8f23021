"""The incidents of a run by state: those to act on, and those that are known.

An incident is known if all its findings are acknowledged or expected.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from recon.model import Incident, Run, State
from recon.report.labels import counted

if TYPE_CHECKING:
    import pandas as pd


class IncidentState(NamedTuple):
    """An incident, and how many of its findings are no longer open."""

    incident: Incident
    acknowledged: int = 0
    expected: int = 0

    @property
    def is_known(self) -> bool:
        """Whether none of its findings is open."""
        settled = self.acknowledged + self.expected
        return settled > 0 and settled >= self.incident.findings

    @property
    def size(self) -> str:
        """`12 findings`, or with some settled `12 findings, 5 acknowledged`."""
        parts = [counted(self.incident.findings, "finding")]
        for count, state in ((self.acknowledged, "acknowledged"), (self.expected, "expected")):
            if count:
                whole = count == self.incident.findings
                parts.append(state if whole else f"{count:,} {state}")
        return ", ".join(parts)


def to_act_on(run: Run) -> list[IncidentState]:
    """Return the incidents that have an open finding, the largest first."""
    return [one for one in _all(run) if not one.is_known]


def known(run: Run) -> list[IncidentState]:
    """Return the incidents whose findings are all acknowledged or expected."""
    return [one for one in _all(run) if one.is_known]


def _all(run: Run) -> Sequence[IncidentState]:
    incidents = run.verdict.incidents
    if not incidents or not run.lifecycle:
        return [IncidentState(one) for one in incidents]
    found = run.verdict.findings
    found = found.loc[found["incident_id"].notna(), ["discrepancy_id", "incident_id"]]

    def settled(state: State) -> pd.Series:
        mine = [one for one, now in run.lifecycle.items() if now == state]
        return found.loc[found["discrepancy_id"].isin(mine), "incident_id"].value_counts()

    acknowledged, expected = settled(State.ACKNOWLEDGED), settled(State.EXPECTED)
    return [
        IncidentState(
            one,
            acknowledged=int(acknowledged.get(one.incident_id, 0)),
            expected=int(expected.get(one.incident_id, 0)),
        )
        for one in incidents
    ]
