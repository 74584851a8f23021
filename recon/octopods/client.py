"""The client: the two calls that recon makes, with few requests, because sends share the limit."""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import urlsplit

import requests
from pydantic import SecretStr

from recon.errors import ConfigError, KeyRefusedError, RequestRefusedError
from recon.model import LISTING_LIMIT, Listing, RequestCounts
from recon.octopods import api_errors, response_fields, responses, retry_after
from recon.octopods.api_errors import ApiError
from recon.octopods.pacing import Pacer
from recon.octopods.request_errors import TransientError
from recon.octopods.responses import StatusAnswer
from recon.octopods.retry import RateLimited, RetryBudget, id_note
from recon.octopods.retry_after import LONGEST_PAUSE
from recon.octopods.transport import HttpResponse, Transport

log = logging.getLogger(__name__)

Read = TypeVar("Read")

_LIST: Final = "/api/v1/whatsapp/messages"
_HOST: Final = re.compile(r"[a-z0-9.:_-]{1,253}", re.ASCII)


class Client:
    """Makes requests with one key.

    Each request that is sent is counted. The pacer keeps requests apart.
    Temporary errors are retried with back-off and jitter, a 429 after the time that it names. All
    pauses together never exceed `max_wait_seconds`.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: SecretStr,
        account: str,
        session: requests.Session,
        timeout_seconds: float,
        max_wait_seconds: float,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
        rng: random.Random,
        pacer: Pacer,
        paused_until: Callable[[], datetime | None] = lambda: None,
        on_pause: Callable[[datetime], None] = lambda _until: None,
    ) -> None:
        """Prepare to ask, without a request.

        Args:
            base_url: scheme and host.
            api_key: goes into the `X-Octopods-Auth` header and nowhere else.
            account: its name in the configuration, for messages.
            session: may be shared.
            timeout_seconds: the longest time of one request, from connecting to the last byte.
            max_wait_seconds: the longest sum of pauses in the life of this client.
            clock: the current time, aware; used if an answer has no `Date` header.
            monotonic: seconds that never run backwards.
            sleep: waits that many seconds.
            rng: for the jitter.
            pacer: keeps the least time between two requests; shared by clients with the same key.
            paused_until: returns the end of an earlier pause of the key; called before each
                request.
            on_pause: called with the end of each pause that a 429 asks for, by `clock`.

        Raises:
            ConfigError: the key contains a character that is not allowed in a header.
        """
        key = api_key.get_secret_value()
        if not key or not all("!" <= char <= "\xff" and char.isprintable() for char in key):
            raise ConfigError(
                f"the API key of account {account} contains a character that is not valid in a key",
                hint=_where_the_key_is(account),
            )
        self._transport = Transport(base_url.rstrip("/"), api_key, session, timeout_seconds)
        self._account = account
        self._clock = clock
        self._monotonic = monotonic
        self._pacer = pacer
        self._sleep = sleep
        self._retry_budget = RetryBudget(
            account=account,
            max_wait_seconds=max_wait_seconds,
            least=lambda: pacer.early,
            clock=clock,
            sleep=sleep,
            rng=rng,
            paused_until=paused_until,
        )
        self._on_pause = on_pause
        self._counts = RequestCounts()

    @property
    def counts(self) -> RequestCounts:
        """The number of requests sent so far, including repeated ones."""
        waited = round(self._retry_budget.waited_seconds, 1)
        return replace(self._counts, waited_seconds=waited)

    def latest(self) -> Listing:
        """Return the newest messages of the key, at most 100; there are no further pages.

        Raises:
            KeyRefusedError: the key is unknown (401), or rotated or revoked (error 6).
            TemporaryError: no usable answer within the allowed pauses.
            ConfigError: the address is wrong.
        """
        params, counted = {"limit": LISTING_LIMIT}, RequestCounts(list=1)
        return self._retry_budget.call(
            lambda: self._ask(_LIST, params, counted, self._read_listing)
        )

    def message_status(self, message_id: int) -> StatusAnswer | None:
        """Return the status of one message, `None` if Octopods denies the id.

        A denial is HTTP 400 or 404 with an error for which `ApiError.denies_the_id` is true; the
        caller decides whether to believe it. A page of HTML, for example of a proxy, denies
        nothing.

        Raises:
            RequestRefusedError: any other refusal (4xx) of this one request.
            KeyRefusedError, TemporaryError, ConfigError: as `latest`.
        """
        return self._retry_budget.call(
            lambda: self._ask(
                f"{_LIST}/{message_id}",
                None,
                RequestCounts(status=1),
                lambda answer, refusal, _requested: _read_status(answer, refusal, message_id),
            )
        )

    # --- one request ---------------------------------------------------------------------------

    def _ask(
        self,
        path: str,
        params: Mapping[str, int] | None,
        counted: RequestCounts,
        read: Callable[[HttpResponse, ApiError, datetime], Read],
    ) -> Read:
        self._pace()
        requested_at = self._clock()
        begun = self._monotonic()
        try:
            answer = self._transport.get(path, params, before_again=self._pace)
        except TransientError as error:
            if error.sent:
                self._counts += counted
            raise
        self._counts += counted
        refusal = self._refusal(answer)
        self._log_answer(path, answer, refusal, self._monotonic() - begun)
        self._refuse(answer, refusal)
        return read(answer, refusal, requested_at)

    def _pace(self) -> None:
        self._pacer.wait(self._sleep)

    def _refusal(self, answer: HttpResponse) -> ApiError:
        """Return the error in the body, if there is one, without our key."""
        said = api_errors.read_api_error(answer.body)
        given = said.request_id or response_fields.request_id(
            {"request_id": answer.headers.get("X-Request-Id")}
        )
        scrubbed = self._transport.scrubbed
        return replace(said, text=scrubbed(said.text), request_id=given and scrubbed(given))

    def _log_answer(
        self, path: str, answer: HttpResponse, refusal: ApiError, seconds: float
    ) -> None:
        items = responses.items_of(answer.body)
        log.info(
            "account %s: GET %s answers %d in %.2f s, items: %s, request_id: %s",
            self._account,
            path,
            answer.status,
            seconds,
            "none" if items is None else len(items),
            refusal.request_id or "none",
        )

    def _refuse(self, answer: HttpResponse, refusal: ApiError) -> None:
        """Raise the errors that all calls share: a refused key, a limit, a failing server."""
        said = id_note(refusal.request_id)
        deprecated = answer.status >= HTTPStatus.BAD_REQUEST and refusal.of_deprecated_key
        if answer.status == HTTPStatus.UNAUTHORIZED or deprecated:
            raise self._key_refused(refusal)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._counts += RequestCounts(rate_limited=1)
            seconds = retry_after.pause_seconds(
                answer.headers, answer.body, now=self._clock(), allowed=self._retry_budget.left
            )
            if seconds is not None:
                self._on_pause(self._clock() + timedelta(seconds=min(seconds, LONGEST_PAUSE)))
            raise RateLimited(seconds, refusal.request_id)
        # Nothing was asked on a condition, so 304 comes from a broken cache.
        passing = answer.status in (HTTPStatus.NOT_MODIFIED, HTTPStatus.REQUEST_TIMEOUT)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or passing:
            raise TransientError(f"HTTP status {answer.status}{said}")
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
            raise ConfigError(
                f"{self._transport.base_url} redirects to {_host(answer)} ({answer.status}); "
                "recon does not follow redirects",
                hint="Set octopods.base_url to the address of the API itself.",
            )

    def _key_refused(self, refusal: ApiError) -> KeyRefusedError:
        why = (
            "was rotated or revoked (error 6)"
            if refusal.of_deprecated_key
            else "is not known to Octopods (401)"
        )
        return KeyRefusedError(
            f"the API key {why}{id_note(refusal.request_id)}",
            hint="Copy the current key from the settings page for API keys of your Octopods "
            f"account. {_where_the_key_is(self._account)} With a new key, Octopods does not list "
            "what was sent with the old one.",
        )

    # --- what it says --------------------------------------------------------------------------

    def _read_listing(
        self, answer: HttpResponse, refusal: ApiError, requested_at: datetime
    ) -> Listing:
        answered_at = answer.date or self._clock()
        if answer.status == HTTPStatus.NOT_FOUND:
            raise ConfigError(
                f"{self._transport.base_url} has no list of messages (404)",
                hint="Set octopods.base_url to the address of the API, without a path.",
            )
        if answer.status == HTTPStatus.BAD_REQUEST and refusal.says_nothing_sent:
            # An account that has sent nothing yet answers so (help centre, article 14824157).
            listing, error = Listing([], [], 0, LISTING_LIMIT, answered_at), None
        else:
            _ensure_success(answer, refusal)
            read = responses.read_listing(answer.body, answered_at=answered_at)
            if read is None or not answer.is_json:
                if refusal.of_deprecated_key:
                    raise self._key_refused(refusal)
                raise _strange("not a list of messages", answer, refusal)
            listing, error = read, responses.error_beside_list(answer.body)
        return replace(
            listing,
            request_id=listing.request_id or refusal.request_id,
            error=error,
            date=answer.date,
            age_seconds=response_fields.age_seconds(answer.headers.get("Age")),
            requested_at=requested_at,
            is_partial=answer.status == HTTPStatus.PARTIAL_CONTENT
            or "Content-Range" in answer.headers,
        )


def _read_status(answer: HttpResponse, refusal: ApiError, message_id: int) -> StatusAnswer | None:
    if answer.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND) and answer.is_json:
        if refusal.denies_the_id:
            return None
        if refusal.is_passing:
            said = f"{refusal.text}{id_note(refusal.request_id)}"
            raise TransientError(f"HTTP status {answer.status}: {said}")
    _ensure_success(answer, refusal)
    found = responses.read_status(answer.body, message_id)
    if found is None:
        raise _strange("not a status of this message", answer, refusal)
    return found


def _ensure_success(answer: HttpResponse, refusal: ApiError) -> None:
    if answer.status < HTTPStatus.BAD_REQUEST:
        return
    code = "" if refusal.code is None else f", {api_errors.code_name(refusal.code)}"
    # Without the text: it may repeat a customer's message or number.
    raise RequestRefusedError(
        f"Octopods refuses the request ({answer.status}{code}){id_note(refusal.request_id)}",
        hint="If this persists, give Octopods' support the request_id.",
    )


def _strange(what: str, answer: HttpResponse, refusal: ApiError) -> TransientError:
    seen = what if answer.is_json else "not JSON"
    if refusal.code is not None:
        seen = f"{api_errors.code_name(refusal.code)}, {seen}"
    said = id_note(refusal.request_id)
    return TransientError(f"the answer (HTTP status {answer.status}) is {seen}{said}")


def _host(answer: HttpResponse) -> str:
    """Return only the host of a redirect: the rest may contain a token."""
    try:
        host = urlsplit(answer.headers.get("Location", "")).hostname
    except ValueError:
        host = None
    if not host:
        return "another path"
    return host if _HOST.fullmatch(host) else "another host"


def _where_the_key_is(account: str) -> str:
    return f"Store it where accounts.{account}.api_key_env or api_key_file points."
