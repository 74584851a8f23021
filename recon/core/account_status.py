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
    """Of the part of the day that has passed: 0 to 1; 1 where nothing of it has passed."""
    gaps: Sequence[Span]
    """What of that part is not covered, in the order of time."""
    unpolled: Span | None = None
    """The last one of `gaps` where it goes on until now: the next poll may still prove it."""


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
    """What it was taken for, a word of `listing_evidence.AnswerKind`."""
    why: str
    """Why it does not prove more; empty where nothing limits it."""


@dataclass(frozen=True, slots=True)
class NextPoll:
    """When the account is due a poll, as far as the store shows."""

    at: datetime
    """Our own clock; not in the future where a poll is due now."""
    due: bool
    why: str


@dataclass(frozen=True, slots=True)
class MailsWaiting:
    """What is to be mailed of the account and has not reached every recipient."""

    count: int
    """Mails, one that is not composed yet included; one of several accounts counts for each."""
    oldest: datetime | None
    """Since when the oldest one waits."""
    error: str | None
    """Why the newest one that was tried could not be sent."""


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
    """`None` where `error` says why it is not known."""
    paused_until: datetime | None
    """Until when Octopods asked not to be asked; `None` where no pause lasts."""
    evidence: CoverageEvidence
    """Of yesterday and today: refused answers, withdrawn proof, and notes."""
    open_findings: Mapping[str, int]
    """By kind; every kind is there."""
    acknowledged: int
    """Findings that a person has acknowledged."""
    expected: int
    """Findings that a rule of the configuration covers."""
    mails: MailsWaiting
    error: str = ""
    """What is wrong with the account's key, in a sentence."""


def day_coverage(day: Window, spans: Sequence[Span], now: datetime) -> DayCoverage:
    """Return how much of a day, as far as it has passed, some spans cover.

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
