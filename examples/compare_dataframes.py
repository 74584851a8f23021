"""Compare records from anywhere with messages from anywhere, both as DataFrames.

Run `python examples/compare_dataframes.py`. It needs no configuration, network or database.
"""

from __future__ import annotations

import pandas as pd

from recon import api

records = pd.DataFrame(
    {
        "order": ["A-1", "A-2", "A-3"],
        "message_id": [101, 102, None],
        "recipient": ["+353871000001", "+353871000002", "+353871000003"],
        "sent_at": ["2026-04-23 09:00", "2026-04-23 09:05", "2026-04-23 09:10"],
        "state": ["accepted", "accepted", "accepted"],
    }
)
messages = pd.DataFrame(
    {
        "message_id": [101, 102, 104],
        "phone_number": ["+353871000001", "+353871000002", "+353871000004"],
        "sent_at": ["2026-04-23T08:00:00Z", "2026-04-23T08:05:01Z", "2026-04-23T08:20:00Z"],
        "status": ["read", "failed", "delivered"],
        "failure_reason": [None, "Recipient is not on WhatsApp", None],
    }
)

comparison = api.diff(
    records,
    messages,
    columns={"id": "order", "phone_number": "recipient", "status": "state"},
    statuses={"accepted": "sent"},
    local_timezone="Europe/Dublin",
)
print(comparison.findings[["kind", "local_id", "message_id"]].to_string(index=False))
[summary] = comparison.summaries
print(f"{summary['local']['matched']} of {summary['local']['total']} records have their message")
