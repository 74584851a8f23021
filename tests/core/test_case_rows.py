"""A row of a case, and what is told of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from recon.core import case_row_contents
from recon.core.case_rows import RowOfCase, is_about
from recon.core.explanation import StoredFinding
from tests.core.test_fired_rules import classified
from tests.factories import Record, Reject, Sent

TODAY = date(2026, 4, 23)
FINDING = StoredFinding("a", "missing_at_provider", "open", TODAY, "", "11", "1", TODAY, ())


def test_a_row_that_cannot_be_read_tells_the_reason_of_its_own_side() -> None:
    case = classified(
        [], [], unread_records=[Reject("no time")], unread_items=[Reject("no number")]
    )
    assert case_row_contents.reason(case, RowOfCase(0, -1, "local")) == "no time"
    assert case_row_contents.reason(case, RowOfCase(-1, 0, "provider")) == "no number"


@pytest.mark.parametrize(
    ("finding", "record", "about"),
    [
        (FINDING, Record(1, 99), True),
        (FINDING, Record(2, 11), False),
        (replace(FINDING, local_id=None), Record(None, 11), True),
        (replace(FINDING, local_id=None), Record(None, 12), False),
        (replace(FINDING, local_id=None), Record(1, 11), False),
        (replace(FINDING, local_id=None, message_id=None), Record(None), False),
    ],
)
def test_a_finding_is_about_the_record_that_it_names(
    finding: StoredFinding, record: Record, *, about: bool
) -> None:
    case = classified([record], [])
    assert is_about(finding, case_row_contents.record(case, RowOfCase(0, -1)), None) is about


def test_a_finding_without_a_record_is_about_the_message_that_it_names() -> None:
    case = classified([], [Sent(11), Sent(12)])
    finding = replace(FINDING, local_id=None)
    assert [
        is_about(finding, None, case_row_contents.message(case, RowOfCase(-1, at)))
        for at in range(2)
    ] == [True, False]
