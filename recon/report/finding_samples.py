"""A few findings of each kind, for people, with numbers masked on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from recon.core.phones import mask
from recon.model import Kind, Run
from recon.report import finding_states
from recon.report.csv_report import day_of, row_order
from recon.report.labels import KINDS_BY_URGENCY
from recon.report.masking import mask_numbers

_COLUMNS: Final = (
    "discrepancy_id",
    "message_id",
    "local_id",
    "phone_number",
    "local_phone_number",
    "local_status",
    "provider_status",
    "local_sent_at",
    "provider_sent_at",
    "failure_reason",
    "detail",
    "confirmed",
)


class SampleRow(NamedTuple):
    """One finding in a report; a field that does not apply is empty, or `None` for a time."""

    discrepancy_id: str
    message_id: str
    local_id: str
    phone_number: str
    local_phone_number: str
    """Only if the records have another spelling or another number."""
    local_status: str
    provider_status: str
    local_sent_at: datetime | None
    provider_sent_at: datetime | None
    failure_reason: str
    detail: str
    first_seen_on: date
    state: str
    """`open`, `acknowledged` or `expected`."""
    is_new: bool
    """Whether no run on an earlier date found it."""
    age_days: int
    """Days since it was first seen."""
    confirmed: str
    """`yes` or `no` for a record with an id that is missing at the provider."""

    @property
    def sent_at(self) -> datetime | None:
        """The provider's time, or without one that of the records, in UTC."""
        return self.provider_sent_at or self.local_sent_at


def sample(
    run: Run, limit: int, *, masked: bool, of_a_kind: int | None = None
) -> Mapping[Kind, Sequence[SampleRow]]:
    """Return up to `limit` findings by kind, the first of each, shared fairly between the kinds.

    Each kind has at most `of_a_kind`. Kinds without a finding, and expected findings, are left out.
    Kinds are sorted by urgency, findings as in the CSV file.
    """
    findings = finding_states.reported(run)
    if findings.empty:
        return {}
    found = finding_states.counts(run)
    counts = {kind: found[kind] for kind in KINDS_BY_URGENCY}
    most = share(list(counts.values()), limit)
    most = most if of_a_kind is None else min(most, of_a_kind)
    order = row_order(findings)
    kinds = findings["kind"] if order is None else findings["kind"].iloc[order]
    chosen = {}
    for kind, number in counts.items():
        if number:
            places = np.flatnonzero(kinds == kind.value)[:most]
            positions = places if order is None else order[places]
            chosen[kind] = _rows(run, findings.iloc[positions], masked=masked)
    return chosen


def share(sizes: Sequence[int], limit: int) -> int:
    """Return how many of each group may be taken so that the total is at most `limit`."""
    left, heaps = limit, len(sizes)
    for size in sorted(sizes):
        if size * heaps > left:
            return left // heaps
        left -= size
        heaps -= 1
    return max(sizes, default=0)


def _rows(run: Run, findings: pd.DataFrame, *, masked: bool) -> list[SampleRow]:
    today = day_of(run)
    columns = [findings[name].tolist() for name in _COLUMNS]
    return [
        _row(dict(zip(_COLUMNS, values, strict=True)), run, today, masked=masked)
        for values in zip(*columns, strict=True)
    ]


def _row(values: Mapping[str, Any], run: Run, today: date, *, masked: bool) -> SampleRow:
    words = {name: "" if pd.isna(value) else str(value) for name, value in values.items()}
    number, recorded = words["phone_number"], words["local_phone_number"]

    def free(name: str) -> str:
        return mask_numbers(words[name], (number, recorded)) if masked else words[name]

    def shown(spelled: str) -> str:
        return mask(spelled) if masked and spelled else spelled

    seen = run.first_seen_on.get(words["discrepancy_id"], today)
    return SampleRow(
        discrepancy_id=words["discrepancy_id"],
        message_id=free("message_id"),
        local_id=free("local_id"),
        phone_number=shown(number),
        local_phone_number="" if recorded == number else shown(recorded),
        local_status=free("local_status"),
        provider_status=free("provider_status"),
        local_sent_at=_moment(values["local_sent_at"]),
        provider_sent_at=_moment(values["provider_sent_at"]),
        failure_reason=free("failure_reason"),
        detail=free("detail"),
        first_seen_on=seen,
        is_new=seen >= today,
        age_days=max((today - seen).days, 0),
        state=run.lifecycle.get(words["discrepancy_id"], "open"),
        confirmed=words["confirmed"],
    )


def _moment(value: Any) -> datetime | None:  # noqa: ANN401 - a cell of a frame, NaT where null
    if pd.isna(value):
        return None
    moment: datetime = value.to_pydatetime(warn=False)
    return moment
