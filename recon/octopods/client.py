"""The client: the two calls this job makes, frugal with the limit that the sends share."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeVar

import requests
from pydantic import SecretStr
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from recon.errors import ConfigError, KeyRefusedError, ReconError, TemporaryError
from recon.model import LISTING_LIMIT, Listing, RequestCounts
from recon.octopods import answers, pauses
from recon.octopods.answers import ApiError, StatusAnswer
from recon.octopods.transport import Answer, PassingTrouble, Transport

log = logging.getLogger(__name__)

Read = TypeVar("Read")

_LIST: Final = "/api/v1/whatsapp/messages"
#: A rotated or revoked key (help centre, article 14823961: `DEPRECATED_API_KEY`).
_DEPRECATED_KEY: Final = 6
#: Tries of one call in all, where the trouble may pass. A 429 that names its time does not count.
_ATTEMPTS: Final = 5
_FIRST_BACK_OFF: Final = 1.0
_LONGEST_BACK_OFF: Final = 60.0
_BAD_REQUEST, _UNAUTHORIZED, _NOT_FOUND, _TIMED_OUT, _TOO_MANY = 400, 401, 404, 408, 429
_SERVER_ERRORS: Final = 500


class _RateLimited(Exception):  # noqa: N818 - no error of its own
    """A 429, and how long it asks to pause; `None` where it does not say."""

    def __init__(self, seconds: float | None, request_id: str | None) -> None:
        super().__init__("rate-limited (429)" + _named(request_id))
        self.seconds = seconds


class Client:
    """Asks Octopods with one key.

    Every request really sent is counted. Two requests are at least `min_interval_seconds` apart.
    What may pass is tried again with back-off and jitter, a 429 after the time that it names, and
    all pauses together never exceed `max_wait_seconds`.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: SecretStr,
        account: str,
        session: requests.Session,
        timeout_seconds: float,
        min_interval_seconds: float,
        max_wait_seconds: float,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
        rng: random.Random,
    ) -> None:
        """Prepare to ask; nothing is sent yet.

        Args:
            base_url: scheme and host, without a slash at the end.
            api_key: goes into the `X-Octopods-Auth` header and nowhere else.
            account: its name in the configuration, for messages.
            session: may be shared.
            timeout_seconds: to connect, between two bytes, and for a whole answer.
            min_interval_seconds: least time between two requests.
            max_wait_seconds: longest sum of pauses in the life of this client.
            clock: the time of day, aware; where an answer has no `Date` header it stands in.
            monotonic: seconds that never run backwards.
            sleep: waits so many seconds.
            rng: for the jitter.
        """
        self._transport = Transport(base_url, api_key, session, timeout_seconds, monotonic)
        self._account = account
        self._min_interval = min_interval_seconds
        self._max_wait = max_wait_seconds
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._rng = rng
        self._waited = 0.0
        self._asked_at: float | None = None
        self._counts = RequestCounts()

    @property
    def counts(self) -> RequestCounts:
        """The requests sent so far, repeated ones too."""
        return self._counts

    def latest(self) -> Listing:
        """Return the newest messages of the key, at most 100: there is no older page.

        Raises:
            KeyRefusedError: the key is unknown (401), or rotated or revoked (error 6).
            TemporaryError: no usable answer within the allowed pauses.
            ConfigError: the address cannot be right.
        """
        listing = self._patiently(
            lambda: self._ask(
                _LIST, {"limit": LISTING_LIMIT}, RequestCounts(list=1), self._read_listing
            )
        )
        log.info(
            "account %s: Octopods lists %d messages, %d of them unreadable (request_id %s)",
            self._account,
            listing.item_count,
            len(listing.rejects),
            listing.request_id,
        )
        return listing

    def message_status(self, message_id: int) -> StatusAnswer | None:
        """Return the status of one message, `None` where Octopods has no such id for this key.

        Raises: as `latest`.
        """
        return self._patiently(
            lambda: self._ask(
                f"{_LIST}/{message_id}",
                None,
                RequestCounts(status=1),
                lambda answer: self._read_status(answer, message_id),
            )
        )

    # --- one request ---------------------------------------------------------------------------

    def _ask(
        self,
        path: str,
        params: Mapping[str, int] | None,
        counted: RequestCounts,
        read: Callable[[Answer], Read],
    ) -> Read:
        self._keep_distance()
        self._counts += counted
        answer = self._transport.get(path, params)
        error = answers.read_error(answer.body)
        log.debug("%s answers %d (request_id %s)", path, answer.status, error.request_id)
        if answer.status == _TOO_MANY:
            self._counts += RequestCounts(rate_limited=1)
            seconds = pauses.pause_seconds(
                answer.headers,
                answer.body,
                now=self._clock(),
                allowed=self._max_wait - self._waited,
            )
            raise _RateLimited(seconds, error.request_id)
        self._refuse(answer, error)
        return read(answer)

    def _keep_distance(self) -> None:
        now = self._monotonic()
        if self._asked_at is not None:
            wait = self._asked_at + self._min_interval - now
            if wait > 0:
                self._sleep(wait)
        self._asked_at = self._monotonic()

    def _refuse(self, answer: Answer, error: ApiError) -> None:
        """Raise what every call has in common: a refused key, a server in trouble, a redirect."""
        if answer.status < 300:  # noqa: PLR2004 - the end of the successes
            return
        said = _named(error.request_id)
        if answer.status == _UNAUTHORIZED or (
            answer.status < _SERVER_ERRORS and error.code == _DEPRECATED_KEY
        ):
            why = (
                "was rotated or revoked (error 6)"
                if error.code == _DEPRECATED_KEY
                else "is not known to Octopods (401)"
            )
            raise KeyRefusedError(
                f"the API key {why}{said}",
                hint="Copy the current key from the API settings of your Octopods account to where "
                f"accounts.{self._account}.api_key_env or api_key_file points. What the old key "
                "sent is not listed for a new one.",
            )
        if answer.status >= _SERVER_ERRORS or answer.status == _TIMED_OUT:
            raise PassingTrouble(f"Octopods answers {answer.status}{said}")
        if answer.status < _BAD_REQUEST:
            where = answer.headers.get("Location", "elsewhere")
            raise ConfigError(
                f"{self._transport.base_url} redirects to {where}, which is not followed",
                hint="Set octopods.base_url to the address of the API itself.",
            )

    def _read_listing(self, answer: Answer) -> Listing:
        answered_at = answer.date or self._clock()
        error = answers.read_error(answer.body)
        if answer.status == _NOT_FOUND:
            raise ConfigError(
                f"{self._transport.base_url} knows no list of messages (404)",
                hint="Set octopods.base_url to the address of the API, without a path.",
            )
        if answer.status >= _BAD_REQUEST:
            # An account that has sent nothing yet answers so (help centre, article 14824157).
            if answers.says_nothing_sent(error.text):
                return Listing([], [], 0, LISTING_LIMIT, answered_at, error.request_id)
            raise self._strange(answer, error)
        listing = None
        if answer.is_json:
            listing = answers.read_listing(answer.body, answered_at=answered_at)
        if listing is None:
            raise PassingTrouble("the answer is no list of messages" + _named(error.request_id))
        return listing

    def _read_status(self, answer: Answer, message_id: int) -> StatusAnswer | None:
        error = answers.read_error(answer.body)
        if answer.status == _NOT_FOUND or (
            answer.status == _BAD_REQUEST and error.code is not None
        ):
            return None
        if answer.status >= _BAD_REQUEST:
            raise self._strange(answer, error)
        found = answers.read_status(answer.body, message_id)
        if found is None:
            raise PassingTrouble("the answer is no status of a message" + _named(error.request_id))
        return found

    def _strange(self, answer: Answer, error: ApiError) -> ReconError:
        code = "" if error.code is None else f", error {error.code}"
        text = f": {error.text}" if error.text else ""
        return TemporaryError(
            f"Octopods refuses the request ({answer.status}{code}){text}{_named(error.request_id)}",
            hint="If it stays so, give Octopods' support the request_id.",
        )

    # --- patience ------------------------------------------------------------------------------

    def _patiently(self, ask: Callable[[], Read]) -> Read:
        """Ask again while the trouble may pass and the allowed pauses last."""
        tries = Retrying(
            retry=retry_if_exception_type((PassingTrouble, _RateLimited)),
            stop=self._gives_up,
            wait=self._pause,
            sleep=self._sleep_counted,
            before_sleep=self._log_pause,
            reraise=True,
        )
        try:
            return tries(ask)
        except _RateLimited as limited:
            again = ""
            if limited.seconds is not None:
                at = self._clock() + timedelta(seconds=limited.seconds)
                again = f"; it asks to pause until {at:%Y-%m-%d %H:%M:%S} UTC"
            raise TemporaryError(
                f"Octopods' rate limit is used up{again}",
                hint=f"Run again then. octopods.max_wait_seconds ({self._max_wait:g}) allows no "
                "longer pause; the limit is shared with your sends.",
            ) from limited
        except PassingTrouble as trouble:
            raise TemporaryError(
                f"Octopods gives no usable answer: {trouble}",
                hint="Run again later; nothing is lost, what is already stored stays.",
            ) from trouble

    def _pause(self, state: RetryCallState) -> float:
        trouble = _trouble(state)
        if isinstance(trouble, _RateLimited) and trouble.seconds is not None:
            # A little later than named: the moment must have passed, and others wait for it too.
            return trouble.seconds + self._rng.uniform(0.05, 0.5)
        longest = min(_FIRST_BACK_OFF * 2 ** (state.attempt_number - 1), _LONGEST_BACK_OFF)
        return self._rng.uniform(longest / 2, longest)

    def _gives_up(self, state: RetryCallState) -> bool:
        trouble = _trouble(state)
        names_its_time = isinstance(trouble, _RateLimited) and trouble.seconds is not None
        if not names_its_time and stop_after_attempt(_ATTEMPTS)(state):
            return True
        return self._waited + state.upcoming_sleep > self._max_wait

    def _sleep_counted(self, seconds: float) -> None:
        self._waited += seconds
        self._sleep(seconds)

    def _log_pause(self, state: RetryCallState) -> None:
        log.warning(
            "account %s: %s; asking again in %.1f s",
            self._account,
            _trouble(state),
            state.upcoming_sleep,
        )


def _trouble(state: RetryCallState) -> BaseException | None:
    return None if state.outcome is None else state.outcome.exception()


def _named(request_id: str | None) -> str:
    return "" if request_id is None else f" (request_id {request_id})"
