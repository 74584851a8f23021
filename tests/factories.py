"""Short ways to build the values that tests compare: rows, messages, answers, findings, runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pandas as pd

from recon.core.calendar import window
from recon.core.link import Side
from recon.model import (
    FINDING_COLUMNS,
    Changes,
    CoverageEvidence,
    Incident,
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
    Unreadable,
    Verdict,
    VerdictKind,
    Window,
)

#: The day of most tests, its noon, its window in Dublin, and a number.
DAY = "2026-04-23"
NOON = datetime(2026, 4, 23, 12, tzinfo=UTC)
ZONE = "Europe/Dublin"
DUBLIN = window(date.fromisoformat(DAY), ZONE)
NUMBER = "+353871234567"
EVER = (Span(None, None),)
#: The fingerprint of an API key.
KEY = "f1a9"
#: The day that follows the window's, in Dublin; still the 23rd in UTC.
FINISHED = datetime(2026, 4, 23, 23, 30, tzinfo=UTC)

_UTC = pd.DatetimeTZDtype("us", "UTC")
_LOCAL = {
    "local_id": "str",
    "message_id": "Int64",
    "odd_message_id": "str",
    "phone_number": "str",
    "sent_at": _UTC,
    "other_minutes": "int16",
    "status": "category",
}
_LOCAL_REJECT = {
    "local_id": "str",
    "message_id": "Int64",
    "odd_message_id": "str",
    "phone_number": "str",
    "sent_at": _UTC,
    "status": "str",
    "reason": "str",
}
_PROVIDER = {
    "message_id": "int64",
    "phone_number": "str",
    "sent_at": _UTC,
    "status": "category",
    "failure_reason": "str",
    "observed_at": _UTC,
}
_PROVIDER_REJECT = {
    "key": "str",
    "message_id": "Int64",
    "phone_number": "str",
    "sent_at": _UTC,
    "status": "str",
    "failure_reason": "str",
    "reason": "str",
    "earliest": _UTC,
    "latest": _UTC,
}


def at(seconds: float) -> datetime:
    """Return the time so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def utc(text: str) -> datetime:
    """Return a time of the day in UTC: `10:00:00`."""
    return datetime.fromisoformat(f"{DAY}T{text}+00:00")


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the records; `sent_at` in seconds after noon."""

    local_id: int | str | None
    message_id: int | None = None
    sent_at: float = 0
    phone_number: str | None = NUMBER
    status: str | None = "sent"
    odd_message_id: str | None = None
    other_minutes: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """One message at Octopods; times in seconds after noon."""

    message_id: int
    sent_at: float = 0
    phone_number: str | None = NUMBER
    status: str = "delivered"
    failure_reason: str | None = None
    observed_at: float = 36_000


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that could not be read, of either side; `sent_at` in seconds after noon."""

    reason: str = "sent_at cannot be read: 'soon'"
    local_id: str | None = None
    message_id: int | None = None
    sent_at: float | None = None
    phone_number: str | None = None
    status: str | None = None
    failure_reason: str | None = None
    key: str = "k"
    odd_message_id: str | None = None
    earliest: float | None = None
    """In seconds after noon, like `sent_at`."""
    latest: float | None = None


def _frame(rows: Sequence[object], dtypes: dict[str, object]) -> pd.DataFrame:
    cells = {
        name: [
            at(value) if dtypes[name] == _UTC and value is not None else value
            for value in (getattr(row, name) for row in rows)
        ]
        for name in dtypes
    }
    return pd.DataFrame(
        {
            name: pd.Series(cells[name], dtype=dtype)  # type: ignore[call-overload]
            for name, dtype in dtypes.items()
        }
    )


def local_side(
    records: Sequence[Record],
    rejects: Sequence[Reject] = (),
    *,
    has_numbers: bool = True,
    has_statuses: bool = True,
) -> Side:
    """Build the records' side."""
    dtypes: dict[str, object] = dict(_LOCAL)
    if records and all(isinstance(record.local_id, int) for record in records):
        dtypes["local_id"] = "int64"
    return Side(
        _frame(records, dtypes),
        _frame(rejects, dict(_LOCAL_REJECT)),
        has_numbers=has_numbers,
        has_statuses=has_statuses,
    )


