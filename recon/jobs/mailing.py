"""Send the mails that wait in the outbox, and mails that are not stored."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Final

from recon.errors import MailError, MailRefusedError, ReconError, TemporaryError
from recon.model import Failure, Run

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings
    from recon.config.settings import Email
    from recon.jobs.runtime import Runtime
    from recon.notify.mail_server import MailServer
    from recon.report.mail import Envelope
    from recon.report.mail_chart import MailChart
    from recon.store.outbox import WaitingMail

log = logging.getLogger(__name__)

#: The lock of the process that sends mail. No account can have this name.
_LOCK: Final = "the outbox"
#: Another sender is waited for so long, in seconds.
_PATIENCE: Final = 120


def send_waiting(
    settings: Settings,
    engine: Engine,
    runtime: Runtime,
    fresh: Mapping[str, Run] | None = None,
) -> list[ReconError]:
    """Send every waiting mail; return an error for each that was not sent.

    A lock keeps other processes from sending, so that each mail is sent once. If the server cannot
    be used, only the first mail is tried.

    Args:
        settings: the configuration; without `[email]` nothing is sent.
        engine: the job's own database, its schema ready.
        runtime: clock, environment and so on.
        fresh: runs of this process by their `run_id`; others are loaded.
    """
    from recon.store import outbox

    email = settings.email
    if email is None:
        return []
    try:
        with _alone(engine, runtime):
            now = runtime.clock()
            outbox.compose(engine, one_per=email.one_per, domain=domain(email), now=now)
            waiting = outbox.waiting(engine)
            if not waiting:
                return []
            server = open_server(email, runtime)
            return list(_send_all(settings, email, engine, server, runtime, waiting, fresh or {}))
    except ReconError as error:
        return [error]


def send_directly(
    settings: Settings, told: Sequence[Failure], runtime: Runtime
) -> list[ReconError]:
    """Send a mail about a failed night that cannot be written to the outbox; return the errors."""
    from recon.report import mail

    email = settings.email
    if email is None or email.when == "never":
        return []
    envelope = _new_envelope(email, runtime)
    made = mail.of_night_as_mail(told, envelope, mask=settings.report.mask_phone_numbers)
    try:
        refused = open_server(email, runtime).send(
            made, _bare(email.sender), [_bare(one) for one in email.recipients]
        )
    except ReconError as error:
        return [error]
    return [_refusal(refused)] if refused else []


def send_test(email: Email, runtime: Runtime) -> None:
    """Send a mail to all recipients that says that mail works.

    Raises:
        ConfigError: the password is missing.
        MailError: it cannot be sent, or a recipient is refused.
    """
    from recon.report import mail, message

    envelope = _new_envelope(email, runtime)
    made = mail.as_mail(message.of_test(), envelope)
    refused = open_server(email, runtime).send(
        made, _bare(email.sender), [_bare(one) for one in email.recipients]
    )
    if refused:
        raise _refusal(refused)


def _new_envelope(email: Email, runtime: Runtime) -> Envelope:
    from recon.report.mail import Envelope

    return Envelope(
        sender=email.sender,
        recipients=email.recipients,
        message_id=f"<{uuid.uuid4().hex}.recon@{domain(email)}>",
        date=runtime.clock(),
    )


def open_server(email: Email, runtime: Runtime) -> MailServer:
    """Return the configured mail server; nothing is connected before it is used.

    Raises:
        ConfigError: the password is not where the configuration says.
    """
    from recon import logs
    from recon.notify.mail_server import MailServer

    password = email.password(runtime.environ)
    if password is not None:
        logs.redact(password.get_secret_value())
    return MailServer(
        email.host,
        email.port,
        email.security,
        username=email.username,
        password=password,
        total_seconds=runtime.mail_seconds,
    )


def domain(email: Email) -> str:
    """Return the domain with which message ids end."""
    from recon.report.mail import ascii_domain

    return ascii_domain(_bare(email.sender).rpartition("@")[2])


@contextmanager
def _alone(engine: Engine, runtime: Runtime) -> Iterator[None]:
    from recon.store import lock

    until = runtime.monotonic() + _PATIENCE
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(lock.hold(engine, _LOCK))
                break
            except TemporaryError as cause:
                if runtime.monotonic() >= until:
                    raise MailError(
                        "another recon process is still sending mail",
                        hint="The next run or `recon report --email` sends the waiting mails.",
                    ) from cause
                runtime.sleep(1)
        yield


def _send_all(
    settings: Settings,
    email: Email,
    engine: Engine,
    server: MailServer,
    runtime: Runtime,
    waiting: Sequence[WaitingMail],
    fresh: Mapping[str, Run],
) -> Iterator[ReconError]:
    for one in waiting:
        try:
            error = _send(settings, email, engine, server, runtime, one, fresh)
        except MailRefusedError as refused:
            yield refused
        except ReconError as unusable:
            yield unusable
            return
        else:
            if error is not None:
                yield error


def _send(
    settings: Settings,
    email: Email,
    engine: Engine,
    server: MailServer,
    runtime: Runtime,
    one: WaitingMail,
    fresh: Mapping[str, Run],
) -> ReconError | None:
    """Send one mail and store the result in the outbox; return the refused recipients."""
    from recon.jobs import still_open
    from recon.report import mail
    from recon.store import outbox, runs

    def noted(waiting: Sequence[str] | None, error: ReconError | None) -> None:
        said = None if error is None else error.one_line
        outbox.attempted(engine, one, waiting=waiting, error=said, now=runtime.clock())

    found = [
        news.failure or fresh.get(news.run_id or "") or runs.load(engine, news.run_id or "")
        for news in one.news
    ]
    told = [_with_rules(each, settings) for each in found if each is not None]
    left = still_open.by_account(engine, one.news, settings.timezone)
    recipients = [each for each in email.recipients if one.waiting is None or each in one.waiting]
    if not told or not recipients:
        # Its runs were purged, or those who refused it are no recipients any more.
        noted((), None)
        return None
    envelope = mail.Envelope(
        sender=email.sender,
        recipients=email.recipients,
        message_id=one.message_id,
        date=one.created_at,
        reply_to=one.reply_to,
    )
    made = mail.of_night_as_mail(
        still_open.with_reminders(told, left),
        envelope,
        mask=settings.report.mask_phone_numbers,
        chart=_chart(engine, told),
        still_open=list(left.values()),
    )
    bare = {_bare(each): each for each in recipients}
    try:
        refused = server.send(made, _bare(email.sender), list(bare))
    except MailError as failure:
        noted(one.waiting, failure)
        raise
    error = _refusal(refused) if refused else None
    noted(tuple(bare[each] for each in refused), error)
    log.info("mailed to %d of %d recipients", len(bare) - len(refused), len(bare))
    return error


def _chart(engine: Engine, told: Sequence[Run | Failure]) -> MailChart | None:
    """Return a chart of the accounts' last days as a picture; the mail is complete without it."""
    from recon.report import mail_chart, trends
    from recon.report.public_text import public
    from recon.store import runs

    if not mail_chart.is_available():
        return None
    try:
        days = [
            (one.account, one.day)
            if isinstance(one, Failure)
            else (one.verdict.account, date.fromisoformat(one.verdict.window.label))
            for one in told
        ]
        accounts = sorted({account for account, _ in days} - {""})
        today = max(day for _, day in days)
        histories = [runs.figures(engine, one, today, trends.DAYS) for one in accounts]
        whose = accounts[0] if len(accounts) == 1 else "all accounts"
        return mail_chart.draw(histories, today, public(whose))
    except Exception as error:  # noqa: BLE001 - whatever an installed library does
        log.warning("the mail has no chart: %s", type(error).__name__)
        return None


def _with_rules(news: Run | Failure, settings: Settings) -> Run | Failure:
    rules = settings.retries.as_rules
    return replace(news, retry_rules=rules) if isinstance(news, Run) else news


def _refusal(refused: Mapping[str, str]) -> MailError:
    said = "; ".join(f"{one} ({why})" for one, why in refused.items())
    return MailError(
        f"the mail server refuses the recipient {said}",
        hint="The others got the mail. The next run tries this one again; correct "
        "email.recipients if the address is wrong.",
    )


def _bare(mailbox: str) -> str:
    from recon.report.mail import address

    return address(mailbox).addr_spec
