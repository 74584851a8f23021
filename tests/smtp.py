"""A real mail server on loopback, with logins and certificates as a test wants them."""

from __future__ import annotations

import email
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Literal, TypeAlias

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from tests.octopods import certificates

Security: TypeAlias = Literal["none", "starttls", "tls"]
USER, PASSWORD = "recon", "correct-horse"


@dataclass(frozen=True, slots=True)
class Delivered:
    """A mail that the server accepted."""

    recipients: tuple[str, ...]
    mail: EmailMessage

    def text(self) -> str:
        """Return its plain text."""
        body = self.mail.get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    def html(self) -> str:
        """Return its page."""
        body = self.mail.get_body(("html",))
        assert body is not None
        return str(body.get_content())

    def files(self) -> dict[str, bytes]:
        """Return what is attached, by name."""
        return {
            part.get_filename() or "": part.get_payload(decode=True)  # type: ignore[misc]
            for part in self.mail.iter_attachments()
        }


@dataclass
class MailBox:
    """What a server accepts and refuses, and what it got."""

    port: int = 0
    mails: list[Delivered] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    """Recipients that it refuses."""
    on_data: Callable[[], str | None] = lambda: None
    """Called with a mail that is complete; an answer other than `None` refuses it."""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        _server: object,
        _session: object,
        envelope: Envelope,
        address: str,
        _options: Iterable[str],
    ) -> str:
        if address in self.refused:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - likewise
        self, _server: object, _session: object, envelope: Envelope
    ) -> str:
        refusal = self.on_data()
        if refusal is not None:
            return refusal
        assert isinstance(envelope.content, bytes)
        mail = email.message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append(Delivered(tuple(envelope.rcpt_tos), mail))
        return "250 OK"


def _login(
    _server: object, _session: object, _envelope: object, _way: str, given: object
) -> object:
    right = LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=given == right, handled=False)


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def mail_server(
    room: Path, security: Security = "none", *, login: bool = False, box: MailBox | None = None
) -> Iterator[MailBox]:
    """Run a mail server on 127.0.0.1 and yield its mailbox, which knows its port.

    Args:
        room: where its certificate is written, as `server.pem`; nobody trusts it unless the
            test says so.
        security: how the connection is protected.
        login: whether it takes logins, of which only `USER` with `PASSWORD` is right.
        box: what it accepts, and where it puts it.
    """
    box = box or MailBox()
    pem = room / "server.pem"
    pem.write_text(certificates.of_a_stranger())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=box.port or free_port(),
        server_hostname="mail.test",
        ssl_context=context if security == "tls" else None,
        tls_context=context if security == "starttls" else None,
        require_starttls=security == "starttls",
        authenticator=_login if login else None,
        auth_require_tls=False,
    )
    controller.start()
    try:
        box.port = controller.port
        yield box
    finally:
        controller.stop()
