"""Figures of sends as a table for people: by day, or of all days by hour, country or reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import takewhile
from typing import Final

from recon.core import day_figures, retry_outcomes
from recon.core.day_figures import (
    CountryFigures,
    DayFigures,
    HourFigures,
    ReasonFigures,
    SendFigures,
)
from recon.core.failure_reasons import FailureReason
from recon.report.labels import KINDS_BY_URGENCY, counted, duration_text, title
from recon.report.stats_rows import Row
from recon.report.terminal_text import columns, paint, plain, wrapped

_NOTHING: Final = "-"
_HEADER: Final = ("messages", "reached", "read", "failed", "failure rate", "on the way", "coverage")
_FIGURES: Final = frozenset({*_HEADER, "findings", "incidents"})
#: Failure reasons below the table of days.
_REASONS: Final = 5


def page(rows: Sequence[Row], by: str, *, currency: str | None, width: int, colour: bool) -> str:
    """Return the table of rows.

    Args:
        rows: of one sort, the oldest first.
        by: what they are grouped by: `day`, `hour`, `country` or `reason`.
        currency: of the cost estimates, where there are any.
        width: columns that a sentence may take; the table is not wrapped.
        colour: whether ANSI codes may be used.
    """
    match by:
        case "hour":
            return _by_hour((one for one in rows if isinstance(one, HourFigures)), colour=colour)
        case "country":
            some = (one for one in rows if isinstance(one, CountryFigures))
            return _by_country(some, colour=colour)
        case "reason":
            failed = (one for one in rows if isinstance(one, ReasonFigures))
            return _by_reason(failed, width=width, colour=colour)
        case _:
            days = [one for one in rows if isinstance(one, DayFigures)]
            return _by_day(days, currency, width=width, colour=colour)


def _by_day(days: Sequence[DayFigures], currency: str | None, *, width: int, colour: bool) -> str:
    """Return the figures of each day and account, then the total.

    Unknown days at the beginning are one line.
    """
    known = {one.date for one in days if one.is_known}
    before = list(takewhile(lambda day: day not in known, sorted({one.date for one in days})))
    shown = [one for one in days if one.date not in before]
    lines: list[str] = []
    if before:
        lines += wrapped(
            f"Nothing is known about {_days(before)}: no poll covers that time.", width
        )
    together = day_figures.summed(shown)
    if together is None:
        return "\n".join(lines) + "\n"
    several = len({one.account for one in shown}) > 1
    rows = [_row((one.date.isoformat(), one.account), one, _extra(one)) for one in shown]
    rows.append(_row(("all", "" if several else together.account), together, _extra(together)))
    header = ("date", "account", *_HEADER, "findings", "incidents")
    lines += [""] * bool(lines) + _table(header, rows, colour=colour)
    return "\n".join([*lines, "", *_sentences(shown, together, currency, width)]) + "\n"


def _by_hour(hours: Iterable[HourFigures], *, colour: bool) -> str:
    """Return the figures of each hour of the day, all days and accounts together."""
    groups: dict[tuple[str, ...], list[SendFigures]] = defaultdict(list)
    for one in hours:
        groups[f"{one.hour:02}:00",].append(one)
    return _grouped(("hour",), dict(sorted(groups.items())), colour=colour)


def _by_country(countries: Iterable[CountryFigures], *, colour: bool) -> str:
    """Return the figures of each country, all days and accounts together, the largest first."""
    groups: dict[tuple[str, ...], list[SendFigures]] = defaultdict(list)
    for one in countries:
        code = f"+{one.calling_code}" if one.calling_code else _NOTHING
        groups[one.country or _NOTHING, code].append(one)
    if not groups:
        return "There are no known messages.\n"
    largest = sorted(groups.items(), key=lambda each: -sum(one.total for one in each[1]))
    return _grouped(("country", "code"), dict(largest), colour=colour)


def _by_reason(reasons: Iterable[ReasonFigures], *, width: int, colour: bool) -> str:
    """Return how many messages failed for each reason, all days and accounts together.

    Below each are its class and its meaning.
    """
    counts: dict[str, int] = {}
    meanings: dict[str, FailureReason] = {}
    for one in reasons:
        counts[one.reason] = counts.get(one.reason, 0) + one.failed
        meanings[one.reason] = one.meaning
    if not counts:
        return "There are no known failed messages.\n"
    lines = [paint("failed  reason", "bold", on=colour)]
    for reason, count in day_figures.ranked(counts, len(counts))[0].items():
        about = meanings[reason]
        lines += _ranked(reason, count, width)
        said = f"{about.name}: {about.title} ({about.decision.value})"
        lines += wrapped(said, width, indent=" " * 8, hanging=" " * 10)
    return "\n".join(lines) + "\n"


def _grouped(
    names: tuple[str, ...], groups: dict[tuple[str, ...], list[SendFigures]], *, colour: bool
) -> str:
    rows = [_row(group, day_figures.counted_together(some)) for group, some in groups.items()]
    return "\n".join(_table((*names, *_HEADER), rows, colour=colour)) + "\n"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], *, colour: bool) -> list[str]:
    first, *others = columns(header, rows, figures=_FIGURES)
    return [paint(first, "bold", on=colour), *others]


def _row(group: tuple[str, ...], one: SendFigures, more: tuple[str, ...] = ()) -> tuple[str, ...]:
    counts = (one.total, one.reached, one.read, one.failed)
    numbers = [f"{count:,}" if one.is_known else _NOTHING for count in counts]
    way = f"{one.sent + one.unknown:,}" if one.is_known else _NOTHING
    rates = [_per_cent(one.failure_rate), way, _share(one.coverage)]
    return (*map(plain, group), *numbers, *rates, *more)


def _extra(one: DayFigures) -> tuple[str, ...]:
    return f"{sum(one.findings.values()):,}", f"{one.incidents:,}"


def _per_cent(rate: float | None) -> str:
    return _NOTHING if rate is None else f"{rate:.1%}"


def _share(coverage: float | None) -> str:
    # Rounded down: only a whole day is 100 %.
    return "not known" if coverage is None else f"{int(coverage * 1000) / 10:g}%"


def _sentences(
    shown: Sequence[DayFigures], together: DayFigures, currency: str | None, width: int
) -> list[str]:
    said: list[str] = []
    uncovered = sum(one.seconds - (one.covered_seconds or 0) for one in shown if one.seconds)
    if uncovered >= 1:
        length = duration_text(timedelta(seconds=uncovered))
        said.append(f"{length} are not covered: messages of that time may be missing here.")
    opened = [(kind, together.findings.get(kind.value, 0)) for kind in KINDS_BY_URGENCY]
    kinds = ", ".join(f"{count:,} {title(kind)}" for kind, count in opened if count)
    said.append(
        f"Findings: {together.opened:,} opened, {together.resolved:,} resolved, "
        f"{sum(together.findings.values()):,} open{f': {kinds}' if kinds else ''}."
    )
    asked = together.requests
    said.append(
        f"Requests of runs: {asked.list:,} list, {asked.status:,} status, "
        f"{asked.rate_limited:,} rate-limited."
    )
    retried = together.retries
    if retried.proposed:
        advice = retry_outcomes.advice(retried)
        said.append(
            f"Retries: {retried.proposed:,} proposed, {retried.delivered:,} delivered since. "
            f"{advice}".rstrip()
        )
    if together.cost is not None and currency is not None:
        cost = together.cost
        said.append(
            f"Cost (estimate): {currency} {cost.spent:,.2f} spent, {cost.wasted:,.2f} of it "
            f"wasted, {cost.twice:,.2f} of that on duplicates{_unpriced(cost.unpriced)}."
        )
    timed = [one for one in shown if one.delivery is not None]
    if timed and (latest := timed[-1].delivery) is not None:
        least, most = latest.median
        said.append(
            f"Median time to delivery on {timed[-1].date}: between {_seconds(least)} and "
            f"{_seconds(most)}, as far as polls show ({counted(latest.messages, 'message')})."
        )
    lines = [line for each in said for line in wrapped(each, width, hanging="  ")]
    commonest = list(together.failure_reasons.items())[:_REASONS]
    if commonest:
        lines.append("Failure reasons:")
    return [*lines, *(line for one in commonest for line in _ranked(*one, width))]


def _ranked(reason: str, count: int, width: int) -> list[str]:
    text = plain(reason) or "(no reason given)"
    return wrapped(text, width, indent=f"{count:>6,}  ", hanging=" " * 8)


def _unpriced(messages: int) -> str:
    if not messages:
        return ""
    return (
        f"; {counted(messages, 'delivered message')} {'has' if messages == 1 else 'have'} no rate"
    )


def _seconds(length: float) -> str:
    return duration_text(timedelta(seconds=length)) if length else "0 s"


def _days(days: Sequence[date]) -> str:
    return f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
