from __future__ import annotations

import logging
import ssl
import traceback

import pytest
import requests
from pydantic import SecretStr

from recon import logs
from recon.octopods import connection_errors
from recon.octopods.connection_errors import Proxy
from recon.octopods.request_errors import TransientError
from recon.octopods.transport import Transport
from tests.octopods.raw_server import answers, raw_server
from tests.octopods.stage import KEY

SECRET = "Hi Alex, +353871234567"
CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

#: Answers that are none, each with a customer's text where the error would quote it.
BROKEN = {
    "a bare text": SECRET,
    "a status line with another name": f"HTTPS/1.1 200 {SECRET}\r\n\r\n",
    "a status that is no number": f"HTTP/1.1 {SECRET}\r\n\r\n",
    "a status out of range": f"HTTP/1.1 99999 {SECRET}\r\n\r\n",
    "another version": f"HTTP/7{SECRET} 200 OK\r\n\r\n",
    "too long a header": f"HTTP/1.1 200 OK\r\nX: {SECRET * 5000}\r\n\r\n",
    "too many headers": "HTTP/1.1 200 OK\r\n" + f"X: {SECRET}\r\n" * 300 + "\r\n",
    "a length of a chunk that is no number": f"{CHUNKED}{SECRET}\r\n",
    "a chunk that is cut off": f"{CHUNKED}40\r\n{SECRET}",
    "a body that is cut off": f"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{SECRET}",
    "lengths that differ": (
        f"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{SECRET}"
    ),
    "a packed body that is none": f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n{SECRET}",
    "a packing that nobody knows": f"HTTP/1.1 200 OK\r\nContent-Encoding: {SECRET}\r\n\r\nx",
}


@pytest.mark.parametrize("name", BROKEN)
def test_no_byte_of_a_broken_answer_is_shown(
    name: str, session: requests.Session, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        raw_server(answers(BROKEN[name].encode())) as server,
        caplog.at_level(logging.DEBUG),
        pytest.raises(TransientError) as caught,
    ):
        Transport(server.url(), SecretStr(KEY), session, 5).get("/")
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(caught.value)
    assert "Alex" not in shown
    assert "871234567" not in shown
    assert caught.value.__cause__ is None or "Alex" not in repr(caught.value.__cause__)
    assert str(caught.value)


@pytest.mark.usefixtures("logging_as_before")
def test_what_urllib3_warns_of_is_not_logged(
    session: requests.Session, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(verbosity=2)
    answer = f"HTTP/1.1 200 OK\r\nConnection: close\r\nno header {SECRET}\r\n\r\n[]"
    with raw_server(answers(answer.encode())) as server:
        Transport(server.url(), SecretStr(KEY), session, 5).get("/")
    assert "Alex" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://user:secret@proxy.example:3128", "proxy.example:3128"),
        ("user:secret@proxy.example:3128", "proxy.example:3128"),
        ("http://proxy.example/", "proxy.example"),
        ("http://user:secret@[::1", ""),
        ("http://user:secret@proxy.example:port", ""),
    ],
)
def test_a_proxy_is_shown_without_its_credentials(
    monkeypatch: pytest.MonkeyPatch, session: requests.Session, address: str, shown: str
) -> None:
    del session
    monkeypatch.setenv("HTTPS_PROXY", address)
    found = connection_errors.proxy_of("https://octopods.example", {"https": address})
    assert found == Proxy("HTTPS_PROXY", shown)
    assert "secret" not in str(found)


@pytest.mark.parametrize("setting", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_a_proxy_is_named_by_its_setting(
    monkeypatch: pytest.MonkeyPatch, session: requests.Session, setting: str
) -> None:
    monkeypatch.setenv(setting, "http://proxy.example:1")
    found = session.merge_environment_settings("http://a.example", {}, None, None, None)
    proxy = connection_errors.proxy_of("http://a.example", found["proxies"])
    assert str(proxy) == f"the proxy of {setting} (proxy.example:1)"


def test_a_certificate_that_cannot_be_verified_says_why() -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    for said, shown in (("", "it cannot be verified"), ("it has expired", "it has expired")):
        error.verify_message = said
        assert connection_errors.describe(requests.ConnectionError(error)) == shown


def test_without_a_proxy_there_is_none() -> None:
    assert connection_errors.proxy_of("https://a.example", {"http": "http://b.example"}) is None
