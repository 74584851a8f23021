"""The few findings of each kind that people see."""

from __future__ import annotations

from datetime import date

import pytest

from recon.model import Kind
from recon.report.finding_samples import sample, share
from tests.factories import finding, run, utc


def test_the_first_findings_of_each_kind_are_chosen_whatever_the_order() -> None:
    rows = [
        finding("stuck", "d", provider_sent_at=utc("10:00:00")),
        finding("missing_locally", "c", provider_sent_at=utc("12:00:00")),
        finding("missing_locally", "b", provider_sent_at=utc("11:00:00")),
        finding("missing_locally", "a", provider_sent_at=utc("11:00:00")),
    ]
    for shuffled in (rows, rows[::-1], rows[2:] + rows[:2]):
        chosen = sample(run(shuffled), 3, masked=True)
        assert list(chosen) == [Kind.MISSING_LOCALLY, Kind.STUCK]
        assert [row.discrepancy_id for row in chosen[Kind.MISSING_LOCALLY]] == ["a", "b"]
        assert [row.discrepancy_id for row in chosen[Kind.STUCK]] == ["d"]


@pytest.mark.parametrize(
    ("sizes", "limit", "most"),
    [([700, 10, 0], 500, 490), ([300, 300], 500, 250), ([3, 4], 500, 4), ([], 5, 0), ([9], 5, 5)],
)
def test_many_of_one_kind_leave_space_for_the_others(
    sizes: list[int], limit: int, most: int
) -> None:
    assert share(sizes, limit) == most
    assert sum(min(size, most) for size in sizes) <= limit


def test_the_number_of_the_records_is_only_shown_where_it_differs() -> None:
    number = "+353871234567"
    same = finding("stuck", "a", phone_number=number, local_phone_number=number)
    other = finding("stuck", "b", phone_number=number, local_phone_number="087 123 4567")
    rows = sample(run([same, other]), 9, masked=False)[Kind.STUCK]
    assert [row.local_phone_number for row in rows] == ["", "087 123 4567"]


def test_a_row_knows_since_when_and_whether_somebody_knows_of_it() -> None:
    made = run(
        [finding("stuck", "a"), finding("stuck", "b")],
        first_seen_on={"a": date(2026, 4, 20)},
        lifecycle={"a": "acknowledged", "b": "open"},
    )
    old, new = sample(made, 9, masked=True)[Kind.STUCK]
    assert (old.first_seen_on, old.state) == (date(2026, 4, 20), "acknowledged")
    assert (new.first_seen_on, new.state) == (date(2026, 4, 24), "open")
    assert old.sent_at is None
