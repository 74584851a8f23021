"""The columns of findings in CSV."""

from __future__ import annotations

from typing import Final

#: The columns of a run's file, in order. Times are UTC; what does not apply is empty.
COLUMNS: Final = (
    "discrepancy_id",
    "run_id",
    "date",
    "account",
    "kind",
    "severity",
    "message_id",
    "local_id",
    "phone_number",
    "local_status",
    "provider_status",
    "local_sent_at",
    "provider_sent_at",
    "failure_reason",
    "detail",
    "first_seen_on",
    "state",
    "incident_id",
    "confirmed",
)

#: What CSV and JSON hold of stored findings: the columns of a run's file, then the reason.
STORED_COLUMNS: Final = (*COLUMNS, "ack_reason")
