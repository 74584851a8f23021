"""The settings of the cost estimate: what a delivered message costs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from recon.config.section import Location, Section, invalid
from recon.config.value_types import Frozen, Number, quoted
from recon.core.cost_rates import CostRates, RateChange

_CODE: Final = re.compile(r"[1-9][0-9]{0,9}")


def _day(value: object) -> object:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            value = value.strip()
    if not isinstance(value, date) or isinstance(value, datetime):
        raise invalid(f"is {quoted(value)}, but must be a date; write for example 2026-07-01")
    return value


def _rate_errors(raw: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
    rates = raw.get("rates")
    if not isinstance(rates, Mapping):
        return
    if not rates:
        yield ("rates",), 'is empty; write for example rates = { "353" = 0.05 }'
    for code in rates:
        if not _CODE.fullmatch(str(code)):
            yield (
                ("rates", code),
                'is not a calling code; write its digits without "+", such as "353"',
            )


Rate = Annotated[Number, Field(ge=0)]


class Change(Section):
    """Rates that apply from a day on."""

    since: Annotated[date, BeforeValidator(_day)] = Field(alias="from", examples=["2026-07-01"])
    rates: Frozen[Rate] = Field(examples=[{"353": 0.06}])

    @classmethod
    def rules(cls, raw: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
        """Rates are by calling code."""
        yield from _rate_errors(raw)


class Cost(Section):
    """What delivered messages cost: always an estimate."""

    currency: str = Field(min_length=1, max_length=10, examples=["EUR"])
    rates: Frozen[Rate] = Field(examples=[{"353": 0.05, "44": 0.04}])
    changes: tuple[Change, ...] = ()

    @classmethod
    def rules(cls, raw: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
        """Rates are by calling code."""
        yield from _rate_errors(raw)

    @property
    def as_rates(self) -> CostRates:
        """The rates as the core takes them."""
        changes = [RateChange(one.since, dict(one.rates)) for one in self.changes]
        return CostRates(self.currency, dict(self.rates), tuple(changes))
