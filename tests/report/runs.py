"""Runs and findings as reports get them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import pandas as pd

from recon.core.calendar import window
from recon.model import (
    FINDING_COLUMNS,
    Kind,
    LocalBalance,
    ProviderBalance,
    RequestCounts,
    Run,
    Span,
    Status,
    Unreadable,
    Verdict,
    VerdictKind,
    Window,
)

DUBLIN = window(date(2026, 4, 23), "Europe/Dublin")
#: The day that follows the window's, in Dublin; still the 23rd in UTC.
FINISHED = datetime(2026, 4, 23, 23, 30, tzinfo=UTC)

_TIMES = ("local_sent_at", "provider_sent_at")


def utc(text: str) -> datetime:
    """Return a time of the window's day in UTC: `10:00:00`."""
    return datetime.fromisoformat(f"2026-04-23T{text}+00:00")


def found(kind: str, identity: str = "00000000000000a1", **values: object) -> dict[str, object]:
    """Return one finding; what is not given does not apply."""
    severity = str(Kind(kind).severity)
    return {"discrepancy_id": identity, "kind": kind, "severity": severity, **values}


def frame(rows: Sequence[Mapping[str, object]] = ()) -> pd.DataFrame:
    """Return findings as a verdict holds them, in the given order."""
    made = pd.DataFrame(list(rows)).reindex(columns=list(FINDING_COLUMNS))
    texts = {name: "str" for name in FINDING_COLUMNS if name not in _TIMES}
    return made.astype({**texts, **dict.fromkeys(_TIMES, pd.DatetimeTZDtype("us", "UTC"))})


def run(
    rows: Sequence[Mapping[str, object]] | pd.DataFrame = (),
    *,
    kind: str | None = None,
    local: LocalBalance = LocalBalance(),  # noqa: B008 - frozen
    provider: ProviderBalance = ProviderBalance(),  # noqa: B008 - frozen
    gaps: Sequence[Span] = (),
    statuses: Mapping[str, int] | None = None,
    suspicions: Sequence[str] = (),
    unreadable: Sequence[Unreadable] = (),
    notes: Sequence[str] = (),
    day: Window = DUBLIN,
    account: str = "main",
    first_seen_on: Mapping[str, date] | None = None,
    lifecycle: Mapping[str, str] | None = None,
) -> Run:
    """Return a run; without a kind, its verdict follows from whether there are findings."""
    findings = rows if isinstance(rows, pd.DataFrame) else frame(rows)
    return Run(
        run_id="run-1",
        verdict=Verdict(
            account=account,
            window=day,
            kind=VerdictKind(kind or ("discrepancies" if len(findings) else "clean")),
            local=local,
            provider=provider,
            findings=findings,
            gaps=gaps,
            statuses=dict.fromkeys(map(str, Status), 0) | dict(statuses or {}),
            suspicions=suspicions,
            unreadable=unreadable,
            notes=notes,
        ),
        started_at=FINISHED,
        finished_at=FINISHED,
        requests=RequestCounts(list=1, status=2),
        first_seen_on=first_seen_on or {},
        lifecycle=lifecycle or {},
    )
