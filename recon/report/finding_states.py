"""The findings of a run by state: those that count, and those that a rule expects."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recon.model import Kind, Run, State

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class ExpectedCount:
    """Findings of a run that one rule expects."""

    kind: Kind
    reason: str
    count: int


def reported(run: Run) -> pd.DataFrame:
    """Return the findings of a run without the expected ones, which are shown separately."""
    expected = _expected(run)
    found = run.verdict.findings
    return found.loc[~found["discrepancy_id"].isin(expected)] if expected else found


def counts(run: Run) -> dict[Kind, int]:
    """Return how many findings of each kind a run reports, without the expected ones."""
    if run.verdict.findings.empty:
        return dict.fromkeys(Kind, 0)
    import pyarrow as pa
    import pyarrow.compute as pc

    kinds = pc.value_counts(pa.array(reported(run)["kind"], pa.large_string(), from_pandas=True))
    found = dict(zip(*(part.to_pylist() for part in kinds.flatten()), strict=True))
    return {kind: found.get(kind.value, 0) for kind in Kind}


def expected_counts(run: Run) -> list[ExpectedCount]:
    """Return how many findings each rule expects, by kind and reason."""
    expected = _expected(run)
    if not expected:
        return []
    found = run.verdict.findings
    rows = found.loc[found["discrepancy_id"].isin(expected), ["discrepancy_id", "kind"]]
    pairs = zip(rows["discrepancy_id"].tolist(), rows["kind"].tolist(), strict=True)
    tally = Counter((Kind(kind), run.verdict.expected.get(one, "")) for one, kind in pairs)
    return [ExpectedCount(kind, reason, tally[kind, reason]) for kind, reason in sorted(tally)]


def _expected(run: Run) -> list[str]:
    return [one for one, state in run.lifecycle.items() if state == State.EXPECTED]
