"""Whether what was missing is there now."""

from __future__ import annotations

from datetime import date

from recon.core import buckets, calendar, settled_rows
from recon.core.policy import Policy
from tests.factories import (
    EVER,
    NUMBER,
    Record,
    Sent,
    at,
    finding,
    findings_frame,
    local_side,
    provider_side,
)

OTHER = "+353860000000"
RECORDS = [
    Record("7", 11),
    Record("8", 99),
    Record("9", 98, status="not_sent"),
    Record(None, None, 900, status="sent"),
]
MESSAGES = [Sent(11), Sent(12, 600, OTHER), Sent(13, 901)]
CLAIMS = [
    finding("missing_at_provider", "paired", local_id="7", local_sent_at=at(0)),
    finding("missing_at_provider", "alone", local_id="8", local_sent_at=at(0)),
    finding("missing_at_provider", "not sent", local_id="9", local_sent_at=at(0)),
    finding("missing_at_provider", "gone", local_id="10", local_sent_at=at(0)),
    finding("unverifiable", "nameless", local_phone_number=NUMBER, local_sent_at=at(900)),
    finding("unverifiable", "another", local_phone_number=OTHER, local_sent_at=at(900)),
    finding("missing_locally", "recorded", message_id="11", provider_sent_at=at(0)),
    finding("duplicate_send", "unrecorded", message_id="12", provider_sent_at=at(600)),
]


def test_a_row_is_settled_by_its_counterpart_or_by_what_the_record_says() -> None:
    case = buckets.classify(
        calendar.windows(date(2026, 4, 23), date(2026, 4, 23), "UTC"),
        local_side(RECORDS),
        provider_side(MESSAGES),
        spans=EVER,
        policy=Policy(),
    )
    claims = findings_frame(CLAIMS)
    settled = claims.loc[settled_rows.are_settled(case, claims), "discrepancy_id"]
    assert list(settled) == ["paired", "not sent", "nameless", "recorded"]
    assert settled_rows.are_settled(case, claims.iloc[:0]).tolist() == []
