"""A real mail server on loopback, with logins and certificates as a test wants them."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.octopods import certificates

Security: TypeAlias = Literal["none", "starttls", "tls"]
USER, PASSWORD = "recon", "correct-horse"


def _login(
    _server: object, _session: object, _envelope: object, _way: str, given: object
) -> object:
    right = LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=given == right, handled=False)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def mail_server(room: Path, security: Security = "none", *, login: bool = False) -> Iterator[int]:
    """Run a mail server on 127.0.0.1 and yield its port.

    Args:
        room: where its certificate is written, as `server.pem`; nobody trusts it unless the
            test says so.
        security: how the connection is protected.
        login: whether it takes logins, of which only `USER` with `PASSWORD` is right.
    """
    pem = room / "server.pem"
    pem.write_text(certificates.of_a_stranger())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    controller = Controller(
        Sink(),
        hostname="127.0.0.1",
        port=_free_port(),
        server_hostname="mail.test",
        ssl_context=context if security == "tls" else None,
        tls_context=context if security == "starttls" else None,
        require_starttls=security == "starttls",
        authenticator=_login if login else None,
        auth_require_tls=False,
    )
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()
