"""The figures of some accounts and days in the form that the dashboard shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from recon.core.day_figures import DayFigures, summed
from recon.report import bar_charts, labels
from recon.report.dashboard_layout import (
    ACCOUNT_COLUMNS,
    STATUSES,
    Chart,
    Column,
    Tile,
    values,
    written,
)

#: With more days than this a bar is a week, with more than that a month.
MOST_DAYS: Final = 62
MOST_DAYS_OF_WEEKS: Final = 550
#: The least top of a scale: one message, one in a hundred, the whole, one unit of money.
LEAST_TOP: Final[Mapping[str, float]] = {"count": 1, "share": 0.01, "covered": 1, "money": 1}


@dataclass(frozen=True, slots=True)
class DrawnChart:
    """A chart with its paths and its table."""

    chart: Chart
    paths: Sequence[tuple[Column, str]]
    gaps: str
    """The path of the marks below the bars."""
    top: str
    """The value at the upper edge."""
    rows: Sequence[tuple[str, Sequence[str]]]
    """The rows of the table, the newest first: the time and a cell for each column."""


@dataclass(frozen=True, slots=True)
class View:
    """Everything that is shown about some days."""

    is_known: bool
    unit: str
    """The time that a bar covers: `day`, `week` or `month`."""
    tiles: Sequence[tuple[Tile, str, str]]
    """Each tile with its figure and its small print."""
    total: int
    statuses: Sequence[tuple[Column, int]]
    charts: Sequence[DrawnChart]
    reasons: Sequence[tuple[str | None, str, str]]
    """The reason (`None` for all others), its messages, and their share of the failed ones."""
    findings: Sequence[tuple[str, str]]
    """Kind and count, by urgency."""
    accounts: Sequence[tuple[str, Sequence[str]]]


def view(
    figures: Sequence[DayFigures],
    days: Sequence[date],
    accounts: Sequence[str],
    tiles: Sequence[Tile],
    charts: Sequence[Chart],
    *,
    reasons: Mapping[str, int],
    other_reasons: int,
) -> View:
    """Return the view of some figures.

    Args:
        figures: of the days and accounts, in any order; a day may be absent.
        days: all days, without a break.
        accounts: the accounts with rows, in this order.
        tiles: the tiles.
        charts: the charts.
        reasons: their failed messages by reason, the most frequent first.
        other_reasons: failed messages with any other reason.
    """
    unit, spans = periods(days)
    period_of = {day: at for at, span in enumerate(spans) for day in span}
    by_period: list[list[DayFigures]] = [[] for _ in spans]
    by_account: dict[str, list[DayFigures]] = {name: [] for name in accounts}
    for one in figures:
        by_period[period_of[one.date]].append(one)
        by_account[one.account].append(one)
    sums = [_sum(some) for some in by_period]
    whole = _sum(sums)
    every = values(whole)
    columns = [values(one) for one in sums]
    titles = [_title(span) for span in spans]
    return View(
        is_known=whole.is_known,
        unit=unit,
        tiles=[(tile, *_tile(tile, every)) for tile in tiles],
        total=whole.total,
        statuses=[(column, getattr(whole, column.key)) for column in STATUSES],
        charts=[_drawn(chart, columns, titles) for chart in charts],
        reasons=_reasons(whole.failed, reasons, other_reasons),
        findings=[
            (kind.value, written(whole.findings[kind.value], "count"))
            for kind in labels.KINDS_BY_URGENCY
            if whole.findings.get(kind.value)
        ],
        accounts=[
            (name, _cells(ACCOUNT_COLUMNS, values(_sum(by_account[name])))) for name in accounts
        ],
    )


def periods(days: Sequence[date]) -> tuple[str, list[list[date]]]:
    """Return the unit of a bar, and the days of each bar; there are few enough bars to distinguish.

    A week begins on Monday; the first and the last may be incomplete.
    """
    if len(days) <= MOST_DAYS:
        return "day", [[day] for day in days]
    unit = "week" if len(days) <= MOST_DAYS_OF_WEEKS else "month"
    spans: list[list[date]] = []
    for day in days:
        begins = day.weekday() == 0 if unit == "week" else day.day == 1
        if begins or not spans:
            spans.append([])
        spans[-1].append(day)
    return unit, spans


def all_days(first: date, last: date) -> list[date]:
    """Return the days from the first to the last."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _sum(figures: Sequence[DayFigures]) -> DayFigures:
    return summed(figures) or DayFigures(account="", date=date.min)


def _title(span: Sequence[date]) -> str:
    return f"{span[0]:%a} {span[0]}" if len(span) == 1 else f"{span[0]} to {span[-1]}"


def _tile(tile: Tile, every: Mapping[str, float | None]) -> tuple[str, str]:
    notes = ", ".join(f"{written(every[note.key], note.form)} {note.title}" for note in tile.notes)
    return written(every[tile.column.key], tile.column.form), notes


def _cells(columns: Sequence[Column], figures: Mapping[str, float | None]) -> list[str]:
    return [written(figures[column.key], column.form) for column in columns]


def _drawn(
    chart: Chart, columns: Sequence[Mapping[str, float | None]], titles: Sequence[str]
) -> DrawnChart:
    series = [[one[column.key] for one in columns] for column in chart.drawn]
    heights = [
        (sum if chart.is_stacked else max)(value or 0 for value in values_)
        for values_ in zip(*series, strict=True)
    ]
    scale = bar_charts.top(max(heights), least=LEAST_TOP[chart.form])
    draw = bar_charts.stacked if chart.is_stacked else bar_charts.grouped
    marked = [chart.marks_gaps and (one["covered"] or 0) < 1 for one in columns]
    rows = [(title, _cells(chart.columns, one)) for title, one in zip(titles, columns, strict=True)]
    return DrawnChart(
        chart,
        list(zip(chart.drawn, draw(series, scale), strict=True)),
        bar_charts.strip(marked),
        written(scale, chart.form),
        rows[::-1],
    )


def _reasons(
    failed: int, reasons: Mapping[str, int], others: int
) -> list[tuple[str | None, str, str]]:
    counts: list[tuple[str | None, int]] = [*reasons.items()]
    if others:
        counts.append((None, others))
    return [
        (reason, written(count, "count"), written(count / (failed or count), "share"))
        for reason, count in counts
    ]
