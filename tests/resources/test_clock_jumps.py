"""A clock that is set within a run or between two: nothing false, and the next run is right.

As when NTP steps it or a person sets it. When a laptop sleeps, time passes, but not by the clock
that measures pauses. When daylight saving begins or ends, the clock of UTC, by which recon works,
does not jump.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from recon.cli import collect
from recon.cli.common import Session
from recon.cli.run import command
from recon.errors import UsageError
from recon.jobs.follow import follow
from recon.jobs.shutdown import Stop
from recon.simulator import http_faults
from recon.simulator.http_faults import Fault
from recon.store.engine import connect
from tests.cli.nights import Nights, nights
from tests.clocks import ManualClock
from tests.factories import DAY, NOON

pytestmark = pytest.mark.thorough

_TRUE = ("missing_at_provider", "missing_locally")
_JUMPS = [timedelta(days=-2), timedelta(hours=-1), timedelta(hours=1), timedelta(days=3)]
#: How often a run asks for the time, at least.
_CALLS = 8
_WHOLE = "RECON_TESTS_CRASH" in os.environ
#: For a run that begins two days before, the day has not begun: see `test_between_runs`.
_CASES = [
    (jump, call)
    for jump in _JUMPS
    for call in (range(jump < timedelta(days=-1), _CALLS) if _WHOLE else [_CALLS // 2])
]


@dataclass(slots=True)
class _Jumping:
    """A clock that is set after it was asked so often."""

    right: ManualClock
    jump: timedelta
    after: int
    asked: int = 0

    def __call__(self) -> datetime:
        self.asked += 1
        return self.right() + (self.jump if self.asked > self.after else timedelta(0))


@contextmanager
def _day(path: Path, template: Path) -> Iterator[Nights]:
    """A day with a message that nobody recorded, and a record that was never sent."""
    (path / "recon.db").write_bytes(template.read_bytes())
    with nights(path, f"sqlite:///{path / 'recon.db'}") as made:
        made.send(3, start=NOON)
        made.send(1, start=NOON.replace(hour=13), recorded=False)
        made.workshop.add_records((500, 500, "+353871200500", NOON.replace(hour=14), "sent"))
        yield made


def _assert_right(made: Nights) -> None:
    """The next run by the right clock finds what there is, and nothing else."""
    assert made.run() == 0
    rows = [(row["kind"], row["state"]) for row in made.workshop.rows()]
    assert rows == [(kind, "open") for kind in _TRUE]
    assert made.workshop.query("SELECT count(*) FROM findings") == [(2,)]


@pytest.mark.parametrize(("jump", "after"), _CASES)
def test_within_a_run(tmp_path: Path, migrated_sqlite: Path, jump: timedelta, after: int) -> None:
    with _day(tmp_path, migrated_sqlite) as made:
        clock = _Jumping(made.clock, jump, after)
        pauses: list[float] = []
        with ExitStack() as at_exit:
            runtime = replace(made.runtime(), clock=clock, sleep=pauses.append)
            session = Session(tmp_path / "recon.toml", runtime, at_exit)
            argv = ["--date", DAY, "--output", str(tmp_path / "reports")]
            assert command.main(argv, obj=session, standalone_mode=False) == 0
        assert clock.asked > after
        # It is set back between two requests, and the next one is not an hour later.
        assert sum(pauses) == 0
        kinds = {kind for kind, *_ in made.workshop.kinds()}
        assert kinds <= {*_TRUE, "unverifiable"}
        _assert_right(made)


@pytest.mark.parametrize("jump", _JUMPS)
def test_between_runs(tmp_path: Path, migrated_sqlite: Path, jump: timedelta) -> None:
    with _day(tmp_path, migrated_sqlite) as made:
        made.own_clock_ahead = jump
        assert made.invoke(collect.command) == 0
        # Two days back, the day has not begun.
        assert made.run() == (UsageError.exit_code if jump < timedelta(days=-1) else 0)
        made.own_clock_ahead = timedelta(0)
        _assert_right(made)
        # However far ahead the last poll was by the wrong clock, the next one is made in time.
        polls = len(made.requests)
        made.clock.advance(timedelta(hours=6, minutes=1).total_seconds())
        assert made.invoke(collect.command) == 0
        assert len(made.requests) > polls


# --- a laptop that sleeps -----------------------------------------------------------------------

_ASLEEP = timedelta(hours=8)
#: How often a collector asks for the time.
_OF_COLLECT = 4
_MOMENTS = range(_OF_COLLECT) if _WHOLE else [_OF_COLLECT - 1]


@dataclass(slots=True)
class _Laptop:
    """Falls asleep once: time passes, but not by the clock that does not run backwards."""

    made: Nights
    after: int = -1
    """It does so after it was asked for the time so often."""
    in_pause: bool = False
    """It does so in the first pause."""
    asked: int = 0
    seconds: float = 0.0
    slept: list[timedelta] = field(default_factory=list)

    def clock(self) -> datetime:
        if self.asked == self.after:
            self._sleep()
        self.asked += 1
        return self.made.clock()

    def pause(self, seconds: float) -> None:
        self.seconds += seconds
        self.made.clock.advance(seconds)
        if self.in_pause and not self.slept:
            self._sleep()

    def _sleep(self) -> None:
        """Sleep while more messages are sent than a list shows."""
        self.made.send(150, start=self.made.clock() + timedelta(hours=1), minutes=2)
        self.made.clock.advance(_ASLEEP.total_seconds())
        self.slept.append(_ASLEEP)

    @contextmanager
    def session(self) -> Iterator[Session]:
        runtime = replace(
            self.made.runtime(),
            clock=self.clock,
            monotonic=lambda: self.seconds,
            sleep=self.pause,
        )
        with ExitStack() as at_exit:
            yield Session(self.made.workshop.path / "recon.toml", runtime, at_exit)


@contextmanager
def _morning(path: Path, template: Path, *script: Fault | None) -> Iterator[Nights]:
    """The morning of a day with a few messages; a pause may last a minute."""
    (path / "recon.db").write_bytes(template.read_bytes())
    with nights(path, f"sqlite:///{path / 'recon.db'}", script=script) as made:
        config = path / "recon.toml"
        text = config.read_text().replace("max_wait_seconds = 0", "max_wait_seconds = 60")
        config.write_text(text)
        made.send(3, start=NOON - timedelta(hours=2))
        after = made.clock.now
        made.clock.now = NOON - timedelta(hours=1)
        assert made.invoke(collect.command) == 0
        made.clock.now = NOON
        yield made
        made.clock.now = after


def _assert_the_gap_is_known(made: Nights) -> None:
    """The night accuses nobody of what no list has shown: from noon up to the newest 100."""
    made.clock.now = NOON.replace(hour=6) + timedelta(days=1)
    assert made.run("--offline") == 0
    assert {kind for kind, *_ in made.workshop.kinds()} == {"unverifiable"}
    gap = made.workshop.report()["coverage"]["gaps"][0]
    assert gap["start"] <= "2026-04-23T12:00:00Z"
    assert gap["end"] >= "2026-04-23T14:08:00Z"


@pytest.mark.parametrize("own", [timedelta(hours=1), timedelta(hours=-1)], ids=["own", "theirs"])
def test_a_clock_that_is_ahead_proves_nothing_of_what_comes(
    tmp_path: Path, migrated_sqlite: Path, own: timedelta
) -> None:
    with _morning(tmp_path, migrated_sqlite) as made:
        made.own_clock_ahead = own
        # Octopods' clock is ahead by as much as ours is behind it.
        made.clock.now = NOON + max(-own, timedelta(0))
        assert made.invoke(collect.command, "--force") == 0
        made.own_clock_ahead, made.clock.now = timedelta(0), NOON + _ASLEEP
        made.send(150, start=NOON + timedelta(minutes=30), minutes=2)
        assert made.invoke(collect.command, "--force") == 0
        _assert_the_gap_is_known(made)


@pytest.mark.parametrize("after", _MOMENTS)
def test_asleep_while_it_asks(tmp_path: Path, migrated_sqlite: Path, after: int) -> None:
    with _morning(tmp_path, migrated_sqlite) as made:
        laptop = _Laptop(made, after)
        with laptop.session() as session:
            assert collect.command.main(["--force"], obj=session, standalone_mode=False) == 0
        assert laptop.slept
        _assert_the_gap_is_known(made)


def test_asleep_in_a_pause(tmp_path: Path, migrated_sqlite: Path) -> None:
    with _morning(tmp_path, migrated_sqlite, None, http_faults.rate_limited(seconds=30)) as made:
        laptop = _Laptop(made, in_pause=True)
        with laptop.session() as session:
            assert collect.command.main(["--force"], obj=session, standalone_mode=False) == 0
        assert laptop.slept
        # It is asked again when the pause is over, which by then it is.
        assert made.requests[-1].at - made.requests[-2].at >= timedelta(hours=8, seconds=30)
        _assert_the_gap_is_known(made)


def test_asleep_while_it_follows(tmp_path: Path, migrated_sqlite: Path) -> None:
    with _morning(tmp_path, migrated_sqlite) as made:
        laptop, stop = _Laptop(made, in_pause=True), Stop()
        with laptop.session() as session:
            settings = session.settings()

            def pause(seconds: float) -> None:
                laptop.pause(seconds)
                if laptop.seconds > 90:
                    stop.ask()

            engine = connect(settings.database.url.get_secret_value())
            runtime = replace(session.runtime, sleep=pause)
            assert follow(settings, lambda: engine, ["main"], runtime, stop) == []
            engine.dispose()
        # Within a minute of its own clock it has noticed that a poll is due.
        woke = NOON + _ASLEEP
        assert timedelta(0) <= made.requests[-1].at - woke <= timedelta(seconds=61)
        _assert_the_gap_is_known(made)
