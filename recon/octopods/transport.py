"""One request to Octopods, bounded in time and size: what came back, or what went wrong with it.

No retries here, and no meaning: a foreign exception becomes one of two troubles, one that may pass
and one that will not.
"""

from __future__ import annotations

import json
import ssl
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import requests
import urllib3
from pydantic import SecretStr
from requests import exceptions as failed
from requests.auth import AuthBase

import recon
from recon.errors import ConfigError
from recon.octopods.http_dates import http_date

#: An answer of 100 messages is some 50 kB; more than this is no answer of this API.
_MOST_BYTES: Final = 8 * 2**20
_CHUNK: Final = 64 * 2**10
#: What is kept of a body that is no JSON: enough for a sentence.
_LONGEST_TEXT: Final = 2000
#: zlib takes the header of either, gzip or zlib.
_EITHER: Final = zlib.MAX_WBITS | 32
_SHORTEST_SECRET: Final = 4
#: A `Date` before this comes from a machine whose clock was never set.
_SANE_YEAR: Final = 2009
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

_HEADERS: Final = {
    "Accept": "application/json",
    # Nothing that this module does not unpack itself, under its own bound.
    "Accept-Encoding": "gzip, deflate",
    # A cache's old answer would prove an absence that is none.
    "Cache-Control": "no-cache",
    "User-Agent": f"octopods-recon/{recon.__version__}",
}

#: Failures that come before the first byte of a request has left.
_NOT_SENT: Final = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
    ssl.SSLCertVerificationError,
)


class TransientError(Exception):
    """The answer did not come, or not whole, or made no sense: asking again may help."""

    def __init__(self, words: str, *, sent: bool = True) -> None:
        """Say what was seen, and whether a request really went out."""
        super().__init__(words)
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, whatever its status."""

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
    monotonic: Callable[[], float]

    def get(self, path: str, params: Mapping[str, int] | None = None) -> Answer:
        """Send one request. A redirect is not followed: it would carry the key elsewhere.

        Raises:
            TransientError: no whole answer came in time.
            ConfigError: the address, its certificate or the proxy's address cannot be right.
        """
        deadline = self.monotonic() + self.timeout_seconds
        try:
            with self._send(path, params) as response:
                return _decoded(response, self._content(response, deadline))
        except failed.InvalidProxyURL as cause:
            raise ConfigError(
                "the proxy that the environment names is no address that can be used",
                hint="Check HTTPS_PROXY and HTTP_PROXY.",
            ) from cause
        except (failed.InvalidURL, failed.InvalidSchema, failed.MissingSchema) as cause:
            raise ConfigError(
                f"octopods.base_url is no address that can be asked: {self.base_url}"
            ) from cause
        except (
            failed.RequestException,
            urllib3.exceptions.HTTPError,
            ConnectionError,
            TimeoutError,
        ) as cause:
            raise self._trouble(cause) from cause
        except OSError as cause:
            # Of what comes before a connection, only the root certificates are read from disk.
            raise ConfigError(
                f"the root certificates for {self.base_url} cannot be read: {_innermost(cause)}",
                hint="Check REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE.",
            ) from cause

    def _send(self, path: str, params: Mapping[str, int] | None) -> requests.Response:
        url = f"{self.base_url}{path}"
        request = self.session.prepare_request(
            requests.Request(
                "GET", url, params=params, auth=_KeyAuth(self.api_key), headers=_HEADERS
            )
        )
        host = urlsplit(url).hostname
        proxies = {"no_proxy": host} if host in _LOOPBACK else {}
        settings = self.session.merge_environment_settings(url, proxies, True, None, None)
        # Not by the session itself: even told not to follow a redirect, it reads the whole of its
        # body and takes its address apart, without a bound and with exceptions of its own.
        adapter = self.session.get_adapter(url)
        # `verify` is the session's by now, whatever the stubs say.
        return adapter.send(request, timeout=self.timeout_seconds, **settings)  # type: ignore[arg-type]

    def scrubbed(self, text: str) -> str:
        """Return what a server said without the key, should the server have repeated it."""
        key = self.api_key.get_secret_value()
        return text.replace(key, "***") if len(key) >= _SHORTEST_SECRET else text

    def _trouble(self, cause: BaseException) -> TransientError | ConfigError:
        causes = list(_causes(cause))
        if any(isinstance(one, ssl.SSLCertVerificationError) for one in causes):
            return ConfigError(
                f"the certificate of {self.base_url} is not accepted: {_innermost(cause)}",
                hint="Check octopods.base_url, the machine's clock and its root certificates.",
            )
        sent = not any(isinstance(one, _NOT_SENT) for one in causes)
        late = (failed.Timeout, urllib3.exceptions.TimeoutError)
        # urllib3 counts a refused connection among its time-outs.
        refused = any(isinstance(one, urllib3.exceptions.NewConnectionError) for one in causes)
        if not refused and any(isinstance(one, late) for one in causes):
            return TransientError(f"no answer within {self.timeout_seconds:g} s", sent=sent)
        return TransientError(self.scrubbed(_innermost(cause)), sent=sent)

    def _content(self, response: requests.Response, deadline: float) -> bytes:
        unpack = _unpacking(response.headers.get("Content-Encoding", ""))
        raw = bytearray()
        # One read a packet: a server that drips must not hold us beyond the deadline.
        while chunk := response.raw.read1(_CHUNK, decode_content=False):
            raw += chunk
            if len(raw) > _MOST_BYTES:
                raise _too_large()
            if self.monotonic() > deadline:
                raise TransientError(f"the answer was not whole after {self.timeout_seconds:g} s")
        return unpack(bytes(raw))


def _unpacking(encoding: str) -> Callable[[bytes], bytes]:
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return bytes
    if encoding in {"gzip", "x-gzip", "deflate"}:
        return _unpacked
    raise TransientError("the answer is packed in a way that was not asked for")


def _unpacked(raw: bytes) -> bytes:
    """Unpack gzip or zlib, and stop at the bound: a few kB can hold gigabytes."""
    if not raw:
        return raw
    unpacker = zlib.decompressobj(_EITHER)
    try:
        content = unpacker.decompress(raw, _MOST_BYTES + 1)
    except zlib.error as cause:
        raise TransientError("the answer cannot be unpacked") from cause
    if len(content) > _MOST_BYTES:
        raise _too_large()
    if not unpacker.eof:
        raise TransientError("the answer was cut off")
    return content


def _too_large() -> TransientError:
    return TransientError(f"the answer is larger than {_MOST_BYTES // 2**20} MiB")


def _decoded(response: requests.Response, content: bytes) -> Answer:
    text = content.decode("utf-8-sig", errors="replace")
    try:
        # NaN and Infinity are no JSON, but one of them must not cost all other items.
        body, is_json = json.loads(text, parse_constant=lambda _: None), True
    except (ValueError, RecursionError):
        body, is_json = text[:_LONGEST_TEXT], False
    return Answer(response.status_code, response.headers, body, is_json)


def _causes(cause: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what lies inside of it, from the outside in, each once."""
    waiting, seen = [cause], set[int]()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inside = (getattr(one, "reason", None), *one.args, one.__cause__, one.__context__)
        waiting += [inner for inner in inside if isinstance(inner, BaseException)]


def _innermost(cause: BaseException) -> str:
    """Name the innermost reason: the outer ones repeat it, with addresses of objects."""
    inner = list(_causes(cause))[-1]
    words = getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
    return " ".join(str(words).split())[:200]
