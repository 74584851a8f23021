"""Clocks for a simulation: where its time comes from is passed in, like everything else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

#: Says what time it is: aware.
Clock: TypeAlias = Callable[[], datetime]


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the time that it shows."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self.now += timedelta(seconds=seconds)


def real() -> datetime:
    """Return the time of this machine, in UTC."""
    return datetime.now(UTC)
