"""The figures of an account's sends, for one day and for several days together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Final

from recon.core import retry_outcomes
from recon.core.failure_reasons import FailureReason
from recon.core.retry_outcomes import RetryCounts
from recon.model import RequestCounts

#: The most distinct failure reasons of a day; the messages of all others are counted together.
MOST_REASONS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFigures:
    """Messages by their present status, and the share of the time that is covered.

    These are Octopods' messages: each id counts once, at its `sent_at`. Rates count only what is
    known, and are `None` if nothing is. If `is_known` is false, a count of 0 means nothing.
    """

    sent: int = 0
    delivered: int = 0
    """Messages that were delivered and, by Octopods' answers, neither read nor deleted."""
    read: int = 0
    failed: int = 0
    deleted: int = 0
    unknown: int = 0
    """Messages whose status is `unknown` or a word that is not documented."""
    seconds: float = 0.0
    """The length of the time, as far as it has passed."""
    covered_seconds: float | None = None
    """For how much of it the messages are proven complete; `None` if that is not known: before the
    first poll, and for time that was purged."""

    @property
    def total(self) -> int:
        """All messages."""
        return self.sent + self.unknown + self.final

    @property
    def reached(self) -> int:
        """Messages that reached the recipient: delivered, read, or deleted afterwards."""
        return self.delivered + self.read + self.deleted

    @property
    def final(self) -> int:
        """Messages with a final status: those that reached the recipient, and failed ones."""
        return self.reached + self.failed

    @property
    def failure_rate(self) -> float | None:
        """The share of failed messages among those with a final status, 0 to 1."""
        return self.failed / self.final if self.final else None

    @property
    def delivered_rate(self) -> float | None:
        """The share of messages with a final status that reached the recipient, 0 to 1."""
        return self.reached / self.final if self.final else None

    @property
    def read_rate(self) -> float | None:
        """The share of `read` among the messages that reached the recipient, 0 to 1.

        Octopods reports `read` only if the recipient has read receipts on.
        """
        return self.read / self.reached if self.reached else None

    @property
    def coverage(self) -> float | None:
        """The covered share of the time that has passed, 0 to 1."""
        if self.covered_seconds is None or not self.seconds:
            return None
        return min(self.covered_seconds / self.seconds, 1.0)

    @property
    def is_known(self) -> bool:
        """Whether there is a message or covered time; without either, nothing is known."""
        return bool(self.total or self.covered_seconds)


