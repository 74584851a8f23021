"""Learn from stored polls how much a business sends in each hour of the week.

The listing shows only the newest 100 messages (help centre, article 14824157), so no more than one
answer holds may be sent between two polls. The number of sends to expect is learnt here. A quiet
night says nothing about the morning: each hour is learnt from the same hour of other days.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from recon.model import LISTING_LIMIT

#: What `learn` reads of the past: polls no older than this, and of those the newest, this many.
LEARN_FROM: Final = timedelta(days=28)
LEARN_POLLS: Final = 5000
#: How many of the last polls `forecast` wants.
RECENT_POLLS: Final = 8

_HOUR: Final = 3600.0
_DAY: Final = 24
_WEEK: Final = 7 * _DAY
_ENOUGH: Final = 600.0
"""How many seconds of an hour must have been seen for it to count."""
_USUAL_RISE: Final = 3.0
"""From hour to hour, where the steepest rise seen was not steeper."""
_LOOKAHEAD: Final = 600.0
"""How many seconds before an hour its rate is expected already: sends may start early."""
_FIRST_DAY: Final = 3600.0
"""Seconds in which an hour that is not learnt yet is expected to fill an answer."""
_SOME: Final = 10 / 86_400
"""Messages a second from which an account counts as in use."""
_MANY: Final = 20
"""Fewer messages show no rate."""
_NOISY: Final = 60.0
"""Fewer seconds show no rate either."""
_LATELY: Final = 3
"""The last polls whose rates count as the present one: the highest of them."""
_UNUSUAL: Final = 3.0
"""Standard deviations above the usual from which a day counts as busier than usual."""


@dataclass(frozen=True, slots=True)
class Poll:
    """The fields of one stored answer to the list call that show how much is sent."""

    at: datetime
    """The provider's clock at the answer."""
    new: int
    """Messages (and unreadable items) that no earlier answer had shown."""
    items: int
    """Items in the answer, readable or not."""
    joined: bool
    """Whether it shares messages with an earlier answer, or is not full, so that no message before
    its oldest item is unknown. Otherwise `new` is only a part of the messages since the poll
    before."""
    oldest: datetime | None = None
    """When the oldest message of the answer was sent; `None` without messages."""
    newest: datetime | None = None
    """When the newest message of the answer was sent."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The highest recent rates, by hour of the week in the business's own time zone."""

    rates: tuple[float | None, ...] = (None,) * _WEEK
    """Messages a second, for 168 hours from Monday 00:00; `None` for hours not learnt yet."""
    rise: float = _USUAL_RISE
    """The steepest rise from one hour to the next, as a factor."""
    zone: tzinfo = UTC
    peak: float = 0.0
    """Messages a second at the busiest moment seen."""

    def rate(self, time: datetime) -> float | None:
        """Return the most messages a second to expect at `time`; `None` if not learnt yet."""
        return self.rates[_slot(time.astimezone(self.zone))]

    def ahead(self, start: datetime) -> Iterator[tuple[float, float | None]]:
        """Yield stretches from `start` on, a week long, as (seconds, messages a second)."""
        local = start.astimezone(self.zone)
        slot = _slot(local)
        left = _HOUR - (local.minute * 60 + local.second + local.microsecond / 1e6)
        for _ in range(_WEEK):
            now, then = self.rates[slot], self.rates[(slot + 1) % _WEEK]
            if left > _LOOKAHEAD:
                yield left - _LOOKAHEAD, now
                left = _LOOKAHEAD
            yield left, now if now is None or then is None else max(now, then)
            slot, left = (slot + 1) % _WEEK, _HOUR


def learn(polls: Iterable[Poll], zone: str) -> Rhythm:
    """Learn the rhythm from stored polls.

    An hour is learnt from the same hour of the same weekday if that was seen in two weeks, else
    from that hour of the last seven days. The highest of these rates counts.

    Args:
        polls: of one key, in the order of time; see `LEARN_FROM` and `LEARN_POLLS`.
        zone: the time zone of the business.
    """
    polls = tuple(polls)
    hours = _hours(polls, ZoneInfo(zone))
    by_slot: dict[int, list[float]] = {}
    by_hour: dict[int, list[float]] = {}
    for number in sorted(hours, reverse=True):
        messages, seconds = hours[number]
        if seconds >= _ENOUGH:
            rate = messages / seconds
            by_slot.setdefault(number % _WEEK, []).append(rate)
            by_hour.setdefault(number % _DAY, []).append(rate)
    rates = tuple(_highest(by_slot.get(n, ()), by_hour.get(n % _DAY, ())) for n in range(_WEEK))
    return Rhythm(rates, _steepest(rates), ZoneInfo(zone), _peak(polls))


def _highest(same_weekday: Sequence[float], same_hour: Sequence[float]) -> float | None:
    """Return the highest of the rates, which stand newest first."""
    rates = same_weekday[:4] if len(same_weekday) > 1 else same_hour[:7]
    return max(rates, default=None)


