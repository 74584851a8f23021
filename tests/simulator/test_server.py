from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection
from itertools import cycle, islice
from urllib.parse import urlsplit

import pytest
import requests
from urllib3.exceptions import ProtocolError

from recon.errors import UsageError
from recon.simulator import http_faults
from recon.simulator.channel import SIMULATED_KEY, Channel
from recon.simulator.http_faults import Fault, FaultKind
from recon.simulator.rate_limits import RateLimit, RetryForm
from recon.simulator.server import AUTH_HEADER, Received, fingerprint, serve
from recon.simulator.simulated_responses import LIST_PATH
from tests.clocks import ManualClock

T = datetime(2026, 4, 24, 10, 23, 45, tzinfo=UTC)
NUMBER = "+15551234567"
PATIENCE = (2.0, 5.0)


@pytest.fixture
def channel() -> Channel:
    channel = Channel()
    for second in range(3):
        channel.send(NUMBER, T + timedelta(seconds=second))
    return channel


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T + timedelta(seconds=60))


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.headers[AUTH_HEADER] = SIMULATED_KEY
        session.trust_env = False
        yield session


def test_the_listing_and_a_status_come_over_http(
    channel: Channel, clock: ManualClock, session: requests.Session
) -> None:
    with serve(channel, clock=clock) as url:
        listed = session.get(f"{url}{LIST_PATH}?limit=2", timeout=PATIENCE)
        newest = listed.json()["messages"][0]
        status = session.get(f"{url}{LIST_PATH}/{newest['message_id']}", timeout=PATIENCE)
    assert len(listed.json()["messages"]) == 2
    assert status.json()["status"] == newest["status"] == "delivered"
    assert listed.headers["Content-Type"] == "application/json"
    assert listed.json()["request_id"] != status.json()["request_id"]


def test_the_date_header_is_the_simulated_clock_in_utc(
    channel: Channel, session: requests.Session
) -> None:
    clock = ManualClock(datetime.fromisoformat("2026-04-25T06:00:00.9+01:00"))
    with serve(channel, clock=clock) as url:
        first = session.get(url + LIST_PATH, timeout=PATIENCE)
        clock.advance(3600)
        second = session.get(url + LIST_PATH, timeout=PATIENCE)
    assert first.headers["Date"] == "Sat, 25 Apr 2026 05:00:00 GMT"
    assert parsedate_to_datetime(second.headers["Date"]).hour == 6


def test_messages_turn_up_and_statuses_move_on_with_the_simulated_clock(
    session: requests.Session,
) -> None:
    channel = Channel()
    channel.send(NUMBER, T)
    channel.send(NUMBER, T + timedelta(seconds=90))
    clock = ManualClock(T)
    seen = []
    with serve(channel, clock=clock) as url:
        for _ in range(3):
            listed = session.get(url + LIST_PATH, timeout=PATIENCE).json()["messages"]
            seen.append([item["status"] for item in listed])
            clock.advance(50)
    assert seen == [["sent"], ["delivered"], ["delivered", "read"]]


def test_the_log_distinguishes_requests_and_holds_no_key(
    channel: Channel, clock: ManualClock, session: requests.Session
) -> None:
    log: list[Received] = []
    with serve(channel, clock=clock, script=[None, http_faults.server_error()], log=log) as url:
        session.get(f"{url}{LIST_PATH}?limit=7", timeout=PATIENCE)
        session.get(url + LIST_PATH, timeout=PATIENCE)
        session.get(url + LIST_PATH, headers={AUTH_HEADER: "wrong"}, timeout=PATIENCE)
        requests.get(f"{url}{LIST_PATH}/12", timeout=PATIENCE)
    assert [(r.path, r.limit, r.status, r.fault) for r in log] == [
        (LIST_PATH, "7", 200, None),
        (LIST_PATH, None, 200, FaultKind.SERVER_ERROR),
        (LIST_PATH, None, 401, None),
        (f"{LIST_PATH}/12", None, 401, None),
    ]
    known, same, wrong, none = (r.key_fingerprint for r in log)
    assert known == same == fingerprint(SIMULATED_KEY) != wrong
    assert none is None
    assert SIMULATED_KEY not in repr(log)
    assert {r.at for r in log} == {clock()}


