from __future__ import annotations

import gzip
import json
import logging
import socket
import ssl
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from pathlib import Path

import pytest
import requests
from pydantic import SecretStr

from recon.errors import (
    ConfigError,
    KeyRefusedError,
    ReconError,
    RequestRefusedError,
    TemporaryError,
)
from recon.model import Listing, Message, RequestCounts
from recon.octopods.client import Client
from recon.octopods.responses import StatusAnswer
from recon.simulator import http_faults
from recon.simulator.channel import SIMULATED_KEY, Channel
from recon.simulator.rate_limits import RateLimit, RetryForm
from recon.simulator.server import serve
from tests.octopods.stage import (
    KEY,
    NOW,
    Act,
    Clock,
    Maker,
    Player,
    Stage,
    drips,
    fails,
    resets,
    says,
    sends,
    staged,
    stalls,
)

LIST = "/api/v1/whatsapp/messages"
ITEM = {
    "message_id": 3851828,
    "status": "delivered",
    "phone_number": "+15551234567",
    "sent_at": "2026-04-24T10:23:45Z",
}
MESSAGE = Message(3851828, "+15551234567", NOW, "delivered")
GOOD = says({"request_id": "req-good", "messages": [ITEM]})
BODY = json.dumps({"messages": [ITEM]}).encode()
STATUS = {"request_id": "r", "message_id": 7, "status": "READ"}


def refused(ask: Callable[[], object]) -> ReconError:
    with pytest.raises(ReconError) as caught:
        ask()
    return caught.value


# --- the request -------------------------------------------------------------------------------


def test_the_list_is_asked_for_once_with_the_bare_key_and_a_limit(
    stage: Stage, make: Maker
) -> None:
    stage.acts = [GOOD]
    client = make()
    listing = client.latest()
    assert listing == Listing([MESSAGE], [], 1, 100, NOW, "req-good", date=NOW, requested_at=NOW)
    ((path, headers),) = stage.seen
    assert path == f"{LIST}?limit=100"
    assert headers["X-Octopods-Auth"] == KEY
    assert "Authorization" not in headers
    assert KEY not in path
    assert client.counts == RequestCounts(list=1)


def test_a_status_is_asked_for_by_its_id(stage: Stage, make: Maker) -> None:
    stage.acts = [says(STATUS)]
    client = make()
    assert client.message_status(7) == StatusAnswer(7, "read")
    assert stage.seen[0][0] == f"{LIST}/7"
    assert client.counts == RequestCounts(status=1)


def test_a_key_may_hold_every_character_of_latin_1(stage: Stage, make: Maker) -> None:
    stage.acts = [GOOD]
    make(api_key=SecretStr("clé-§ß!")).latest()
    assert stage.seen[0][1]["X-Octopods-Auth"] == "clé-§ß!"


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "€uro", "\x00"])
def test_a_key_that_no_header_can_hold_is_refused_without_being_shown(
    make: Maker, key: str
) -> None:
    error = refused(lambda: make(api_key=SecretStr(key)))
    assert error.exit_code == 78
    assert not key or key not in "".join(traceback.format_exception(error))


def test_a_second_shape_comes_over_http_too(stage: Stage, make: Maker) -> None:
    status = {"channel_message_id": 3851828, "message_status": "DELIVERED", "failure_reason": ""}
    item = {
        "user_phone_number": "+15551234567",
        "created_at": "2026-04-24T10:23:45Z",
        "message_content": "Hi",
        "message_status": status,
    }
    stage.acts = [says([item], X_Request_Id="req-header")]
    listing = make().latest()
    assert (listing.messages, listing.request_id) == ([MESSAGE], "req-header")


def test_the_time_of_an_answer_is_the_providers_even_if_ours_is_wrong(
    stage: Stage, make: Maker, clock: Clock
) -> None:
    stage.acts = [GOOD]
    clock.now += timedelta(hours=5)
    assert make().latest().answered_at == NOW


