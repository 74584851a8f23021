"""Send one request to Octopods, with limits on time and size.

This module does not retry and does not interpret answers. It translates foreign exceptions into one
of two errors: one that may be temporary and one that is not.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import requests
from pydantic import SecretStr
from requests.auth import AuthBase

import recon
from recon.core.hosts import is_loopback
from recon.deadlines import DeadlineError
from recon.octopods.connection_errors import contains, proxy_of
from recon.octopods.deadline import DeadlineAdapter, WatchedRequest
from recon.octopods.moments import http_date
from recon.octopods.request_errors import (
    FOREIGN,
    PROXY_LOGIN,
    FailedRequest,
    TransientError,
    proxy_login,
)

#: An answer of 100 messages is some 50 kB; more than this is no answer of this API.
_MOST_BYTES: Final = 8 * 2**20
_CHUNK: Final = 64 * 2**10
#: How many bytes are kept of a body that is not JSON: enough to search for a retry time.
_LONGEST_TEXT: Final = 2000
#: zlib takes the header of either, gzip or zlib.
_EITHER: Final = zlib.MAX_WBITS | 32
#: Digits of an integer that is read as one; ids and times have 19 at most.
_LONGEST_INTEGER: Final = 1000
_SHORTEST_SECRET: Final = 4
#: The least number of seconds for a request that is sent once more.
_LEAST_SECONDS: Final = 0.1
#: A `Date` before this comes from a machine whose clock was never set.
_SANE_YEAR: Final = 2009

_HEADERS: Final = {
    "Accept": "application/json",
    # Nothing that this module does not unpack itself, under its own bound.
    "Accept-Encoding": "gzip, deflate",
    # A cache's old answer would prove an absence that does not exist.
    "Cache-Control": "no-cache",
    "User-Agent": f"octopods-recon/{recon.__version__}",
}


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An HTTP answer of any status."""

    status: int
    headers: Mapping[str, str]
    body: object
    """The decoded JSON, or the beginning of a text that is not JSON."""
    is_json: bool

    @property
    def date(self) -> datetime | None:
        """The provider's clock, UTC; `None` if it is missing or obviously not set."""
        date = http_date(self.headers.get("Date", ""))
        return None if date is None or date.year < _SANE_YEAR else date


