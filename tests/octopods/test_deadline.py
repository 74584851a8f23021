from __future__ import annotations

import gc
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from pydantic import SecretStr

from recon.deadlines import DeadlineError
from recon.octopods.deadline import WatchedRequest
from recon.octopods.request_errors import TransientError
from recon.octopods.transport import Transport
from tests.octopods.raw_server import Handler, answers, drips, raw_server
from tests.octopods.stage import KEY

DEADLINE = 0.25

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

DRIPS = {
    "status line": drips(b"", b"HTTP/1.1 200 OK and no end of it "),
    "headers": drips(OK, b"X-Some: thing\r\n"),
    "one header": drips(OK + b"X-Some: ", b"thing "),
    "100 Continue": drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.001),
    "sizes of chunks": drips(CHUNKED, b"0"),
    "chunks": drips(CHUNKED, b"1\r\n \r\n"),
    "trailers": drips(CHUNKED + b"0\r\n", b"X-Some: thing\r\n"),
    "a body of known length": drips(OK + b"Content-Length: 1000000\r\n\r\n", b" "),
    "a body until the end": drips(OK + b"Connection: close\r\n\r\n", b" "),
    "nothing": drips(b"", b" ", pause=60),
}


def transport(url: str, session: requests.Session, seconds: float = DEADLINE) -> Transport:
    return Transport(url, SecretStr(KEY), session, seconds)


def fails_in_time(made: Transport, seconds: float = DEADLINE) -> TransientError:
    """Make a request that must be given up at the deadline, and return its error."""
    begun = time.monotonic()
    with pytest.raises(TransientError) as caught:
        made.get("/")
    assert time.monotonic() - begun < seconds + 2
    return caught.value


@pytest.mark.parametrize("name", DRIPS)
def test_whatever_drips_the_request_ends_at_the_deadline_and_hangs_up(
    name: str, session: requests.Session
) -> None:
    with raw_server(DRIPS[name]) as server:
        error = fails_in_time(transport(server.url(), session))
        assert f"{DEADLINE:g} s" in str(error)
        assert error.sent
        # The server's own next write fails, or its pause is over: nothing reads on.
        assert name == "nothing" or server.ended.acquire(timeout=5)


def encrypted(handler: Handler, certificate: Path) -> Handler:
    """Shake hands first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def encrypting(connection: socket.socket, over: threading.Event) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            handler(wrapped, over)

    return encrypting


@pytest.fixture
def left() -> Iterator[None]:
    """Collect what is left of TLS here: on a slow machine, the deadline may pass in a handshake.

    Python then leaves its socket to the collector, and warns of it in whichever test runs by then.
    """
    yield
    for thread in threading.enumerate():
        if thread.name == "octopods-request":
            thread.join(5)
    gc.collect()


#: For tests with the fixture `left`.
MAY_BE_LEFT = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"
)


@MAY_BE_LEFT
@pytest.mark.usefixtures("left")
@pytest.mark.parametrize("name", ["status line", "sizes of chunks", "a body until the end"])
def test_the_same_holds_within_tls(
    name: str, session: requests.Session, stranger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(stranger))
    with raw_server(encrypted(DRIPS[name], stranger)) as server:
        # On a slow machine, both sides shake hands for longer than the deadline of the others.
        error = fails_in_time(transport(server.url("https"), session, 4 * DEADLINE), 4 * DEADLINE)
        assert error.sent
        assert server.ended.acquire(timeout=5)


@MAY_BE_LEFT
@pytest.mark.usefixtures("left")
def test_a_tls_handshake_that_drips_ends_at_the_deadline(session: requests.Session) -> None:
    # The head of a TLS record of 16 kB, whose content comes byte by byte.
    with raw_server(drips(b"\x16\x03\x03\x40\x00", b"\x00")) as server:
        error = fails_in_time(transport(server.url("https"), session))
        assert str(error).endswith(
            f"base_url) cannot be reached: no connection within {DEADLINE:g} s"
        )
        assert not error.sent
        assert server.ended.acquire(timeout=5)


def test_a_proxy_that_drips_ends_at_the_deadline_and_is_called_a_proxy(
    session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    with raw_server(drips(b"HTTP/1.1 ", b"2")) as server:
        monkeypatch.setenv("HTTPS_PROXY", server.url())
        monkeypatch.setenv("no_proxy", "")
        error = fails_in_time(transport("https://octopods.example", session))
        assert "the proxy of HTTPS_PROXY" in str(error)
        assert not error.sent
        assert server.ended.acquire(timeout=5)


def test_all_addresses_of_a_host_together_have_one_deadline(
    session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A queue that is full: nobody takes the connections, and further ones get no answer.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", full.getsockname())
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [address] * 40)
        error = fails_in_time(transport("http://octopods.example", session))
        for one in waiting:
            one.close()
    assert str(error).endswith(f"base_url) cannot be reached: no connection within {DEADLINE:g} s")
    assert not error.sent


def test_a_name_that_is_not_resolved_in_time_ends_at_the_deadline(
    session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()

    def never(*_: object, **__: object) -> None:
        over.wait(30)
        raise socket.gaierror(socket.EAI_AGAIN, "over")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    error = fails_in_time(transport("http://octopods.example", session))
    over.set()
    assert not error.sent


def test_a_connection_that_was_used_before_has_the_same_deadline(
    session: requests.Session,
) -> None:
    first = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"

    def handler(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(first)
        DRIPS["headers"](connection, over)

    with raw_server(handler) as server:
        made = transport(server.url(), session)
        assert made.get("/").body == []
        fails_in_time(made)
        assert server.ended.acquire(timeout=5)


def test_after_a_request_that_was_given_up_the_next_one_is_made_anew(
    session: requests.Session,
) -> None:
    acts = [DRIPS["a body of known length"], answers(OK + b"Connection: close\r\n\r\n[]")]

    def handler(connection: socket.socket, over: threading.Event) -> None:
        acts.pop(0)(connection, over)

    with raw_server(handler) as server:
        made = transport(server.url(), session)
        fails_in_time(made)
        assert made.get("/").body == []


def test_no_thread_is_left_of_requests_that_were_given_up(session: requests.Session) -> None:
    with raw_server(DRIPS["headers"]) as server:
        for _ in range(3):
            fails_in_time(transport(server.url(), session))
        ours = [one for one in threading.enumerate() if one.name == "octopods-request"]
        for thread in ours:
            thread.join(5)
        assert not any(thread.is_alive() for thread in ours)


def test_work_that_ends_in_time_gives_its_result_or_its_error() -> None:
    assert WatchedRequest().run(5, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        WatchedRequest().run(5, lambda: 1 / 0)


def test_a_connection_that_comes_too_late_is_closed_and_not_used(
    session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = threading.Event()
    resolve = socket.getaddrinfo

    def slow(*args: object, **kwargs: object) -> object:
        late.wait(30)
        return resolve(*args, **kwargs)  # type: ignore[arg-type]

    seen: list[bytes] = []

    def handler(connection: socket.socket, _over: threading.Event) -> None:
        seen.append(connection.recv(65536))

    with raw_server(handler) as server:
        monkeypatch.setattr(socket, "getaddrinfo", slow)
        fails_in_time(transport(server.url(), session))
        late.set()
        assert server.ended.acquire(timeout=5)
    assert seen == [b""]


def test_the_error_of_a_deadline_is_distinguished_from_a_timeout() -> None:
    over = threading.Event()
    with pytest.raises(DeadlineError):
        WatchedRequest().run(0.01, lambda: over.wait(30))
    over.set()