def provider_side(messages: Sequence[Sent], rejects: Sequence[Reject] = ()) -> Side:
    """Build Octopods' side."""
    return Side(_frame(messages, dict(_PROVIDER)), _frame(rejects, dict(_PROVIDER_REJECT)))


def message(
    message_id: int, seconds: float = 0, status: str = "sent", failure_reason: str | None = None
) -> Message:
    """Return a message sent so many seconds after noon."""
    return Message(message_id, NUMBER, at(seconds), status, failure_reason)


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


def finding(kind: str, identity: str = "00000000000000a1", **values: object) -> dict[str, object]:
    """Return one finding; what is not given does not apply."""
    severity = str(Kind(kind).severity)
    return {"discrepancy_id": identity, "kind": kind, "severity": severity, **values}


def findings_frame(rows: Sequence[Mapping[str, object]] = ()) -> pd.DataFrame:
    """Return findings as a verdict holds them, in the given order."""
    made = pd.DataFrame(list(rows)).reindex(columns=list(FINDING_COLUMNS))
    times = ("local_sent_at", "provider_sent_at")
    return made.astype(
        {name: "str" for name in FINDING_COLUMNS if name not in times}
        | dict.fromkeys(times, pd.DatetimeTZDtype("us", "UTC"))
    )


def found(
    *ids: str, detail: str = "no record holds it", kind: Kind = Kind.MISSING_LOCALLY
) -> pd.DataFrame:
    """Return a findings frame with one finding for each id, in their order."""
    rows = [
        finding(
            kind.value,
            identity,
            message_id="9007199254740993",
            phone_number=NUMBER,
            provider_status="sent",
            provider_sent_at=at(0.000001),
            detail=detail,
        )
        for identity in ids
    ]
    return findings_frame(rows)


def run(
    findings: Sequence[Mapping[str, object]] | pd.DataFrame = (),
    *,
    run_id: str = "run-1",
    account: str = "main",
    day: Window | str = DUBLIN,
    kind: VerdictKind | str | None = None,
    local: LocalBalance = LocalBalance(),  # noqa: B008 - frozen
    provider: ProviderBalance = ProviderBalance(),  # noqa: B008 - frozen
    gaps: Sequence[Span] = (),
    statuses: Mapping[str, int] | None = None,
    suspicions: Sequence[str] = (),
    unreadable: Sequence[Unreadable] = (),
    notes: Sequence[str] = (),
    evidence: CoverageEvidence = CoverageEvidence(),  # noqa: B008 - frozen
    finished: datetime = FINISHED,
    first_seen_on: Mapping[str, date] | None = None,
    lifecycle: Mapping[str, str] | None = None,
    changes: Changes = Changes(),  # noqa: B008 - frozen
    expected: Mapping[str, str] | None = None,
    incidents: Sequence[Incident] = (),
    failures: Mapping[str, int] | None = None,
    is_settled: Callable[[pd.DataFrame], pd.Series[bool]] | None = None,
) -> Run:
    """Return a run; without a kind, its verdict follows from whether there are findings.

    Without `day` it is of `DAY`; an ISO date stands for that day in Dublin.
    """
    frame = findings if isinstance(findings, pd.DataFrame) else findings_frame(findings)
    verdict = Verdict(
        account=account,
        window=day if isinstance(day, Window) else window(date.fromisoformat(day), ZONE),
        kind=VerdictKind(kind or ("discrepancies" if len(frame) else "clean")),
        local=local,
        provider=provider,
        findings=frame,
        gaps=gaps,
        statuses=dict.fromkeys(map(str, Status), 0) | dict(statuses or {}),
        suspicions=suspicions,
        unreadable=unreadable,
        notes=notes,
        evidence=evidence,
        expected=expected or {},
        incidents=incidents,
        failures=failures or {},
        is_settled=is_settled,
    )
    return Run(
        run_id=run_id,
        verdict=verdict,
        started_at=finished - timedelta(seconds=9),
        finished_at=finished,
        requests=RequestCounts(list=1, status=2),
        first_seen_on=first_seen_on or {},
        lifecycle=lifecycle or {},
        changes=changes,
    )
