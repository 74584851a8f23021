"""A few findings of each kind, for people, with numbers masked on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recon.core.phones import mask
from recon.model import Kind, Run
from recon.report import finding_states
from recon.report.csv_report import day_of, moments
from recon.report.labels import KINDS_BY_URGENCY
from recon.report.masking import mask_numbers

if TYPE_CHECKING:
    import numpy.typing as npt

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
    found = finding_states.counts(run)
    counts = {kind: found[kind] for kind in KINDS_BY_URGENCY if found[kind]}
    if not counts:
        return {}
    most = share(list(counts.values()), limit)
    most = most if of_a_kind is None else min(most, of_a_kind)
    kinds = pa.array(findings["kind"], from_pandas=True)
    times = moments(findings)
    places = [_first(findings, kinds, kind, times, most) for kind in counts]
    chosen = np.array([at for some in places for at in some], dtype=np.int64)
    rows = iter(_rows(run, findings, chosen, masked=masked))
    return {kind: list(islice(rows, len(some))) for kind, some in zip(counts, places, strict=True)}


def _first(
    findings: pd.DataFrame,
    kinds: pa.Array,
    kind: Kind,
    times: npt.NDArray[np.int64],
    most: int,
) -> list[int]:
    """Return the positions of the first findings of a kind, sorted as in the CSV file."""
    at = np.flatnonzero(pc.equal(kinds, kind.value).to_numpy(zero_copy_only=False))
    if 0 < most < len(at):
        at = at[times[at] <= np.partition(times[at], most - 1)[most - 1]]
    ids = findings["discrepancy_id"].array.take(at).tolist()
    ordered = sorted(zip(times[at].tolist(), ids, at.tolist(), strict=True))
    return [place for _, _, place in ordered[:most]]


def share(sizes: Sequence[int], limit: int) -> int:
    """Return how many of each group may be taken so that the total is at most `limit`."""
    left, heaps = limit, len(sizes)
    for size in sorted(sizes):
        if size * heaps > left:
            return left // heaps
        left -= size
        heaps -= 1
    return max(sizes, default=0)


def _rows(
    run: Run, findings: pd.DataFrame, positions: npt.NDArray[np.int64], *, masked: bool
) -> list[SampleRow]:
    today = day_of(run)
    columns = [findings[name].array.take(positions).tolist() for name in _COLUMNS]
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
