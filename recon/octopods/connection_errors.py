"""Describe why a request failed, without quoting what a server or a proxy sent.

The messages of requests, urllib3 and http.client quote the answer: an invalid status line, an
invalid size of a chunk. These may contain a customer's text or phone number. So only the kind of
the error is used, and this machine's own messages about a connection.
"""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import requests.utils
import urllib3
from requests import exceptions as failed

UNKNOWN: Final = "it failed for an unknown reason"

_NO_HTTP: Final = "the answer is not HTTP"
_CUT_OFF: Final = "the answer was cut off"
_CLOSED: Final = "the connection was closed without an answer"

#: Searched in this order: the first ones are of the kinds that follow.
_KINDS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (http.client.RemoteDisconnected, _CLOSED),
    (http.client.IncompleteRead, _CUT_OFF),
    (urllib3.exceptions.IncompleteRead, _CUT_OFF),
    (http.client.LineTooLong, "its headers are too long"),
    (http.client.HTTPException, _NO_HTTP),
    (ssl.SSLEOFError, "the connection was closed during the TLS handshake"),
    (ConnectionResetError, "the connection was reset"),
    (BrokenPipeError, "the connection was closed"),
    (socket.gaierror, "its name cannot be resolved"),
    (failed.InvalidHeader, "its headers cannot be read"),
    (urllib3.exceptions.ProtocolError, _NO_HTTP),
)
_TUNNEL: Final = re.compile(r"Tunnel connection failed: ([0-9]{3})\b")


def exception_chain(cause: BaseException) -> Iterator[BaseException]:
    """Yield an exception and its causes, from the outermost, each once."""
    waiting, seen = [cause], set[int]()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inside = (getattr(one, "reason", None), *one.args, one.__cause__, one.__context__)
        waiting += [inner for inner in inside if isinstance(inner, BaseException)]


def describe(cause: BaseException) -> str:
    """Return why a request failed, in one short line without a byte of the answer."""
    for one in reversed(list(exception_chain(cause))):
        if isinstance(one, ssl.SSLCertVerificationError):
            return one.verify_message or "it cannot be verified"
        if isinstance(one, ssl.SSLEOFError):
            break
        if isinstance(one, ssl.SSLError) and one.reason:
            return f"TLS failed: {one.reason.lower().replace('_', ' ')}"
        if isinstance(one, OSError) and isinstance(one.errno, int) and one.strerror:
            # The operating system's own words.
            return one.strerror
    return next((said for kind, said in _KINDS if contains(cause, kind)), UNKNOWN)


def contains(cause: BaseException, *kinds: type[BaseException]) -> bool:
    """Say whether an exception or one of its causes is of one of the kinds."""
    return any(isinstance(one, kinds) for one in exception_chain(cause))


def is_timeout(cause: BaseException) -> bool:
    """Say whether a time-out of the socket ended the request."""
    # urllib3 counts a refused connection among its time-outs.
    if contains(cause, urllib3.exceptions.NewConnectionError):
        return contains(cause, TimeoutError)
    return contains(cause, failed.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)


def tunnel_status(cause: BaseException) -> int | None:
    """Return the status with which a proxy refused to connect, `None` if it did not."""
    for one in exception_chain(cause):
        if isinstance(one, OSError) and (found := _TUNNEL.match(str(one))):
            return int(found[1])
    return None


@dataclass(frozen=True, slots=True)
class Proxy:
    """The proxy that a request goes through."""

    setting: str
    """The environment variable that sets it."""
    address: str
    """Its host and port, without credentials; empty if it has none."""

    def __str__(self) -> str:
        at = f" ({self.address})" if self.address else ""
        return f"the proxy of {self.setting}{at}"


def proxy_of(url: str, proxies: Mapping[str, str]) -> Proxy | None:
    """Return the proxy that requests uses for `url`, `None` if it connects to the host directly.

    Args:
        url: the URL of the request.
        proxies: the proxies that requests found, by scheme.
    """
    address = requests.utils.select_proxy(url, dict(proxies))
    if not address:
        return None
    scheme = urlsplit(url).scheme
    names = (f"{scheme}_proxy", "all_proxy")
    spellings = [spelling for name in names for spelling in (name, name.upper())]
    setting = next((name for name in spellings if os.environ.get(name)), None)
    return Proxy(setting or "the system's settings", _host_and_port(address))


def _host_and_port(address: str) -> str:
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if not host.isprintable():
        return ""
    return host if port is None else f"{host}:{port}"
