"""Count the figures of the last days in the store, by days of the configured time zone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from recon.core import calendar, calling_codes, coverage, failure_reasons, reason_texts
from recon.core.cost_rates import CostRates, price
from recon.core.day_figures import (
    CostEstimate,
    CountryFigures,
    DayFigures,
    DeliveryTimes,
    HourFigures,
    ReasonFigures,
    ranked,
)
from recon.core.retry_outcomes import RetryCounts
from recon.model import Kind, RequestCounts, RetryRule, Span, State, Status
from recon.store import coverage_proof, figure_counts, finding_figures, retry_exports
from recon.store.finding_figures import RunCounts

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.store.figure_counts import GroupCount, StatusCount
    from recon.store.finding_figures import Collected, FindingCount

#: Messages whose time to delivery is measured: of each day, and of all days of an account.
_MEASURED_OF_A_DAY: Final = 500
_MEASURED: Final = 20_000
_LEAST_MEASURED: Final = 20
#: Statements at a time: one sorts while another one waits for the disk or the server.
_AT_A_TIME: Final = 2

_Counts = dict[str, int]
_Count = TypeVar("_Count", "GroupCount", "StatusCount")


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of time, as far as it has passed."""

    day: date
    span: Span
    seconds: float


def by_day(
    zone: str,
    engine: Engine,
    accounts: Sequence[str],
    now: datetime,
    days: int,
    rates: CostRates | None = None,
) -> list[DayFigures]:
    """Return the figures of each account and day, the oldest day first, then by account.

    Args:
        zone: the time zone in which days begin and end.
        engine: the job's own database, its schema ready.
        accounts: which accounts, in this order.
        now: our own clock.
        days: how many, including today so far.
        rates: what delivered messages cost; without it, costs are not estimated.

    Raises:
        TemporaryError, OutputError, ConfigError: the store failed.
    """
    parts = _days(zone, now, days)
    found = [_of_account(engine, name, parts, rates) for name in accounts]
    return [one for of_day in zip(*found, strict=True) for one in of_day]


def _of_account(
    engine: Engine, account: str, parts: Sequence[_Part], rates: CostRates | None
) -> list[DayFigures]:
    spans = [part.span for part in parts]
    days = parts[0].day, parts[-1].day
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        reasons = pool.submit(figure_counts.by_reason, engine, account, spans)
        costs = pool.submit(_costs, engine, account, parts, rates)
        counts = figure_counts.by_status(engine, account, spans)
        delivery = _delivery(engine, account, spans, counts)
        failed = _by_position(reasons.result())
        cost = costs.result()
    states = _by_date(finding_figures.by_state(engine, account, days))
    ran = finding_figures.runs_by_day(engine, account, days)
    nothing = RunCounts(0, RequestCounts())
    retried = {one.day: one.counts for one in retry_exports.outcomes(engine, [account], days)}
    covered = _covered(engine, account, parts, [sum(each.values()) for each in counts])
    figures = []
    for position, part in enumerate(parts):
        texts = reason_texts.counted((one.group, one.messages) for one in failed[position])
        commonest, others = ranked(texts)
        about = states[part.day]
        run = ran.get(part.day, nothing)
        figures.append(
            DayFigures(
                account=account,
                date=part.day,
                sent=counts[position][Status.SENT],
                delivered=counts[position][Status.DELIVERED],
                read=counts[position][Status.READ],
                failed=counts[position][Status.FAILED],
                deleted=counts[position][Status.DELETED],
                unknown=counts[position][Status.UNKNOWN],
                seconds=part.seconds,
                covered_seconds=covered[position],
                failure_reasons=commonest,
                other_reasons=others,
                findings={one.kind: one.findings for one in about if one.group == State.OPEN},
                opened=sum(one.findings for one in about),
                resolved=sum(one.findings for one in about if one.group == State.RESOLVED),
                incidents=run.incidents,
                requests=run.requests,
                retries=retried.get(part.day, RetryCounts()),
                delivery=delivery.get(position),
                cost=cost.get(part.day),
            )
        )
    return figures


def by_hour(
    zone: str, engine: Engine, accounts: Sequence[str], now: datetime, days: int
) -> Iterator[HourFigures]:
    """Yield the messages of each hour that has begun, by account; the arguments of `by_day`."""
    hours = [
        (hour, part)
        for each in _days(zone, now, days)
        for hour, span in calendar.hours(each.day, zone)
        if (part := _part(each.day, span, now)).seconds > 0
    ]
    parts = [part for _, part in hours]
    for account in accounts:
        counts = figure_counts.by_status(engine, account, [part.span for part in parts])
        covered = _covered(engine, account, parts, [sum(each.values()) for each in counts])
        for (hour, part), each, proven in zip(hours, counts, covered, strict=True):
            yield HourFigures(
                account=account,
                date=part.day,
                hour=hour,
                **each,
                seconds=part.seconds,
                covered_seconds=proven,
            )


def by_country(
    zone: str, engine: Engine, accounts: Sequence[str], now: datetime, days: int
) -> Iterator[CountryFigures]:
    """Yield the messages of each day by country, by account; the arguments of `by_day`.

    Only countries with messages are included.
    """
    parts = _days(zone, now, days)
    for account in accounts:
        counted = figure_counts.by_prefix(
            engine, account, [part.span for part in parts], calling_codes.PREFIX_LENGTH
        )
        places = {
            prefix: calling_codes.country(prefix) for prefix in {one.group for one in counted}
        }
        grouped = _by_position(counted)
        covered = _covered(engine, account, parts, [len(grouped[n]) for n in range(len(parts))])
        for position, part in enumerate(parts):
            countries: dict[calling_codes.Country, list[StatusCount]] = defaultdict(list)
            for one in grouped[position]:
                countries[places[one.group]].append(one)
            for place, some in sorted(countries.items()):
                yield CountryFigures(
                    account=account,
                    date=part.day,
                    calling_code=place.calling_code,
                    country=place.country,
                    **_statuses(some),
                    seconds=part.seconds,
                    covered_seconds=covered[position],
                )


