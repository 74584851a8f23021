"""The tiles, charts and columns of the dashboard, also for the page's script."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from recon.core.day_figures import CostEstimate, DayFigures

#: How a figure is written: a whole number, a share of what is known, a share of time (rounded down,
#: so that only a whole one is 100 %), an amount of money.
Form: TypeAlias = Literal["count", "share", "covered", "money"]

#: What sums of fractions are off by at most, in the last digit that is written.
_ERROR: Final = 1e-6

#: Shown for an unknown figure.
UNKNOWN: Final = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Column:
    """A figure, its title and its format."""

    key: str
    title: str
    form: Form = "count"
    tone: str = "plain"
    """The colour of its bars."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One large figure, with related figures in small print."""

    column: Column
    notes: Sequence[Column] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """Figures over time, drawn as bars, with a table of the same figures."""

    name: str
    title: str
    hint: str
    form: Form
    drawn: Sequence[Column]
    is_stacked: bool = True
    """Whether the bars are stacked; else they are side by side."""
    first: Sequence[Column] = ()
    """Columns only in the table, before those that are drawn."""
    more: Sequence[Column] = ()
    """Columns only in the table, after those that are drawn."""
    marks_gaps: bool = False
    """Whether time that is not completely covered is marked below the bars."""

    @property
    def columns(self) -> list[Column]:
        """The columns of the table."""
        return [*self.first, *self.drawn, *self.more]


TOTAL: Final = Column("total", "messages")
#: The statuses, in the order of the stack.
STATUSES: Final[Sequence[Column]] = (
    Column("read", "read", tone="read"),
    Column("delivered", "delivered", tone="delivered"),
    Column("sent", "sent", tone="sent"),
    Column("deleted", "deleted", tone="deleted"),
    Column("unknown", "unknown", tone="unknown"),
    Column("failed", "failed", tone="failed"),
)
#: Counts of messages: unknown where neither a message nor covered time is.
OF_MESSAGES: Final = ("total", "reached", *(column.key for column in STATUSES))
_FAILURE_RATE: Final = Column("failure_rate", "failed", "share", "failed")
_COVERED: Final = Column("covered", "covered", "covered", "covered")

TILES: Final[Sequence[Tile]] = (
    Tile(TOTAL),
    Tile(Column("delivered_rate", "delivered", "share"), [Column("reached", "messages")]),
    Tile(Column("read_rate", "read", "share"), [Column("read", "messages")]),
    Tile(_FAILURE_RATE, [Column("failed", "messages")]),
    Tile(
        Column("open", "open findings"),
        [Column("opened", "opened"), Column("resolved", "resolved")],
    ),
    Tile(Column("incidents", "incidents")),
    Tile(Column("covered", "of the time covered", "covered")),
    Tile(Column("requests", "requests"), [Column("rate_limited", "rate-limited")]),
)

CHARTS: Final[Sequence[Chart]] = (
    Chart(
        "messages",
        "Messages by status",
        "Each message counts once, at the time it was sent, with its current status.",
        "count",
        STATUSES,
        first=(TOTAL,),
        more=(_COVERED,),
        marks_gaps=True,
    ),
    Chart(
        "failures",
        "Failure rate",
        "The share of the messages with a final status that failed. Messages that are still on "
        "their way do not count.",
        "share",
        [_FAILURE_RATE],
        first=(Column("failed", "failed messages"),),
        more=(Column("delivered_rate", "delivered", "share"), Column("read_rate", "read", "share")),
        marks_gaps=True,
    ),
    Chart(
        "coverage",
        "Coverage",
        "The share of the time for which the collected messages are proven complete. In time that "
        "is not covered, more messages may have been sent. Without a bar, nothing is known.",
        "covered",
        [_COVERED, Column("not_covered", "not covered", "share", "gap")],
    ),
    Chart(
        "findings",
        "Findings",
        "Findings about the messages and records of these days, and how many of them have been "
        "resolved.",
        "count",
        [
            Column("opened", "opened", tone="failed"),
            Column("resolved", "resolved", tone="covered"),
        ],
        is_stacked=False,
        more=(Column("open", "still open"),),
    ),
    Chart(
        "incidents",
        "Incidents",
        "Findings with one likely cause count as one incident. The report of the day describes it.",
        "count",
        [Column("incidents", "incidents", tone="failed")],
    ),
    Chart(
        "requests",
        "Requests of the nightly runs",
        "Requests that the runs made to Octopods; they share the rate limit with your sends. "
        "Polls by recon collect are not counted.",
        "count",
        [
            Column("list", "listings", tone="sent"),
            Column("status", "status calls", tone="delivered"),
            Column("rate_limited", "rate-limited", tone="failed"),
        ],
        is_stacked=False,
    ),
)