@dataclass(frozen=True, slots=True)
class DeliveryTimes:
    """How long delivery took, in seconds, within the limits that polls show.

    A message was delivered after it was last seen on its way and before it was first seen
    delivered. So each figure is a pair: the shortest possible time, and the longest.
    """

    messages: int
    """How many were measured."""
    median: tuple[float, float]
    percentile_90: tuple[float, float]


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """An estimate of the cost of sends by the configured rates, in the configured currency.

    A message is charged when it is delivered; a failed one is free.
    """

    spent: float = 0.0
    twice: float = 0.0
    """The part of the cost for delivered messages that are a `duplicate_send`."""
    wasted: float = 0.0
    """The useless part of the cost: `twice`, and messages delivered to a number other than the
    recorded one (`recipient_mismatch`)."""
    unpriced: int = 0
    """Delivered messages without a rate; the cost does not include them."""

    def __add__(self, other: CostEstimate) -> CostEstimate:
        return CostEstimate(
            self.spent + other.spent,
            self.twice + other.twice,
            self.wasted + other.wasted,
            self.unpriced + other.unpriced,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures(SendFigures):
    """All figures of one account and calendar day of the configured time zone.

    Figures of several days together have the last day as `date`, and an empty `account` if they are
    of several accounts.
    """

    account: str
    date: date
    failure_reasons: Mapping[str, int] = field(default_factory=dict)
    """Failed messages by Octopods' reason, without long numbers: at most `MOST_REASONS`, most
    frequent first. Those without a reason are under the empty text."""
    other_reasons: int = 0
    """Failed messages with any other reason."""
    findings: Mapping[str, int] = field(default_factory=dict)
    """Findings about the day that are open now, by kind; only kinds with at least one."""
    opened: int = 0
    """Findings about the day that were ever opened."""
    resolved: int = 0
    """Of these, findings that are resolved now."""
    incidents: int = 0
    """Incidents that the newest run of the day reported."""
    requests: RequestCounts = field(default_factory=RequestCounts)
    """The requests of all runs of the day, without the polls of `recon collect`."""
    retries: RetryCounts = field(default_factory=RetryCounts)
    """Failed sends of the day that were proposed for a retry, and how many numbers a later message
    reached."""
    delivery: DeliveryTimes | None = None
    """`None` if no delivery was seen, and for several days together."""
    cost: CostEstimate | None = None
    """`None` if no rates are configured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HourFigures(SendFigures):
    """The messages of one hour by the clock of the configured time zone."""

    account: str
    date: date
    hour: int
    """0 to 23; if an hour occurs twice on its day, this is both together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryFigures(SendFigures):
    """The messages of one day to one country; the covered time is that of the whole day."""

    account: str
    date: date
    calling_code: str
    country: str
    """See `recon.core.calling_codes.Country`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonFigures(SendFigures):
    """The messages of one day that failed for one reason; covered time is that of the whole day."""

    account: str
    date: date
    reason: str
    """In Octopods' words, without long numbers; empty if it gives none."""
    meaning: FailureReason
    """What is known about this reason."""


def summed(days: Iterable[DayFigures]) -> DayFigures | None:
    """Return the total figures of several days, `None` without any day.

    Time with unknown coverage is left out of the total coverage.
    """
    every = list(days)
    if not every:
        return None
    names = {one.account for one in every}
    costs = [one.cost for one in every if one.cost is not None]
    reasons, findings = Counter[str](), Counter[str]()
    for one in every:
        reasons.update(one.failure_reasons)
        findings.update(one.findings)
    commonest, others = ranked(reasons)
    return DayFigures(
        account=names.pop() if len(names) == 1 else "",
        date=max(one.date for one in every),
        **asdict(counted_together(every)),
        failure_reasons=commonest,
        other_reasons=others + sum(one.other_reasons for one in every),
        findings=dict(findings),
        opened=sum(one.opened for one in every),
        resolved=sum(one.resolved for one in every),
        incidents=sum(one.incidents for one in every),
        requests=sum((one.requests for one in every), RequestCounts()),
        retries=retry_outcomes.summed(one.retries for one in every),
        cost=sum(costs, CostEstimate()) if costs else None,
    )


def counted_together(some: Iterable[SendFigures]) -> SendFigures:
    """Return the total counts and coverage of several stretches of time."""
    every = list(some)
    proven = [one for one in every if one.covered_seconds is not None]
    return SendFigures(
        sent=sum(one.sent for one in every),
        delivered=sum(one.delivered for one in every),
        read=sum(one.read for one in every),
        failed=sum(one.failed for one in every),
        deleted=sum(one.deleted for one in every),
        unknown=sum(one.unknown for one in every),
        seconds=sum(one.seconds for one in proven),
        covered_seconds=sum(one.covered_seconds or 0.0 for one in proven) if proven else None,
    )


def by_day(days: Sequence[DayFigures]) -> list[DayFigures]:
    """Return the total figures of all accounts for each day, in order of time."""
    dates = sorted({one.date for one in days})
    grouped: dict[date, list[DayFigures]] = {day: [] for day in dates}
    for one in days:
        grouped[one.date].append(one)
    return [together for some in grouped.values() if (together := summed(some)) is not None]


def ranked(reasons: Mapping[str, int], most: int = MOST_REASONS) -> tuple[dict[str, int], int]:
    """Return the `most` most frequent reasons, and how many messages have another one."""
    order = sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
    return dict(order[:most]), sum(count for _, count in order[most:])
