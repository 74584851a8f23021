"""Send a heartbeat to a monitoring service, such as healthchecks.io.

It is best effort: a request that fails is only a warning, and a night does not fail because of it.
The address is a secret, since anybody who knows it could send heartbeats. So no message shows it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from recon import deadlines
from recon.deadlines import DeadlineError

log = logging.getLogger(__name__)

#: One sign may take so long, from looking up the host to the answer.
TOTAL_SECONDS: Final = 10.0
#: healthchecks.io keeps 100 kB of a body; others keep less.
_MOST_BYTES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The address that is called when a run starts, ends well and fails."""

    url: str
    total_seconds: float = TOTAL_SECONDS

    def started(self) -> None:
        """Report that a run starts."""
        self._post("/start", "")

    def succeeded(self, text: str) -> None:
        """Report that a run succeeded, with its outcome as the body."""
        self._post("", text)

    def failed(self, text: str) -> None:
        """Report that a run failed, with the error as the body."""
        self._post("/fail", text)

    def _post(self, end: str, text: str) -> None:
        import requests

        parts = urlsplit(self.url)
        url = urlunsplit(parts._replace(path=parts.path.rstrip("/") + end))
        body = text.encode()[:_MOST_BYTES].decode(errors="ignore").encode()
        session = requests.Session()

        def post() -> int:
            headers = {"Content-Type": "text/plain; charset=utf-8"}
            answer = session.post(url, data=body, headers=headers, timeout=self.total_seconds)
            return answer.status_code

        try:
            status = deadlines.run(
                self.total_seconds, post, give_up=session.close, name="recon-heartbeat"
            )
        except DeadlineError:
            self._warn(f"no answer within {self.total_seconds:g} seconds")
        except requests.RequestException as error:
            # Its own text repeats the address.
            self._warn(type(error).__name__)
        else:
            if status >= requests.codes.bad_request:
                self._warn(f"HTTP {status}")
        finally:
            session.close()

    def _warn(self, reason: str) -> None:
        log.warning("monitoring.ping_url was not notified: %s", reason)
