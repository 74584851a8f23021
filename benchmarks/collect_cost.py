"""What coverage costs: requests and proven coverage of simulated days, as Markdown tables.

Run `python -m benchmarks.collect_cost`, with parts of profiles' names to measure only these. The
policy (`recon.core.polling`) decides, the ledger (`recon.core.coverage`) claims, and the provider
lists its newest 100 messages: one answer in fifty shows the listing of up to 50 seconds ago, except
at 1,000 a minute. The records lag by two seconds and lack one send in two hundred. Nothing is taken
out of the first days, when nothing is learnt yet. In the last table the listing is not in order:
one message in fifty appears up to 50 seconds late, behind others.

`ratio` is requests by `ceil(N / (100 - min_overlap))`, what N messages would take if an answer
brought nothing but new ones. `least` is the same ratio for a collector that knows the future:
what the ticks and the daily polls leave possible. `seen` are the messages that some answer showed,
`covered` those within a span that is proven complete. Wrong claims are counted each night and at
the end: messages within a proven span that no answer showed. Ends with 1 if there is one while the
listing is in order.
"""

from __future__ import annotations

import math
import multiprocessing
import random
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from recon.core import coverage, listing_evidence, polling
from recon.core.polling_rhythm import (
    LEARN_POLLS,
    RECENT_POLLS,
    Forecast,
    Poll,
    Rhythm,
    forecast,
    learn,
)
from recon.model import LISTING_LIMIT, Listing, Message
from recon.simulator.traffic import OFFICE_RHYTHM, STEADY

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAYS: Final = 30
DAY: Final = 86_400
START: Final = datetime(2026, 3, 2, tzinfo=UTC)
TAIL: Final = 300
"""Seconds after the last day, in which its end is covered."""

RECORDS_LAG: Final = 2.0
UNRECORDED: Final = 0.005
LATE: Final = 0.02
LAG: Final = (5.0, 50.0)
RELEARN: Final = 6 * 3600
LONGEST_SLEEP: Final = 60.0
RECENT: Final = 200
MOST_MESSAGES: Final = 100_000
CRON: Final = timedelta(minutes=1)
FOLLOW: Final = timedelta(seconds=0.2)


