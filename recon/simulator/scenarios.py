"""The named scenarios of `recon simulate`: what goes on at the simulated Octopods, and why.

They run on a real clock: messages turn up as time passes, two days of them are there at once.
Equal seeds and starts give equal traffic.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle
from random import Random
from typing import Final

from recon.model import Status
from recon.simulator import http_faults, traffic
from recon.simulator import list_misbehaviours as misbehaviours
from recon.simulator.channel import SIMULATED_KEY, Channel, Shape
from recon.simulator.http_faults import Fault
from recon.simulator.list_misbehaviours import Misbehaviour
from recon.simulator.rate_limits import RateLimit, RetryForm

_PAST: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A scenario that is ready to be served."""

    channel: Channel
    script: Iterable[Fault | None] = ()
    """The faults to play, in the order of the requests."""
    status_fault: Fault | None = None
    """The fault to play for every status call."""
    api_key: str = SIMULATED_KEY


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario by its name."""

    name: str
    description: str
    """One line for the help text."""
    build: Callable[[Random, datetime], Stage]

    def stage(self, seed: int, now: datetime) -> Stage:
        """Make the scenario ready to start at `now`, by the clock that it will be served with."""
        rng = Random(f"{self.name} {seed}")  # noqa: S311 - a simulation to be repeated
        return self.build(rng, now)


def _office(
    rng: Random,
    now: datetime,
    *,
    per_day: float,
    shape: Shape = "A",
    rate_limit: RateLimit | None = None,
    late: float = 0.0,
    latest: float = 50.0,
    junk: float = 0.0,
    removed: float = 0.0,
    misbehaviour: Misbehaviour | None = None,
) -> Channel:
    """Return a channel with the traffic of an office."""
    channel = Channel(shape=shape, rate_limit=rate_limit, misbehaviour=misbehaviour)
    moments = traffic.times(rng, now - _PAST, per_day, traffic.OFFICE_RHYTHM)
    channel.follow(
        traffic.messages(rng, moments, late=late, latest=latest, junk=junk, removed=removed)
    )
    return channel


def _calm(rng: Random, now: datetime) -> Stage:
    return Stage(_office(rng, now, per_day=40))


def _busy(rng: Random, now: datetime) -> Stage:
    return Stage(_office(rng, now, per_day=2000, late=0.02))


def _campaigns(rng: Random, now: datetime) -> Stage:
    channel = Channel()
    every_day = traffic.times(rng, now - _PAST, 2000, traffic.OFFICE_RHYTHM)
    bursts = traffic.campaigns(now - _PAST, (9, 13, 17), 400, timedelta(minutes=4))
    channel.follow(traffic.messages(rng, heapq.merge(every_day, bursts)))
    return Stage(channel)


def _empty(_rng: Random, _now: datetime) -> Stage:
    return Stage(Channel())


def _faulty(rng: Random, now: datetime) -> Stage:
    return Stage(_office(rng, now, per_day=300), _random_faults(rng))


def _random_faults(rng: Random) -> Iterator[Fault | None]:
    some = (
        http_faults.server_error(),
        http_faults.unavailable(),
        http_faults.reset(),
        http_faults.truncated(),
        http_faults.not_json(),
        http_faults.drip(),
        http_faults.timeout(),
        http_faults.rate_limited(seconds=3),
        http_faults.redirect(),
        http_faults.not_found_page(),
        http_faults.passing(),
        http_faults.denied(),
        http_faults.oversize(),
    )
    while True:
        yield rng.choice(some) if rng.random() < 1 / 3 else None


def _rate_limited(rng: Random, now: datetime) -> Stage:
    limit = RateLimit(5, timedelta(minutes=1), rng.choice([*RetryForm]))
    return Stage(_office(rng, now, per_day=300, rate_limit=limit))


def _retry_stamps(rng: Random, now: datetime) -> Stage:
    script = (
        fault
        for form in cycle(RetryForm)
        for fault in (http_faults.rate_limited(form, seconds=2), None)
    )
    return Stage(_office(rng, now, per_day=300), script)


def _rotated_key(rng: Random, now: datetime) -> Stage:
    channel = _office(rng, now, per_day=300)
    channel.rotate(SIMULATED_KEY, f"{SIMULATED_KEY}-2", now - timedelta(hours=1))
    return Stage(channel)


def _junk(rng: Random, now: datetime) -> Stage:
    return Stage(_office(rng, now, per_day=300, junk=0.1))


def _other_shape(rng: Random, now: datetime) -> Stage:
    return Stage(_office(rng, now, per_day=300, shape="B"))


def _late(rng: Random, now: datetime) -> Stage:
    return Stage(_office(rng, now, per_day=300, late=0.2, latest=900))


def _removed(rng: Random, now: datetime) -> Stage:
    return Stage(_office(rng, now, per_day=300, removed=0.02))


def _status_pages(rng: Random, now: datetime) -> Stage:
    channel = _office(rng, now, per_day=300)
    return Stage(channel, status_fault=http_faults.not_found_page())


def _misbehaving(misbehaviour: Misbehaviour) -> Callable[[Random, datetime], Stage]:
    """Return what builds the traffic of an office, listed with a misbehaviour."""

    def build(rng: Random, now: datetime) -> Stage:
        return Stage(_office(rng, now, per_day=300, misbehaviour=misbehaviour))

    return build


def _often(misbehaviour: Misbehaviour) -> Misbehaviour:
    """Let an office misbehave for 20 minutes of each hour."""
    return misbehaviours.at_times(timedelta(hours=1), timedelta(minutes=20), misbehaviour)


SCENARIOS: Final[Mapping[str, Scenario]] = {
    name: Scenario(name, description, build)
    for name, description, build in (
        ("calm", "40 messages a day: one answer shows all of them", _calm),
        ("busy", "2,000 a day with a daily rhythm; some are listed late", _busy),
        ("campaigns", "as busy, with 400 more in four minutes three times a day", _campaigns),
        ("empty", "nothing has been sent yet: 400 with a text", _empty),
        ("faulty", "a third of the answers go wrong in one of 13 ways", _faulty),
        ("rate-limited", "five requests a minute, shared with the sends", _rate_limited),
        (
            "retry-stamps",
            "every other answer is 429, each with its retry time in another format",
            _retry_stamps,
        ),
        ("rotated-key", "the key was rotated an hour ago: error 6", _rotated_key),
        ("junk", "unreadable items and unknown status words among the messages", _junk),
        ("shape-b", "300 a day, in the second documented shape of the answers", _other_shape),
        ("late-list", "a fifth of the messages are listed up to 15 minutes late", _late),
        ("removed", "one message in fifty is removed an hour after it was sent", _removed),
        ("status-pages", "every status call is answered 404 with a page of HTML", _status_pages),
        (
            "cached",
            "a third of the time, the list as it was an hour ago, with a current Date header",
            _misbehaving(_often(misbehaviours.cached(timedelta(hours=1)))),
        ),
        (
            "cached-with-age",
            "the same, but the Age header says so",
            _misbehaving(_often(misbehaviours.cached(timedelta(hours=1), tells_age=True))),
        ),
        (
            "future-date",
            "a third of the time, the Date header is a year ahead",
            _misbehaving(_often(misbehaviours.dated(timedelta(days=365)))),
        ),
        (
            "low-cap",
            "no answer lists more than 50 messages",
            _misbehaving(misbehaviours.capped(50)),
        ),
        (
            "short-memory",
            "the list forgets messages after six hours",
            _misbehaving(misbehaviours.with_memory(timedelta(hours=6))),
        ),
        (
            "one-per-number",
            "a third of the time, only the newest message to each number is listed",
            _misbehaving(_often(misbehaviours.one_per_number)),
        ),
        (
            "filtered",
            "a third of the time, failed messages are left out",
            _misbehaving(
                _often(misbehaviours.hiding(lambda one, now: one.status(now) == Status.FAILED))
            ),
        ),
        (
            "by-change",
            "the list is in the order of the last status change",
            _misbehaving(misbehaviours.by_last_change),
        ),
        (
            "shifted",
            "a third of the time, all messages are listed as sent an hour later",
            _misbehaving(_often(misbehaviours.shifted(timedelta(hours=1)))),
        ),
        (
            "partial",
            "a third of the time, 206 with only the newest ten",
            _misbehaving(_often(misbehaviours.partial(10))),
        ),
        (
            "error-beside-list",
            "a third of the time, only the newest ten, with an error beside them",
            _misbehaving(_often(misbehaviours.with_error(12, "Degraded.", items=10))),
        ),
    )
}
