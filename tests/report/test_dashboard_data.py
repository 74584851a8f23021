from __future__ import annotations

from datetime import date, timedelta

import pytest

from recon.core.day_figures import CostEstimate, DayFigures
from recon.report.dashboard_data import PageData, column, page_data
from recon.report.dashboard_view import all_days
from tests.report.dashboards import LAST, figures


def data(
    made: list[DayFigures], days: int, *accounts: str, most_bytes: int = 1_000_000
) -> PageData:
    every = all_days(LAST - timedelta(days=days - 1), LAST)
    return page_data(made, every, accounts, shown=str.upper, most_bytes=most_bytes)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([1, 0, 36, 1295, None], "1,,10,zz,-"),
        ([86_400, 86_400], "1uo0"),
        ([0, 0], ""),
        ([None, None], "-"),
        ([0, 5], ",5"),
    ],
)
def test_a_column_is_a_short_text(values: list[int | None], text: str) -> None:
    assert column(values) == text


def test_figures_are_kept_by_account_and_column_in_the_order_of_time() -> None:
    made = [
        figures(0, read=2, covered_seconds=80_000.5),
        figures(2, read=40, findings={"stuck": 1}),
    ]
    content = data(made, 3, "main", "new").content
    assert (content["first"], content["days"]) == (date(2026, 4, 21).isoformat(), 3)
    main, new = content["accounts"]
    assert main["columns"] == {"read": "14,,2"}
    assert main["uncovered"] == ",-,4xs"
    assert main["findings"] == {"stuck": "1,,"}
    assert (new["columns"], new["uncovered"]) == ({}, "-")


def test_money_is_kept_in_parts_of_a_unit() -> None:
    made = [figures(cost=CostEstimate(spent=1.2964))]
    assert data(made, 1, "main").content["accounts"][0]["columns"] == {"spent": "a04"}


def test_reasons_that_do_not_fit_are_counted_together() -> None:
    reasons = {f"reason {n:02}": 30 - n for n in range(20)}
    made = [figures(failed=500, failure_reasons=reasons, other_reasons=90)]
    whole = data(made, 1, "main")
    assert len(whole.content["reasons"]) == len(whole.reasons) == 20
    assert whole.other_reasons == 90
    short = data(made, 1, "main", most_bytes=800)
    assert list(short.reasons.items()) == [("REASON 00", 30), ("REASON 01", 29)]
    assert short.content["reasons"] == ["REASON 00", "REASON 01"]
    assert sum(short.reasons.values()) + short.other_reasons == 500
    assert not data(made, 1, "main", most_bytes=0).reasons


def test_reasons_that_look_the_same_are_one() -> None:
    made = [figures(failed=3, failure_reasons={"a": 1, "A": 2})]
    assert data(made, 1, "main").reasons == {"A": 3}
