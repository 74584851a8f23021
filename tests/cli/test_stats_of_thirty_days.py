"""`recon stats` over thirty days against plain counts of what was sent, recorded and asked."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from recon.cli import collect, stats
from recon.model import Kind, Status
from recon.simulator.channel import Channel
from recon.simulator.simulated_message import (
    DELETED,
    DELIVERED,
    FAILED_AT_ONCE,
    FAILED_LATER,
    ONLY_SENT,
    ONLY_UNKNOWN,
    READ,
    Reason,
    SimulatedMessage,
    StatusCourse,
)
from tests.cli.nights import Nights, nights

DAYS: Final = 30
#: The nights that reconcile, each with the days, as such a night counts them; all others only poll.
#: The last one is told no days: it catches up a week.
RUNS: Final = {18: range(14, 19), 21: range(19, 22), 29: range(23, 30)}
RECONCILED: Final = {day for days in RUNS.values() for day in days}
#: The night before which more is sent than one answer lists, and how much.
BURST: Final = 18
BURST_SIZE: Final = 110
LISTED: Final = 100
#: The day whose unrecorded message is recorded after the first run.
MENDED: Final = 15
COURSES: Final = (READ, DELIVERED, DELETED, FAILED_AT_ONCE, FAILED_LATER, ONLY_SENT, ONLY_UNKNOWN)
REACHED: Final = {"delivered", "read", "deleted"}
REASONS: Final = (
    "Recipient is not a WhatsApp user.",
    "(#131049) Not delivered: healthy ecosystem",
    "",
)
MEANINGS: Final = {
    REASONS[0]: ("not_on_whatsapp", "the number cannot be reached on WhatsApp", "do_not_retry"),
    REASONS[1]: (
        "marketing_cap",
        "the user gets too much marketing at the moment, from all businesses together",
        "retry",
    ),
    "": ("unknown", "no reason given", "review"),
}
PREFIXES: Final = {"+353": ("IE", "353"), "+447": ("GB", "44"), "+121": ("US", "1")}
NUMBERS: Final = ("+35387{:02}0{:04}", "+44770{:02}0{:04}", "+1212555{:02}{:02}")
COST: Final = """
[cost]
currency = "EUR"
rates = { "353" = 0.0685, "44" = 0.04 }
[[cost.changes]]
from = 2026-05-08
rates = { "353" = 0.07 }
"""
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)


def price(number: str, day: date) -> float:
    """Return what a message costs by `COST`; nothing to the United States."""
    ireland = 0.07 if day >= date(2026, 5, 8) else 0.0685
    return {"+353": ireland, "+447": 0.04, "+121": 0.0}[number[:4]]


@dataclass
class Truth:
    """What was sent, found and asked, noted while it happened."""

    stage: Nights
    known: list[SimulatedMessage] = field(default_factory=list)
    """The messages that are listed, or named by a record."""
    kinds: Counter[tuple[date, str]] = field(default_factory=Counter)
    resolved: Counter[date] = field(default_factory=Counter)
    requests: dict[date, tuple[int, int]] = field(default_factory=dict)
    polls: list[datetime] = field(default_factory=list)
    gaps: list[tuple[datetime, datetime]] = field(default_factory=list)

    @property
    def today(self) -> date:
        return self.stage.clock().date()

    def send(
        self,
        number: str,
        at: datetime,
        course: StatusCourse,
        reason: Reason | None = None,
        *,
        recorded: str | None = "sent",
        to: str | None = None,
    ) -> SimulatedMessage:
        """Send a message; record it as this status and to this number, unless it is None."""
        made = self.stage.channel.send(number, at, course=course, reason=reason)
        self.known.append(made)
        if recorded is not None:
            key = made.message_id
            self.stage.workshop.add_records((key, key, to or number, at, recorded))
        return made

    def night(self, night: int) -> None:
        """Send what a day has; what is sent, and what goes wrong, differs from day to day."""
        day = self.today - timedelta(days=1)
        found = self.kinds if night in RECONCILED else Counter()
        start = datetime(day.year, day.month, day.day, 10, tzinfo=UTC)
        for n in range(night % 5 + 7):
            course = COURSES[(night + n) % len(COURSES)]
            self.send(
                NUMBERS[n % 3].format(night, n),
                start + 7 * n * MINUTE,
                course,
                Reason(REASONS[(night * n) % 3]),
                recorded="sent" if n else None,
            )
            found[day, Kind.MISSING_LOCALLY] += not n
            fails = course in (FAILED_AT_ONCE, FAILED_LATER)
            found[day, Kind.STATUS_MISMATCH] += fails and n > 0
            is_old = night < DAYS - 1
            found[day, Kind.STUCK] += is_old and course in (ONLY_SENT, ONLY_UNKNOWN)
        later = start + 2 * HOUR
        if night % 3 == 0:
            lost = (900_000 + night, 900_000 + night, NUMBERS[0].format(night, 90), later, "sent")
            self.stage.workshop.add_records(lost)
            found[day, Kind.MISSING_AT_PROVIDER] += 1
        if night % 4 == 1:
            number = NUMBERS[0].format(night, 91)
            self.send(number, later, READ)
            self.send(number, later + MINUTE / 2, DELIVERED, recorded=None)
            found[day, Kind.DUPLICATE_SEND] += 1
        if night % 4 == 3:
            other = NUMBERS[1].format(night, 93)
            self.send(NUMBERS[1].format(night, 92), later, DELIVERED, to=other)
            found[day, Kind.RECIPIENT_MISMATCH] += 1
        if night % 5 == 2:
            self.send(NUMBERS[2].format(night, 94), later + MINUTE, DELETED, recorded="failed")
            found[day, Kind.STATUS_MISMATCH] += 1

    def burst(self) -> None:
        """Send more than the next answer lists, unrecorded: it shows the newest only.

        Of the others those are known that a record names, and for which Octopods is asked.
        """
        day = self.today - timedelta(days=1)
        start = datetime(day.year, day.month, day.day, 15, tzinfo=UTC)
        sent = [
            self.send(NUMBERS[0].format(99, n), start + n * MINUTE, READ, recorded=None)
            for n in range(BURST_SIZE)
        ]
        first = next(one for one in self.known if one.sent_at.date() == day)
        for one in (first, *sent[:-LISTED]):
            self.known.remove(one)
        self.kinds[day, Kind.MISSING_LOCALLY] = LISTED
        self.gaps.append((self.polls[-1] - MINUTE, sent[-LISTED].sent_at + MINUTE / 60))

    def reconcile(self, night: int) -> None:
        """Reconcile some days; note what that asked Octopods for."""
        newest, before = self.today - timedelta(days=1), len(self.stage.requests)
        oldest = newest - timedelta(days=len(RUNS[night]) - 1)
        days = ("--from", str(oldest), "--to", str(newest)) if night < DAYS - 1 else ()
        assert self.stage.run(*days, day=None) == 0
        self.requests[newest] = (1, len(self.stage.requests) - before - 1)


def thirty_days(stage: Nights) -> Truth:
    truth = Truth(stage)
    for night in range(DAYS):
        truth.night(night)
        if night == BURST:
            truth.burst()
        if night in RUNS:
            truth.reconcile(night)
        else:
            assert stage.invoke(collect.command, "--force") == 0
        truth.polls.append(stage.clock())
        if night == min(RUNS):
            record_the_first(truth, truth.today - timedelta(days=night - MENDED + 1))
        stage.clock.advance(86_400)
    stage.clock.advance(-86_400)
    return truth


def record_the_first(truth: Truth, day: date) -> None:
    [first, *_] = [one for one in truth.known if one.sent_at.date() == day]
    key = first.message_id
    truth.stage.workshop.add_records((key, key, first.phone_number, first.sent_at, "sent"))
    truth.resolved[day] += 1


def rows(stage: Nights, *options: str) -> list[dict[str, Any]]:
    found = json.loads(stage.shown(stats.command, "--format", "json", *options))
    assert isinstance(found, list)
    return found


@pytest.mark.thorough
def test_every_figure_of_thirty_days_is_that_of_a_slow_count(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url, channel=Channel(first_id=101)) as stage:
        with (tmp_path / "recon.toml").open("a") as config:
            config.write(COST)
        truth = thirty_days(stage)
        found = rows(stage, "--days", str(DAYS + 1))
        assert len(found) == DAYS + 1
        of_day = defaultdict(list)
        for one in truth.known:
            of_day[one.sent_at.date()].append(one)
        for row in found:
            day = date.fromisoformat(row["date"])
            assert_messages(truth, row, of_day[day])
            assert_delivery(truth, row, of_day[day])
            assert_cost(truth, row, of_day[day])
            assert_found(truth, row)
            assert row["coverage"] == pytest.approx(covered(truth, day), abs=1e-6)
        assert sum(len(some) for some in of_day.values()) == sum(row["total"] or 0 for row in found)
        for by, group in GROUPS.items():
            assert_groups(truth, by, group)


def assert_messages(truth: Truth, row: dict[str, Any], mine: Sequence[SimulatedMessage]) -> None:
    now = truth.stage.clock()
    counts = Counter(one.status(now) for one in mine)
    assert {word: row[word] for word in map(str, Status)} == {
        word: counts[word] for word in map(str, Status)
    }
    assert_rates(row)
    why = Counter(one.reason.title for one in mine if one.status(now) == "failed" and one.reason)
    assert {one["reason"] or "": one["count"] for one in row["failure_reasons"]} == why


def assert_rates(row: dict[str, Any]) -> None:
    """Compare the total and the rates of a row with its counts."""
    counts = {status: row[status] or 0 for status in map(str, Status)}
    assert (row["total"] or 0) == sum(counts.values())
    reached = sum(counts[word] for word in REACHED)
    final = reached + counts["failed"]

    def share(part: int, whole: int) -> Any:  # noqa: ANN401 - approx
        return pytest.approx(part / whole, abs=1e-6) if whole else None

    assert row["failure_rate"] == share(counts["failed"], final)
    assert row["delivered_rate"] == share(reached, final)
    assert row["read_rate"] == share(counts["read"], reached)


def assert_delivery(truth: Truth, row: dict[str, Any], mine: Sequence[SimulatedMessage]) -> None:
    """Compare the times to delivery: all were first seen by the poll of the next morning."""
    now = truth.stage.clock()
    seen = [
        (min(at for at in truth.polls if at >= one.sent_at) - one.sent_at).total_seconds()
        for one in mine
        if one.status(now) in REACHED
    ]
    found = row["delivery_seconds"]
    if not seen:
        assert found is None
        return
    longest = sorted(seen)
    assert found["measured"] == len(longest)
    for name, per_cent in (("median", 50), ("percentile_90", 90)):
        place = -(-len(longest) * per_cent // 100) - 1
        assert found[name] == {"min": 0, "max": pytest.approx(longest[place], abs=2)}


def assert_cost(truth: Truth, row: dict[str, Any], mine: Sequence[SimulatedMessage]) -> None:
    now, day = truth.stage.clock(), date.fromisoformat(row["date"])
    reached = [one.phone_number for one in mine if one.status(now) in REACHED]
    twice = truth.kinds[day, Kind.DUPLICATE_SEND] * price("+353", day)
    wasted = twice + truth.kinds[day, Kind.RECIPIENT_MISMATCH] * price("+447", day)
    spent = sum(price(number, day) for number in reached)
    assert row["cost_estimate"] == {
        "currency": "EUR",
        "spent": pytest.approx(spent, abs=5.1e-5),
        "twice": pytest.approx(twice, abs=5.1e-5),
        "wasted": pytest.approx(wasted, abs=5.1e-5),
        "unpriced": sum(number.startswith("+1") for number in reached),
    }


def assert_found(truth: Truth, row: dict[str, Any]) -> None:
    """Compare findings with what went wrong, incidents with the report, requests with the log."""
    day = date.fromisoformat(row["date"])
    opened = {kind: truth.kinds[day, kind] for kind in map(str, Kind)}
    mended = {Kind.MISSING_LOCALLY.value: truth.resolved[day]}
    assert row["findings"] == {kind: n - mended.get(kind, 0) for kind, n in opened.items()}
    assert (row["opened"], row["resolved"]) == (sum(opened.values()), truth.resolved[day])
    listed, asked = truth.requests.get(day, (0, 0))
    assert row["requests"] == {"list": listed, "status": asked, "rate_limited": 0}
    if any(opened.values()):
        report = truth.stage.workshop.report(day=row["date"])
        assert row["incidents"] == len(report["incidents"])


def covered(truth: Truth, day: date, hours: Iterable[int] = range(24)) -> float | None:
    """Return the share of some hours of a day, as far as they have passed, that polls prove."""
    passed = proven = timedelta()
    for hour in hours:
        start = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
        end = min(start + HOUR, truth.stage.clock())
        passed += max(end - start, timedelta())
        last = min(end, truth.polls[-1] - MINUTE)
        proven += max(last - start, timedelta())
        for first, until in truth.gaps:
            proven -= max(min(until, last) - max(first, start), timedelta())
    return proven / passed if passed else None


Group = Callable[[SimulatedMessage], object]
GROUPS: Final[dict[str, Group]] = {
    "hour": lambda one: one.sent_at.hour,
    "country": lambda one: PREFIXES[one.phone_number[:4]][0],
    "reason": lambda one: one.reason.title if one.reason else "",
}


def assert_groups(truth: Truth, by: str, group: Group) -> None:
    """Compare every figure of the groups with those of the messages."""
    now = truth.stage.clock()
    slow = Counter(
        (one.sent_at.date().isoformat(), group(one), one.status(now))
        for one in truth.known
        if by != "reason" or one.status(now) == "failed"
    )
    found: Counter[tuple[str, object, str]] = Counter()
    for row in rows(truth.stage, "--by", by, "--days", str(DAYS + 1)):
        assert_rates(row)
        day, shown = date.fromisoformat(row["date"]), "" if row[by] is None else row[by]
        for status in map(str, Status):
            found[row["date"], shown, status] += row[status] or 0
        share = covered(truth, day, [row["hour"]] if by == "hour" else range(24))
        assert row["coverage"] == pytest.approx(share, abs=1e-6)
        if by == "country":
            assert (row["country"], row["calling_code"]) in PREFIXES.values()
        if by == "reason":
            assert (row["class"], row["meaning"], row["decision"]) == MEANINGS[shown]
    assert +found == slow
