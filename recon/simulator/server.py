"""The simulated Octopods on a loopback port: `simulated_responses` over HTTP, with faults."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import AddressValueError, IPv4Address
from socketserver import TCPServer
from threading import Event, Lock, Thread
from typing import Any, ClassVar, Final, TypeAlias
from urllib.parse import urlsplit

from recon.errors import UsageError
from recon.simulator import http_faults, simulated_responses
from recon.simulator.channel import Channel
from recon.simulator.http_faults import Fault, FaultKind
from recon.simulator.simulated_responses import SimulatedRequest, SimulatedResponse

AUTH_HEADER: Final = "X-Octopods-Auth"

#: Returns the time, aware.
Clock: TypeAlias = Callable[[], datetime]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Received:
    """One request that reached the server, and how it was answered."""

    at: datetime
    """By the simulated clock."""
    path: str
    limit: str | None
    """As it was asked for; `None` where it was not."""
    key_fingerprint: str | None
    """Distinguishes keys, as `fingerprint` gives it; `None` where no key came."""
    status: int
    """The HTTP status that the channel gave, which a fault may have kept from the client."""
    fault: FaultKind | None = None
    """What was played instead of the answer."""


def fingerprint(key: str) -> str:
    """Return 12 hex digits that distinguish keys and do not reveal them."""
    return blake2b(key.encode(), digest_size=6).hexdigest()


@contextmanager
def serve(
    channel: Channel,
    *,
    clock: Clock,
    script: Iterable[Fault | None] = (),
    status_fault: Fault | None = None,
    log: list[Received] | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[str]:
    """Serve `channel` on loopback until the block ends; yields the base URL.

    Args:
        channel: the messages and how they are listed.
        clock: the simulated clock; it is also the `Date` header.
        script: for each request in turn, the fault to play, or `None` for the plain answer; when
            it ends, everything is answered. It may be endless.
        status_fault: the fault to play for every status call that the script has none for.
        log: every request is appended here, at the latest when its answer is sent.
        host: where to listen; only loopback is allowed.
        port: the port, 0 for a free one.

    Raises:
        ValueError: `host` is no loopback address.
        UsageError: the port cannot be used.
    """
    if not _is_loopback(host):
        raise ValueError(f"the simulated Octopods only listens on loopback, not on {host}")
    try:
        server = _Server(
            (host, port), channel, clock, script, status_fault, [] if log is None else log
        )
    except (OSError, OverflowError) as cause:
        raise UsageError(
            f"port {port} on {host} cannot be used: {cause}",
            hint="Choose another port, or 0 for a free one.",
        ) from cause
    thread = Thread(target=server.serve_forever, args=(0.02,), name="simulated-octopods")
    thread.start()
    try:
        yield f"http://{host}:{server.server_address[1]}"
    finally:
        server.stop()
        thread.join()


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or IPv4Address(host).is_loopback
    except AddressValueError:
        return False


class _Server(ThreadingHTTPServer):
    """Waits for its threads when it stops, and wakes those that wait for a client."""

    daemon_threads = False

    def __init__(
        self,
        address: tuple[str, int],
        channel: Channel,
        clock: Clock,
        script: Iterable[Fault | None],
        status_fault: Fault | None,
        log: list[Received],
    ) -> None:
        self.channel = channel
        self.clock = clock
        self.stopping = Event()
        self._script = iter(script)
        self._status_fault = status_fault
        self._log = log
        self._serial = 0
        self._lock = Lock()
        self._connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without asking a name server who this host is, as the parent would."""
        TCPServer.server_bind(self)
        self.server_name = "localhost"
        self.server_port = int(self.server_address[1])

    def respond(
        self, request: SimulatedRequest
    ) -> tuple[SimulatedResponse, Fault | None, datetime, str]:
        """Answer one request and note it down: channel, script and log see one at a time."""
        with self._lock:
            now = self.clock()
            self._serial += 1
            given = simulated_responses.respond(self.channel, request, now, self._serial)
            fault = next(self._script, None)
            if fault is None and request.is_status_call:
                fault = self._status_fault
            self._log.append(
                Received(
                    at=now,
                    path=request.path,
                    limit=request.limit,
                    key_fingerprint=None if request.key is None else fingerprint(request.key),
                    status=given.status,
                    fault=None if fault is None else fault.kind,
                )
            )
            return given, fault, now, f"fault-{self._serial}"

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as inherited
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as inherited
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Log what is a bug with its traceback; a client that hangs up never comes here."""
        _log.exception("failed to answer %s on %s", client_address, request)

    def stop(self) -> None:
        """Stop listening, wake every waiting thread, and return when all have ended."""
        self.stopping.set()
        self.shutdown()
        with self._lock:
            open_ones = list(self._connections)
        for connection in open_ones:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Speaks HTTP/1.1 with one client; every decision is made elsewhere."""

    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "octopods-simulator"
    sys_version = ""
    disable_nagle_algorithm: ClassVar[bool] = True
    _now: datetime | None = None
    _date: str | None = None

    def handle(self) -> None:
        # Clients hang up on a slow or an oversized answer; that is what such faults are for.
        with suppress(ConnectionError, TimeoutError):
            super().handle()

    def do_GET(self) -> None:
        """Answer, or play the fault that the script has for this request."""
        url = urlsplit(self.path)
        request = SimulatedRequest(url.path, url.query, self.headers.get(AUTH_HEADER))
        given, fault, self._now, fault_id = self.server.respond(request)
        if fault is None:
            self.give(given)
        else:
            http_faults.play(fault, self, given, now=self._now, request_id=fault_id)

    def give(self, answer: SimulatedResponse, *, length: int | None = None) -> None:
        self._date = answer.headers.get("Date")
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name != "Date":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body) if length is None else length))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.give_bytes(answer.body)

    def give_bytes(self, content: bytes) -> None:
        self.wfile.write(content)

    def pause(self, seconds: float) -> bool:
        return self.server.stopping.wait(seconds)

    def hang_up(self) -> None:
        self.rfile.close()
        self.connection.close()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the `Date` header: the provider's clock, unless the answer has one of its own."""
        if timestamp is not None:
            return super().date_time_string(int(timestamp))
        if self._date is not None:
            return self._date
        now = self._now or self.server.clock()
        return format_datetime(now.astimezone(UTC), usegmt=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
        _log.debug(format, *args)
