"""One request to Octopods, bounded in time and size: what came back, or what went wrong with it.

No retries here, and no meaning: a foreign exception becomes one of two errors, one that may be
temporary and one that is not.
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
from recon.octopods.connection_errors import is_hung_up, proxy_of
from recon.octopods.deadline import DeadlineAdapter, WatchedRequest
from recon.octopods.http_dates import http_date
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
#: What is kept of a body that is not JSON: enough to search for a retry time.
_LONGEST_TEXT: Final = 2000
#: zlib takes the header of either, gzip or zlib.
_EITHER: Final = zlib.MAX_WBITS | 32
#: Digits of an integer that is read as one; ids and times have 19 at most.
_LONGEST_INTEGER: Final = 1000
_SHORTEST_SECRET: Final = 4
#: What a request has at least that is sent once more.
_LEAST_SECONDS: Final = 0.1
#: A `Date` before this comes from a machine whose clock was never set.
_SANE_YEAR: Final = 2009

_HEADERS: Final = {
    "Accept": "application/json",
    # Nothing that this module does not unpack itself, under its own bound.
    "Accept-Encoding": "gzip, deflate",
    # A cache's old answer would prove an absence that is none.
    "Cache-Control": "no-cache",
    "User-Agent": f"octopods-recon/{recon.__version__}",
}


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An HTTP answer of any status."""

    status: int
    headers: Mapping[str, str]
    body: object
    """The decoded JSON; the beginning of the bare text where it is none."""
    is_json: bool

    @property
    def date(self) -> datetime | None:
        """The provider's clock, UTC; `None` where it is missing or plainly unset."""
        date = http_date(self.headers.get("Date", ""))
        return None if date is None or date.year < _SANE_YEAR else date


class _KeyAuth(AuthBase):
    """Puts the key into its header at the last moment, and keeps `.netrc` out."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # As bytes: a key may hold any character of Latin-1.
        request.headers["X-Octopods-Auth"] = self._key.get_secret_value().encode("latin-1")  # type: ignore[assignment]
        return request


@dataclass(frozen=True, slots=True)
class Transport:
    """Sends GET requests with one key to one host.

    The environment's proxies are used, except for this machine itself, which is behind none.
    """

    base_url: str
    api_key: SecretStr
    session: requests.Session
    timeout_seconds: float
    """The longest time of one request, from resolving the name to the last byte; real seconds."""

    def __post_init__(self) -> None:
        """Let the session's requests be ended at their deadline."""
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
        """Send one request. A redirect is not followed: it would carry the key elsewhere.

        A connection that was kept open may be closed by the other side at the moment when it is
        used again. Then the request is sent once more, over a new one.

        Args:
            path: below the host.
            params: of the query.
            before_again: called before the request is sent once more. The other side may have got
                the first one, so it keeps the two apart.

        Raises:
            TransientError: no whole answer came in time.
            ConfigError: the address, its certificate or the proxy's address cannot be right.
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
        """Send one request; return `None` where a connection turned out to be closed already."""
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
            if watched.reused and not watched.answered and is_hung_up(cause):
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
        """Return a server's text with the key removed, in case the server repeated it."""
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
    """Unpack gzip or zlib, and stop at the bound: a few kB can hold gigabytes."""
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
