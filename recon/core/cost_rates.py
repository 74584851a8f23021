"""What a delivered message costs, by the calling code of its recipient and the day.

WhatsApp charges a message when it is delivered, by the recipient's calling code; a failed one is
free. Octopods' list shows neither price nor category, so the rates are the user's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple


class RateChange(NamedTuple):
    """Rates that apply from a day on, until a later change."""

    since: date
    rates: Mapping[str, float]
    """By calling code, which may include more digits of the number; other rates stay as they
    were."""


class CostRates(NamedTuple):
    """The price of a delivered message, in a currency."""

    currency: str
    rates: Mapping[str, float]
    """By calling code, digits without `+`; the longest code with which a number begins counts."""
    changes: Sequence[RateChange] = ()
    """In any order."""

    @property
    def prefix_length(self) -> int:
        """How many characters of a number decide what it costs, the `+` included."""
        codes = [*self.rates, *(code for change in self.changes for code in change.rates)]
        return 1 + max(map(len, codes), default=0)

    def on(self, day: date) -> Mapping[str, float]:
        """Return the rates of a day, by calling code."""
        rates = dict(self.rates)
        for change in sorted(self.changes, key=lambda one: one.since):
            if change.since <= day:
                rates |= change.rates
        return rates


def price(number: str, rates: Mapping[str, float]) -> float | None:
    """Return what a delivered message costs, `None` without a rate.

    Args:
        number: the recipient in E.164 with `+`, or as many of its first digits as the rates
            distinguish.
        rates: by calling code, see `CostRates.on`.
    """
    if not number.startswith("+"):
        return None
    digits = number[1:]
    lengths = range(len(digits), 0, -1)
    return next((rates[digits[:n]] for n in lengths if digits[:n] in rates), None)
