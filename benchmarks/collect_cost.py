"""What coverage costs: requests and proven coverage of 30 simulated days, as Markdown tables.

Run `python -m benchmarks.collect_cost`. The policy (`recon.core.polling`) decides, the ledger
(`recon.core.coverage`) claims, the provider lists its newest 100 messages, of which one in fifty
appears up to 50 seconds late; the books lag by two seconds and do not know one send in two
hundred. Nothing is taken out of the first days, when nothing is learnt yet.

`ratio` is requests by `ceil(N / (100 - min_overlap))`, what N messages would take if an answer
brought nothing but new ones. `least` is the same ratio for a collector that knows the future:
what the ticks, the settling time and the daily polls leave possible. `seen` are the
messages that some answer showed, `covered` those within a span that is proven complete.
Ends with 1 if a proven span hides a message that no answer showed.
"""

from __future__ import annotations

import math
import multiprocessing
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np

from recon.core import coverage, polling
from recon.core.polling_rhythm import LEARN_POLLS, Poll, Rhythm, learn
from recon.model import LISTING_LIMIT, Listing, Message, Span
from recon.simulator.traffic import OFFICE_RHYTHM, STEADY

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAYS: Final = 30
DAY: Final = 86_400
START: Final = datetime(2026, 3, 2, tzinfo=UTC)
END: Final = DAYS * DAY
TAIL: Final = 300
"""Seconds after the last day, in which its end is covered."""

BOOKS_LAG: Final = 2.0
UNBOOKED: Final = 0.005
LATE: Final = 0.02
RELEARN: Final = 6 * 3600
LONGEST_SLEEP: Final = 60.0
CRON: Final = timedelta(minutes=1)
FOLLOW: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Traffic:
    """A business: what it sends, in seconds since `START`, in order."""

    sent: NDArray[np.float64]
    shown: NDArray[np.float64]
    """When each message appears in the listing."""
    booked: list[float]
    """Those that the books know."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of a table."""

    profile: str
    tick: timedelta
    hint: bool
    rules: polling.Rules


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    setting: Setting
    sent: int
    requests: int
    least: int
    busiest_day: int
    """Requests on the day with the most, the first one aside."""
    looks: int
    """How often it was decided."""
    seen: float
    covered: float
    wrong: int

    @property
    def bound(self) -> int:
        """Requests if every answer brought nothing but new messages and the overlap."""
        return math.ceil(self.sent / self.setting.rules.room)


PROFILES: Final = {
    "idle": (0, STEADY, 0),
    "50 a day": (50, STEADY, 0),
    "2,000 a day": (2000, OFFICE_RHYTHM, 0),
    "20,000 a day": (20_000, OFFICE_RHYTHM, 0),
    "2,000 and campaigns": (2000, OFFICE_RHYTHM, 3),
}


def traffic(profile: str, settling: timedelta) -> Traffic:
    """Send for 30 days: by chance in the profile's rhythm, and 400 in four minutes a campaign.

    Campaigns come as a surprise: each day at other times between 8 and 20 o'clock.
    """
    per_day, rhythm, campaigns = PROFILES[profile]
    rng = np.random.default_rng(7)
    hours = rng.poisson(np.tile(np.array(rhythm) * per_day, DAYS))
    begins = np.repeat(np.arange(len(hours)) * 3600.0, hours)
    parts = [begins + rng.uniform(0, 3600, len(begins))]
    for day in range(DAYS):
        starts = day * DAY + rng.uniform(8 * 3600, 20 * 3600, campaigns)
        parts += [start + np.arange(400) * 0.6 for start in starts]
    sent = np.sort(np.concatenate(parts))
    late = rng.random(len(sent)) < LATE
    shown = sent + late * rng.uniform(1 / 12, 5 / 6, len(sent)) * settling.total_seconds()
    return Traffic(sent, shown, sent[rng.random(len(sent)) >= UNBOOKED].tolist())