#: One row for each account.
ACCOUNT_COLUMNS: Final[Sequence[Column]] = (
    TOTAL,
    Column("delivered_rate", "delivered", "share"),
    Column("read_rate", "read", "share"),
    _FAILURE_RATE,
    Column("open", "open findings"),
    Column("incidents", "incidents"),
    _COVERED,
)


def cost_tile(currency: str) -> Tile:
    """Return the tile of the cost estimate."""
    return Tile(
        Column("spent", f"{currency} spent (estimate)", "money"),
        [Column("twice", "paid twice", "money"), Column("wasted", "wasted", "money")],
    )


def cost_chart(currency: str) -> Chart:
    """Return the chart of the cost estimate."""
    return Chart(
        "cost",
        f"Cost in {currency} (estimate)",
        "An estimate by the configured rates: delivered messages are charged, failed ones are not. "
        "Duplicates, and messages to a number other than the recorded one, count as wasted.",
        "money",
        [
            Column("spent", "spent", "money", "sent"),
            Column("twice", "paid twice", "money", "unknown"),
            Column("wasted", "wasted", "money", "failed"),
        ],
        is_stacked=False,
        more=(Column("unpriced", "without a rate"),),
    )


def values(figures: DayFigures) -> Mapping[str, float | None]:
    """Return the figures by the keys of the columns; `None` if nothing is known."""
    known = figures.is_known
    cost = figures.cost or CostEstimate()
    covered = figures.coverage
    return {
        **{name: getattr(figures, name) if known else None for name in OF_MESSAGES},
        "failure_rate": figures.failure_rate,
        "delivered_rate": figures.delivered_rate,
        "read_rate": figures.read_rate,
        "covered": covered,
        "not_covered": None if covered is None else 1 - covered,
        "open": sum(figures.findings.values()),
        "opened": figures.opened,
        "resolved": figures.resolved,
        "incidents": figures.incidents,
        "list": figures.requests.list,
        "status": figures.requests.status,
        "requests": figures.requests.list + figures.requests.status,
        "rate_limited": figures.requests.rate_limited,
        "spent": cost.spent,
        "twice": cost.twice,
        "wasted": cost.wasted,
        "unpriced": cost.unpriced,
    }


def written(value: float | None, form: Form) -> str:
    """Return a figure formatted for people: `1,204`, `4.2%`, `0.35`; a dash for `None`."""
    if value is None:
        return UNKNOWN
    if form == "count":
        return f"{value:,.0f}"
    if form == "money":
        return f"{_half_up(value * 100) / 100:,.2f}"
    if form == "covered":
        return f"{math.floor(value * 1000 + _ERROR) / 10:.1f}%"
    if 0 < value < 0.001:  # noqa: PLR2004 - what would round to none
        return "<0.1%"
    if 0.999 < value < 1:  # noqa: PLR2004 - what would round to all
        return ">99.9%"
    return f"{_half_up(value * 1000) / 10:.1f}%"


def _half_up(number: float) -> int:
    """Round half up; a value that differs from a half only by a floating-point error is a half."""
    return math.floor(number + 0.5 + _ERROR)
