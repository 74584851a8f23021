"""A row that repeats a record is surplus, not a lost message."""

from __future__ import annotations

from dataclasses import replace

import pytest

from recon.core import calendar, judge
from recon.core.policy import Policy
from recon.model import Verdict
from tests.factories import DUBLIN, EVER, Record, Sent, local_side, provider_side

FIRST = Record("s-1", status="delivered")


def judged(*records: Record, message: Sent = Sent(11, 5)) -> Verdict:  # noqa: B008 - frozen
    sides = local_side(records), provider_side([message])
    [verdict] = judge.judge("main", [DUBLIN], *sides, spans=EVER, policy=Policy())
    return verdict


@pytest.mark.parametrize("status", ["delivered", "sent"])
def test_a_row_with_the_id_number_and_time_of_a_record_is_surplus(status: str) -> None:
    again = replace(FIRST, status=status)
    for records in ((FIRST, again), (again, FIRST), (FIRST, again, again)):
        verdict = judged(*records)
        assert set(verdict.findings["kind"]) == {"duplicate_local"}
        assert verdict.local.duplicate_local == len(records) - 1


@pytest.mark.parametrize(
    "other",
    [
        replace(FIRST, local_id="s-2"),
        replace(FIRST, local_id=None),
        replace(FIRST, phone_number="+353860000001"),
        replace(FIRST, sent_at=10),
    ],
)
def test_a_row_that_differs_is_a_record_of_its_own(other: Record) -> None:
    assert judged(FIRST, other).findings["kind"].tolist() == ["missing_at_provider"]


def test_a_repeated_row_that_was_not_sent_stays_no_finding() -> None:
    verdict = judged(FIRST, replace(FIRST, status="not_sent"))
    assert (verdict.local.not_sent, len(verdict.findings)) == (1, 0)


def test_two_messages_of_two_equal_rows_are_two_pairs() -> None:
    sides = local_side([FIRST, FIRST]), provider_side([Sent(11, 5), Sent(12, 6)])
    [day] = judge.judge("main", [calendar.unbounded("UTC")], *sides, spans=EVER, policy=Policy())
    assert (day.local.matched, len(day.findings)) == (2, 0)
