"""The state of each account by what is stored, without a request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from recon.core import calendar
from recon.core.account_status import AccountStatus, NextPoll, day_coverage
from recon.errors import ConfigError
from recon.jobs import wiring
from recon.jobs.collector import CRON_TICK
from recon.jobs.poll_due import PollDecider
from recon.jobs.runtime import Runtime
from recon.store import account_summary, coverage_proof

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings


def status(
    settings: Settings, engine: Engine, accounts: Sequence[str], runtime: Runtime
) -> Iterator[AccountStatus]:
    """Yield the state of each account.

    Neither Octopods nor the records are read. So a poll may be due sooner than shown: a running
    collector also counts the records.

    Args:
        settings: the configuration.
        engine: the job's own database, its schema ready.
        accounts: which ones.
        runtime: clock and environment.

    Raises:
        TemporaryError, OutputError, ConfigError: the store failed.
    """
    zone = settings.timezone
    for name in accounts:
        now = runtime.clock()
        today = calendar.window(calendar.day_at(now, zone), zone)
        yesterday = calendar.window(calendar.yesterday(now, zone), zone)
        spans = coverage_proof.read(engine, name).spans
        pause, next_poll, error = _next_poll(settings, engine, name, runtime, now)
        counts, acknowledged, expected = account_summary.open_findings(engine, name)
        yield AccountStatus(
            account=name,
            zone=zone,
            now=now,
            last_run=account_summary.last_run(engine, name),
            yesterday=day_coverage(yesterday, spans, now),
            today=day_coverage(today, spans, now),
            last_poll=account_summary.last_poll(engine, name),
            next_poll=next_poll,
            paused_until=pause,
            evidence=coverage_proof.evidence(engine, name, yesterday.start, now),
            open_findings=counts,
            acknowledged=acknowledged,
            expected=expected,
            mails=account_summary.mails_waiting(engine, name),
            error=error,
        )


def _next_poll(
    settings: Settings, engine: Engine, account: str, runtime: Runtime, now: datetime
) -> tuple[datetime | None, NextPoll | None, str]:
    """Return the pause of the key, the next poll, and what is wrong with the key."""
    from recon.config import fingerprint

    try:
        mark = fingerprint(settings.accounts[account].api_key(runtime.environ))
    except ConfigError as error:
        return None, None, error.one_line
    pause = wiring.paused_until(engine, mark, runtime)
    if pause is not None and pause <= now:
        pause = None
    decider = PollDecider(settings, engine, account, runtime, CRON_TICK)
    decision = decider.decide(decider.state(), ask_records=False)
    at = now + max(decision.due_in, timedelta())
    return pause, NextPoll(at if pause is None else max(at, pause), decision.due, decision.why), ""
