"""Rates of the cost estimate: what can be written, and what is said of the rest."""

from __future__ import annotations

from datetime import date

import pytest

from recon.core.cost_rates import CostRates, RateChange

from .conftest import Load, Refused

COST = """
[cost]
currency = "EUR"
rates = { "353" = 0.05, "44" = 0 }
[[cost.changes]]
from = 2026-07-01
rates = { "353" = 0.06 }
"""


def test_rates_are_read_with_their_changes(load: Load) -> None:
    cost = load(COST).cost
    assert cost is not None
    assert cost.as_rates == CostRates(
        "EUR", {"353": 0.05, "44": 0.0}, (RateChange(date(2026, 7, 1), {"353": 0.06}),)
    )


def test_without_the_section_there_are_no_rates(load: Load) -> None:
    assert load("").cost is None


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"353" = 0.05', '"+353" = 0.05', "is not a calling code; write its digits"),
        ('"353" = 0.05', "IE = 0.05", "is not a calling code; write its digits"),
        ("= 0.05", "= -1", "must be at least 0"),
        ("= 0.05", '= "cheap"', "must be a number"),
        ('currency = "EUR"', "", "cost.currency: is missing"),
        ("from = 2026-07-01", "", "from: is missing"),
        ("from = 2026-07-01", 'from = "July"', "must be a date; write for example 2026-07-01"),
        ('rates = { "353" = 0.06 }', "rates = {}", "is empty; write for example rates ="),
        ("currency =", "curency =", "did you mean currency?"),
    ],
)
def test_rates_that_cannot_be_meant_are_refused(
    refused: Refused, old: str, new: str, told: str
) -> None:
    assert any(told in error for error in refused(COST.replace(old, new, 1)))
