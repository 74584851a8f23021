"""A clock that is set within a run or between two: nothing false, and the next run is right.

As when NTP steps it, a person sets it, or a laptop wakes. When daylight saving begins or ends, the
clock of UTC, by which recon works, does not jump.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from recon.cli import collect
from recon.cli.common import Session
from recon.cli.run import command
from recon.errors import UsageError
from tests.cli.nights import Nights, nights
from tests.clocks import ManualClock
from tests.factories import DAY, NOON

pytestmark = pytest.mark.thorough

_TRUE = ("missing_at_provider", "missing_locally")
_JUMPS = [timedelta(days=-2), timedelta(hours=-1), timedelta(hours=1), timedelta(days=3)]
#: How often a run asks for the time, at least.
_CALLS = 8
_WHOLE = "RECON_TESTS_CRASH" in os.environ
_CASES = [(jump, call) for jump in _JUMPS for call in (range(_CALLS) if _WHOLE else [_CALLS // 2])]


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
        with ExitStack() as at_exit:
            runtime = replace(made.runtime(), clock=clock)
            session = Session(tmp_path / "recon.toml", runtime, at_exit)
            argv = ["--date", DAY, "--output", str(tmp_path / "reports")]
            assert command.main(argv, obj=session, standalone_mode=False) == 0
        assert clock.asked > after
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
