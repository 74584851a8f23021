"""One request to Octopods, bounded in time and size: what came back, or what went wrong with it.

No retries here, and no meaning: a foreign exception becomes one of two troubles, one that may pass
and one that will not.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import requests
import urllib3
from pydantic import SecretStr
from requests.auth import AuthBase

import recon
from recon.errors import ConfigError

log = logging.getLogger(__name__)

#: An answer of 100 messages is some 50 kB; more than this is no answer of this API.
_MOST_BYTES: Final = 8 * 2**20
_CHUNK: Final = 64 * 2**10


class PassingTrouble(Exception):  # noqa: N818 - trouble is what it is called here
    """The answer did not come, or not whole, or made no sense: asking again may help."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: object
    """The decoded JSON; the bare text where it is none."""
    is_json: bool

    @property
    def date(self) -> datetime | None:
        """The provider's clock, UTC."""
        try:
            moment = parsedate_to_datetime(self.headers.get("Date", ""))
        except (TypeError, ValueError, IndexError):
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


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
    """Sends GET requests with one key to one host."""

    base_url: str
    api_key: SecretStr
    session: requests.Session
    timeout_seconds: float
    monotonic: Callable[[], float]

    def get(self, path: str, params: Mapping[str, int] | None = None) -> Answer:
        """Send one request. A redirect is not followed: it would carry the key elsewhere.

        Raises:
            PassingTrouble: no whole answer came in time.
            ConfigError: the address, or its certificate, cannot be right.
        """
        deadline = self.monotonic() + self.timeout_seconds
        try:
            with self.session.get(
                f"{self.base_url}{path}",
                params=params,
                auth=_KeyAuth(self.api_key),
                headers={
                    "Accept": "application/json",
                    "User-Agent": f"octopods-recon/{recon.__version__}",
                },
                timeout=self.timeout_seconds,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = self._content(response, deadline)
                return _decoded(response, content)
        except requests.exceptions.SSLError as cause:
            raise ConfigError(
                f"the certificate of {self.base_url} is not accepted: {_short(cause)}",
                hint="Check octopods.base_url, the machine's clock and its root certificates.",
            ) from cause
        except (
            requests.exceptions.InvalidURL,
            requests.exceptions.InvalidSchema,
            requests.exceptions.MissingSchema,
        ) as cause:
            raise ConfigError(
                f"octopods.base_url is no address that can be asked: {self.base_url}"
            ) from cause
        except requests.exceptions.Timeout as cause:
            raise PassingTrouble(f"no answer within {self.timeout_seconds:g} s") from cause
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as cause:
            raise PassingTrouble(_short(cause)) from cause

    def _content(self, response: requests.Response, deadline: float) -> bytes:
        content = bytearray()
        # One read a packet: a server that drips must not hold us beyond the deadline.
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            content += chunk
            if len(content) > _MOST_BYTES:
                raise PassingTrouble(f"the answer is larger than {_MOST_BYTES // 2**20} MiB")
            if self.monotonic() > deadline:
                raise PassingTrouble(f"the answer was not whole after {self.timeout_seconds:g} s")
        return bytes(content)


def _decoded(response: requests.Response, content: bytes) -> Answer:
    text = content.decode("utf-8", errors="replace")
    try:
        body, is_json = json.loads(text, parse_constant=_no_constant), True
    except (ValueError, RecursionError):
        body, is_json = text[:2000], False
    return Answer(response.status_code, response.headers, body, is_json)


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _short(cause: BaseException) -> str:
    """Name the innermost reason: the outer ones repeat it, with addresses of objects."""
    while True:
        inner = cause.__cause__ or cause.__context__
        reason = getattr(cause, "reason", None)
        if isinstance(reason, BaseException):
            inner = reason
        elif cause.args and isinstance(cause.args[0], BaseException):
            inner = cause.args[0]
        elif len(cause.args) > 1 and isinstance(cause.args[1], BaseException):
            inner = cause.args[1]
        if inner is None or inner is cause:
            break
        cause = inner
    words = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return str(words)[:200]
