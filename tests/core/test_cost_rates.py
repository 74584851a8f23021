from __future__ import annotations

from datetime import date

import pytest

from recon.core.cost_rates import CostRates, RateChange, price

RATES = CostRates(
    "EUR",
    {"353": 0.05, "1": 0.02, "1876": 0.09},
    (
        RateChange(date(2026, 10, 1), {"353": 0.08}),
        RateChange(date(2026, 7, 1), {"353": 0.06, "44": 0.04}),
    ),
)


@pytest.mark.parametrize(
    ("number", "cost"),
    [
        ("+353871234567", 0.05),
        ("+3538", 0.05),
        ("+18765550100", 0.09),
        ("+12125550100", 0.02),
        ("+447700900000", None),
        ("353871234567", None),
        ("US.1349", None),
        ("+", None),
        ("", None),
    ],
)
def test_the_longest_code_that_a_number_begins_with_counts(number: str, cost: float | None) -> None:
    assert price(number, RATES.on(date(2026, 1, 1))) == cost


@pytest.mark.parametrize(
    ("day", "ireland", "britain"),
    [
        (date(2026, 6, 30), 0.05, None),
        (date(2026, 7, 1), 0.06, 0.04),
        (date(2026, 10, 1), 0.08, 0.04),
    ],
)
def test_changes_hold_from_their_day_on_in_any_order(
    day: date, ireland: float, britain: float | None
) -> None:
    rates = RATES.on(day)
    assert (rates["353"], rates.get("44"), rates["1876"]) == (ireland, britain, 0.09)


def test_as_much_of_a_number_is_told_apart_as_the_codes_are_long() -> None:
    assert RATES.prefix_length == len("+1876")
    assert CostRates("EUR", {}).prefix_length == 1
