from __future__ import annotations

import gzip
import socket
import threading
import time

import pytest
import requests
from pydantic import SecretStr

import recon
from recon.octopods.request_errors import TransientError
from recon.octopods.transport import Transport
from tests.octopods.raw_server import Handler, raw_server
from tests.octopods.stage import KEY, Act, Stage, drips, says, sends

MOST = 8 * 2**20


@pytest.fixture
def transport(stage: Stage, session: requests.Session) -> Transport:
    return Transport(stage.url, SecretStr(KEY), session, 10.0)


def padded(size: int) -> bytes:
    """Return so many bytes of valid JSON."""
    return b"[" + b" " * (size - 2) + b"]"


@pytest.mark.parametrize(
    "act", [sends(padded(MOST)), sends(gzip.compress(padded(MOST)), Content_Encoding="gzip")]
)
def test_an_answer_of_the_largest_size_is_read(
    stage: Stage, transport: Transport, act: Act
) -> None:
    stage.acts = [act]
    assert transport.get("/").body == []


@pytest.mark.parametrize(
    "act",
    [sends(padded(MOST + 1)), sends(gzip.compress(padded(MOST + 1)), Content_Encoding="gzip")],
)
def test_a_larger_one_is_refused_however_valid_it_is(
    stage: Stage, transport: Transport, act: Act
) -> None:
    stage.acts = [act]
    with pytest.raises(TransientError, match="larger than 8 MiB"):
        transport.get("/")


def test_a_body_that_drips_ends_at_the_deadline_by_a_real_clock(
    stage: Stage, session: requests.Session
) -> None:
    stage.acts = [drips(padded(10_000), 0.01, stage)]
    transport = Transport(stage.url, SecretStr(KEY), session, 0.2)
    begun = time.monotonic()
    with pytest.raises(TransientError, match="not complete after"):
        transport.get("/")
    assert time.monotonic() - begun < 5


def test_it_says_who_asks_and_wants_no_old_answer(stage: Stage, transport: Transport) -> None:
    stage.acts = [says([])]
    transport.get("/")
    headers = stage.seen[0][1]
    assert headers["User-Agent"] == f"octopods-recon/{recon.__version__}"
    assert headers["Cache-Control"] == "no-cache"


def test_the_key_is_in_no_representation(transport: Transport) -> None:
    assert KEY not in repr(transport)
    assert transport.scrubbed(f"no key {KEY} here") == "no key *** here"


def test_a_number_of_5000_digits_costs_only_its_own_item(
    stage: Stage, transport: Transport
) -> None:
    stage.acts = [says(f'[{{"message_id": {"9" * 5000}}}, {{"message_id": 7}}]')]
    answer = transport.get("/")
    assert answer.is_json
    assert answer.body == [{"message_id": "9" * 5000}, {"message_id": 7}]


def hangs_up(*, at_once: bool) -> Handler:
    """Answer the first request of a connection, and hang up then or at the second."""
    content = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

    def handler(connection: socket.socket, _over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(content)
        if not at_once:
            connection.recv(65536)

    return handler


@pytest.mark.parametrize("when", ["at once", "at the next request"])
def test_a_kept_connection_that_is_closed_is_replaced_without_an_error(
    when: str, session: requests.Session
) -> None:
    with raw_server(hangs_up(at_once=when == "at once")) as server:
        made = Transport(server.url(), SecretStr(KEY), session, 5)
        assert [made.get("/").body for _ in range(3)] == [{}, {}, {}]


def test_a_new_connection_that_is_closed_is_an_error(session: requests.Session) -> None:
    with raw_server(lambda connection, _over: connection.close()) as server:
        with pytest.raises(TransientError):
            Transport(server.url(), SecretStr(KEY), session, 5).get("/")
        assert server.ended.acquire(timeout=5)
        assert not server.ended.acquire(timeout=0.1)
