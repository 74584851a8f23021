"""Whatever the list, a cache or a clock does: no error is false, and what stays open is told.

`provider_days.Days` checks after each night that no error is false and that what was planted in
proven time is found. Each case says in addition what the report must tell of its coverage.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from recon.model import Status
from recon.simulator import http_faults
from recon.simulator import list_misbehaviours as misbehaviours
from recon.simulator.channel import SIMULATED_KEY, Channel
from recon.simulator.http_faults import Fault
from recon.simulator.list_misbehaviours import Misbehaviour
from tests.cli.provider_days import Days, hour, provider_days

NEW_KEY = "key-of-the-next-year"
NEVER = hour(10_000)
YEAR = timedelta(days=365)

#: Hours after the start; the day that is judged lasts from 24 to 48.
POLLS = tuple(range(18, 51, 4))
NIGHTS = (51,)
#: From when on messages are sent.
FIRST = 12
#: When most of the misbehaviour goes on.
SINCE, UNTIL = 33, 45


def without(since: float, until: float) -> tuple[int, ...]:
    """Return the hours of the polls but for an outage."""
    return tuple(at for at in POLLS if not since <= at < until)


def each(minutes: float, *, until: float = 52.0) -> list[float]:
    """Return when messages are sent, one each so many minutes."""
    return [FIRST + n * minutes / 60 for n in range(1, int((until - FIRST) * 60 / minutes))]


def at_noon(misbehaviour: Misbehaviour) -> Misbehaviour:
    return misbehaviours.during(hour(SINCE), hour(UNTIL), misbehaviour)


def from_noon(misbehaviour: Misbehaviour) -> Misbehaviour:
    return misbehaviours.during(hour(SINCE), NEVER, misbehaviour)


@dataclass(frozen=True)
class Case:
    """A misbehaviour, and what the report of the day has to say of it."""

    name: str
    list: Misbehaviour | None = None
    polls: Sequence[float] = POLLS
    prepare: Callable[[Days], None] = lambda days: days.send(each(6))
    before_poll: Callable[[Days, float], None] = lambda _days, _at: None
    nights: Sequence[float] = NIGHTS
    status_fault: Fault | None = None
    has_gap: bool = True
    refused: int = 0
    """How many answers at least."""
    has_withdrawn: bool = False
    note: str = ""
    """A part of a note in the report, empty for no note at all."""
    log: str = ""
    """A part of a line of the log."""
    confirmed: frozenset[str] = frozenset({"", "yes"})


def own_clock(hours: float) -> Callable[[Days, float], None]:
    """Let the machine's clock be so far ahead from noon on."""

    def change(days: Days, at: float) -> None:
        days.night.own_clock_ahead = timedelta(hours=hours if at >= SINCE else 0)

    return change


def late(days: Days) -> None:
    days.send(
        each(6),
        change=lambda n: (
            {"appears_at": hour(FIRST + n / 10) + timedelta(minutes=15)}
            if n > 200 and n % 7 == 0
            else {}
        ),
    )


def removed(days: Days) -> None:
    days.send(
        each(60, until=76),
        change=lambda n: {"removed_at": hour(26)} if n in {2, 6} else {},
    )


def rotated(days: Days) -> None:
    days.send(each(6, until=34))
    days.send([at for at in each(6) if at > 34], key=NEW_KEY)


def second_host(days: Days, at: float) -> None:
    """From 34 on this host has the new key; another one goes on with the old one."""
    if at >= 34:
        days.night.key = NEW_KEY
        days.poll(at - 0.5, key=SIMULATED_KEY)


def old_key_too_long(days: Days, at: float) -> None:
    """Go on with the old key until 42, though messages are sent with the new one from 34 on."""
    days.night.key = SIMULATED_KEY if at <= 42 else NEW_KEY


def new_key_too_early(days: Days, at: float) -> None:
    """Configure the new key at 26, though messages are sent with it from 34 on."""
    days.night.key = SIMULATED_KEY if at < 26 else NEW_KEY


def rotated_and_busy(days: Days) -> None:
    days.send(each(6, until=34))
    days.send([at for at in each(3) if at > 34], key=NEW_KEY)


