"""Caution does not blind: of an honest provider each planted discrepancy is found.

`provider_days.Days` compares each report with the truth. Here no time may be left unproven, so all
that was planted on the judged day has to be among the findings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from recon.model import Status
from recon.simulator.channel import SIMULATED_KEY, Channel
from recon.simulator.simulated_message import READ, course
from tests.cli.provider_days import Days, provider_days

NEW_KEY = "key-of-the-next-year"

#: Statuses that go on moving for hours.
SLOW = (
    course((0, Status.SENT), (300, Status.DELIVERED), (7200, Status.READ)),
    course((0, Status.UNKNOWN), (30, Status.SENT), (1800, Status.DELIVERED)),
    READ,
)


def evenly(since: float, until: float, count: int) -> list[float]:
    """Return the hours of so many sends."""
    return [since + (until - since) * (n + 0.5) / count for n in range(count)]


@dataclass(frozen=True)
class Case:
    """How messages are sent and polled; hours count from the midnight before the judged day."""

    name: str
    prepare: Callable[[Days], None]
    polls: Sequence[float]
    before_poll: Callable[[Days, float], None] = lambda _days, _at: None
    night: float = 51
    gap_minutes: float = 0


def rotated(days: Days) -> None:
    days.send(evenly(12, 36, 120))
    days.send(evenly(36, 51, 75), key=NEW_KEY)


def with_new_key(days: Days, at: float) -> None:
    if at >= 36.25:
        days.night.key = NEW_KEY


def second_host(days: Days, at: float) -> None:
    """Poll from another host, whose clock differs a little, with the same key."""
    days.night.own_clock_ahead = timedelta(seconds=40)
    days.poll(at - 1)
    days.night.own_clock_ahead = timedelta(0)


CASES = [
    Case("fewer-than-100-ever", lambda days: days.send(evenly(24, 48, 60)), polls=(24, 33, 42)),
    Case(
        "idle-weeks",
        lambda days: days.send([*evenly(-300, -290, 90), *evenly(40, 44, 90)]),
        polls=(-289, -200, -100, 0, 24, 41, 42, 43, 48),
    ),
    Case(
        "busy-with-many-polls",
        lambda days: days.send(evenly(30, 33, 900)),
        polls=(24, *(30 + n / 4 for n in range(14)), 42),
    ),
    Case(
        "statuses-moving",
        lambda days: days.send(evenly(24, 50, 150), courses=SLOW),
        polls=range(24, 51, 6),
    ),
    Case(
        "two-hosts-with-one-key",
        lambda days: days.send(evenly(20, 51, 200)),
        polls=range(22, 51, 6),
        before_poll=second_host,
    ),
    Case(
        "rotated-key",
        rotated,
        polls=(22, 28, 34, 35.99, 36.25, 42, 48),
        before_poll=with_new_key,
        gap_minutes=15,
    ),
    Case(
        "records-without-ids",
        lambda days: days.send(evenly(20, 51, 200), with_ids=False),
        polls=range(22, 51, 6),
    ),
    Case("first-day", lambda days: days.send(evenly(24, 50, 90)), polls=()),
]


@pytest.mark.thorough
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_all_that_is_planted_is_found_and_coverage_is_complete(
    tmp_path: Path, database_url: str, case: Case
) -> None:
    channel = Channel(keys=[SIMULATED_KEY, NEW_KEY], first_id=101)
    with provider_days(tmp_path, database_url, channel=channel) as days:
        case.prepare(days)
        for at in case.polls:
            case.before_poll(days, at)
            days.poll(at)
        days.judge(case.night)
        report = days.report()
        open_for = sum((end - start for start, end in days.gaps()), timedelta(0))
        assert open_for <= timedelta(minutes=case.gap_minutes)
        assert (report["coverage"]["refused"], report["coverage"]["withdrawn"]) == ([], [])
        if not case.gap_minutes:
            assert report["coverage"]["complete"]
            assert report["local"]["unverifiable"] == 0
        found = report["discrepancies"]
        assert found["missing_at_provider"] > 0
        assert found["missing_locally"] + found.get("duplicate_send", 0) > 0
