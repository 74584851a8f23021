"""What is known of an account right now, without a request: what `recon status` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from recon.core import coverage
from recon.model import CoverageEvidence, Span, Window


@dataclass(frozen=True, slots=True)
class LastRun:
    """The latest run of the newest day that was judged."""

    run_id: str
    date: date
    verdict: str
    """A word of `VerdictKind`."""
    mode: str
    """What kind of job it was."""
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class DayCoverage:
    """How much of a day is proven complete by what was collected."""

    day: Window
    share: float
    """The covered share of the part of the day that has passed, 0 to 1; 1 before the day begins."""
    gaps: Sequence[Span]
    """The stretches of that part that are not covered, in order of time."""
    unpolled: Span | None = None
    """The last of `gaps` if it lasts until now: the next poll may still prove it."""


@dataclass(frozen=True, slots=True)
class LastPoll:
    """The latest answer to the list call that was kept, with any key."""

    at: datetime
    """Our own clock when it came."""
    items: int
    """Items in the answer, readable or not."""
    new: int
    """Messages in it that were not known before."""
    reading: str
    """How it was judged, a word of `listing_evidence.AnswerKind`."""
    why: str
    """Why it does not prove more; empty if nothing limits it."""


@dataclass(frozen=True, slots=True)
class NextPoll:
    """When the next poll of the account is due, by what is stored."""

    at: datetime
    """Our own clock; not in the future if a poll is due now."""
    due: bool
    why: str


@dataclass(frozen=True, slots=True)
class MailsWaiting:
    """Mails of the account that have not reached every recipient."""

    count: int
    """How many, including one not composed yet; a mail about several accounts counts for each."""
    oldest: datetime | None
    """Since when the oldest one waits."""
    error: str | None
    """Why the newest one that was tried was not sent."""


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """What is known of an account without a request and without reading the records."""

    account: str
    zone: str
    """The configured time zone, in which days begin and end."""
    now: datetime
    last_run: LastRun | None
    yesterday: DayCoverage
    today: DayCoverage
    last_poll: LastPoll | None
    next_poll: NextPoll | None
    """`None` if it is not known; `error` says why."""
    paused_until: datetime | None
    """Until when Octopods asked for no requests; `None` without such a pause."""
    evidence: CoverageEvidence
    """Refused answers, withdrawn proof and notes, of yesterday and today."""
    open_findings: Mapping[str, int]
    """How many, by kind; 0 for a kind without any."""
    acknowledged: int
    """Findings that a person has acknowledged."""
    expected: int
    """Findings that a rule of the configuration covers."""
    mails: MailsWaiting
    error: str = ""
    """What is wrong with the account's key, in a sentence."""


def day_coverage(day: Window, spans: Sequence[Span], now: datetime) -> DayCoverage:
    """Return how much of the part of a day that has passed is covered by `spans`.

    Args:
        day: with bounds.
        spans: what is proven complete.
        now: our own clock.
    """
    assert day.start is not None
    assert day.end is not None
    end = min(day.end, now)
    passed = end - day.start
    if passed <= timedelta():
        return DayCoverage(day, 1.0, ())
    gaps = coverage.gaps(Span(day.start, end), spans)
    lost = sum((gap.end - gap.start for gap in gaps if gap.start and gap.end), timedelta())
    until_now = bool(gaps) and gaps[-1].end == now
    return DayCoverage(day, 1 - lost / passed, gaps, gaps[-1] if until_now else None)
