"""When a poll of the listing is due: as rarely as coverage allows.

Every request uses the same limit as the business's own sends. Two polls leave no gap if they share
messages (`recon.core.coverage`). So a poll is due if the room in the next answer, less the
`min_overlap` that it should share, might be used up before the next decision. If a listing was out
of order, shared messages prove nothing. Then the next answer must also repeat the messages that the
last one could not prove: those of the settling time before it. If the records show how much was
sent since the last poll, recon counts them. Otherwise it estimates the number from earlier polls
(`recon.core.polling_rhythm`), and rather too high than too low.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from recon.core.coverage import SETTLING
from recon.core.polling_rhythm import Forecast, Poll
from recon.model import LISTING_LIMIT

_SECOND: Final = timedelta(seconds=1)
_LEAST_WAIT: Final = 1.0
"""Least number of seconds between two checks, unless a poll is due sooner."""
_SHORTEST_WAIT: Final = 0.2
"""Least number of seconds between two checks in any case."""
_LEAST_GAIN: Final = 5
"""A poll that would prove fewer more messages than this is not worth a request."""
_FASTEST: Final = 1000 / 60
"""Sends a second at the start of a sudden campaign; decides how soon to count again."""
_SURE: Final = 3.0
"""Standard deviations by which sends may exceed the expected number, from the rhythm alone."""
_SURE_IN_BURST: Final = 1.75
"""The same during a burst like an earlier one, whose rate is known better."""
_SURE_WITH_HINT: Final = 2.0
"""The same for the one tick that the records cannot show yet."""
_RECORDS_LAG: Final = 2.0
"""Seconds by which a send may be recorded late."""

_HARDER: Final = 1.1
"""How many times as fast as the fastest burst seen a burst may be."""
_PREPARED: Final = 0.6
"""The greatest share of an answer that is kept free for a burst that may begin at any moment."""

_NO_GAP: Final = " without a gap"
_TOO_FAST: Final = ", but messages are sent too fast for a proof"

_ENOUGH_TO_COMPARE: Final = 10
"""Fewer messages than this do not show whether the records are late."""

#: A burst is recognised by the sends that were recorded within this time.
BURST: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class PollingRules:
    """The configured rules of polls, and the provider's limits."""

    max_interval: timedelta = timedelta(minutes=360)
    """The longest time between two polls, because of sends without a record."""
    min_overlap: int = 5
    """Messages that two polls should share."""
    min_interval: timedelta = _SECOND
    """The shortest time between two polls."""
    listing_limit: int = LISTING_LIMIT
    """The most messages that one answer shows."""
    settling: timedelta = SETTLING
    """Sends this long before an answer may be missing in it, and are counted as missing."""

    @property
    def room(self) -> int:
        """How many messages an answer holds besides the overlap."""
        return max(1, self.listing_limit - self.min_overlap)


@dataclass(frozen=True, slots=True)
class RecordedSends:
    """How many sends the user's records show, by their own time. Records may be late."""

    unseen: int
    """Sends recorded at or after `PollingState.seen_until`."""
    just_now: int
    """Sends recorded at or after `now` less the settling time (`Rules.settling`)."""
    in_burst: int = 0
    """Sends recorded at or after `now` less `BURST`."""
    before: int | None = None
    """Sends recorded in `last_stretch`; `None` without such a stretch."""