class _KeyAuth(AuthBase):
    """Sets the header with the key only when sending, and prevents the use of `.netrc`."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # As bytes: a key may hold any character of Latin-1.
        request.headers["X-Octopods-Auth"] = self._key.get_secret_value().encode("latin-1")  # type: ignore[assignment]
        return request


@dataclass(frozen=True, slots=True)
class Transport:
    """Sends GET requests with one key to one host.

    Proxies of the environment are used, except for this machine itself.
    """

    base_url: str
    api_key: SecretStr
    session: requests.Session
    timeout_seconds: float
    """The longest time of one request, from resolving the name to the last byte; real seconds."""

    def __post_init__(self) -> None:
        """Set up the session so that its requests can be ended at their deadline."""
        for scheme in ("http://", "https://"):
            if not isinstance(self.session.adapters.get(scheme), DeadlineAdapter):
                self.session.mount(scheme, DeadlineAdapter())

    def get(
        self,
        path: str,
        params: Mapping[str, int] | None = None,
        *,
        before_again: Callable[[], None] = lambda: None,
    ) -> HttpResponse:
        """Send one request.

        A redirect is not followed: the key would be sent to another host. If the other side closes
        an open connection just when it is used again, the request is sent once more over a new
        connection.

        Args:
            path: the path of the URL.
            params: the parameters of the query.
            before_again: called before the request is sent once more. The other side may have got
                the first one, so this call waits for the minimum interval.

        Raises:
            TransientError: no complete answer arrived in time.
            ConfigError: the address, its certificate or the proxy's address is wrong.
        """
        begun = time.monotonic()
        answer = self._get(path, params, self.timeout_seconds)
        while answer is None:
            before_again()
            left = self.timeout_seconds - (time.monotonic() - begun)
            answer = self._get(path, params, max(left, _LEAST_SECONDS))
        return answer

    def _get(
        self, path: str, params: Mapping[str, int] | None, seconds: float
    ) -> HttpResponse | None:
        """Send one request; return `None` if the connection was already closed."""
        url = f"{self.base_url}{path}"
        # Neither the settings nor what went wrong is raised within a handler: the foreign
        # exceptions quote the answer, and a traceback would show what they hang on.
        host = urlsplit(url).hostname or ""
        proxies = {"no_proxy": host} if is_loopback(host) else {}
        settings = self.session.merge_environment_settings(url, proxies, True, None, None)
        proxy = proxy_of(url, settings["proxies"])
        watched = WatchedRequest()
        try:
            answer = watched.run(seconds, lambda: self._exchange(url, params, settings, watched))
        except TransientError as error:
            error.sent = watched.sent
            raise
        except (*FOREIGN, DeadlineError, OSError) as cause:
            hung_up = contains(cause, ConnectionResetError, BrokenPipeError)
            if hung_up and watched.reused and not watched.answered:
                return None
            problem = FailedRequest(self.base_url, self.timeout_seconds, watched, proxy).error(
                cause
            )
        else:
            if answer.status == PROXY_LOGIN and proxy is not None:
                raise proxy_login(proxy)
            return answer
        raise problem

    def _exchange(
        self,
        url: str,
        params: Mapping[str, int] | None,
        settings: Mapping[str, object],
        watched: WatchedRequest,
    ) -> HttpResponse:
        request = self.session.prepare_request(
            requests.Request(
                "GET", url, params=params, auth=_KeyAuth(self.api_key), headers=_HEADERS
            )
        )
        # Not by the session itself: with redirects off, it still reads the whole body
        # of one and parses its address, without a bound and with exceptions of its own.
        adapter = self.session.get_adapter(url)
        # `verify` is the session's by now, whatever the stubs say.
        with adapter.send(request, timeout=self.timeout_seconds, **settings) as response:  # type: ignore[arg-type]
            watched.answered = True
            return _decoded(response, _content(response))

    def scrubbed(self, text: str) -> str:
        """Return a server's text without the key, in case the server repeated it."""
        key = self.api_key.get_secret_value()
        return text.replace(key, "***") if len(key) >= _SHORTEST_SECRET else text


def _content(response: requests.Response) -> bytes:
    unpack = _unpacking(response.headers.get("Content-Encoding", ""))
    raw = bytearray()
    while chunk := response.raw.read1(_CHUNK, decode_content=False):
        raw += chunk
        if len(raw) > _MOST_BYTES:
            raise _too_large()
    return unpack(bytes(raw))


def _unpacking(encoding: str) -> Callable[[bytes], bytes]:
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return bytes
    if encoding in {"gzip", "x-gzip", "deflate"}:
        return _unpacked
    raise TransientError("the answer has a compression that was not requested")


def _unpacked(raw: bytes) -> bytes:
    """Unpack gzip or zlib up to a limit: a few kB can contain gigabytes."""
    if not raw:
        return raw
    unpacker = zlib.decompressobj(_EITHER)
    try:
        content = unpacker.decompress(raw, _MOST_BYTES + 1)
    except zlib.error as cause:
        raise TransientError("the answer cannot be decompressed") from cause
    if len(content) > _MOST_BYTES:
        raise _too_large()
    if not unpacker.eof:
        raise TransientError("the answer was cut off")
    return content


def _too_large() -> TransientError:
    return TransientError(f"the answer is larger than {_MOST_BYTES // 2**20} MiB")


def _decoded(response: requests.Response, content: bytes) -> HttpResponse:
    text = content.decode("utf-8-sig", errors="replace")
    try:
        body, is_json = _json(text), True
    except (ValueError, RecursionError):
        body, is_json = text[:_LONGEST_TEXT], False
    return HttpResponse(response.status_code, response.headers, body, is_json)


def _json(text: str) -> object:
    # NaN and Infinity are no JSON, but one of them must not cost all other items.
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except json.JSONDecodeError:
        raise
    except ValueError:
        # Python reads no integer of more than 4300 digits. One of them must not cost the rest
        # either; as text it is no id, and its item is one that cannot be read.
        return json.loads(text, parse_constant=lambda _: None, parse_int=_integer)


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else digits
