"""A date of a header is read in UTC, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from recon.octopods.moments import http_date


@pytest.mark.parametrize(
    "text",
    [
        "Tue, 28 Apr 2026 10:00:00 GMT",
        "Tuesday, 28-Apr-26 10:00:00 GMT",
        "Tue Apr 28 10:00:00 2026",
        # What the rule does not allow, and mail software writes.
        "Tue, 28 Apr 2026 10:00:00 -0000",
        "Tue, 28 Apr 2026 12:30:00 +0230",
    ],
)
def test_a_date_is_read_in_utc(text: str) -> None:
    found = http_date(text)
    assert found == datetime(2026, 4, 28, 10, tzinfo=UTC)
    assert found.tzinfo is UTC


@pytest.mark.parametrize("text", ["", "soon", "Tue, 31 Feb 2026 10:00:00 GMT"])
def test_other_text_is_no_date(text: str) -> None:
    assert http_date(text) is None