def by_reason(
    zone: str,
    engine: Engine,
    accounts: Sequence[str],
    now: datetime,
    days: int,
    rules: Sequence[RetryRule] = (),
) -> Iterator[ReasonFigures]:
    """Yield the failed messages of each day by reason, by account; the arguments of `by_day`.

    The most frequent reason of a day comes first. The configured `rules` have precedence for its
    meaning.
    """
    parts = _days(zone, now, days)
    for account in accounts:
        counted = figure_counts.by_reason(engine, account, [part.span for part in parts])
        grouped = _by_position(counted)
        covered = _covered(engine, account, parts, [len(grouped[n]) for n in range(len(parts))])
        for position, part in enumerate(parts):
            texts = reason_texts.counted((one.group, one.messages) for one in grouped[position])
            for reason, count in ranked(texts, len(texts))[0].items():
                yield ReasonFigures(
                    account=account,
                    date=part.day,
                    reason=reason,
                    meaning=failure_reasons.explain(reason, tuple(rules)),
                    failed=count,
                    seconds=part.seconds,
                    covered_seconds=covered[position],
                )


def _days(zone: str, now: datetime, days: int) -> list[_Part]:
    today = calendar.day_at(now, zone)
    windows = calendar.windows(today - timedelta(days=days - 1), today, zone)
    return [_part(date.fromisoformat(one.label), one.span, now) for one in windows]


def _part(day: date, span: Span, now: datetime) -> _Part:
    assert span.start is not None
    assert span.end is not None
    passed = (min(span.end, now) - span.start).total_seconds()
    return _Part(day, span, max(passed, 0.0))


def _covered(
    engine: Engine, account: str, parts: Sequence[_Part], counts: Sequence[int]
) -> list[float | None]:
    """Return for how many seconds of each part the messages are proven complete.

    It is not known for time without messages before the first poll, or that was purged.
    """
    spans = coverage_proof.read(engine, account).spans
    collected = finding_figures.collected(engine, account)
    passed = [
        Span(part.span.start, part.span.start + timedelta(seconds=part.seconds))
        for part in parts
        if part.span.start is not None
    ]
    found = coverage.covered_seconds(passed, spans)
    return [
        seconds if seconds or count or _is_collected(part.span, collected) else None
        for part, seconds, count in zip(parts, found, counts, strict=True)
    ]


def _is_collected(span: Span, collected: Collected) -> bool:
    assert span.end is not None
    purged = collected.purged_before
    since = collected.since
    return since is not None and span.end > since and (purged is None or span.end > purged)


def _costs(
    engine: Engine, account: str, parts: Sequence[_Part], rates: CostRates | None
) -> dict[date, CostEstimate]:
    """Return the estimate of each day; none without rates."""
    if rates is None:
        return {}
    length, spans = rates.prefix_length, [part.span for part in parts]
    found = {part.day: CostEstimate() for part in parts}
    of_day = {part.day: rates.on(part.day) for part in parts}
    for one in figure_counts.reached_by_prefix(engine, account, spans, length):
        day = parts[one.position].day
        rate = price(one.group, of_day[day])
        found[day] += (
            CostEstimate(unpriced=one.messages)
            if rate is None
            else CostEstimate(spent=rate * one.messages)
        )
    days = parts[0].day, parts[-1].day
    for surplus in finding_figures.costly(engine, account, days, length):
        cost = (price(surplus.group, of_day[surplus.day]) or 0.0) * surplus.findings
        twice = cost if surplus.kind == Kind.DUPLICATE_SEND else 0.0
        found[surplus.day] += CostEstimate(twice=twice, wasted=cost)
    return found


def _delivery(
    engine: Engine, account: str, spans: Sequence[Span], counts: Sequence[_Counts]
) -> dict[int, DeliveryTimes]:
    """Return the delivery times for each span, by its position, from an even sample of messages."""
    most = max(_LEAST_MEASURED, min(_MEASURED_OF_A_DAY, _MEASURED // len(spans)))
    reached = [sum(each[status] for status in figure_counts.REACHED) for each in counts]
    steps = [max(1, -(-count // most)) for count in reached]
    times: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for position, least, longest in figure_counts.delivery_times(engine, account, spans, steps):
        times[position].append((least, longest))
    return {position: _quantiles(some) for position, some in times.items()}


def _quantiles(times: Sequence[tuple[float, float]]) -> DeliveryTimes:
    sides = [sorted(side) for side in zip(*times, strict=True)]

    def at(per_cent: int) -> tuple[float, float]:
        # The smallest value that at least `per_cent` of them do not exceed.
        place = max(0, -(-len(times) * per_cent // 100) - 1)
        least, longest = (side[place] for side in sides)
        return least, longest

    return DeliveryTimes(len(times), at(50), at(90))


def _statuses(counted: Sequence[StatusCount]) -> dict[str, int]:
    counts = dict.fromkeys(map(str, Status), 0)
    for one in counted:
        counts[one.status if one.status in counts else Status.UNKNOWN.value] += one.messages
    return counts


def _by_position(counted: Iterable[_Count]) -> Mapping[int, list[_Count]]:
    found: dict[int, list[_Count]] = defaultdict(list)
    for one in counted:
        found[one.position].append(one)
    return found


def _by_date(counted: Sequence[FindingCount]) -> Mapping[date, list[FindingCount]]:
    found: dict[date, list[FindingCount]] = defaultdict(list)
    for one in counted:
        found[one.day].append(one)
    return found