def test_a_listing_carries_what_the_headers_say_of_its_age_and_when_it_was_asked_for(
    stage: Stage, make: Maker, clock: Clock
) -> None:
    body = json.loads(BODY)
    stage.acts = [says(body, Age="75"), says(body, 206), says(body, Content_Range="items 0-9/20")]
    client = make()
    asked_at = clock.now
    first, second, third = client.latest(), client.latest(), client.latest()
    assert (first.date, first.age_seconds, first.requested_at) == (NOW, 75.0, asked_at)
    assert (second.age_seconds, second.requested_at) == (0.0, clock.now)
    assert [one.is_partial for one in (first, second, third)] == [False, True, True]


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({}, None),
        ({"error_code": None, "error": ""}, None),
        ({"error_code": 0, "error": None}, None),
        ({"error_code": "0", "error": []}, None),
        ({"error_code": 3, "error": "call +353871234567"}, "error code 3"),
        ({"error_code": 6}, "error code 6"),
        ({"error_code": "E-17"}, "an error code"),
        ({"error": "call +353871234567"}, "an error text"),
        ({"error": {"message": "partial"}}, "an error text"),
    ],
)
def test_an_error_beside_a_list_is_reported_without_its_text(
    stage: Stage, make: Maker, extra: dict[str, object], said: str | None
) -> None:
    stage.acts = [says(json.loads(BODY) | extra)]
    listing = make().latest()
    assert (listing.error, len(listing.messages)) == (said, 1)


@pytest.mark.parametrize("date", ["yesterday", "Mon, 01 Jan 0001 00:00:00 +2359"])
def test_without_a_date_that_can_be_read_our_clock_stands_in(
    stage: Stage, make: Maker, clock: Clock, monkeypatch: pytest.MonkeyPatch, date: str
) -> None:
    monkeypatch.setattr(Player, "date_time_string", lambda *_: date)
    stage.acts = [GOOD]
    clock.now += timedelta(hours=5)
    assert make().latest().answered_at == clock.now


@pytest.mark.parametrize(
    "content",
    [b"\xef\xbb\xbf" + BODY, BODY.replace(b"{", b'{"x": NaN, "y": -Infinity, ', 1)],
)
def test_what_is_nearly_json_is_read(stage: Stage, make: Maker, content: bytes) -> None:
    stage.acts = [sends(content)]
    assert make().latest().messages == [MESSAGE]


def test_a_packed_answer_is_unpacked(stage: Stage, make: Maker) -> None:
    stage.acts = [sends(gzip.compress(BODY), Content_Encoding="gzip")]
    assert make().latest().messages == [MESSAGE]


# --- what is final -----------------------------------------------------------------------------


@pytest.mark.parametrize("act", [fails(401), fails(400, 6), fails(400, "6"), fails(403, 6)])
@pytest.mark.parametrize("ask", [Client.latest, lambda client: client.message_status(7)])
def test_a_refused_key_ends_it_at_once(
    stage: Stage, make: Maker, clock: Clock, act: Act, ask: Callable[[Client], object]
) -> None:
    stage.acts = [act]
    error = refused(lambda: ask(make()))
    assert isinstance(error, KeyRefusedError)
    assert error.exit_code == 77
    assert "req-1" in error.message
    assert len(stage.seen) == 1
    assert clock.slept == []


def test_a_redirect_is_not_followed_and_the_key_stays_here(
    stage: Stage, make: Maker, clock: Clock
) -> None:
    with staged() as elsewhere:
        elsewhere.acts = [GOOD]
        stage.acts = [says("", 302, Location=f"{elsewhere.url}/login?token=abc")]
        error = refused(make().latest)
        assert elsewhere.seen == []
    assert isinstance(error, ConfigError)
    assert "127.0.0.1" in error.message
    assert "abc" not in error.message
    assert (len(stage.seen), clock.slept) == (1, [])


@pytest.mark.parametrize("location", ["http://[::1", "//x:port/", "\xff\xfe", "", "http://a\\b"])
def test_a_redirect_to_nowhere_is_no_bug_of_ours(stage: Stage, make: Maker, location: str) -> None:
    stage.acts = [says("", 301, Location=location)]
    assert refused(make().latest).exit_code == 78


def test_a_redirect_with_an_endless_body_holds_nobody(stage: Stage, make: Maker) -> None:
    ticks = count()
    stage.acts = [redirects_dripping(stage)]
    client = make(monotonic=lambda: float(next(ticks)), timeout_seconds=0.1, max_wait_seconds=0)
    assert refused(client.latest).exit_code == 75