@dataclass(frozen=True, slots=True)
class PollingState:
    """The state of one account's key from which a decision is made.

    All times are by the provider's clock: `now` is our clock, corrected by the difference at the
    last poll (`answered_at - kept_at`), if there was one.
    """

    now: datetime
    tick: timedelta
    """How long until the next decision: a minute with cron, a second with `--follow`."""
    last_poll_at: datetime | None = None
    """When the last answer of this key came; `None` before the first."""
    newest: datetime | None = None
    """When the newest message in answers to this key was sent."""
    unproven: int | None = None
    """If the listing was out of order: stored messages with `sent_at` later than
    `reach(proven_until)`, which the next answer must repeat. `None` if it is in order."""
    window_end: datetime | None = None
    """The end of the latest window (midnight in the configured zone) that is not after `now`."""
    recorded: RecordedSends | None = None
    """`None` if the records cannot be counted cheaply, or at present not at all."""
    unrecorded_share: float = 0.0
    """The share of the provider's messages without a record, in the last run."""
    settling: timedelta = SETTLING
    """How much later than its own time a message may appear in the listing of this key."""

    def seen_until(self, settling: timedelta) -> datetime:
        """Return the time until which sends count as seen; before the first poll, `now`.

        An answer may show the listing as it was up to the settling time before.
        """
        last = self.last_poll_at or self.now
        return min(last, max(self.newest or last - settling, last - settling))


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a poll is due; `why` is the line for the log."""

    due: bool
    why: str
    wait: timedelta
    """How long to wait before the next decision without a tick: zero when due, else a second or
    more."""
    due_in: timedelta = timedelta()
    """How long until a poll is due, as known now; zero when due."""


def last_stretch(
    recent: Sequence[Poll], settling: timedelta = SETTLING
) -> tuple[datetime, datetime] | None:
    """Return the time whose messages the last poll was the first to show; `None` if unknown.

    If it showed none: the time until the poll, without the part in which messages may still appear.

    Args:
        recent: the last polls of a key, in order of time.
        settling: how late messages may appear.
    """
    if not recent or not recent[-1].joined:
        return None
    last = recent[-1]
    before = [poll.newest for poll in recent[:-1] if poll.newest is not None]
    start = max(before, default=last.oldest if len(recent) == 1 else None)
    if start is None:
        return None
    if last.newest is not None and last.newest > start:
        return start, last.newest
    end = last.at - settling
    return (start, end) if start < end else None


def is_reliable(recorded: RecordedSends, shown: int) -> bool:
    """Say whether the records show reliably how much was sent since the last poll.

    They do not if they had less than half of the messages that the last poll showed (they are late
    or have a wrong clock): then sends would not be polled in time. Nor do they if they had far more
    (sends that never reached Octopods): then recon would poll again and again without need.

    Args:
        recorded: the counts of the records.
        shown: how many messages the last poll was the first to show.
    """
    if recorded.before is None:
        return True
    too_few = shown >= _ENOUGH_TO_COMPARE and recorded.before < shown / 2
    return not too_few and recorded.before <= 2 * shown + 2 * _ENOUGH_TO_COMPARE


def next_answer_must_reach(proven_until: datetime) -> datetime:
    """Return the time to which the next answer must reach back to leave no gap.

    It is a second before `proven_until`, the end of the last span of this key, because the oldest
    second of an answer may be cut off and proves nothing.
    """
    return proven_until - _SECOND


def decide(known: PollingState, ahead: Forecast, rules: PollingRules) -> Decision:
    """Decide whether a poll is due now.

    It is due if the first reason to poll comes before the next tick. Only the end of a window is an
    exception: a poll before it would not cover the day to its end.

    Args:
        known: the state of the account's key.
        ahead: the forecast from its stored polls; `Forecast()` without polls.
        rules: the configuration.
    """
    last = known.last_poll_at
    if last is None:
        return Decision(due=True, why="this key was never polled", wait=timedelta())
    spaced = last + rules.min_interval - known.now
    if spaced > timedelta():
        return Decision(
            due=False, why="the last poll was only a moment ago", wait=spaced, due_in=spaced
        )
    reasons = [*_end_of_window(known, last), _floor(known, last, rules)]
    reasons.append(_room(known, ahead, rules))
    first = min(reasons, key=lambda reason: reason.left)
    if first.left <= 0:
        return Decision(due=True, why=first.why, wait=timedelta())
    soonest = min(reason.recheck_after for reason in reasons)
    # Where much is sent, a poll a second too soon costs as much as one answer in five.
    wait = max(soonest, min(first.left, _LEAST_WAIT), _SHORTEST_WAIT)
    return Decision(
        due=False,
        why=first.why,
        wait=timedelta(seconds=wait),
        due_in=timedelta(seconds=first.left),
    )


@dataclass(frozen=True, slots=True)
class _Reason:
    """A reason to poll."""

    left: float
    """Seconds that are left until a poll is needed; 0 if the next tick is too late."""
    why: str
    recheck_after: float
    """Seconds after which it may have changed."""


def _end_of_window(known: PollingState, last: datetime) -> list[_Reason]:
    """A day is covered to its end only by a poll at least the settling time after it."""
    if known.window_end is None:
        return []
    # The provider gives its time in whole seconds, cut off; hence one more.
    settled = known.window_end + known.settling + _SECOND
    if last >= known.window_end + known.settling:
        return []
    left = (settled - known.now).total_seconds()
    day = known.window_end.isoformat()
    return [_Reason(left, f"the day that ended at {day} has to be covered to its end", left)]


def _floor(known: PollingState, last: datetime, rules: PollingRules) -> _Reason:
    left = (last + rules.max_interval - known.now - known.tick).total_seconds()
    minutes = rules.max_interval.total_seconds() / 60
    return _Reason(left, f"recon polls at least every {minutes:g} minutes", left)


def _room(known: PollingState, ahead: Forecast, rules: PollingRules) -> _Reason:
    """The next answer must still show the newest messages of the last one."""
    since = known.seen_until(rules.settling)
    if known.recorded is None:
        return _room_without_hint(known, since, ahead, rules)
    seconds = (known.now - since).total_seconds()
    fresh = known.recorded.unseen + seconds * ahead.recent * known.unrecorded_share
    rate = _rate(known, known.recorded, ahead, rules)
    room, goal = _room_left(known, known.recorded, fresh, rules)
    blind = known.tick.total_seconds() + _RECORDS_LAG
    # No poller checks more often than this while no poll is near.
    until_seen = max(known.tick.total_seconds(), _LEAST_WAIT) + _RECORDS_LAG
    burst = ahead.rhythm.peak * until_seen * _HARDER
    # While one is going on, its own rate says when the answer is full; between two starts by cron
    # it may become faster.
    stays = known.tick.total_seconds() < _LEAST_WAIT
    goes_on = stays and rate >= ahead.rhythm.peak / 2 > 0
    sure = _SURE_IN_BURST if goes_on else _SURE_WITH_HINT
    lasts = _surely(room, sure) / rate if rate else math.inf
    left = lasts - blind if room > 0 else 0.0
    kept_free = 0.0 if goes_on else min(burst, _PREPARED * rules.listing_limit)
    if kept_free > rules.listing_limit - 1 - fresh and burst < rules.listing_limit:
        # Another burst as seen before might begin at any moment.
        left, rate = 0.0, max(rate, ahead.rhythm.peak)
    why = (
        f"{fresh:.0f} sends since the last poll, at most {rate * 60:.3g} a minute now: "
        f"the next answer has room for {max(room, 0):.0f} more{goal}"
    )
    return _Reason(left, why, min(max(left, 0.0), max(room, 0) / _FASTEST - until_seen))


def _room_left(
    known: PollingState, recorded: RecordedSends, fresh: float, rules: PollingRules
) -> tuple[float, str]:
    """Return how many more sends fit into the next answer, and why."""
    if known.unproven is None:
        if fresh < rules.listing_limit:
            return rules.room - fresh, _NO_GAP
        return 0.0, ", and the answers no longer overlap: a new span begins"
    filled = known.unproven + fresh
    gain = filled - recorded.just_now
    room = rules.room - filled
    if filled >= rules.listing_limit:
        # The chain is broken already: begin a new one as soon as an answer proves a good deal.
        if recorded.just_now <= rules.room / 2:
            return 0.0, f", and {known.unproven} are not proven: after a gap, a new span begins"
        return rules.room - fresh, _TOO_FAST
    if gain < _LEAST_GAIN and room < rules.room / 2:
        return rules.room - fresh, _TOO_FAST
    return room, f"{_NO_GAP}; {known.unproven} are not proven by the last answer"


def _rate(
    known: PollingState, recorded: RecordedSends, ahead: Forecast, rules: PollingRules
) -> float:
    """Return the most sends a second to expect until the next decision."""
    usual = ahead.rhythm.rate(known.now)
    return max(
        recorded.just_now / (rules.settling.total_seconds() + 1),
        _at_least(recorded.in_burst) / (BURST.total_seconds() - _RECORDS_LAG),
        ahead.recent if usual is None else usual * ahead.level,
    )


def _room_without_hint(
    known: PollingState, since: datetime, ahead: Forecast, rules: PollingRules
) -> _Reason:
    room, goal = rules.room - (known.unproven or 0), _NO_GAP
    if room < _LEAST_GAIN:
        room, goal = rules.room, _TOO_FAST
    tick, gone = known.tick.total_seconds(), (known.now - since).total_seconds()
    longest = rules.max_interval.total_seconds()
    lasts = ahead.lasts(since, _surely(room, _SURE), longest + gone)
    last = known.last_poll_at or since
    unsure = (last - since).total_seconds()
    if lasts <= unsure and ahead.recent * unsure < _LEAST_GAIN:
        # However soon, another answer may be too old to show all that would fill it by the rhythm;
        # but the last ones show that hardly anything is sent.
        gone -= unsure
        lasts = ahead.lasts(last, _surely(room, _SURE), longest + gone)
    left = lasts - gone - tick
    why = (
        f"the next answer has room for {room} sends{goal}: by the rhythm learnt so far, they take "
        f"{lasts / 60:.1f} minutes"
    )
    return _Reason(left, why, left)


def _at_least(seen: int) -> float:
    """Return a usual number of sends if this many were seen by chance: one deviation fewer."""
    return max(0.0, math.sqrt(seen) - 1) ** 2


def _surely(room: float, deviations: float) -> float:
    """Return the expected number of sends for which `room` suffices, with a margin for chance.

    The number of independent sends varies by its square root (Poisson).
    """
    if room <= 0:
        return 0.0
    root = (math.sqrt(deviations**2 + 4 * room) - deviations) / 2
    return root**2
