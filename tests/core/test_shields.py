"""What an item without an id and a record of the same time have to do with each other."""

from __future__ import annotations

import pytest

from recon.model import VerdictKind
from tests.core.test_judge import judge_one
from tests.factories import NUMBER, Record, Reject, Sent

OTHER_NUMBER = "+353860000001"
BUSINESS, OTHER_BUSINESS = "IE.13491208655302741918", "IE.13491208655302741919"
LINKED, OTHER_LINKED = "123456789012345@lid", "123456789012346@lid"


@pytest.mark.parametrize(
    ("recorded", "listed", "shields"),
    [
        (NUMBER, None, True),
        (NUMBER, NUMBER, True),
        (NUMBER, OTHER_NUMBER, False),
        (NUMBER, BUSINESS, True),
        (NUMBER, LINKED, True),
        (BUSINESS, NUMBER, True),
        (BUSINESS, BUSINESS, True),
        (BUSINESS, OTHER_BUSINESS, False),
        (BUSINESS, LINKED, True),
        (LINKED, LINKED, True),
        (LINKED, OTHER_LINKED, False),
        (None, BUSINESS, True),
    ],
)
def test_an_item_shields_a_record_unless_both_have_a_number_of_one_sort_that_differ(
    recorded: str | None, listed: str | None, *, shields: bool
) -> None:
    records = [Record(1, 11, phone_number=recorded), Record(2, 12, 900)]
    item = Reject(sent_at=30, phone_number=listed)
    verdict = judge_one(records, [Sent(12, 900)], provider_rejects=[item])
    assert verdict.kind is VerdictKind.DISCREPANCIES
    assert (verdict.local.unverifiable, verdict.local.missing_at_provider) == (
        (1, 0) if shields else (0, 1)
    )
