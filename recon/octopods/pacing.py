"""The least time between two requests of one key."""

from __future__ import annotations

from collections.abc import Callable


class Pacer:
    """Keeps requests apart. Clients with the same key may share one, since the limit is the key's.

    Args:
        min_interval_seconds: the least time from the start of one request to the start of the next.
        monotonic: seconds that never run backwards.
    """

    def __init__(self, min_interval_seconds: float, *, monotonic: Callable[[], float]) -> None:
        self._interval = min_interval_seconds
        self._monotonic = monotonic
        self._last: float | None = None

    @property
    def early(self) -> float:
        """The seconds until the next request may start; 0 if it may start now."""
        if self._last is None:
            return 0.0
        return max(self._last + self._interval - self._monotonic(), 0.0)

    def wait(self, sleep: Callable[[float], None]) -> None:
        """Wait until the next request may start; the first one may start at once.

        Args:
            sleep: waits for a number of seconds.
        """
        early = self.early
        if early > 0:
            sleep(early)
        self._last = self._monotonic()