def _steepest(rates: Sequence[float | None]) -> float:
    """Return the steepest rise between hours; a calm hour counts as one message a minute."""
    rises = (
        now / max(before, 1 / 60)
        for before, now in itertools.pairwise(rates)
        if before is not None and now is not None
    )
    return max(_USUAL_RISE, *rises, _USUAL_RISE)


def _peak(polls: Iterable[Poll]) -> float:
    """Return the highest rate over the messages of one answer."""
    return max(
        (poll.items / max(1.0, _age(poll)) for poll in polls if poll.items >= _MANY), default=0.0
    )


def _hours(polls: Iterable[Poll], zone: ZoneInfo) -> dict[int, list[float]]:
    """Spread the new messages of each poll evenly over the hours since the poll before.

    Returns:
        Messages and seconds seen, by the number of the local hour; 0 is a Monday's midnight.
    """
    hours: dict[int, list[float]] = {}
    before: datetime | None = None
    for poll in polls:
        start = _seen_since(poll, before)
        before = poll.at
        if start is None or start >= poll.at:
            continue
        total = (poll.at - start).total_seconds()
        local = start.astimezone(zone)
        number = (local.toordinal() - 1) * _DAY + local.hour
        into = local.minute * 60 + local.second
        left = total
        while left > 0:
            part = min(left, _HOUR - into)
            seen = hours.setdefault(number, [0.0, 0.0])
            seen[0] += poll.new * part / total
            seen[1] += part
            left, into, number = left - part, 0, number + 1
    return hours


def _seen_since(poll: Poll, before: datetime | None) -> datetime | None:
    """Return the time since which the poll shows all new messages."""
    return before if poll.joined and before is not None else poll.oldest


def _slot(local: datetime) -> int:
    return local.weekday() * _DAY + local.hour


@dataclass(frozen=True, slots=True)
class Forecast:
    """The sends to expect from now on: the rhythm at today's level."""

    rhythm: Rhythm = field(default_factory=Rhythm)
    recent: float = 0.0
    """Messages a second in the last answers."""
    level: float = 1.0
    """How many times as busy as usual it is; 1 if nothing is unusual."""
    unlearnt: float = 0.0
    """Messages a second in an hour that is not learnt yet."""

    def lasts(self, start: datetime, messages: float, longest: float) -> float:
        """Return for how many seconds, up to `longest`, at most `messages` are expected."""
        lasted = 0.0
        for seconds, learnt in self.rhythm.ahead(start):
            if lasted >= longest:
                break
            rate = self.unlearnt if learnt is None else learnt * self.level
            if rate * seconds > messages:
                return min(longest, lasted + messages / rate)
            messages -= rate * seconds
            lasted += seconds
        return longest


def forecast(rhythm: Rhythm, recent: Sequence[Poll]) -> Forecast:
    """Return what to expect after the last polls.

    Args:
        rhythm: the rhythm learnt from all polls.
        recent: the last `RECENT_POLLS` of them, in order of time.
    """
    unknown = LISTING_LIMIT / _FIRST_DAY
    if not recent:
        return Forecast(rhythm, 0.0, 1.0, unknown)
    last = recent[-1]
    seen = [_seen(poll, before) for before, poll in zip((None, *recent[:-1]), recent, strict=True)]
    now = _present(seen)
    busy = any(poll.items / max(1.0, _age(poll)) > _SOME for poll in recent)
    unlearnt = max(now * rhythm.rise, unknown) if busy else now * rhythm.rise
    usual, (messages, seconds) = rhythm.rate(last.at), seen[-1]
    level = 1.0
    if usual is not None and seconds > 0:
        expected = usual * seconds
        if messages > expected + _UNUSUAL * math.sqrt(expected) + _UNUSUAL:
            level = messages / max(expected, 1.0)
    return Forecast(rhythm, now, level, unlearnt)


def _present(seen: Sequence[tuple[int, float]]) -> float:
    """Return the present rate, from the messages and seconds that each of the last polls showed.

    It is the highest of a few: an answer may show the listing of a minute ago, and so too few.
    Polls that follow each other within seconds show a rate only together.
    """
    alone = max(messages / max(seconds, _NOISY) for messages, seconds in seen[-_LATELY:])
    messages = sum(shown for shown, _ in seen)
    seconds = sum(covered for _, covered in seen)
    if len(seen) < _LATELY or messages < _MANY or seconds <= 0:
        return alone
    return max(alone, messages / seconds)


def _seen(poll: Poll, before: Poll | None) -> tuple[int, float]:
    """Return how many new messages the poll showed, and in how many seconds they were sent."""
    start = _seen_since(poll, None if before is None else before.at)
    return poll.new, 0.0 if start is None else max(0.0, (poll.at - start).total_seconds())


def _age(poll: Poll) -> float:
    return (poll.at - poll.oldest).total_seconds() if poll.oldest else math.inf
