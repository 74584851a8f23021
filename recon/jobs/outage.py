"""An error that lasts, in a long-running job: when to try again, what to log, when to give up."""

from __future__ import annotations

import logging
import random
import re
from dataclasses import dataclass
from typing import Final

from recon.errors import ConfigError, KeyRefusedError, ReconError

log = logging.getLogger(__name__)

#: Seconds until the next try after an error: the first, and at most. Each is twice the one before.
_FIRST_BACK_OFF: Final = 5.0
_LONGEST_BACK_OFF: Final = 300.0
#: Seconds after which an error that a person must correct ends the job, so that a supervisor
#: over the process notices. Until then it may have been a passing error, or is being corrected.
GIVE_UP_AFTER: Final = 3600.0
#: Seconds after which an error that goes on is logged again.
_REMIND_AFTER: Final = 3600.0

#: What differs each time that the same error comes again.
_VARIES: Final = re.compile(r"\(request_id [^)]*\)|[+-]?[0-9]\S*")


@dataclass(slots=True)
class Outage:
    """The errors of one account since its last success. Times are seconds on a monotonic clock."""

    account: str
    rng: random.Random
    """For the jitter of the pauses."""
    _failures: int = 0
    _since: float = 0.0
    _wrong_since: float | None = None
    _said: str = ""
    _said_at: float = 0.0

    def pause(self, error: Exception, now: float) -> float | None:
        """Note an error, log it if it is new, and return the seconds until the next try.

        Returns:
            `None` if a person must correct the error and it has lasted too long.
        """
        if not self._failures:
            self._since = now
        self._failures += 1
        must_be_corrected = isinstance(error, ConfigError | KeyRefusedError)
        if must_be_corrected:
            self._wrong_since = now if self._wrong_since is None else self._wrong_since
            if now - self._wrong_since >= GIVE_UP_AFTER:
                return None
        seconds = self._seconds(error)
        self._log(error, seconds, now, must_be_corrected=must_be_corrected)
        return seconds

    def over(self, now: float) -> None:
        """Note a success; log it if there were errors before."""
        if self._failures:
            tries = "once" if self._failures == 1 else f"{self._failures} times"
            log.info(
                "account %s: works again after %s; it failed %s",
                self.account,
                _duration(now - self._since),
                tries,
            )
        self._failures, self._wrong_since, self._said = 0, None, ""

    def _seconds(self, error: Exception) -> float:
        asked = _asked_pause(error)
        if asked is not None:
            from recon.octopods.retry_after import LONGEST_PAUSE

            # A little later than named, since others wait for the same moment.
            return min(asked, LONGEST_PAUSE) + self.rng.uniform(0.05, 0.5)
        longest = min(_FIRST_BACK_OFF * 2.0 ** min(self._failures - 1, 10), _LONGEST_BACK_OFF)
        return self.rng.uniform(longest / 2, longest)

    def _log(
        self, error: Exception, seconds: float, now: float, *, must_be_corrected: bool
    ) -> None:
        said = error.message if isinstance(error, ReconError) else type(error).__name__
        kind = _VARIES.sub("#", said)
        is_news = kind != self._said or now - self._said_at >= _REMIND_AFTER
        if is_news:
            self._said, self._said_at = kind, now
        if must_be_corrected and isinstance(error, ReconError):
            said = error.one_line.rstrip(".")
        end = f"; gives up after {_duration(GIVE_UP_AFTER)}" if must_be_corrected else ""
        log.log(
            logging.WARNING if is_news else logging.DEBUG,
            "account %s: %s; trying again in %.0f s, then less and less often; the log says when "
            "it works again%s",
            self.account,
            said,
            seconds,
            end,
        )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - minutes


def _asked_pause(error: Exception) -> float | None:
    """Return the seconds of pause that a 429 asks for, `None` for other errors or no time."""
    from recon.octopods.retry import RateLimited

    cause = error.__cause__
    return cause.seconds if isinstance(cause, RateLimited) else None