CASES = [
    Case(
        "future-date",
        from_noon(misbehaviours.dated(YEAR)),
        polls=without(36, 46),
        note="Octopods' clock is 365 days ahead of this machine's",
        log="Octopods' clock is 365 days ahead of this machine's",
    ),
    Case("cached-with-age", at_noon(misbehaviours.cached(hour(29), tells_age=True))),
    Case(
        "cached",
        at_noon(misbehaviours.cached(hour(29))),
        refused=1,
        log="newer than its own oldest that were listed before",
    ),
    Case(
        # It contradicts nothing; later ones do, but do not reach back to all that it lacks.
        "cached-with-news",
        misbehaviours.during(hour(34), hour(35), misbehaviours.cached(hour(27))),
        polls=(18, 26, 34, 42, 50),
        # With ids, a status call would find that the day is not proven.
        prepare=lambda days: days.send(each(6), with_ids=False),
        has_withdrawn=True,
        note="Octopods has listed messages more than a minute after they were sent",
        log="is withdrawn",
    ),
    Case(
        "own-clock-ahead",
        before_poll=own_clock(5),
        has_gap=False,
        note="Octopods' clock is 5 hours behind this machine's",
        log="Octopods' clock is 5 hours behind this machine's",
    ),
    Case(
        "own-clock-behind",
        before_poll=own_clock(-5),
        note="Octopods' clock is 5 hours ahead of this machine's",
        log="Octopods' clock is 5 hours ahead of this machine's",
    ),
    Case(
        "cap-at-first-contact",
        misbehaviours.capped(50),
        polls=POLLS[1:],
        has_gap=False,
        note="Octopods lists no more than 50 messages",
        log="the listing is cut at 50 messages",
    ),
    Case(
        "cap-in-the-middle-of-a-day",
        from_noon(misbehaviours.capped(30)),
        note="Octopods lists no more than 30 messages",
        log="the listing is cut at 30 messages",
    ),
    Case(
        "short-memory",
        misbehaviours.with_memory(timedelta(hours=12)),
        polls=without(26, 46),
        prepare=lambda days: days.send(each(20)),
        # As many items as before are taken for a cap, which is no less cautious.
        note="Octopods lists no more than",
        log="the list may have a lower limit, cover less time or be filtered",
    ),
    Case(
        "one-per-number",
        at_noon(misbehaviours.one_per_number),
        refused=1,
        has_withdrawn=True,
        note="Octopods has listed messages more than a minute after they were sent",
        log="it is refused",
    ),
    Case(
        "two-filtered-in-a-row",
        misbehaviours.during(
            hour(33),
            hour(39),
            misbehaviours.hiding(lambda one, now: one.status(now) == Status.FAILED),
        ),
        refused=2,
        log="it is refused",
    ),
    Case(
        "removed",
        prepare=removed,
        polls=range(18, 75, 8),
        nights=(51, 75),
        has_gap=False,
        refused=1,
        log="all count as removed at Octopods, and are no longer compared",
    ),
    Case(
        "late",
        prepare=late,
        has_withdrawn=True,
        note="Octopods has listed messages more than a minute after they were sent",
        log="is withdrawn",
    ),
    Case(
        "old-key-on-a-second-host",
        prepare=rotated,
        before_poll=second_host,
        refused=1,
        # What the new key denies says nothing of what was sent with the old one.
        confirmed=frozenset({"", "yes", "no"}),
        log="the account has polled a newer key since",
    ),
    Case(
        "old-key-too-long",
        prepare=rotated_and_busy,
        before_poll=old_key_too_long,
        has_withdrawn=True,
        log="the first list of the newer key does not reach back to the beginning of this time",
        confirmed=frozenset({"", "yes", "no"}),
    ),
    Case(
        "new-key-too-early",
        prepare=rotated,
        before_poll=new_key_too_early,
        confirmed=frozenset({"", "yes", "no"}),
    ),
    Case(
        "partial",
        at_noon(misbehaviours.partial(10)),
        refused=1,
        log="it is a partial answer (status 206 or Content-Range)",
    ),
    Case(
        "error-beside-the-list",
        at_noon(misbehaviours.with_error(12, "Degraded.", items=10)),
        refused=1,
        log="it has error code 12 beside its list",
    ),
    Case(
        "by-last-change",
        misbehaviours.by_last_change,
        refused=1,
        log="its messages are not listed newest first",
    ),
    Case(
        "an-hour-later",
        at_noon(misbehaviours.shifted(timedelta(hours=1))),
        refused=1,
        log="a different time than earlier answers did",
    ),
    Case(
        "an-hour-earlier",
        at_noon(misbehaviours.shifted(-timedelta(hours=1))),
        refused=1,
        log="a different time than earlier answers did",
    ),
    Case(
        "an-hour-later-at-first-contact",
        misbehaviours.during(hour(0), hour(24), misbehaviours.shifted(timedelta(hours=1))),
        polls=POLLS[1:],
        refused=1,
        has_withdrawn=True,
        log="a different time than earlier answers did",
    ),
    Case(
        "status-pages",
        status_fault=http_faults.not_found_page(),
        log="no more status calls in this run",
        polls=without(33, 45),
        confirmed=frozenset({"", "no"}),
    ),
    Case(
        "passing-code",
        status_fault=http_faults.passing(),
        log="no more status calls in this run",
        polls=without(33, 45),
        confirmed=frozenset({"", "no"}),
    ),
]


@pytest.mark.thorough
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_error_is_false_and_what_stays_open_is_told(
    tmp_path: Path, database_url: str, case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="recon")
    channel = Channel(keys=[SIMULATED_KEY, NEW_KEY], first_id=101, misbehaviour=case.list)
    with provider_days(tmp_path, database_url, channel=channel, fault=case.status_fault) as days:
        case.prepare(days)
        for at in sorted({*case.polls, *case.nights}):
            case.before_poll(days, at)
            if at in case.nights:
                days.judge(at)
            else:
                days.poll(at)
        report = days.report()
        coverage, notes = report["coverage"], " ".join(report.get("coverage_notes", []))
        assert bool(coverage["gaps"]) is case.has_gap
        assert len(coverage["refused"]) >= case.refused
        assert bool(coverage["refused"]) is (case.refused > 0)
        assert bool(coverage["withdrawn"]) is case.has_withdrawn
        assert case.note in notes if case.note else notes == ""
        assert case.log in caplog.text
        assert set(days.night.confirmed().values()) <= case.confirmed


def test_a_broadcast_in_the_records_withdraws_its_day(tmp_path: Path, database_url: str) -> None:
    with provider_days(tmp_path, database_url) as days:
        days.send(each(6, until=36))
        hidden = days.night.channel.send("+353871299999", hour(36.01), appears_at=NEVER)
        days.record(100_000, hidden)
        days.send([at for at in each(6) if at > 36.02])
        for at in POLLS:
            days.poll(at)
        days.judge(51)
        coverage = days.report()["coverage"]
        assert coverage["withdrawn"][0]["start"] == "2026-04-23T00:00:00Z"
        assert not coverage["complete"]
