"""Send a mail to the mail server, with a time limit and over a verified connection."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Final, Generic, Literal, TypeVar

from pydantic import SecretStr

from recon import deadlines
from recon.deadlines import DeadlineError
from recon.errors import MailError, MailRefusedError

Result = TypeVar("Result")

#: The longest time of the whole conversation about one mail, and of a single answer.
TOTAL_SECONDS: Final = 120.0
_ANSWER_SECONDS: Final = 30.0

_COMPARE: Final = (
    "Compare email.host, email.port and email.security with what your mail provider says."
)


@dataclass(frozen=True, slots=True)
class MailServer:
    """The mail server and the login for it."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    username: str | None = None
    password: SecretStr | None = None
    total_seconds: float = TOTAL_SECONDS
    """How many seconds one mail may take, from looking up the host to the last answer."""

    @property
    def where(self) -> str:
        """Host and port, for a message."""
        return f"{self.host}:{self.port}"

    def try_login(self) -> None:
        """Connect and log in as for a mail, then disconnect.

        Raises:
            MailError: it did not work.
        """
        self._within_time(lambda server: server.noop())

    def send(self, mail: EmailMessage, sender: str, recipients: Sequence[str]) -> Mapping[str, str]:
        """Send a mail; return the server's reply for each recipient that it refuses.

        Args:
            mail: all of it.
            sender: the address alone.
            recipients: the addresses alone; the others get the mail if one is refused.

        Raises:
            MailError: nobody gets it, as far as is known. If the connection broke or the time was
                over before the server's final answer, the server may have accepted the mail.
        """

        def hand_in(server: smtplib.SMTP) -> Mapping[str, tuple[int, bytes]]:
            try:
                return server.send_message(mail, sender, list(recipients))
            except smtplib.SMTPRecipientsRefused as cause:
                # If the server hangs up at one of them, it has not been told the others.
                return {one: cause.recipients.get(one, (421, b"")) for one in recipients}

        refused = self._within_time(hand_in)
        return {one: _reply(code, text) for one, (code, text) in refused.items()}

    def _within_time(self, talk: Callable[[smtplib.SMTP], Result]) -> Result:
        session: _Session[Result] = _Session(self)
        try:
            with self._translated():
                return deadlines.run(
                    self.total_seconds,
                    lambda: session.run(talk),
                    give_up=session.end,
                    name="recon-mail",
                )
        except DeadlineError as cause:
            if session.result:
                return session.result[0]
            raise MailError(
                f"the mail server at {self.where} took longer than {self.total_seconds:g} seconds",
                hint="Check email.host and email.port. A report stays in the outbox, and the next "
                "run sends it with the same Message-ID.",
            ) from cause

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except smtplib.SMTPAuthenticationError as cause:
            raise MailError(
                f"the mail server at {self.where} refuses the login of {self.username}",
                hint="Correct email.username and its password.",
            ) from cause
        except smtplib.SMTPSenderRefused as cause:
            said = _reply(cause.smtp_code, cause.smtp_error)
            raise MailRefusedError(
                f"the mail server at {self.where} refuses mail from {cause.sender}: {said}",
                hint="Set email.sender to an address from which this login may send.",
            ) from cause
        except smtplib.SMTPResponseException as cause:
            said = _reply(cause.smtp_code, cause.smtp_error)
            raise MailRefusedError(
                f"the mail server at {self.where} refuses the connection or the mail: {said}",
                hint="Correct what the server's reply names. A report stays in the outbox, and "
                "the next run tries again.",
            ) from cause
        except ssl.SSLCertVerificationError as cause:
            raise MailError(
                f"the certificate of the mail server at {self.where} is not accepted: "
                f"{cause.verify_message}",
                hint="Set email.host to the name in the certificate. If its authority is unknown "
                "to this machine, set SSL_CERT_FILE to the authority's certificate.",
            ) from cause
        except (OSError, smtplib.SMTPException, ValueError) as cause:
            said = str(cause) or type(cause).__name__
            raise MailError(
                f"the mail server at {self.where} cannot be used: {said}", hint=_COMPARE
            ) from cause


class _Session(Generic[Result]):
    """One conversation with the server, which can be ended from another thread."""

    def __init__(self, settings: MailServer) -> None:
        self.settings = settings
        self.result: list[Result] = []
        """What the talk brought, once it is over."""
        self._server: smtplib.SMTP | None = None
        self._over = False
        self._lock = threading.Lock()

    def run(self, talk: Callable[[smtplib.SMTP], Result]) -> Result:
        """Connect, log in, talk and say goodbye."""
        settings = self.settings
        context = ssl.create_default_context()
        seconds = min(_ANSWER_SECONDS, settings.total_seconds)
        server: smtplib.SMTP | None = None
        try:
            if settings.security == "tls":
                server = _TlsServer(self, timeout=seconds, context=context)
            else:
                server = _PlainServer(self, timeout=seconds)
            self._check()
            if settings.security == "starttls":
                server.starttls(context=context)
            if settings.username is not None and settings.password is not None:
                server.login(settings.username, settings.password.get_secret_value())
            self._check()
            self.result.append(talk(server))
            # The mail is accepted by now: how the goodbye ends does not matter.
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
            return self.result[0]
        finally:
            if server is not None:
                server.close()

    def end(self) -> None:
        """Shut the connection down, and prevent that the conversation continues."""
        with self._lock:
            self._over = True
            bare = None if self._server is None else self._server.sock
            if isinstance(bare, socket.socket):
                with suppress(OSError):
                    # Not an SSL socket's own method, which takes away what the thread reads by.
                    socket.socket.shutdown(bare, socket.SHUT_RDWR)

    def hold(self, server: smtplib.SMTP) -> None:
        """Store the connection to shut down, as soon as it exists."""
        with self._lock:
            self._server = server

    def _check(self) -> None:
        with self._lock:
            if self._over:
                raise DeadlineError


class _Watched(smtplib.SMTP):
    """A connection that can be shut down while its constructor waits for the greeting."""

    def __init__(self, session: _Session[Any], **options: Any) -> None:  # noqa: ANN401 - smtplib's
        session.hold(self)
        super().__init__(session.settings.host, session.settings.port, **options)


class _PlainServer(_Watched):
    """A connection that begins in the clear."""


class _TlsServer(_Watched, smtplib.SMTP_SSL):
    """A connection that is encrypted from the first byte on."""


def _reply(code: int, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join(f"{code} {said}".split())
