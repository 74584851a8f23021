"""When a poll of the listing is due: as seldom as coverage allows.

Every request is taken from the limit that the business's own sends share. Two polls leave no gap
when the second one still shows what the first could not prove: all that was sent since its time
less the settling time (`recon.core.coverage`). So an answer's room is used up by the messages of
the settling time before the last poll, by those since, and by `min_overlap` for what nobody
expected; a poll is due when the room would not last until the next occasion to decide.

Where the books tell how much was sent since the last poll, that is counted; else it is expected
from what earlier polls taught (`recon.core.polling_rhythm`), coverage first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from recon.core.coverage import SETTLING
from recon.core.polling_rhythm import Forecast, Poll, Rhythm, forecast
from recon.model import LISTING_LIMIT

#: How many of the last polls `Known.recent` wants.
RECENT_POLLS: Final = 8

_SECOND: Final = timedelta(seconds=1)
_LEAST_WAIT: Final = 1.0
_FIRST_DAY: Final = 1800.0
"""Seconds in which an hour of which nothing is known yet may fill an answer."""
_LEAST_GAIN: Final = 5
"""A poll that would prove fewer more messages than this is not worth a request."""
_FASTEST: Final = 1000 / 60
"""Sends a second that a sudden campaign may begin with: how soon to count again."""
_SURE: Final = 2.3
"""Standard deviations by which chance may exceed what is expected, from the rhythm alone."""
_SURE_WITH_HINT: Final = 2.0
"""The same for the one tick that the books cannot tell yet."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says of polls, and the provider's manners."""

    max_interval: timedelta = timedelta(minutes=360)
    """A poll at least this often, for sends that nobody knows of."""
    min_overlap: int = 5
    """Messages that two polls should share."""
    min_interval: timedelta = _SECOND
    """Never a poll sooner after the one before."""
    listing_limit: int = LISTING_LIMIT
    """What one answer shows at most."""
    settling: timedelta = SETTLING
    """Messages may appear in the listing this much after their own time."""

    @property
    def room(self) -> int:
        """How many messages an answer holds besides the overlap."""
        return max(1, self.listing_limit - self.min_overlap)


@dataclass(frozen=True, slots=True)
class Booked:
    """What the user's books tell of sends, by their own time: the hint. They may lag a little."""

    since_poll: int
    """Sends booked at or after `Known.last_poll_at`."""
    just_now: int
    """Sends booked at or after `now` less the settling time (`Rules.settling`)."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one account's key when it is decided whether a poll is due.

    All times are the provider's clock: `now` is our clock corrected by what the last poll showed
    (`answered_at - kept_at`), where there was one.
    """

    now: datetime
    tick: timedelta
    """How long until the next occasion to decide: a minute with cron, a second with `--follow`."""
    last_poll_at: datetime | None = None
    """When the last answer of this key came; `None` before the first."""
    unproven: int = 0
    """Stored messages with `sent_at` later than `reach(proven_until)`: those that the last answer
    showed and could not prove yet, which the next answer must show again."""
    window_end: datetime | None = None
    """The latest end of a window (midnight of the configured zone) that is not after `now`."""
    booked: Booked | None = None
    """`None` where the books cannot be counted cheaply, or just now not at all."""
    unbooked_share: float = 0.0
    """The share of the provider's messages that the books do not know, as the last run found."""
    recent: Sequence[Poll] = ()
    """The last `RECENT_POLLS` polls of this key, in the order of time."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a poll is due, and why: `why` is the line for the log."""

    due: bool
    why: str
    wait: timedelta
    """How long not to ask again, where there is no tick: zero when due, else a second or more."""


def reach(proven_until: datetime) -> datetime:
    """Return the time up to which the next answer must reach back to leave no gap.

    Its oldest second may be cut through and proves nothing, hence a second before
    `proven_until`, the end of the last span of this key.
    """
    return proven_until - _SECOND


def decide(known: Known, rhythm: Rhythm, rules: Rules) -> Decision:
    """Decide whether a poll is due now.

    It is due when the first reason to poll lies before the next tick. Only the end of a window
    is never anticipated: a poll before it would not cover the day to its end.

    Args:
        known: the state of the account's key.
        rhythm: what `learn` made of its stored polls; `Rhythm()` where there are none.
        rules: the configuration.
    """
    last = known.last_poll_at
    if last is None:
        return Decision(due=True, why="this key was never polled", wait=timedelta())
    spaced = last + rules.min_interval - known.now
    if spaced > timedelta():
        return Decision(due=False, why="the last poll was only just now", wait=spaced)
    reasons = [*_end_of_window(known, last, rules), _floor(known, last, rules)]
    reasons.append(_room(known, last, rhythm, rules))
    first = min(reasons, key=lambda reason: reason.left)
    if first.left <= 0:
        return Decision(due=True, why=first.why, wait=timedelta())
    soonest = min(reason.look_again for reason in reasons)
    return Decision(due=False, why=first.why, wait=timedelta(seconds=max(soonest, _LEAST_WAIT)))