def test_the_limit_is_shared_over_http_and_waiting_as_asked_suffices(
    clock: ManualClock, session: requests.Session
) -> None:
    channel = Channel(rate_limit=RateLimit(2, timedelta(minutes=1)))
    sent = channel.send(NUMBER, T - timedelta(hours=1))
    with serve(channel, clock=clock) as url:
        assert session.get(url + LIST_PATH, timeout=PATIENCE).ok
        assert session.get(f"{url}{LIST_PATH}/{sent.message_id}", timeout=PATIENCE).ok
        refused = session.get(url + LIST_PATH, timeout=PATIENCE)
        assert refused.status_code == 429
        clock.advance(int(refused.headers["Retry-After"]))
        assert session.get(url + LIST_PATH, timeout=PATIENCE).ok


def test_faults_are_played_in_order_and_then_everything_is_answered(
    channel: Channel, clock: ManualClock, session: requests.Session
) -> None:
    script = [
        http_faults.server_error(),
        http_faults.unavailable(),
        None,
        http_faults.not_json(),
        http_faults.redirect("http://127.0.0.1:9/elsewhere"),
        http_faults.rate_limited(RetryForm.BODY_ISO, 90),
    ]
    with serve(channel, clock=clock, script=script) as url:
        answered = [
            session.get(url + LIST_PATH, timeout=PATIENCE, allow_redirects=False) for _ in range(7)
        ]
    assert [answer.status_code for answer in answered] == [500, 503, 200, 200, 302, 429, 200]
    error, unavailable, _, login, moved, limited, good = answered
    assert error.json()["error_code"] != 6
    for page in (unavailable, login):
        assert page.headers["Content-Type"].startswith("text/html")
        with pytest.raises(requests.JSONDecodeError):
            page.json()
    assert moved.headers["Location"] == "http://127.0.0.1:9/elsewhere"
    assert limited.json()["retry_at"] == "2026-04-24T10:26:15Z"
    assert len(good.json()["messages"]) == 3


def test_a_reset_reaches_the_client_as_one(
    channel: Channel, clock: ManualClock, session: requests.Session
) -> None:
    with serve(channel, clock=clock, script=[http_faults.reset()]) as url:
        with pytest.raises(requests.ConnectionError, match=r"[Rr]eset"):
            session.get(url + LIST_PATH, timeout=PATIENCE)
        assert session.get(url + LIST_PATH, timeout=PATIENCE).ok


