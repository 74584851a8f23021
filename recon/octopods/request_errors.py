"""The error of a request without an answer: a temporary one, or a wrong setting."""

from __future__ import annotations

import errno
import socket
import ssl
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import urllib3
from requests import exceptions as failed

from recon.deadlines import DeadlineError
from recon.errors import ConfigError
from recon.octopods import connection_errors
from recon.octopods.connection_errors import Proxy
from recon.octopods.deadline import WatchedRequest

#: The exceptions of requests, and of the libraries below it, for a failed request.
FOREIGN: Final = (
    failed.RequestException,
    urllib3.exceptions.HTTPError,
    ConnectionError,
    TimeoutError,
    UnicodeError,
)

_BAD_ADDRESS: Final = (failed.InvalidURL, failed.InvalidSchema, failed.MissingSchema)
#: The answer of a proxy to a client that it does not know (RFC 9110, section 15.5.8).
PROXY_LOGIN: Final = 407
_PROXY_FORBIDS: Final = 403
_NO_FILES: Final = frozenset({errno.EMFILE, errno.ENFILE})


class TransientError(Exception):
    """The answer did not arrive, or was incomplete or invalid; a retry may help."""

    def __init__(self, words: str, *, sent: bool = True, hint: str = "") -> None:
        """Store what happened, whether a request was really sent, and what to check."""
        super().__init__(words)
        self.sent = sent
        self.hint = hint


@dataclass(frozen=True, slots=True)
class FailedRequest:
    """A request without a complete answer."""

    base_url: str
    timeout_seconds: float
    watched: WatchedRequest
    proxy: Proxy | None

    def error(self, cause: BaseException) -> TransientError | ConfigError:
        """Return the error that says what went wrong, and what to do about it."""
        if isinstance(cause, DeadlineError):
            return self._late(cause)
        proxy, watched = self.proxy, self.watched
        said = connection_errors.describe(cause)
        if any(
            getattr(one, "errno", None) in _NO_FILES
            for one in connection_errors.exception_chain(cause)
        ):
            limit = "raise the limit of open files (ulimit -n)"
            return TransientError(f"{said}; {limit}", sent=watched.sent)
        if proxy is not None and not watched.sent:
            return self._proxy_error(cause, proxy, said)
        if isinstance(cause, _BAD_ADDRESS):
            return ConfigError(f"octopods.base_url is not a usable address: {self.base_url}")
        if connection_errors.contains(cause, ssl.SSLCertVerificationError):
            return ConfigError(
                f"the certificate of {self.base_url} is not accepted: {said}",
                hint="Check octopods.base_url, the machine's clock and its root certificates.",
            )
        if not isinstance(cause, FOREIGN):
            return _own_error(cause, self.base_url, said)
        if connection_errors.is_timeout(cause):
            return self._late(cause)
        through = "" if proxy is None else f" (through {proxy})"
        if not watched.sent:
            hint = self._reaching_hint(cause)
            return TransientError(f"{self._unreached}: {said}{through}", sent=False, hint=hint)
        return TransientError(f"{said}{through}")

    @property
    def _unreached(self) -> str:
        return f"{self.base_url} (octopods.base_url) cannot be reached"

    def _reaching_hint(self, cause: BaseException) -> str:
        host = urlsplit(self.base_url).hostname
        if connection_errors.contains(cause, socket.gaierror):
            return (
                f"Check the spelling of octopods.base_url, and that this machine resolves names: "
                f"`getent hosts {host}` should print an address."
            )
        return (
            "Check octopods.base_url, and that a firewall lets this machine connect: "
            f"`curl -I {self.base_url}` should print an answer. "
            "If this machine needs a proxy, set https_proxy."
        )

    def _proxy_error(
        self, cause: BaseException, proxy: Proxy, said: str
    ) -> TransientError | ConfigError:
        """Say what is wrong with a proxy, or with what is behind it."""
        hint = _proxy_hint(proxy)
        if isinstance(cause, _BAD_ADDRESS):
            # The address of Octopods was checked with the configuration.
            return ConfigError(f"{proxy} has an address that cannot be used", hint=hint)
        status = connection_errors.tunnel_status(cause)
        if status == PROXY_LOGIN:
            return proxy_login(proxy)
        if status == _PROXY_FORBIDS:
            return ConfigError(f"{proxy} does not allow {self.base_url} (403)", hint=hint)
        if status is not None:
            said = f"{proxy} cannot reach {self.base_url} ({status})"
            return TransientError(said, sent=False, hint=hint)
        if connection_errors.contains(cause, ssl.SSLCertVerificationError):
            if connection_errors.contains(cause, urllib3.exceptions.ProxyError, failed.ProxyError):
                return ConfigError(f"the certificate of {proxy} is not accepted: {said}", hint=hint)
            return ConfigError(
                f"the certificate of {self.base_url} is not accepted: {said} (through {proxy})",
                hint="A proxy that decrypts TLS connections needs its root certificate in "
                "REQUESTS_CA_BUNDLE. Also check the machine's clock.",
            )
        if not isinstance(cause, FOREIGN):
            return _own_error(cause, self.base_url, said)
        if connection_errors.is_timeout(cause):
            return self._late(cause)
        return TransientError(f"{proxy} fails: {said}", sent=False, hint=hint)

    def _late(self, cause: BaseException) -> TransientError:
        seconds = f"{self.timeout_seconds:g} s"
        if self.watched.answered:
            return TransientError(f"the answer was not complete after {seconds}")
        if self.watched.sent:
            return TransientError(f"no answer within {seconds}")
        if self.proxy is None:
            what, hint = self._unreached, self._reaching_hint(cause)
        else:
            what, hint = f"{self.proxy} fails", _proxy_hint(self.proxy)
        return TransientError(f"{what}: no connection within {seconds}", sent=False, hint=hint)


def proxy_login(proxy: Proxy) -> ConfigError:
    """Return the error for a proxy that refuses the credentials, or needs some."""
    return ConfigError(
        f"{proxy} requires a valid user and password ({PROXY_LOGIN})",
        hint=_proxy_hint(proxy),
    )


def _proxy_hint(proxy: Proxy) -> str:
    return (
        f"Check {proxy.setting}, or name the host of octopods.base_url in NO_PROXY "
        "if it can be reached without a proxy."
    )


def _own_error(cause: BaseException, base_url: str, said: str) -> ConfigError:
    """Describe an error of this machine itself; errors of the network have their own classes."""
    # Of what comes before a connection, only the root certificates are read from disk.
    if said == connection_errors.UNKNOWN:
        said = " ".join(str(cause).split())[:200]
    return ConfigError(
        f"the root certificates for {base_url} cannot be read: {said}",
        hint="Check REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE.",
    )
