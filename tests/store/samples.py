"""Short ways to build what the store is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pandas as pd

from recon.core import calendar
from recon.model import (
    FINDING_COLUMNS,
    Kind,
    Listing,
    LocalBalance,
    Message,
    ProviderBalance,
    RejectedItem,
    RequestCounts,
    Run,
    Span,
    Status,
    Verdict,
    VerdictKind,
)

ZONE = "Europe/Dublin"
NOON = datetime(2026, 4, 23, 12, tzinfo=UTC)
KEY = "f1a9"


def at(seconds: float) -> datetime:
    """Return the time so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def message(
    message_id: int, seconds: float = 0, status: str = "sent", failure_reason: str | None = None
) -> Message:
    """Return a message sent so many seconds after noon."""
    return Message(message_id, "+353871234567", at(seconds), status, failure_reason)


def listing(
    *messages: Message,
    answered: float,
    rejects: Sequence[RejectedItem] = (),
    limit: int = 100,
) -> Listing:
    """Return an answer given so many seconds after noon, newest message first."""
    newest_first = sorted(messages, key=lambda message: message.sent_at, reverse=True)
    return Listing(
        messages=newest_first,
        rejects=rejects,
        item_count=len(messages) + len(rejects),
        limit=limit,
        answered_at=at(answered),
        request_id="5f0b9c8a",
    )


def found(
    *ids: str, detail: str = "nobody knows it", kind: Kind = Kind.MISSING_LOCALLY
) -> pd.DataFrame:
    """Return a findings frame with one finding for each id, in their order."""
    rows = [
        {
            "discrepancy_id": finding,
            "kind": kind.value,
            "severity": kind.severity.value,
            "message_id": "9007199254740993",
            "phone_number": "+353871234567",
            "provider_status": "sent",
            "provider_sent_at": at(0.000001),
            "detail": detail,
        }
        for finding in ids
    ]
    frame = pd.DataFrame(rows, columns=list(FINDING_COLUMNS))
    times = ("local_sent_at", "provider_sent_at")
    types = dict.fromkeys(FINDING_COLUMNS, "str") | dict.fromkeys(times, "datetime64[us, UTC]")
    return frame.astype(types)


def run(
    run_id: str,
    findings: pd.DataFrame | None = None,
    *,
    account: str = "main",
    day: str = "2026-04-23",
    finished: datetime = datetime(2026, 4, 24, 3, tzinfo=UTC),
    kind: VerdictKind = VerdictKind.DISCREPANCIES,
    gaps: Sequence[Span] = (),
    suspicions: Sequence[str] = (),
    statuses: Mapping[str, int] | None = None,
) -> Run:
    """Return a run that ended at night, Irish time."""
    frame = found() if findings is None else findings
    verdict = Verdict(
        account=account,
        window=calendar.window(datetime.fromisoformat(day).date(), ZONE),
        kind=kind,
        local=LocalBalance(matched=7, not_sent=1),
        provider=ProviderBalance(matched=7, missing_locally=len(frame)),
        findings=frame,
        gaps=gaps,
        statuses=statuses or {status.value: 1 for status in Status},
        suspicions=suspicions,
    )
    return Run(run_id, verdict, finished - timedelta(seconds=9), finished, RequestCounts(1, 2, 3))
