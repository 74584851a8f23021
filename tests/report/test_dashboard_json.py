from __future__ import annotations

import json
from typing import Any

from recon.core.day_figures import CostEstimate, DayFigures, DeliveryTimes
from recon.model import RequestCounts
from recon.report import dashboard_json
from tests.report.dashboards import figures, shown


def data(made: list[DayFigures], *, mask: bool = True) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        dashboard_json.content(shown(made, days=2, currency="EUR", mask=mask))
    )
    return found


def test_it_says_what_the_figures_are_of() -> None:
    said = data([])
    assert said == {
        "made_at": "2026-04-24T05:00:00Z",
        "timezone": "Europe/Dublin",
        "first": "2026-04-22",
        "last": "2026-04-23",
        "currency": "EUR",
        "accounts": ["main"],
        "failure_reasons": [],
        "days": [],
    }


def test_a_day_has_all_its_figures() -> None:
    one = figures(
        sent=1,
        delivered=2,
        read=3,
        failed=5,
        deleted=5,
        unknown=6,
        failure_reasons={"busy\nnumber +353871234567": 3, "": 1},
        other_reasons=1,
        findings={"stuck": 2},
        opened=4,
        resolved=1,
        incidents=1,
        requests=RequestCounts(7, 8, 9),
        delivery=DeliveryTimes(2, (1.0, 2.0), (3.0, 4.5)),
        cost=CostEstimate(1.5, 0.25, 0.5, 3),
        covered_seconds=21_600.0,
    )
    [day] = data([one])["days"]
    assert day.pop("findings")["stuck"] == 2
    assert day == {
        "date": "2026-04-23",
        "account": "main",
        "total": 22,
        "sent": 1,
        "delivered": 2,
        "read": 3,
        "failed": 5,
        "deleted": 5,
        "unknown": 6,
        "failure_rate": 0.333333,
        "delivered_rate": 0.666667,
        "read_rate": 0.3,
        "coverage": 0.25,
        "opened": 4,
        "resolved": 1,
        "incidents": 1,
        "requests": {"list": 7, "status": 8, "rate_limited": 9},
        "retries": {"proposed": 0, "delivered": 0},
        "failure_reasons": [
            {"reason": "busy number +353••••••567", "count": 3},
            {"reason": None, "count": 1},
        ],
        "other_failure_reasons": 1,
        "delivery_seconds": {
            "measured": 2,
            "median": {"min": 1.0, "max": 2.0},
            "percentile_90": {"min": 3.0, "max": 4.5},
        },
        "cost_estimate": {
            "currency": "EUR",
            "spent": 1.5,
            "twice": 0.25,
            "wasted": 0.5,
            "unpriced": 3,
        },
    }
    assert "+353871234567" in str(data([one], mask=False))


def test_it_says_what_each_reason_means() -> None:
    reasons = {"(#131026) Message undeliverable": 1, "": 1}
    none, known = data([figures(failed=2, failure_reasons=reasons)])["failure_reasons"]
    assert (known["reason"], known["code"]) == ("(#131026) Message undeliverable", 131026)
    assert (known["scope"], known["decision"]) == ("recipient", "do_not_retry")
    assert (none["reason"], none["code"], none["decision"]) == (None, None, "review")


def test_what_is_not_known_is_null() -> None:
    [one] = data([figures(covered_seconds=None)])["days"]
    names = ["total", "failed", "failure_rate", "coverage", "delivery_seconds", "cost_estimate"]
    assert [one[name] for name in names] == [None] * 6
