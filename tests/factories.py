"""Short ways to build the values that tests compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd

from recon.core.link import Side
from recon.model import Span

#: The day of most tests, its noon, and a number.
DAY = "2026-04-23"
NOON = datetime(2026, 4, 23, 12, tzinfo=UTC)
NUMBER = "+353871234567"
EVER = (Span(None, None),)

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