def redirects_dripping(stage: Stage) -> Act:
    def act(player: Player) -> None:
        player.close_connection = True
        player.give(302, b"", {"Content-Length": "100000", "Location": "/elsewhere"})
        while not stage.over.wait(0.005):
            player.wfile.write(b"x")

    return act


def test_an_address_without_the_list_is_a_wrong_address(stage: Stage, make: Maker) -> None:
    stage.acts = [fails(404)]
    assert isinstance(refused(make().latest), ConfigError)
    assert len(stage.seen) == 1


@pytest.mark.parametrize("act", [fails(400, 2), fails(400), fails(403), fails(409, 1)])
def test_another_refusal_is_not_tried_again(stage: Stage, make: Maker, act: Act) -> None:
    stage.acts = [act]
    error = refused(make().latest)
    assert isinstance(error, TemporaryError)
    assert "req-1" in error.message
    assert len(stage.seen) == 1


def test_an_error_code_is_shown_with_its_documented_name(stage: Stage, make: Maker) -> None:
    stage.acts = [fails(400, 8), fails(400, 99)]
    assert "(400, error 8 INVALID_HEADER)" in refused(make().latest).message
    assert "(400, error 99)" in refused(make().latest).message


def test_an_error_in_place_of_the_list_is_named_whatever_its_status(
    stage: Stage, make: Maker, clock: Clock
) -> None:
    stage.acts = [fails(200, 8)]
    error = refused(make(max_wait_seconds=0).latest)
    assert isinstance(error, TemporaryError)
    assert "(HTTP status 200) is error 8 INVALID_HEADER, not a list of messages" in error.message
    stage.acts = [fails(200, 6)]
    assert isinstance(refused(make().latest), KeyRefusedError)
    assert clock.slept == []


def test_an_account_that_has_sent_nothing_has_an_empty_list(stage: Stage, make: Maker) -> None:
    stage.acts = [fails(400, 1, "No messages have been sent on this channel yet.")]
    nothing = Listing([], [], 0, 100, NOW, "req-1", date=NOW, requested_at=NOW)
    assert make().latest() == nothing


@pytest.mark.parametrize("status", [403, 409, 422])
def test_only_a_400_can_say_that_nothing_was_sent(stage: Stage, make: Maker, status: int) -> None:
    stage.acts = [fails(status, 1, "No messages have been sent on this channel yet.")]
    assert refused(make().latest).exit_code == 75


@pytest.mark.parametrize(
    "act",
    [fails(400, 1), fails(400, 0), fails(404, 1), fails(404, 7, ""), fails(400, 2, "No such id.")],
)
def test_an_id_that_octopods_denies_has_no_status(stage: Stage, make: Maker, act: Act) -> None:
    stage.acts = [act]
    assert make().message_status(7) is None
    assert len(stage.seen) == 1


@pytest.mark.parametrize(
    "act",
    [
        says("<html>Bad request</html>", 400),
        says("<html>Not found</html>", 404),
        says(["error_code", 1], 404),
        says({"request_id": "r", "error": "not found"}, 404),
        fails(403, 1),
        fails(410, 1),
    ],
)
def test_a_refusal_without_an_error_object_denies_no_id(
    stage: Stage, make: Maker, act: Act
) -> None:
    stage.acts = [act]
    error = refused(lambda: make().message_status(7))
    assert (type(error), error.exit_code) == (RequestRefusedError, 75)
    assert len(stage.seen) == 1


def test_a_passing_error_of_a_status_call_is_tried_again(stage: Stage, make: Maker) -> None:
    passing = fails(400, 7, "The message store is temporarily unavailable.")
    stage.acts = [passing, fails(404, 9, "Please try again."), says(STATUS)]
    assert make().message_status(7) == StatusAnswer(7, "read")
    stage.acts = [*stage.acts[:2], passing]
    assert refused(lambda: make().message_status(7)).exit_code == 75


def test_a_status_of_another_message_is_not_taken(stage: Stage, make: Maker) -> None:
    stage.acts = [says(STATUS | {"message_id": 8}), says(STATUS)]
    assert make().message_status(7) == StatusAnswer(7, "read")


