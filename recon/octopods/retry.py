"""How often to retry, and how long to wait, within the total that a run allows."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from recon.errors import TemporaryError
from recon.octopods.request_errors import TransientError

log = logging.getLogger(__name__)

Read = TypeVar("Read")

#: Tries of one call in all, if the error may be temporary. A 429 that names its time does not
#: count: it is no failure, and what the run allows in all bounds it.
_ATTEMPTS: Final = 5
_FIRST_BACK_OFF: Final = 1.0
#: A limit seldom recovers in a second, and asking takes from it.
_FIRST_UNNAMED: Final = 5.0
_LONGEST_BACK_OFF: Final = 60.0
#: Seconds; a stamp beyond it is nonsense, and no calendar may break over it.
_A_CENTURY: Final = 100 * 365 * 86_400.0


class RateLimited(Exception):  # noqa: N818 - no error of its own
    """A 429, and the seconds of pause that it asks for; `None` if it names none."""

    def __init__(
        self, seconds: float | None, request_id: str | None, *, said: str = "rate-limited (429)"
    ) -> None:
        """Store the content of the answer; `request_id` is for the log."""
        super().__init__(said + id_note(request_id))
        self.seconds = seconds


def id_note(request_id: str | None) -> str:
    """Return a note with the request's id, for the vendor's support."""
    return "" if request_id is None else f" (request_id {request_id})"


class RetryBudget:
    """The pauses that a run may still make, for all calls together.

    An earlier pause that Octopods asked for is kept before the first request.
    """

    def __init__(
        self,
        *,
        account: str,
        max_wait_seconds: float,
        least: Callable[[], float],
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        rng: random.Random,
        paused_until: Callable[[], datetime | None],
    ) -> None:
        """Prepare to wait at most `max_wait_seconds`, in any number of pauses.

        Args:
            account: its name in the configuration, for messages.
            max_wait_seconds: the longest sum of pauses in the life of this object.
            least: returns the present minimum of a pause, so that the pacing of requests does not
                add a wait that is not counted.
            clock: the current time, aware, for messages with the time of the next try.
            sleep: waits that many seconds.
            rng: for the jitter, so that many clients do not retry at the same time.
            paused_until: returns the end, aware, of a pause after an earlier 429 to any process;
                called before each call.
        """
        self._account = account
        self._max_wait = max_wait_seconds
        self._least = least
        self._clock = clock
        self._sleep = sleep
        self._rng = rng
        self._waited = 0.0
        self._paused_until = paused_until

    @property
    def waited_seconds(self) -> float:
        """How many seconds were waited before retries."""
        return self._waited

    @property
    def left(self) -> float:
        """How many seconds of pause are still allowed."""
        return max(self._max_wait - self._waited, 0.0)

    def call(self, ask: Callable[[], Read]) -> Read:
        """Call and retry while the error may be temporary and pauses are left.

        Raises:
            TemporaryError: no usable answer; the message says what happened.
        """
        self._keep_earlier_pause()
        failed = limited = 0
        while True:
            try:
                return ask()
            except (TransientError, RateLimited) as error:
                if isinstance(error, RateLimited) and error.seconds is not None:
                    limited += 1
                else:
                    failed += 1
                pause = max(self._pause(error, failed, limited), self._least())
                if failed >= _ATTEMPTS or pause > self.left:
                    raise self._given_up(error, failed) from error
                log.warning("account %s: %s; asking again in %.1f s", self._account, error, pause)
            self._sleep_counted(pause)

    def _keep_earlier_pause(self) -> None:
        """Wait for the end of an earlier pause, or give up without a request."""
        until = self._paused_until()
        seconds = 0.0 if until is None else (until - self._clock()).total_seconds()
        if seconds > 0:
            limited = RateLimited(seconds, None, said="it answered 429 to an earlier request")
            # A little later than named, since others wait for the same moment.
            pause = max(min(seconds + self._rng.uniform(0.05, 0.5), self.left), seconds)
            if pause > self.left:
                raise self._used_up(limited) from limited
            log.warning(
                "account %s: Octopods asked for a pause (429), and no request has been made since; "
                "the next one is in %.1f s",
                self._account,
                pause,
            )
            self._sleep_counted(pause)

    def _given_up(self, error: TransientError | RateLimited, failed: int) -> TemporaryError:
        if isinstance(error, RateLimited):
            return self._used_up(error)
        times = "once" if failed == 1 else f"{failed} times"
        said = (
            f"Octopods was asked {times} and gave no usable answer: {error}"
            if error.sent
            else f"{error} (tried {times})"
        )
        hint = f"{error.hint} Run again later; nothing is lost, and stored data is kept."
        return TemporaryError(said, hint=hint.lstrip())

    def _used_up(self, limited: RateLimited) -> TemporaryError:
        again, when = "", "later"
        if limited.seconds is not None:
            now = self._clock().astimezone(UTC)
            at = now + timedelta(seconds=min(limited.seconds, _A_CENTURY))
            again, when = f"; it asks to pause until {at:%Y-%m-%d %H:%M:%S} UTC", "then"
        return TemporaryError(
            f"Octopods' rate limit is used up: {limited}{again}",
            hint=f"Run again {when}, or run `recon run --offline` now: it uses what is stored and "
            f"makes no request. A run waits at most {self._max_wait:g} seconds in all "
            "(octopods.max_wait_seconds); the rate limit is shared with your sends.",
        )

    def _pause(self, error: TransientError | RateLimited, failed: int, limited: int) -> float:
        if not isinstance(error, RateLimited):
            return self._back_off(_FIRST_BACK_OFF, failed)
        if error.seconds is None:
            return self._back_off(_FIRST_UNNAMED, failed)
        seconds = error.seconds
        if limited > 1:
            # The time it named was not enough: asking at its pace would eat up the limit.
            seconds = max(seconds, self._back_off(_FIRST_BACK_OFF, limited - 1))
        # A little later than named, since others wait for the same moment.
        jittered = seconds + self._rng.uniform(0.05, 0.5)
        return min(jittered, max(seconds, self.left))

    def _back_off(self, first: float, times: int) -> float:
        longest = min(first * 2 ** min(times - 1, 10), _LONGEST_BACK_OFF)
        return self._rng.uniform(longest / 2, longest)

    def _sleep_counted(self, seconds: float) -> None:
        self._waited += seconds
        self._sleep(seconds)
