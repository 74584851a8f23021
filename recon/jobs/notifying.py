"""Notifications of a night, which are stored with its runs and sent after them."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from recon.core import calendar
from recon.core.notification_rules import NotificationRule
from recon.errors import DISCREPANCIES, INCOMPLETE, OK, ReconError, worst
from recon.jobs import mailing
from recon.model import Failure, Run

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings
    from recon.jobs.run_results import AccountRun
    from recon.jobs.runtime import Runtime
    from recon.notify.heartbeat import Heartbeat
    from recon.report.message import OutcomeMessage
    from recon.store.notifications import Announcement, News

log = logging.getLogger(__name__)

#: Exit codes of a run that succeeded, whatever it found.
_FINISHED: Final = frozenset({OK, DISCREPANCIES, INCOMPLETE})


@dataclass(frozen=True, slots=True)
class Notifier:
    """Notifies people and programs of the runs of one command."""

    settings: Settings
    runtime: Runtime
    started_at: datetime
    last_day: date | None = None
    """The last day to judge; `None` is yesterday."""
    mail: bool = True
    """Whether mail is sent at all."""
    batch: str = field(default_factory=lambda: str(uuid.uuid4()))

    def announcement(self) -> Announcement | None:
        """Return the channels that a run notifies; `None` for none."""
        from recon.store.notifications import Announcement, Channel

        rules = {}
        email, notify = self.settings.email, self.settings.notify
        if email is not None and self.mail:
            rules[Channel.MAIL] = NotificationRule(
                email.when, timedelta(days=email.remind_after_days)
            )
        if notify is not None:
            rules[Channel.CHAT] = NotificationRule(notify.when)
        return Announcement(self.batch, rules) if rules else None

    def run_starts(self) -> None:
        """Notify the heartbeat that a run starts."""
        if (heartbeat := self._heartbeat()) is not None:
            heartbeat.started()

    def run_ended(self, engine: Engine, outcomes: Sequence[AccountRun]) -> list[ReconError]:
        """Notify of the runs and failures of a night; return errors of mails that were not sent."""
        failures = {
            one.account: self._failure(one.account, one.error)
            for one in outcomes
            if one.error is not None
        }
        fresh = {
            day.run.run_id: day.run
            for outcome in outcomes
            for day in (*outcome.days, *outcome.judged_again)
        }
        unqueued = self._queue_failures(engine, failures.values())
        errors = []
        if self.mail:
            errors += mailing.send_waiting(self.settings, engine, self.runtime, fresh)
            if unqueued:
                errors += mailing.send_directly(self.settings, unqueued, self.runtime)
        self._notify_chat(engine, fresh, unqueued)
        self._beat(outcomes, [*failures.values(), *fresh.values()], errors)
        self._write_metrics(engine, outcomes, errors)
        return errors

    def run_broke_off(self, error: BaseException) -> list[ReconError]:
        """Notify of a night that ended before an account was processed, or by a signal.

        A signal is reported only to the heartbeat: the person who sent it knows.
        """
        failure = self._failure("", error)
        if (heartbeat := self._heartbeat()) is not None:
            heartbeat.failed(_text([failure]))
        if not isinstance(error, Exception):
            return []
        self._notify_chat(None, {}, [failure])
        return mailing.send_directly(self.settings, [failure], self.runtime) if self.mail else []

    def _queue_failures(self, engine: Engine, failures: Iterable[Failure]) -> list[Failure]:
        """Store failed nights; return those that could not be stored."""
        from recon.store import notifications

        announcement, unqueued = self.announcement(), []
        if announcement is None:
            return []
        for failure in failures:
            try:
                notifications.queue_failure(engine, failure, announcement)
            except ReconError as error:
                log.debug("the failure of a run was not stored: %s", error.one_line)
                unqueued.append(failure)
        return unqueued

    def _notify_chat(
        self, engine: Engine | None, fresh: dict[str, Run], unqueued: Sequence[Failure]
    ) -> None:
        """Send stored notifications to chat and paging services once; a failure is a warning."""
        from recon.store import notifications, runs
        from recon.store.notifications import Channel

        notify = self.settings.notify
        if notify is None or notify.when == "never":
            return
        news: list[News] = []
        told: list[Run | Failure] = list(unqueued)
        try:
            if engine is not None:
                news = notifications.waiting(engine, Channel.CHAT)
            for one in news:
                run_id = one.run_id or ""
                found = one.failure or fresh.get(run_id) or runs.load(engine, run_id)  # type: ignore[arg-type]
                told += [found] if found is not None else []
            if told:
                self.send_chat(told)
            if engine is not None and news:
                notifications.done(engine, news, self.runtime.clock())
        except ReconError as error:
            log.warning("[notify] could not be used: %s", error.one_line)
        except Exception as error:  # noqa: BLE001 - whatever a service's plugin raises
            log.warning("[notify] could not be used: %s", type(error).__name__)

    def send_chat(self, told: Sequence[Run | Failure]) -> None:
        """Send one short text about runs and failures to every service.

        Raises:
            ConfigError: the URLs are not where the configuration says.
        """
        from recon.report import message

        made = message.of_night(told, findings=0)
        for warning in send_text(self.settings, self.runtime, made):
            log.warning("%s", warning)

    def _beat(
        self,
        outcomes: Sequence[AccountRun],
        told: Sequence[Run | Failure],
        errors: Sequence[ReconError],
    ) -> None:
        heartbeat = self._heartbeat()
        if heartbeat is None:
            return
        asked = self.settings.monitoring.fail_on == "discrepancies"
        codes = [one.exit_code_if_asked if asked else one.exit_code for one in outcomes]
        code = worst([*codes, *(error.exit_code for error in errors)])
        text = _text(told) if told else "There was nothing to do."
        if code == OK or (code in _FINISHED and not asked):
            heartbeat.succeeded(text)
        else:
            heartbeat.failed(f"exit code {code}\n\n{text}")

    def _write_metrics(
        self, engine: Engine, outcomes: Sequence[AccountRun], errors: Sequence[ReconError]
    ) -> None:
        path = self.settings.monitoring.metrics_file
        if path is None:
            return
        from recon.jobs import metrics_file

        mailed = [error.exit_code for error in errors]
        metrics_file.write(
            path,
            engine,
            list(self.settings.accounts),
            exit_codes={one.account: worst([one.exit_code, *mailed]) for one in outcomes},
            started=self.started_at,
            finished=self.runtime.clock(),
        )

    def _heartbeat(self) -> Heartbeat | None:
        from recon import logs
        from recon.notify.heartbeat import Heartbeat

        url = self.settings.monitoring.ping_url
        if url is None:
            return None
        logs.redact(url)
        return Heartbeat(url)

    def _failure(self, account: str, error: BaseException) -> Failure:
        from recon.report.public_text import public_error

        now = self.runtime.clock()
        ours = error if isinstance(error, ReconError) else None
        # A bug's own text may hold anything; its type says enough to look up the log by.
        said = f"internal error ({type(error).__name__})" if ours is None else ours.message
        if not isinstance(error, Exception):
            said = f"it was ended by {type(error).__name__}"
        return Failure(
            account=account,
            day=self.last_day or calendar.yesterday(now, self.settings.timezone),
            at=now,
            exit_code=ReconError.exit_code if ours is None else ours.exit_code,
            message=public_error(said),
            hint=public_error(ours.hint or "") if ours is not None else "",
        )


def send_text(settings: Settings, runtime: Runtime, made: OutcomeMessage) -> list[str]:
    """Send a message as one short text to every service of `[notify]`; return what went wrong.

    Raises:
        ConfigError: the URLs are not where the configuration says.
    """
    from recon import logs
    from recon.notify import chat
    from recon.report import message_text

    assert settings.notify is not None
    urls = settings.notify.urls(runtime.environ)
    logs.redact(*(url.get_secret_value() for url in urls))
    return chat.send(
        urls,
        f"recon {made.title}: {made.badge}",
        message_text.short_text(made),
        tone=chat.TONES[made.tone.value],
        key=made.key,
    )


def _text(told: Sequence[Run | Failure]) -> str:
    from recon.report import message, message_text

    return message_text.mail_text(message.of_night(told, findings=0))