@dataclass(frozen=True, slots=True)
class _Reason:
    """A reason to poll."""

    left: float
    """Seconds for which it need not be done yet; none left where the next tick is too late."""
    why: str
    look_again: float
    """Seconds after which it may have changed."""


def _end_of_window(known: Known, last: datetime, rules: Rules) -> list[_Reason]:
    """A day is covered to its end by a poll after it, when the settling time has passed."""
    if known.window_end is None:
        return []
    # The provider tells its clock in whole seconds, cut off; hence one more.
    settled = known.window_end + rules.settling + _SECOND
    if last >= known.window_end + rules.settling:
        return []
    left = (settled - known.now).total_seconds()
    day = known.window_end.isoformat()
    return [_Reason(left, f"the window that ended at {day} is to be covered to its end", left)]


def _floor(known: Known, last: datetime, rules: Rules) -> _Reason:
    left = (last + rules.max_interval - known.now - known.tick).total_seconds()
    minutes = rules.max_interval.total_seconds() / 60
    return _Reason(left, f"a poll at least every {minutes:g} minutes", left)


def _room(known: Known, last: datetime, rhythm: Rhythm, rules: Rules) -> _Reason:
    """The next answer must show what was sent since, and what was not proven before."""
    ahead = forecast(rhythm, known.recent, unknown=rules.room / _FIRST_DAY)
    tick = known.tick.total_seconds()
    if known.booked is None:
        return _room_without_hint(known, last, ahead, rules, tick)
    since = (known.now - last).total_seconds()
    unseen = since * ahead.recent * known.unbooked_share
    fresh = known.booked.since_poll + unseen
    filled = known.unproven + fresh
    gain = filled - known.booked.just_now
    room, goal = rules.room - filled, "to leave no gap"
    if filled >= rules.listing_limit:
        # The chain is broken already: begin a new one as soon as an answer proves a good deal.
        if known.booked.just_now <= rules.room / 2:
            told = f"{filled:.0f} sends are not proven and an answer holds {rules.listing_limit}"
            return _Reason(0, f"{told}: a gap is left, and a new span begun", 0)
        room, goal = rules.room - fresh, "to see every message: too fast to prove"
    elif gain < _LEAST_GAIN and room < rules.room / 2:
        room, goal = rules.room - fresh, "to see every message: too fast to prove"
    settling = rules.settling.total_seconds() + 1
    rate = max(known.booked.just_now / settling, _at(ahead, known.now))
    left = (_surely(room, _SURE_WITH_HINT) / rate if rate else math.inf) - tick
    why = (
        f"{fresh:.0f} sends since the last poll and {known.unproven} not proven by it leave room "
        f"for {max(room, 0):.0f} in the next answer {goal}; at most {rate * 60:.3g} a minute"
    )
    return _Reason(left, why, min(max(left, 0.0), max(room, 0) / _FASTEST))


def _room_without_hint(
    known: Known, last: datetime, ahead: Forecast, rules: Rules, tick: float
) -> _Reason:
    room, goal = rules.room - known.unproven, "to leave no gap"
    if room < _LEAST_GAIN:
        room, goal = rules.room, "to see every message: too fast to prove"
    longest = rules.max_interval.total_seconds() + tick
    lasts = ahead.lasts(last, _surely(room, _SURE), longest)
    left = lasts - (known.now - last).total_seconds() - tick
    why = (
        f"room for {room} sends after the last poll {goal}: by the rhythm learnt so far "
        f"it lasts {lasts / 60:.1f} minutes"
    )
    return _Reason(left, why, left)


def _at(ahead: Forecast, time: datetime) -> float:
    learnt = ahead.rhythm.rate(time)
    return ahead.recent if learnt is None else learnt * ahead.level


def _surely(room: float, deviations: float) -> float:
    """Return the expected number of sends that `room` holds, chance considered.

    Sends that come independently of each other vary by the square root of their number (Poisson).
    """
    if room <= 0:
        return 0.0
    root = (math.sqrt(deviations**2 + 4 * room) - deviations) / 2
    return root**2
