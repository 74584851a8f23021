"""The doctor: check each thing that a run needs, and say how to fix what is wrong."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from recon.errors import ConfigError, MailError, ReconError
from recon.jobs import wiring

if TYPE_CHECKING:
    from recon.config import Settings
    from recon.config.settings import Email
    from recon.jobs.runtime import Runtime


#: Clocks that differ by less than this are not mentioned.
_SKEW: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check."""

    name: str
    message: str
    error: ReconError | None = None

    @property
    def exit_code(self) -> int:
        """0, or the error's."""
        return 0 if self.error is None else self.error.exit_code


def check(settings: Settings, accounts: Sequence[str], runtime: Runtime) -> Iterator[CheckResult]:
    """Check the database, its migrations, and the records and key of each account.

    One list request is made for each account, and nothing is written; where mail is configured
    the login is tried, and no mail is sent.
    """
    yield _run_check("database", lambda: _database(settings))
    yield _run_check("migrations", lambda: _migrations(settings))
    for name in accounts:
        yield _run_check(f"{name}: records", lambda name=name: _records(settings, name, runtime))  # type: ignore[misc]
        yield _run_check(f"{name}: key", lambda name=name: _key(settings, name, runtime))  # type: ignore[misc]
    email = settings.email
    if email is not None:
        yield _run_check("mail server", lambda: _mail(email, runtime))


def _run_check(name: str, run: Callable[[], str]) -> CheckResult:
    try:
        return CheckResult(name, run())
    except ReconError as error:
        return CheckResult(name, str(error), error)


def _database(settings: Settings) -> str:
    from recon.store import engine, schema

    url = settings.database.url
    # Asks without creating: an SQLite file that is not there yet is no error.
    with engine.opened(url.get_secret_value()) as database:
        schema.current(database)
    return f"{url} can be used"


def _migrations(settings: Settings) -> str:
    from recon.store import engine, schema

    with engine.opened(settings.database.url.get_secret_value()) as database:
        at = schema.current(database)
        if at == schema.head():
            return f"at {at}, the newest"
        if at is None and database.dialect.name == "sqlite":
            return "none yet; the first run creates the file"
        schema.ensure_ready(database)
        return f"at {at}"


def _records(settings: Settings, name: str, runtime: Runtime) -> str:
    now = runtime.clock()
    seen = wiring.open_reader(settings.accounts[name]).check(now - timedelta(days=1), now)
    return f"{seen} in the last 24 hours"


def _key(settings: Settings, name: str, runtime: Runtime) -> str:
    client, _ = wiring.open_client(settings, name, runtime)
    listing = client.latest()
    skew = abs(listing.answered_at - runtime.clock())
    seconds = skew.total_seconds()
    clock = f"; this machine's clock is {seconds:.0f} s off Octopods'" if skew > _SKEW else ""
    unread = f", {len(listing.rejects)} of them unreadable" if listing.rejects else ""
    return f"accepted; Octopods lists {listing.item_count} messages{unread}{clock}"


def _mail(email: Email, runtime: Runtime) -> str:
    """Connect and log in as a mailing would, then disconnect."""
    password = email.password(runtime.environ)
    context = ssl.create_default_context()
    where = f"{email.host}:{email.port}"
    try:
        with (
            smtplib.SMTP_SSL(email.host, email.port, timeout=20, context=context)
            if email.security == "tls"
            else smtplib.SMTP(email.host, email.port, timeout=20)
        ) as server:
            if email.security == "starttls":
                server.starttls(context=context)
            if email.username is not None and password is not None:
                server.login(email.username, password.get_secret_value())
            server.noop()
    except smtplib.SMTPAuthenticationError as cause:
        raise ConfigError(
            f"the mail server at {where} refuses the login of {email.username}",
            hint="Set email.username and its password anew.",
        ) from cause
    except (OSError, smtplib.SMTPException) as cause:
        raise MailError(
            f"the mail server at {where} cannot be used: {cause}",
            hint="Compare email.host, email.port and email.security with your provider's.",
        ) from cause
    return f"{where} accepts the login"