@pytest.mark.parametrize("url", ["http://", "ftp://example.com", "nonsense", "http://a:b"])
def test_an_address_that_cannot_be_asked_is_a_wrong_configuration(make: Maker, url: str) -> None:
    assert refused(make(base_url=url).latest).exit_code == 78


def test_certificates_that_are_not_there_are_a_wrong_configuration(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/roots.pem")
    error = refused(make(base_url="https://127.0.0.1:1").latest)
    assert error.exit_code == 78
    assert "/nowhere/roots.pem" in error.message


# --- what may pass -----------------------------------------------------------------------------


def truncates(player: Player) -> None:
    player.close_connection = True
    player.give(200, BODY[:20], {"Content-Length": str(len(BODY))})


def says_in_pieces(player: Player) -> None:
    player.close_connection = True
    player.give(200, b"5\r\nhello\r\n", {"Transfer-Encoding": "chunked"})


def hangs_up(player: Player) -> None:
    player.close_connection = True
    player.connection.shutdown(socket.SHUT_RDWR)


def floods(player: Player) -> None:
    player.close_connection = True
    player.give(200, b"[" + b" " * (9 * 2**20), {})


BOMB = gzip.compress(b"[" + b" " * (64 * 2**20))
PASSING = {
    "500": fails(500),
    "503 in HTML": says("<html>Unavailable</html>", 503),
    "599": says("", 599),
    "408": fails(408),
    "reset": resets,
    "hung up": hangs_up,
    "truncated": truncates,
    "truncated in pieces": says_in_pieces,
    "HTML": says("<html>Please log in.</html>"),
    "nothing": says(""),
    "text": says('"ok"'),
    "no list": says({"data": []}),
    "a list of another kind": says({"messages": {"1": ITEM}}),
    "too deep": says("[" * 100_000 + "]" * 100_000),
    "half a body": sends(BODY[:30]),
    "huge": floods,
    "a bomb": sends(BOMB, Content_Encoding="gzip"),
    "half packed": sends(gzip.compress(BODY)[:-9], Content_Encoding="gzip"),
    "not packed": sends(BODY, Content_Encoding="gzip"),
    "packed unasked": sends(BODY, Content_Encoding="br"),
}


@pytest.mark.parametrize("name", PASSING)
def test_what_may_pass_is_tried_again(stage: Stage, make: Maker, name: str) -> None:
    stage.acts = [PASSING[name], PASSING[name], GOOD]
    client = make()
    assert client.latest().messages == [MESSAGE]
    assert client.counts == RequestCounts(list=3)


@pytest.mark.parametrize("name", PASSING)
def test_what_does_not_pass_ends_after_five_requests(
    stage: Stage, make: Maker, clock: Clock, name: str
) -> None:
    stage.acts = [PASSING[name]]
    client = make()
    error = refused(client.latest)
    assert error.exit_code == 75
    assert len(str(error)) < 700
    assert len(stage.seen) == client.counts.list == 5
    assert len(clock.slept) == 4
    assert all(0.5 <= second <= 8 for second in clock.slept)


def test_a_connection_that_is_refused_is_tried_again_and_is_no_request(
    make: Maker, clock: Clock
) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        client = make(base_url=f"http://127.0.0.1:{bound.getsockname()[1]}")
        error = refused(client.latest)
    assert error.exit_code == 75
    assert "refused" in error.message
    assert len(clock.slept) == 4
    assert client.counts == RequestCounts()


def test_an_answer_that_drips_is_given_up_at_the_deadline(stage: Stage, make: Maker) -> None:
    stage.acts = [drips(BODY, 0.02, stage)]
    client = make(timeout_seconds=0.1, max_wait_seconds=0)
    error = refused(client.latest)
    assert "not complete after 0.1 s" in error.message
    assert client.counts == RequestCounts(list=1)


def test_no_answer_at_all_is_given_up_after_the_timeout(stage: Stage, make: Maker) -> None:
    stage.acts = [stalls(stage)]
    client = make(timeout_seconds=0.05, max_wait_seconds=0)
    assert "no answer within 0.05 s" in refused(client.latest).message
    assert client.counts == RequestCounts(list=1)


def test_a_handshake_that_breaks_off_is_no_wrong_certificate(make: Maker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up() -> None:
            listening.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        client = make(
            base_url=f"https://127.0.0.1:{listening.getsockname()[1]}", max_wait_seconds=0
        )
        error = refused(client.latest)
        thread.join()
    assert isinstance(error, TemporaryError)


def test_a_certificate_of_nobody_is_a_wrong_configuration(make: Maker, stranger: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(stranger)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def shake_hands() -> None:
            connection, _ = listening.accept()
            with pytest.raises(ssl.SSLError):
                context.wrap_socket(connection, server_side=True)
            connection.close()

        thread = threading.Thread(target=shake_hands)
        thread.start()
        error = refused(make(base_url=f"https://127.0.0.1:{listening.getsockname()[1]}").latest)
        thread.join()
    assert isinstance(error, ConfigError)
    assert "certificate" in error.message


@pytest.mark.parametrize("most", [0.0, 0.7, 2.0, 5.0])
@pytest.mark.parametrize("interval", [0.0, 1.0, 3.0])
def test_all_pauses_together_stay_within_what_is_allowed(
    stage: Stage, make: Maker, clock: Clock, most: float, interval: float
) -> None:
    stage.acts = [fails(500)]
    client = make(max_wait_seconds=most, min_interval_seconds=interval)
    assert refused(client.latest).exit_code == 75
    assert sum(clock.slept) <= most
    assert len(stage.seen) == client.counts.list == len(clock.slept) + 1


def test_pauses_of_all_calls_are_counted_together(stage: Stage, make: Maker, clock: Clock) -> None:
    stage.acts = [fails(500)]
    client = make(max_wait_seconds=10.0)
    for _ in range(4):
        assert refused(client.latest).exit_code == 75
    assert sum(clock.slept) <= 10
    assert len(stage.seen) < 10


# --- the limit ---------------------------------------------------------------------------------


def limited(**headers: str) -> Act:
    return fails(429, text="Rate limit exceeded.", **headers)


@pytest.mark.parametrize("seconds", [1, 60, 899])
def test_a_429_is_asked_again_when_the_time_that_it_names_has_passed(
    stage: Stage, make: Maker, clock: Clock, seconds: int
) -> None:
    stage.acts = [limited(Retry_After=str(seconds)), GOOD]
    client = make()
    assert client.latest().messages == [MESSAGE]
    assert seconds <= sum(clock.slept) <= seconds + 1
    assert client.counts == RequestCounts(list=2, rate_limited=1)


def test_a_429_may_use_up_the_allowed_pause_to_the_second(
    stage: Stage, make: Maker, clock: Clock
) -> None:
    stage.acts = [limited(Retry_After="900"), GOOD]
    make().latest()
    assert clock.slept == [900]


@pytest.mark.parametrize("form", [form for form in RetryForm if form is not RetryForm.NONE])
def test_every_form_of_the_stamp_is_obeyed(session: requests.Session, form: RetryForm) -> None:
    clock = Clock()
    channel = Channel(rate_limit=RateLimit(1, timedelta(seconds=40), form))
    channel.send("+15551234567", NOW - timedelta(minutes=5))
    with serve(channel, clock=clock.time) as url:
        client = simulated(url, clock, session)
        client.latest()
        assert client.latest().item_count == 1
    assert client.counts == RequestCounts(list=3, rate_limited=1)
    assert 40 <= sum(clock.slept) <= 43


def simulated(url: str, clock: Clock, session: requests.Session) -> Client:
    stage = Stage(url=url)
    return Maker(stage, clock, session)(api_key=SecretStr(SIMULATED_KEY))


def test_a_skewed_clock_of_ours_does_not_lengthen_or_shorten_the_pause(
    stage: Stage, make: Maker, clock: Clock
) -> None:
    clock.now += timedelta(hours=3)
    stage.acts = [limited(X_RateLimit_Reset=str(int(NOW.timestamp()) + 60)), GOOD]
    make().latest()
    assert 60 <= sum(clock.slept) <= 62


def test_a_429_beyond_the_allowed_pause_ends_at_once_and_names_the_time(
    stage: Stage, make: Maker, clock: Clock
) -> None:
    stage.acts = [limited(Retry_After="3600")]
    client = make()
    error = refused(client.latest)
    assert error.exit_code == 75
    assert "2026-04-24 11:23:45 UTC" in error.message
    assert "req-1" in error.message
    assert clock.slept == []
    assert client.counts == RequestCounts(list=1, rate_limited=1)


@pytest.mark.parametrize("far", ["9999-12-31T23:59:59Z", "999999999"])
def test_a_429_of_the_far_future_is_one_without_a_time(
    stage: Stage, make: Maker, clock: Clock, far: str
) -> None:
    stage.acts = [limited(Retry_After=far), GOOD]
    assert make().latest().messages == [MESSAGE]
    assert 0 < sum(clock.slept) <= 60


def test_a_429_without_a_time_backs_off_ever_longer(
    stage: Stage, make: Maker, clock: Clock
) -> None:
    stage.acts = [limited()]
    client = make()
    assert refused(client.latest).exit_code == 75
    assert client.counts == RequestCounts(list=5, rate_limited=5)
    assert all(later >= earlier for earlier, later in pairwise(clock.slept))
    assert clock.slept[-1] >= 2 * clock.slept[0]


@pytest.mark.parametrize("seconds", ["0", "1"])
def test_a_limit_whose_times_are_always_just_over_is_asked_ever_more_rarely(
    stage: Stage, make: Maker, clock: Clock, seconds: str
) -> None:
    stage.acts = [limited(Retry_After=seconds)]
    client = make()
    assert refused(client.latest).exit_code == 75
    assert client.counts.rate_limited <= 40
    assert sum(clock.slept) <= 900


def test_a_time_that_is_named_does_not_use_up_the_tries(stage: Stage, make: Maker) -> None:
    stage.acts = [limited(Retry_After="1")] * 6 + [fails(500)] * 4 + [GOOD]
    client = make()
    assert client.latest().messages == [MESSAGE]
    assert client.counts == RequestCounts(list=11, rate_limited=6)


# --- frugality ---------------------------------------------------------------------------------


def test_requests_are_kept_apart(stage: Stage, make: Maker, clock: Clock) -> None:
    stage.acts = [says(STATUS)]
    client = make(min_interval_seconds=2.0)
    for _ in range(3):
        client.message_status(7)
    assert clock.slept == pytest.approx([2.0, 2.0])


def test_time_that_has_passed_anyway_is_not_waited_for(
    stage: Stage, make: Maker, clock: Clock
) -> None:
    stage.acts = [says(STATUS)]
    client = make(min_interval_seconds=2.0)
    client.message_status(7)
    clock.now += timedelta(seconds=1.5)
    client.message_status(7)
    clock.now += timedelta(seconds=9)
    client.message_status(7)
    assert clock.slept == pytest.approx([0.5])


def test_all_requests_of_one_night_are_counted(session: requests.Session) -> None:
    clock = Clock()
    channel = Channel()
    channel.send("+15551234567", NOW - timedelta(minutes=5))
    script = [
        http_faults.server_error(),
        http_faults.rate_limited(),
        http_faults.truncated(),
        None,
        None,
    ]
    log: list[object] = []
    with serve(channel, clock=clock.time, script=script, log=log) as url:  # type: ignore[arg-type]
        client = simulated(url, clock, session)
        (message,) = client.latest().messages
        client.message_status(message.message_id)
    assert client.counts == RequestCounts(list=4, status=1, rate_limited=1)
    assert len(log) == 5


# --- what others may have set up ---------------------------------------------------------------


def test_a_netrc_and_proxies_of_the_environment_do_not_come_between(
    stage: Stage, make: Maker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "example.com")
    stage.acts = [GOOD]
    assert make().latest().messages == [MESSAGE]
    assert "Authorization" not in stage.seen[0][1]


def test_a_proxy_of_the_environment_is_asked_for_other_hosts(
    stage: Stage, make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", stage.url)
    monkeypatch.setenv("no_proxy", "")
    stage.acts = [GOOD]
    assert make(base_url="http://octopods.example").latest().messages == [MESSAGE]
    assert stage.seen[0][0] == f"http://octopods.example{LIST}?limit=100"


def test_a_proxy_that_cannot_be_is_named_as_the_cause(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http:///")
    monkeypatch.setenv("no_proxy", "")
    error = refused(make(base_url="http://octopods.example").latest)
    assert error.exit_code == 78
    assert "proxy" in error.message


# --- what is told ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Echo:
    """How a server may throw the key back at us."""

    act: Act


ECHOES = [
    fails(401, text=f"{KEY} is unknown"),
    fails(400, 6, f"{KEY} is old"),
    fails(400, 2, f"What is {KEY}?"),
    fails(500, text=KEY),
    says({"request_id": KEY, "error": KEY}, 400),
    says(KEY),
    says("", 302, Location=f"http://127.0.0.1/{KEY}"),
    limited(Retry_After="3600", X_Request_Id=KEY),
    resets,
]


@pytest.mark.parametrize("act", ECHOES)
def test_the_key_is_never_shown(
    stage: Stage, make: Maker, caplog: pytest.LogCaptureFixture, act: Act
) -> None:
    stage.acts = [act]
    client = make(max_wait_seconds=1.0)
    with caplog.at_level(logging.DEBUG):
        error = refused(client.latest)
    assert KEY not in "".join(traceback.format_exception(error))
    assert KEY not in repr(error) + str(error) + repr(client) + repr(vars(client))
    assert KEY not in caplog.text


def test_the_customers_text_is_never_shown(
    stage: Stage, make: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "Hi Alex, your code is 4711"
    item = ITEM | {"message_content": secret, "message_status": {"message_content": secret}}
    bad = {"message_content": secret, "phone_number": {"message_content": secret}}
    stage.acts = [
        says({"messages": [item, bad, secret, [secret]], "message_content": secret}),
        says({"error_code": 2, "message_content": secret}, 400),
        says(STATUS | {"message_content": secret}),
    ]
    client = make()
    with caplog.at_level(logging.DEBUG):
        told = [repr(client.latest()), repr(refused(client.latest))]
        told.append(repr(client.message_status(7)))
    assert secret not in "".join(told) + caplog.text


@pytest.mark.parametrize("act", [fails(500), limited(Retry_After="1"), fails(400, 2)])
def test_every_answer_is_logged_with_its_request_id(
    stage: Stage, make: Maker, caplog: pytest.LogCaptureFixture, act: Act
) -> None:
    stage.acts = [act, GOOD]
    client = make(max_wait_seconds=5.0)
    with caplog.at_level(logging.INFO, "recon"):
        try:
            client.latest()
        except TemporaryError:
            client.latest()
    assert "req-1" in caplog.text
    assert "req-good" in caplog.text


TOLD = "Hi Alex, +353871234567"


@pytest.mark.parametrize(
    "act",
    [
        fails(400, 2, TOLD),
        fails(403, text=TOLD),
        fails(500, text=TOLD),
        fails(401, text=TOLD),
        fails(429, text=TOLD),
        says({"message": TOLD, "detail": TOLD, "request_id": TOLD}, 400),
        says(json.dumps(TOLD), 400),
        says(TOLD, 400),
        says(TOLD, 200),
        says({"messages": TOLD}, 200),
        says({"request_id": TOLD, "data": []}, 200),
        says("", 302, Location=f"https://{TOLD}/"),
        says("", 503, X_Request_Id=TOLD),
    ],
)
def test_no_text_of_an_answer_is_shown(
    stage: Stage, make: Maker, caplog: pytest.LogCaptureFixture, act: Act
) -> None:
    stage.acts = [act]
    with caplog.at_level(logging.DEBUG):
        error = refused(make(max_wait_seconds=0).latest)
    shown = "".join(traceback.format_exception(error)) + caplog.text
    assert "Alex" not in shown
    assert "87123" not in shown


def test_a_named_time_is_reported_in_utc_whatever_the_zone_of_our_clock(
    stage: Stage, make: Maker
) -> None:
    zoned = datetime.fromisoformat("2026-04-24T12:23:45+02:00")
    stage.acts = [limited(Retry_After="3600")]
    assert zoned == NOW.astimezone(UTC)
    assert "2026-04-24 11:23:45 UTC" in refused(make(clock=lambda: zoned).latest).message
