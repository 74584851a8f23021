"""The stored results of runs as Prometheus metrics in text format; names begin with `recon_`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Final

from recon.model import LocalBalance, ProviderBalance, RequestCounts, Span, Window


@dataclass(frozen=True, slots=True)
class FindingCount:
    """Findings of one kind in one state."""

    kind: str
    state: str
    """`open`, `acknowledged` or `expected`."""
    count: int
    oldest: datetime
    """When the oldest of them was opened."""


@dataclass(frozen=True, slots=True)
class Latency:
    """How long messages took to be delivered, within the limits that polls show."""

    quantile: float
    lower: timedelta
    """When a message was last seen undelivered, or 0."""
    upper: timedelta
    """When a message was first seen delivered."""


@dataclass(frozen=True, slots=True)
class DayMetrics:
    """The latest run of a day."""

    window: Window
    local: LocalBalance
    provider: ProviderBalance
    gaps: Sequence[Span]
    requests: RequestCounts
    latencies: Sequence[Latency] = ()

    @property
    def coverage(self) -> float:
        """The share of the window that is proven complete, 0 to 1; 1 of a day without length."""
        start, end = self.window.start, self.window.end
        assert start is not None
        assert end is not None
        if start == end:  # the zone skipped the day
            return 1
        bounded = (min(gap.end or end, end) - max(gap.start or start, start) for gap in self.gaps)
        missing = sum((max(one, timedelta()) for one in bounded), timedelta())
        return 1 - min(missing / (end - start), 1)


@dataclass(frozen=True, slots=True)
class AccountMetrics:
    """The stored figures of one account."""

    account: str
    last_success: datetime | None
    """When the last run that was not suspect finished."""
    findings: Sequence[FindingCount]
    """All findings that are not resolved, of any day."""
    day: DayMetrics | None
    """The newest day that has a run."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """The end of the last run of one account."""

    ended: float
    """Seconds since 1970."""
    exit_code: float


@dataclass(frozen=True, slots=True)
class CommandMetrics:
    """The result of the command itself."""

    finished: datetime
    duration: timedelta
    last_runs: Mapping[str, LastRun]
    """By account, also of accounts that this command did not process."""
    mails_waiting: int = 0
    oldest_mail: datetime | None = None
    accounts: Sequence[AccountMetrics] = field(default_factory=tuple)


_ENDED: Final = "recon_last_run_timestamp_seconds"
_EXIT_CODE: Final = "recon_last_run_exit_code"

#: Each metric with the labels it has and what it means.
_METRICS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    _ENDED: ("When the last run ended.", ("account",)),
    _EXIT_CODE: ("The exit code of the last run.", ("account",)),
    "recon_last_run_duration_seconds": ("Duration of the last run, all its accounts together.", ()),
    "recon_last_success_timestamp_seconds": (
        "When the last run that was not suspect finished.",
        ("account",),
    ),
    "recon_records": ("Records of the newest day by bucket.", ("account", "bucket")),
    "recon_messages": ("Messages of the newest day by bucket.", ("account", "bucket")),
    "recon_coverage_ratio": ("Share of the newest day that is proven complete.", ("account",)),
    "recon_coverage_gaps": ("Gaps in the coverage of the newest day.", ("account",)),
    "recon_findings": (
        "Findings of all days that are not resolved.",
        ("account", "kind", "state"),
    ),
    "recon_oldest_finding_age_seconds": (
        "Age of the oldest of these findings.",
        ("account", "kind", "state"),
    ),
    "recon_requests": ("Requests of the last run by call.", ("account", "call")),
    "recon_rate_limited_requests": ("Requests answered with 429.", ("account",)),
    "recon_rate_limit_wait_seconds": ("Time the run waited before asking again.", ("account",)),
    "recon_delivery_latency_seconds": (
        "Time from send to delivery on the newest day; polls bound it from both sides.",
        ("account", "quantile", "bound"),
    ),
    "recon_mails_waiting": ("Mails that wait to be sent.", ()),
    "recon_oldest_mail_age_seconds": ("Age of the oldest mail that waits; 0 for none.", ()),
}


def content(command: CommandMetrics) -> bytes:
    """Return the text of all metrics."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    gauges = {
        name: Gauge(name, meaning, labels, registry=registry)
        for name, (meaning, labels) in _METRICS.items()
    }
    for name, labels, value in _samples(command):
        gauge = gauges[name]
        (gauge.labels(*labels) if labels else gauge).set(value)
    return generate_latest(registry)


def last_runs(text: str) -> dict[str, LastRun]:
    """Return the last run of each account from the text of metrics.

    Raises:
        ValueError: the text is not one of metrics.
    """
    from prometheus_client.parser import text_string_to_metric_families

    values: dict[str, dict[str, float]] = {_ENDED: {}, _EXIT_CODE: {}}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in values and "account" in sample.labels:
                values[sample.name][sample.labels["account"]] = sample.value
    ended, codes = values[_ENDED], values[_EXIT_CODE]
    return {name: LastRun(ended[name], codes[name]) for name in ended if name in codes}


_Samples = Iterator[tuple[str, tuple[str, ...], float]]


def _samples(command: CommandMetrics) -> _Samples:
    now, oldest = command.finished, command.oldest_mail or command.finished
    yield "recon_last_run_duration_seconds", (), command.duration.total_seconds()
    yield "recon_mails_waiting", (), command.mails_waiting
    yield "recon_oldest_mail_age_seconds", (), (now - oldest).total_seconds()
    for account, run in command.last_runs.items():
        yield _ENDED, (account,), run.ended
        yield _EXIT_CODE, (account,), run.exit_code
    for one in command.accounts:
        if one.last_success is not None:
            at = one.last_success.timestamp()
            yield "recon_last_success_timestamp_seconds", (one.account,), at
        for found in one.findings:
            labels = one.account, found.kind, found.state
            yield "recon_findings", labels, found.count
            age = (now - found.oldest).total_seconds()
            yield "recon_oldest_finding_age_seconds", labels, age
        if one.day is not None:
            yield from _day_samples(one.account, one.day)


def _day_samples(account: str, day: DayMetrics) -> _Samples:
    for name, balance in (("recon_records", day.local), ("recon_messages", day.provider)):
        for bucket, count in asdict(balance).items():
            yield name, (account, bucket), count
    yield "recon_coverage_ratio", (account,), day.coverage
    yield "recon_coverage_gaps", (account,), len(day.gaps)
    yield "recon_requests", (account, "list"), day.requests.list
    yield "recon_requests", (account, "status"), day.requests.status
    yield "recon_rate_limited_requests", (account,), day.requests.rate_limited
    yield "recon_rate_limit_wait_seconds", (account,), day.requests.waited_seconds
    for took in day.latencies:
        for bound, length in (("lower", took.lower), ("upper", took.upper)):
            labels = account, f"{took.quantile:g}", bound
            yield "recon_delivery_latency_seconds", labels, length.total_seconds()