def test_a_truncated_body_is_shorter_than_it_claims(
    channel: Channel, clock: ManualClock, session: requests.Session
) -> None:
    with (
        serve(channel, clock=clock, script=[http_faults.truncated()]) as url,
        session.get(url + LIST_PATH, timeout=PATIENCE, stream=True) as answer,
    ):
        claimed = int(answer.headers["Content-Length"])
        half = answer.raw.read(claimed // 2)
        assert half.startswith(b'{"request_id"')
        with pytest.raises(ProtocolError, match="IncompleteRead"):
            answer.raw.read()


def test_a_dripping_body_is_the_right_one_in_the_end(
    channel: Channel, clock: ManualClock, session: requests.Session
) -> None:
    with serve(channel, clock=clock, script=[http_faults.drip(0.0)]) as url:
        answered = session.get(url + LIST_PATH, timeout=PATIENCE)
    assert len(answered.json()["messages"]) == 3


def test_a_dripping_body_keeps_a_client_waiting_and_the_server_stops_all_the_same(
    channel: Channel, clock: ManualClock, session: requests.Session
) -> None:
    with serve(channel, clock=clock, script=[http_faults.drip(3600)]) as url:
        answer = session.get(url + LIST_PATH, timeout=(2, 0.5), stream=True)
        with pytest.raises(requests.ConnectionError, match="timed out"):
            answer.content  # noqa: B018 - reading it is the point
        answer.close()


def test_no_answer_comes_and_the_server_stops_all_the_same(
    channel: Channel, clock: ManualClock, session: requests.Session
) -> None:
    with (
        serve(channel, clock=clock, script=[http_faults.timeout(3600)]) as url,
        pytest.raises(requests.ReadTimeout),
    ):
        session.get(url + LIST_PATH, timeout=(2, 0.05))


def test_an_oversize_body_goes_on_until_the_client_hangs_up(
    channel: Channel, clock: ManualClock, session: requests.Session
) -> None:
    with serve(channel, clock=clock, script=[http_faults.oversize(2**40)]) as url:
        with session.get(url + LIST_PATH, timeout=PATIENCE, stream=True) as answer:
            read = sum(map(len, islice(answer.iter_content(2**16), 64)))
        assert read == 64 * 2**16
        assert session.get(url + LIST_PATH, timeout=PATIENCE).ok


def test_an_endless_script_is_played_on(
    channel: Channel, clock: ManualClock, session: requests.Session
) -> None:
    script: Iterator[Fault | None] = cycle([http_faults.server_error(), None])
    with serve(channel, clock=clock, script=script) as url:
        codes = [session.get(url + LIST_PATH, timeout=PATIENCE).status_code for _ in range(5)]
    assert codes == [500, 200, 500, 200, 500]


def test_one_connection_serves_many_requests(channel: Channel, clock: ManualClock) -> None:
    with serve(channel, clock=clock) as url:
        address = urlsplit(url)
        connection = HTTPConnection(str(address.hostname), address.port, timeout=5)
        ports = set()
        for _ in range(3):
            connection.request("GET", LIST_PATH, headers={AUTH_HEADER: SIMULATED_KEY})
            ports.add(connection.sock.getsockname()[1])
            assert connection.getresponse().read()
        connection.close()
    assert len(ports) == 1


def test_stopping_frees_the_port_and_ends_every_thread_even_with_idle_clients(
    channel: Channel, clock: ManualClock
) -> None:
    before = threading.active_count()
    with serve(channel, clock=clock) as url:
        port = urlsplit(url).port
        assert port
        with socket.create_connection(("127.0.0.1", port), timeout=2) as idle:
            idle.sendall(b"GET / HTTP/1.1\r\n")
            assert threading.active_count() > before
            with serve(channel, clock=clock) as other:
                assert other != url
    assert threading.active_count() == before
    with serve(channel, clock=clock, port=port) as again:
        assert again == url


def test_a_port_that_is_taken_is_reported(channel: Channel, clock: ManualClock) -> None:
    with serve(channel, clock=clock) as url:
        port = urlsplit(url).port
        assert port
        with (
            pytest.raises(UsageError, match=f"port {port} .* cannot be used"),
            serve(channel, clock=clock, port=port),
        ):
            pytest.fail("it listens twice")


def test_a_port_that_is_no_port_is_reported(channel: Channel, clock: ManualClock) -> None:
    with (
        pytest.raises(UsageError, match="cannot be used"),
        serve(channel, clock=clock, port=70_000),
    ):
        pytest.fail("it listens")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.com", ""])  # noqa: S104
def test_it_listens_nowhere_but_on_loopback(
    channel: Channel, clock: ManualClock, host: str
) -> None:
    with pytest.raises(ValueError, match="loopback"), serve(channel, clock=clock, host=host):
        pytest.fail("it listens")


def test_it_prints_nothing(
    channel: Channel,
    clock: ManualClock,
    session: requests.Session,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with serve(channel, clock=clock, script=[http_faults.reset(), http_faults.truncated()]) as url:
        for _ in range(3):
            try:
                session.get(url + LIST_PATH, timeout=PATIENCE)
            except requests.RequestException:
                continue
    assert capfd.readouterr() == ("", "")