class Collector:
    """A collector, its store and its provider, on simulated time."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.traffic = traffic(setting.profile, setting.rules.settling)
        self.collected = np.zeros(len(self.traffic.sent), dtype=np.bool_)
        self.spans: list[Span] = []
        self.polls: list[Poll] = []
        self.unproven = 0
        self.rhythm = Rhythm()

    def run(self) -> Outcome:
        """Decide and poll until the last day is covered to its end."""
        tick = self.setting.tick.total_seconds()
        now, learnt, looks = 0.4, 0.0, 0
        while now < END + TAIL:
            if now >= learnt + RELEARN:
                self.rhythm, learnt = learn(self.polls[-LEARN_POLLS:], "UTC"), now
            looks += 1
            decision = polling.decide(self.known(now), self.rhythm, self.setting.rules)
            if decision.due:
                self.poll(now)
                now += tick
            elif self.setting.tick == CRON:
                now += tick
            else:
                now += min(LONGEST_SLEEP, max(tick, decision.wait.total_seconds()))
        return self.outcome(looks)

    def known(self, now: float) -> polling.Known:
        """Put together what store and books tell."""
        last = self.polls[-1].at if self.polls else None
        hint = None
        if self.setting.hint and last is not None:
            booked, settling = self.traffic.booked, self.setting.rules.settling.total_seconds()
            until = bisect_right(booked, now - BOOKS_LAG)
            since = bisect_left(booked, (last - START).total_seconds())
            just_now = bisect_left(booked, now - settling - 1)
            hint = polling.Booked(max(0, until - since), max(0, until - just_now))
        return polling.Known(
            now=at(now),
            tick=self.setting.tick,
            last_poll_at=last,
            unproven=self.unproven,
            window_end=START + timedelta(days=now // DAY),
            booked=hint,
            recent=self.polls[-polling.RECENT_POLLS :],
        )

    def poll(self, now: float) -> None:
        """Ask the provider, keep the answer, and claim what it proves."""
        sent = self.traffic.sent
        until = int(np.searchsorted(sent, now, side="right"))
        near = np.arange(max(0, until - 2 * LISTING_LIMIT), until)
        listed = near[self.traffic.shown[near] <= now][-LISTING_LIMIT:]
        new = int(np.count_nonzero(~self.collected[listed]))
        self.collected[listed] = True
        answered = at(math.floor(now))
        oldest = at(math.floor(sent[listed[0]])) if len(listed) else None
        full = len(listed) == LISTING_LIMIT
        joined = not full or new < len(listed)
        self.polls.append(Poll(answered, new, len(listed), joined, oldest))
        self.claim(answered, oldest, len(listed))
        end = self.spans[-1].end if self.spans else None
        reach = (polling.reach(end) - START).total_seconds() if end else -math.inf
        first = int(np.searchsorted(np.floor(sent[:until]), reach, side="right"))
        self.unproven = int(np.count_nonzero(self.collected[first:until]))

    def claim(self, answered: datetime, oldest: datetime | None, items: int) -> None:
        """Add what the answer proves to the ledger."""
        # The ledger looks at the oldest message only. Another settling time is another clock.
        shifted = answered + coverage.SETTLING - self.setting.rules.settling
        messages = [Message(1, "+353871234567", oldest, "sent")] if oldest else []
        span = coverage.poll_span(Listing(messages, [], items, LISTING_LIMIT, shifted))
        if span is not None:
            self.spans[-1:] = coverage.merge([*self.spans[-1:], span])

    def outcome(self, looks: int) -> Outcome:
        """Compare what is claimed and collected with the truth."""
        sent = self.traffic.sent
        times = coverage.microseconds(START) + (sent * 1e6).astype(np.int64)
        claimed = coverage.covered(self.spans, times)
        days = [int((poll.at - START) / timedelta(days=1)) for poll in self.polls]
        share = len(sent) or 1
        return Outcome(
            setting=self.setting,
            sent=len(sent),
            requests=len(self.polls),
            least=least(sent, self.setting),
            busiest_day=max(days.count(day) for day in range(1, DAYS)),
            looks=looks,
            seen=float(self.collected.sum() / share) if len(sent) else 1.0,
            covered=float(claimed.sum() / share) if len(sent) else 1.0,
            wrong=int(np.count_nonzero(claimed & ~self.collected)),
        )


def at(seconds: float) -> datetime:
    """Return the moment so many seconds after the start."""
    return START + timedelta(seconds=seconds)


def least(sent: NDArray[np.float64], setting: Setting) -> int:
    """Return how many polls one who knows all sends needs, to leave no gap where that can be.

    Each poll is as late as the next chance allows; where none is early enough to leave no gap, as
    late as every message is still seen.
    """
    tick, rules = setting.tick.total_seconds(), setting.rules
    settling = rules.settling.total_seconds()
    now, count = 0.0, 1

    def full(since: float) -> float:
        place = int(np.searchsorted(sent, since, side="right")) + LISTING_LIMIT - 1
        return float(sent[place]) if place < len(sent) else math.inf

    while now < END + settling:
        limit = full(now - settling - 1)
        if limit <= now + tick:
            limit = full(now)
        day_ends = (now - settling) // DAY * DAY + DAY + settling
        limit = min(limit, now + rules.max_interval.total_seconds() + tick)
        now = max(now + tick, min(math.ceil(limit / tick) * tick - tick, _next(day_ends, tick)))
        count += 1
    return count


def _next(moment: float, tick: float) -> float:
    return math.ceil(moment / tick) * tick


def simulate(setting: Setting) -> Outcome:
    """Run one setting."""
    return Collector(setting).run()


def settings() -> Iterator[Setting]:
    """All lines of the first table."""
    for profile, tick, hint in product(PROFILES, (CRON, FOLLOW), (True, False)):
        yield Setting(profile, tick, hint, polling.Rules())


def surprises() -> Iterator[Setting]:
    """All lines of the trade-off: campaigns that nobody announces."""
    for tick, minutes in product((CRON, FOLLOW), (360, 60, 30, 15, 5, 2, 1)):
        rules = polling.Rules(max_interval=timedelta(minutes=minutes))
        yield Setting("2,000 and campaigns", tick, hint=False, rules=rules)


def settlings() -> Iterator[Setting]:
    """All lines of the last table: what the settling time costs."""
    for profile, seconds in product(("20,000 a day", "2,000 and campaigns"), (60, 30, 10)):
        rules = replace(polling.Rules(), settling=timedelta(seconds=seconds))
        for tick in (CRON, FOLLOW):
            yield Setting(profile, tick, hint=True, rules=rules)


def line(*cells: object) -> None:
    """Print a line of a Markdown table."""
    print(f"| {' | '.join(str(cell) for cell in cells)} |")


def table(head: Sequence[str], outcomes: Sequence[Outcome], what: str) -> None:
    """Print a table; `what` names what distinguishes the lines besides the mode."""
    print()
    line(*head)
    line(*("---" for _ in head))
    for one in outcomes:
        setting, bound = one.setting, one.bound
        mode = "cron" if setting.tick == CRON else "--follow"
        first = {
            "hint": (setting.profile, mode, "yes" if setting.hint else "no"),
            "interval": (f"{setting.rules.max_interval.total_seconds() / 60:g}", mode),
            "settling": (setting.profile, f"{setting.rules.settling.total_seconds():g} s", mode),
        }[what]
        line(
            *first,
            f"{one.requests / DAYS:.1f}",
            f"{one.busiest_day}",
            f"{one.requests / bound:.2f}" if bound else "",
            f"{one.least / bound:.2f}" if bound else "",
            f"{one.seen:.3%}",
            f"{one.covered:.3%}",
            one.wrong,
        )


def main() -> int:
    """Print the tables; return 1 where a claim was wrong."""
    figures = ["requests a day", "busiest day", "ratio", "least", "seen", "covered", "wrong claims"]
    groups = [list(settings()), list(surprises()), list(settlings())]
    with multiprocessing.Pool() as pool:
        done = pool.map(simulate, [one for group in groups for one in group], chunksize=1)
    results = iter(done)
    first, second, third = ([next(results) for _ in group] for group in groups)
    table(["sends", "mode", "books", *figures], first, "hint")
    table(["max_interval_minutes", "mode", *figures], second, "interval")
    table(["sends", "settling time", "mode", *figures], third, "settling")
    return 1 if any(one.wrong for one in done) else 0


if __name__ == "__main__":
    sys.exit(main())
