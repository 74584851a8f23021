"""Handing mail to servers that are well, odd, slow and gone."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path

import pytest
from pydantic import SecretStr

from recon.errors import MailError, MailRefusedError
from recon.notify.mail_server import MailServer
from tests import smtp
from tests.smtp import PASSWORD, USER, MailBox, free_port, mail_server

SENDER = "recon@example.com"
ONE, OTHER = "ops@example.com", "boss@example.com"


def mail() -> EmailMessage:
    made = EmailMessage()
    made["Subject"] = "A night"
    made.set_content("Everything agrees.")
    return made


def server(port: int, security: smtp.Security = "none", **more: object) -> MailServer:
    return MailServer("127.0.0.1", port, security, **more)  # type: ignore[arg-type]


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_mail_is_handed_in_whatever_the_security(tmp_path: Path, security: smtp.Security) -> None:
    login = {"username": USER, "password": SecretStr(PASSWORD)}
    with mail_server(tmp_path, security, login=True) as box:
        assert server(box.port, security, **login).send(mail(), SENDER, [ONE, OTHER]) == {}
    assert [one.recipients for one in box.mails] == [(ONE, OTHER)]


def test_refused_recipients_are_named_and_the_others_get_it(tmp_path: Path) -> None:
    with mail_server(tmp_path, box=MailBox(refused={OTHER})) as box:
        refused = server(box.port).send(mail(), SENDER, [ONE, OTHER])
        assert refused == {OTHER: "550 5.1.1 no such mailbox"}
        assert server(box.port).send(mail(), SENDER, [OTHER]).keys() == {OTHER}
    assert [one.recipients for one in box.mails] == [(ONE,)]


@pytest.mark.usefixtures("trusted")
def test_a_wrong_password_is_refused_and_never_shown(tmp_path: Path) -> None:
    login = {"username": USER, "password": SecretStr("battery-staple")}
    with (
        mail_server(tmp_path, "starttls", login=True) as box,
        pytest.raises(MailError, match="refuses the login of recon") as told,
    ):
        server(box.port, "starttls", **login).send(mail(), SENDER, [ONE])
    assert "battery" not in str(told.value)
    assert box.mails == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_knows_gets_no_mail(
    tmp_path: Path, security: smtp.Security
) -> None:
    with (
        mail_server(tmp_path, security) as box,
        pytest.raises(MailError, match="certificate"),
    ):
        server(box.port, security).send(mail(), SENDER, [ONE])
    assert box.mails == []


def test_a_server_that_offers_no_starttls_gets_no_mail(tmp_path: Path) -> None:
    with mail_server(tmp_path) as box, pytest.raises(MailError, match="STARTTLS"):
        server(box.port, "starttls").send(mail(), SENDER, [ONE])
    assert box.mails == []


def test_a_refused_mail_is_told_with_the_servers_words(tmp_path: Path) -> None:
    with (
        mail_server(tmp_path, box=MailBox(on_data=lambda: "552 5.3.4 too large")) as box,
        pytest.raises(MailRefusedError, match=r"552 5\.3\.4 too large"),
    ):
        server(box.port).send(mail(), SENDER, [ONE])
    assert box.mails == []


def test_a_server_that_is_down_is_named() -> None:
    port = free_port()
    with pytest.raises(MailError, match=f"127.0.0.1:{port} cannot be used"):
        server(port).send(mail(), SENDER, [ONE])


Talk = Callable[[socket.socket], None]


@contextmanager
def odd_server(talk: Talk) -> Iterator[int]:
    """Serve one connection by hand."""

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listening.accept()
            with connection:
                talk(connection)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
    thread.join()


def answer_until(connection: socket.socket, end: bytes) -> None:
    """Answer each command as a server would, until one begins with `end`."""
    connection.sendall(b"220 mail.test\r\n")
    lines = connection.makefile("rb")
    for line in lines:
        if line.upper().startswith(end):
            return
        reply = b"354 go on" if line.upper().startswith(b"DATA") else b"250 OK"
        connection.sendall(reply + b"\r\n")


@pytest.mark.parametrize("end", [b"MAIL", b"RCPT", b"DATA", b"SUBJECT"])
def test_a_connection_that_is_lost_is_an_error_at_each_step(end: bytes) -> None:
    with (
        odd_server(lambda connection: answer_until(connection, end)) as port,
        pytest.raises(MailError, match="cannot be used"),
    ):
        server(port).send(mail(), SENDER, [ONE])


@pytest.mark.parametrize("greets", [False, True])
def test_a_server_that_drips_is_given_up(greets: bool) -> None:  # noqa: FBT001 - a parameter
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        if greets:
            connection.sendall(b"220 mail.test\r\n")
        while not over.wait(0.02):
            connection.sendall(b"2")

    with odd_server(drip) as port:
        begun = time.monotonic()
        with pytest.raises(MailError, match=r"took longer than 0\.3 seconds"):
            server(port, total_seconds=0.3).send(mail(), SENDER, [ONE])
        assert time.monotonic() - begun < 5
        over.set()


def test_a_server_that_accepts_a_mail_and_drips_its_goodbye_has_it() -> None:
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        answer_until(connection, b".")
        connection.sendall(b"250 accepted\r\n")
        while not over.wait(0.02):
            connection.sendall(b"2")

    with odd_server(drip) as port:
        assert server(port, total_seconds=0.5).send(mail(), SENDER, [ONE]) == {}
        over.set()


def test_where_the_server_hangs_up_at_one_recipient_nobody_counts_as_reached() -> None:
    def hang_up(connection: socket.socket) -> None:
        answer_until(connection, b"RCPT TO:<BOSS")
        connection.sendall(b"421 closing\r\n")

    with odd_server(hang_up) as port:
        refused = server(port).send(mail(), SENDER, [ONE, OTHER, "third@example.com"])
    assert refused.keys() == {ONE, OTHER, "third@example.com"}