@dataclass(frozen=True, slots=True)
class Traffic:
    """A business: what it sends, in seconds since `START`, in order."""

    sent: NDArray[np.float64]
    delays: NDArray[np.float64]
    """How long after its time each message appears in the listing, where it is not in order."""
    in_order: bool
    recorded: list[float]
    """Those that the records know."""
    late: float = LATE
    """The share of answers that show an old listing."""

    def listed(self, now: float) -> NDArray[np.int64]:
        """Return which messages the listing shows, the oldest first."""
        if self.in_order:
            # Chance, but the same for each collector.
            draw = random.Random(now)
            lag = draw.uniform(*LAG) if draw.random() < self.late else 0.0
            until = int(np.searchsorted(self.sent, now - lag, side="right"))
            return np.arange(max(0, until - LISTING_LIMIT), until)
        until = int(np.searchsorted(self.sent, now, side="right"))
        near = np.arange(max(0, until - 4 * LISTING_LIMIT), until)
        return near[(self.sent + self.delays)[near] <= now][-LISTING_LIMIT:]


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of a table."""

    profile: str
    tick: timedelta
    hint: bool
    rules: polling.PollingRules = field(default_factory=polling.PollingRules)
    in_order: bool = True

    @property
    def days(self) -> int:
        """For how many days it is simulated."""
        return PROFILES[self.profile].days


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    setting: Setting
    sent: int
    requests: int
    least: int
    busiest_day: int
    """Requests on the day with the most, the first one aside."""
    seen: float
    covered: float
    wrong: int

    @property
    def bound(self) -> int:
        """Requests if every answer brought nothing but new messages and the overlap."""
        return math.ceil(self.sent / self.setting.rules.room)


class Profile(NamedTuple):
    """What a business sends: some a day in a rhythm, and campaigns on top of that."""

    per_day: int
    rhythm: tuple[float, ...] = OFFICE_RHYTHM
    campaigns: int = 0
    size: int = 400
    seconds: float = 240.0
    days: int = DAYS
    """How long it is simulated: few days of many sends make as many polls as a month of few."""
    late: float = LATE
    """The share of answers that show an old listing."""


PROFILES: Final = {
    "idle": Profile(0, STEADY),
    "50 a day": Profile(50, STEADY),
    "2,000 a day": Profile(2000),
    "20,000 a day": Profile(20_000),
    "2,000 and campaigns": Profile(2000, campaigns=3),
    "2,000 and bursts": Profile(2000, campaigns=1, size=3000, seconds=180.0),
    # On top of 2,000 a day, four hours of it each day.
    "300 a minute": Profile(2000, campaigns=1, size=72_000, seconds=14_400.0, days=2),
    # An answer holds six seconds of it. Where one in fifty is old, two in a row come several times
    # a day, and the time of both is more than the next answer can reach back.
    "1,000 a minute": Profile(2000, campaigns=1, size=240_000, seconds=14_400.0, days=2, late=0.0),
}
FAST: Final = frozenset({"300 a minute", "1,000 a minute"})


def traffic(profile: str, *, in_order: bool) -> Traffic:
    """Send for 30 days: by chance in the profile's rhythm, and evenly in its campaigns.

    Campaigns come as a surprise: each day at other times between 8 and 20 o'clock.
    """
    what = PROFILES[profile]
    rng = np.random.default_rng(7)
    hours = rng.poisson(np.tile(np.array(what.rhythm) * what.per_day, what.days))
    begins = np.repeat(np.arange(len(hours)) * 3600.0, hours)
    parts = [begins + rng.uniform(0, 3600, len(begins))]
    for day in range(what.days):
        starts = day * DAY + rng.uniform(8 * 3600, 20 * 3600, what.campaigns)
        parts += [start + np.arange(what.size) * (what.seconds / what.size) for start in starts]
    sent = np.sort(np.concatenate(parts))
    delays = (rng.random(len(sent)) < LATE) * rng.uniform(*LAG, len(sent))
    recorded = sent[rng.random(len(sent)) >= UNRECORDED].tolist()
    return Traffic(sent, delays, in_order, recorded, what.late)


class Collector:
    """A collector, its store and its provider, on simulated time."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.traffic = traffic(setting.profile, in_order=setting.in_order)
        self.listed_by = np.full(len(self.traffic.sent), -1, dtype=np.int64)
        self.part_of: list[int] = []
        self.messages: dict[int, Message] = {}
        self.shared: dict[int, coverage.ShownSpan] = {}
        self.settled: dict[int, coverage.ShownSpan] = {}
        self.disordered = False
        self.polls: list[Poll] = []
        self.newest: datetime | None = None
        self.unproven = 0
        self.rhythm = Rhythm()
        self.ahead = Forecast()
        self.wrong = 0

    def run(self) -> Outcome:
        """Decide and poll until the last day is covered to its end."""
        tick = self.setting.tick.total_seconds()
        now, learnt, judged = 0.4, 0.0, 1
        while now < self.setting.days * DAY + TAIL:
            if now >= judged * DAY + TAIL:
                self.judge(judged - 1)
                judged += 1
            if now >= learnt + RELEARN:
                self.rhythm, learnt = learn(self.polls[-LEARN_POLLS:], "UTC"), now
            decision = polling.decide(self.known(now), self.ahead, self.setting.rules)
            if decision.due:
                self.poll(now)
                self.ahead = forecast(self.rhythm, self.polls[-RECENT_POLLS:])
                now += tick
            elif self.setting.tick == CRON:
                now += tick
            else:
                step = min(LONGEST_SLEEP, max(tick, decision.wait.total_seconds()))
                # Decisions at which nothing can have changed are skipped.
                now += step * max(1, math.ceil((self.quiet_until(now) - now) / step) - 1)
        return self.outcome()

    def quiet_until(self, now: float) -> float:
        """Return when anything but the time may change a decision."""
        if not self.setting.hint:
            return now
        recorded, floor = self.traffic.recorded, self.setting.rules.max_interval.total_seconds()
        place = bisect_right(recorded, now - RECORDS_LAG)
        records = recorded[place] + RECORDS_LAG if place < len(recorded) else math.inf
        last = (self.polls[-1].at - START).total_seconds()
        settled = now // DAY * DAY + coverage.SETTLING.total_seconds() + 1
        settled += 0 if now < settled else DAY
        return min(records, last + floor - 1, settled, (now // 3600 + 1) * 3600)

    def known(self, now: float) -> polling.PollingState:
        """Put together what store and records show."""
        known = polling.PollingState(
            now=at(now),
            tick=self.setting.tick,
            last_poll_at=self.polls[-1].at if self.polls else None,
            newest=self.newest,
            unproven=self.unproven if self.disordered else None,
            window_end=START + timedelta(days=now // DAY),
        )
        if self.setting.hint and self.polls:
            recorded, settling = self.traffic.recorded, self.setting.rules.settling
            until = bisect_right(recorded, now - RECORDS_LAG)
            unseen = bisect_left(recorded, (known.seen_until(settling) - START).total_seconds())
            just_now = bisect_left(recorded, now - settling.total_seconds())
            in_burst = bisect_left(recorded, now - polling.BURST.total_seconds())
            counts = (max(0, until - since) for since in (unseen, just_now, in_burst))
            stretch = polling.last_stretch(self.polls[-RECENT_POLLS:])
            ends = [bisect_left(recorded, (at - START).total_seconds()) for at in stretch or ()]
            before = min(ends[1], until) - ends[0] if ends else None
            hint = polling.RecordedSends(*counts, before)
            if polling.is_reliable(hint, self.polls[-1].new):
                known = replace(known, recorded=hint)
        return known

    def poll(self, now: float) -> None:
        """Ask the provider, keep the answer, and claim what it proves."""
        sent = self.traffic.sent
        listed = self.traffic.listed(now)
        answered = at(math.floor(now))
        messages = [self.message(int(n)) for n in listed[::-1]]
        listing = Listing(messages, [], len(messages), LISTING_LIMIT, answered)
        shown = listed[self.listed_by[listed] >= 0]
        parts = {int(n): self.part_of[self.listed_by[n]] for n in shown}
        if coverage.late_messages(messages, parts, self.shared):
            self.disordered = True
        alone = listing_evidence.prove(listing, listing_evidence.KeyHistory()).shown
        assert alone is not None
        self.part_of.append(len(self.part_of))
        self.enter(self.shared, alone, set(parts.values()))
        self.enter(self.settled, alone, set())
        self.listed_by[listed] = len(self.polls)
        oldest, newest = (messages[-1].sent_at, messages[0].sent_at) if messages else (None, None)
        new, joined = len(listed) - len(shown), len(shown) > 0 or not listing.is_full
        self.polls.append(Poll(answered, new, len(listed), joined, oldest, newest))
        self.newest = max(filter(None, (self.newest, newest)), default=None)
        if self.disordered:
            end = max(one.seen_at for one in self.settled.values()) - coverage.SETTLING
            unproven = sent >= (polling.next_answer_must_reach(end) - START).total_seconds() + 1
            self.unproven = int(np.count_nonzero(unproven & (self.listed_by >= 0)))

    def message(self, n: int) -> Message:
        """Return a message as the listing shows it."""
        if n not in self.messages:
            if len(self.messages) > MOST_MESSAGES:
                self.messages.clear()
            sent_at = at(math.floor(self.traffic.sent[n]))
            self.messages[n] = Message(n, "+353871234567", sent_at, "sent")
        return self.messages[n]

    def enter(
        self, ledger: dict[int, coverage.ShownSpan], alone: coverage.ShownSpan, to: set[int]
    ) -> None:
        """Add what the last answer shows to a ledger."""
        whole, joined = coverage.extend(ledger, alone, to)
        name = len(self.part_of) - 1
        for gone in joined:
            del ledger[gone]
        ledger[name] = whole
        if ledger is self.shared:
            # Messages of the latest answers only are listed again.
            for poll in range(max(0, name - RECENT), name):
                if self.part_of[poll] in joined:
                    self.part_of[poll] = name

    def claimed(self) -> NDArray[np.bool_]:
        """Say of each message whether it lies where nothing can be missing."""
        ledger = self.settled if self.disordered else self.shared
        spans = [span for one in ledger.values() if (span := one.span()) is not None]
        times = coverage.microseconds(START) + (self.traffic.sent * 1e6).astype(np.int64)
        return coverage.covered(spans, times)

    def judge(self, day: int) -> None:
        """Count, as a nightly run would, what is claimed of a day and was not listed."""
        first, last = np.searchsorted(self.traffic.sent, (day * DAY, (day + 1) * DAY))
        missed = self.claimed() & (self.listed_by < 0)
        self.wrong += int(np.count_nonzero(missed[first:last]))

    def outcome(self) -> Outcome:
        """Compare what is claimed and collected with the truth."""
        sent = self.traffic.sent
        claimed, seen = self.claimed(), self.listed_by >= 0
        days = [int((poll.at - START) / timedelta(days=1)) for poll in self.polls]
        share = len(sent) or 1
        return Outcome(
            setting=self.setting,
            sent=len(sent),
            requests=len(self.polls),
            least=least(sent, self.setting),
            busiest_day=max(days.count(day) for day in range(1, self.setting.days)),
            seen=float(seen.sum() / share) if len(sent) else 1.0,
            covered=float(claimed.sum() / share) if len(sent) else 1.0,
            wrong=max(self.wrong, int(np.count_nonzero(claimed & ~seen))),
        )


def at(seconds: float) -> datetime:
    """Return the moment so many seconds after the start."""
    return START + timedelta(seconds=seconds)


def least(sent: NDArray[np.float64], setting: Setting) -> int:
    """Return how many polls one who knows all sends needs, to leave no gap where that can be.

    Each poll is as late as the ticks allow without a gap.
    """
    tick, rules = setting.tick.total_seconds(), setting.rules
    settling = rules.settling.total_seconds()
    now, count = 0.0, 1

    def full(since: float) -> float:
        place = int(np.searchsorted(sent, since, side="right")) + LISTING_LIMIT - 1
        return float(sent[place]) if place < len(sent) else math.inf

    end = setting.days * DAY
    while now < end + settling:
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
        # More than an answer holds is sent between two polls of cron; without records, such a
        # campaign is as much of a surprise as the slower ones.
        if profile not in FAST or (tick == FOLLOW and hint):
            yield Setting(profile, tick, hint)


def surprises() -> Iterator[Setting]:
    """All lines of the trade-off: campaigns that nobody announces."""
    for tick, minutes in product((CRON, FOLLOW), (360, 60, 15, 5, 1)):
        rules = polling.PollingRules(max_interval=timedelta(minutes=minutes))
        yield Setting("2,000 and campaigns", tick, hint=False, rules=rules)


def disorders() -> Iterator[Setting]:
    """All lines of the last table: a listing that is not in order."""
    for profile, tick in product(("2,000 a day", "20,000 a day"), (CRON, FOLLOW)):
        yield Setting(profile, tick, hint=True, in_order=False)


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
            "disorder": (setting.profile, mode),
        }[what]
        line(
            *first,
            f"{one.requests / setting.days:.1f}",
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
    wanted = sys.argv[1:]
    groups = [
        [one for one in group if not wanted or any(word in one.profile for word in wanted)]
        for group in (settings(), surprises(), disorders())
    ]
    with multiprocessing.Pool() as pool:
        done = pool.map(simulate, [one for group in groups for one in group], chunksize=1)
    results = iter(done)
    first, second, third = ([next(results) for _ in group] for group in groups)
    table(["sends", "mode", "records", *figures], first, "hint")
    table(["max_interval_minutes", "mode", *figures], second, "interval")
    table(["sends", "mode", *figures], third, "disorder")
    return 1 if any(one.wrong for one in done if one.setting.in_order) else 0


if __name__ == "__main__":
    sys.exit(main())
