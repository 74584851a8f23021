from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest
import requests
from pydantic import SecretStr

from recon.errors import ConfigError
from recon.octopods.request_errors import TransientError
from recon.octopods.transport import Transport
from tests.octopods.raw_server import answers, raw_server
from tests.octopods.stage import KEY

HTTPS = "https://octopods.example"


def ask(base_url: str, session: requests.Session) -> Exception:
    """Make a request that must fail, and return its error."""
    with pytest.raises((TransientError, ConfigError)) as caught:
        Transport(base_url, SecretStr(KEY), session, 5).get("/")
    return caught.value


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_cannot_be_reached_is_called_a_proxy(
    scheme: str, session: requests.Session, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv(f"{scheme}_proxy", f"http://user:secret@127.0.0.1:{free_port}")
    error = ask(f"{scheme}://octopods.example", session)
    assert isinstance(error, TransientError)
    assert str(error) == (
        f"the proxy of {scheme}_proxy (127.0.0.1:{free_port}) fails: Connection refused"
    )
    assert not error.sent


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (407, ConfigError, "requires a valid user and password"),
        (403, ConfigError, "does not allow https://octopods.example (403)"),
        (502, TransientError, "cannot reach https://octopods.example (502)"),
    ],
)
def test_a_proxy_that_does_not_connect_says_why_by_its_status_alone(
    status: int,
    kind: type[Exception],
    said: str,
    session: requests.Session,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with raw_server(answers(f"HTTP/1.1 {status} Hi Alex\r\n\r\n".encode())) as server:
        monkeypatch.setenv("HTTPS_PROXY", server.url())
        monkeypatch.setenv("no_proxy", "")
        error = ask(HTTPS, session)
    assert type(error) is kind
    assert "the proxy of HTTPS_PROXY" in str(error)
    assert said in str(error)
    assert "Alex" not in str(error)


def test_a_proxy_of_plain_http_that_wants_a_login_is_called_a_proxy(
    session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    with raw_server(answers(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")) as server:
        monkeypatch.setenv("HTTP_PROXY", server.url())
        monkeypatch.setenv("no_proxy", "")
        error = ask("http://octopods.example", session)
    assert isinstance(error, ConfigError)
    assert "the proxy of HTTP_PROXY" in str(error)
    assert "NO_PROXY" in str(error)


@pytest.mark.parametrize(
    "address", ["socks5://user:secret@127.0.0.1:1", "foo://127.0.0.1:1", "http:///", "http://[::1"]
)
def test_a_proxy_whose_address_cannot_be_used_is_a_wrong_configuration(
    address: str, session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    monkeypatch.setenv("no_proxy", "")
    error = ask(HTTPS, session)
    assert isinstance(error, ConfigError)
    assert "the proxy of HTTPS_PROXY" in str(error)
    assert "secret" not in str(error)


def test_root_certificates_that_are_not_there_are_named(
    session: requests.Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    error = ask(HTTPS, session)
    assert isinstance(error, ConfigError)
    assert "none.pem" in str(error)
    assert "REQUESTS_CA_BUNDLE" in str(error)


def test_a_host_without_an_address_says_what_to_check(
    session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = ask(HTTPS, session)
    assert isinstance(error, TransientError)
    assert str(error) == f"{HTTPS} (octopods.base_url) cannot be reached: Name or service not known"
    assert "spelling of octopods.base_url" in error.hint
    assert "`getent hosts octopods.example`" in error.hint


def test_a_host_that_takes_no_connection_says_what_to_check(
    session: requests.Session, free_port: int
) -> None:
    error = ask(f"http://127.0.0.1:{free_port}", session)
    assert isinstance(error, TransientError)
    assert f"`curl -I http://127.0.0.1:{free_port}`" in error.hint
    assert "firewall" in error.hint


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_a_machine_without_file_descriptors_is_a_temporary_error(
    number: int, session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket, "socket", none_left)
    error = ask("http://127.0.0.1:9", session)
    assert isinstance(error, TransientError)
    assert os.strerror(number) in str(error)
    assert "ulimit -n" in str(error)
    assert not error.sent
