from __future__ import annotations

from datetime import date

import pytest

from recon.core.day_figures import CostEstimate, DayFigures, by_day, ranked, summed
from recon.model import RequestCounts

DAY = 86_400.0


def figures(day: int = 1, account: str = "main", **counted: object) -> DayFigures:
    return DayFigures(account=account, date=date(2026, 4, day), **counted)  # type: ignore[arg-type]


def test_rates_are_over_what_is_known() -> None:
    one = figures(sent=50, unknown=10, delivered=20, read=15, deleted=5, failed=10)
    assert one.total == 110
    assert one.failure_rate == 10 / 50
    assert one.delivered_rate == 40 / 50
    assert one.read_rate == 15 / 40


def test_where_nothing_is_known_there_is_no_rate() -> None:
    assert (figures().failure_rate, figures().delivered_rate, figures().read_rate) == (None,) * 3
    on_the_way = figures(sent=3, unknown=1)
    assert on_the_way.failure_rate is None
    assert on_the_way.is_known
    assert figures(failed=2).read_rate is None


def test_coverage_is_the_share_of_the_time_that_has_passed() -> None:
    assert figures(seconds=DAY, covered_seconds=DAY / 4).coverage == 0.25
    assert figures(covered_seconds=0.0).coverage is None
    assert figures(seconds=DAY).coverage is None


def test_a_covered_day_without_messages_is_known_and_an_uncovered_one_is_not() -> None:
    assert figures(seconds=DAY, covered_seconds=1.0).is_known
    assert not figures(seconds=DAY, covered_seconds=0.0).is_known
    assert not figures(seconds=DAY).is_known


def test_days_add_up() -> None:
    first = figures(
        1,
        delivered=8,
        failed=2,
        seconds=DAY,
        covered_seconds=DAY,
        failure_reasons={"not a user": 2},
        findings={"stuck": 1},
        opened=3,
        resolved=2,
        incidents=1,
        requests=RequestCounts(1, 2, 3),
        cost=CostEstimate(1.0, 0.25, 0.5, 4),
    )
    second = figures(
        2,
        read=10,
        seconds=DAY,
        covered_seconds=0.0,
        failure_reasons={"not a user": 1, "": 1},
        other_reasons=5,
        findings={"stuck": 2, "missing_locally": 1},
        requests=RequestCounts(1, 0, 0),
        cost=CostEstimate(2.0),
    )
    unproven = figures(3, sent=1, seconds=DAY)
    both = summed([first, second, unproven])
    assert both is not None
    assert (both.account, both.date) == ("main", date(2026, 4, 3))
    assert (both.total, both.failure_rate, both.coverage) == (21, 0.1, 0.5)
    assert both.failure_reasons == {"not a user": 3, "": 1}
    assert both.other_reasons == 5
    assert both.findings == {"stuck": 3, "missing_locally": 1}
    assert (both.opened, both.resolved, both.incidents) == (3, 2, 1)
    assert both.requests == RequestCounts(2, 2, 3)
    assert both.cost == CostEstimate(3.0, 0.25, 0.5, 4)


def test_no_day_has_no_sum() -> None:
    assert summed([]) is None
    assert by_day([]) == []


def test_accounts_are_put_together_by_day() -> None:
    days = [figures(2, "a", sent=1), figures(1, "b", sent=2), figures(2, "b", sent=4)]
    assert [(one.date.day, one.account, one.sent) for one in by_day(days)] == [
        (1, "b", 2),
        (2, "", 5),
    ]


@pytest.mark.parametrize("most", [1, 2, 3])
def test_the_commonest_reasons_are_told_apart(most: int) -> None:
    kept, others = ranked({"a": 1, "c": 3, "b": 3}, most)
    assert list(kept) == ["b", "c", "a"][:most]
    assert sum(kept.values()) + others == 7


def test_twenty_reasons_are_told_apart_unless_asked_otherwise() -> None:
    kept, others = ranked({f"{n:02}": 1 for n in range(21)})
    assert (len(kept), others) == (20, 1)
