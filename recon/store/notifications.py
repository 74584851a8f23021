"""The notifications of runs and failed nights, kept until they are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from recon.core.notification_rules import (
    LastNotification,
    Night,
    NotificationRule,
    Reason,
    reason_to_notify,
)
from recon.model import Failure, Run, VerdictKind
from recon.store.accounts import lock_account
from recon.store.engine import reading, writing
from recon.store.finding_list import OPEN
from recon.store.tables import accounts, findings, notifications


class Channel(StrEnum):
    """Where notifications are sent."""

    MAIL = "mail"
    CHAT = "chat"


@dataclass(frozen=True, slots=True)
class Announcement:
    """Which channels are notified of the runs of one command, and when."""

    batch: str
    """The same for all runs of one command."""
    rules: Mapping[Channel, NotificationRule]


@dataclass(frozen=True, slots=True)
class News:
    """One notification about an account and day: a run, or a night that failed."""

    id: int
    channel: Channel
    batch: str
    account: str
    day: date
    run_id: str | None
    failure: Failure | None
    reason: Reason
    created_at: datetime


def queue_run(
    connection: sa.Connection,
    account_id: int,
    run: Run,
    announcement: Announcement,
    *,
    judged_again: bool,
) -> None:
    """Store, in the transaction of a run, which channels to notify of it.

    Args:
        connection: in a transaction that has locked the account and updated its findings.
        account_id: whose run it is.
        run: with the lifecycle of its findings.
        announcement: the channels and their rules.
        judged_again: whether it is a run of an earlier day, judged again.
    """
    day = date.fromisoformat(run.verdict.window.label)
    for channel, rule in announcement.rules.items():
        last = _last(connection, account_id, channel, announcement.batch)
        night = Night(
            at=run.finished_at,
            suspect=run.verdict.kind is VerdictKind.SUSPECT,
            lost_coverage=bool(run.verdict.evidence.withdrawn),
            open_findings=OPEN in run.lifecycle.values(),
            gaps=bool(run.verdict.gaps),
            changed=_changed(connection, account_id, day, last),
            open_before=_has_open(connection, account_id),
            judged_again=judged_again,
        )
        reason = reason_to_notify(rule, night, last)
        if reason is not None:
            connection.execute(
                sa.insert(notifications).values(
                    channel=channel.value,
                    batch=announcement.batch,
                    account_id=account_id,
                    date=day,
                    run_id=run.run_id,
                    reason=reason.value,
                    created_at=run.finished_at,
                )
            )


def queue_failure(engine: sa.Engine, failure: Failure, announcement: Announcement) -> None:
    """Store which channels to notify of a night that failed.

    Args:
        engine: the store.
        failure: the failed night of an account.
        announcement: the channels and their rules.
    """
    with writing(engine) as connection:
        account_id = lock_account(connection, failure.account)
        for channel, rule in announcement.rules.items():
            if rule.when == "never":
                continue
            said = asdict(failure) | {"day": failure.day.isoformat(), "at": failure.at.isoformat()}
            connection.execute(
                sa.insert(notifications).values(
                    channel=channel.value,
                    batch=announcement.batch,
                    account_id=account_id,
                    date=failure.day,
                    failure=said,
                    reason=Reason.FAILED.value,
                    created_at=failure.at,
                )
            )


def waiting(engine: sa.Engine, channel: Channel) -> list[News]:
    """Return the notifications that a channel has not got yet, the oldest first."""
    with reading(engine) as connection:
        return news(
            connection, notifications.c.done_at.is_(None), notifications.c.channel == channel.value
        )


def done(engine: sa.Engine, told: Sequence[News], now: datetime) -> None:
    """Store that a channel was notified, or will not be."""
    ids = [one.id for one in told]
    with writing(engine) as connection:
        connection.execute(
            sa.update(notifications).where(notifications.c.id.in_(ids)).values(done_at=now)
        )


def news(connection: sa.Connection, *wanted: sa.ColumnElement[bool]) -> list[News]:
    """Return the notifications that meet all conditions, the oldest first."""
    query = (
        sa.select(notifications, accounts.c.name.label("account"))
        .join_from(notifications, accounts)
        .where(*wanted)
        .order_by(notifications.c.id)
    )
    return [
        News(
            id=row.id,
            channel=Channel(row.channel),
            batch=row.batch,
            account=row.account,
            day=row.date,
            run_id=row.run_id,
            failure=_failure(row.failure),
            reason=Reason(row.reason),
            created_at=row.created_at,
        )
        for row in connection.execute(query)
    ]


def _failure(stored: Mapping[str, Any] | None) -> Failure | None:
    if stored is None:
        return None
    times = {
        "day": date.fromisoformat(stored["day"]),
        "at": datetime.fromisoformat(stored["at"]),
    }
    return Failure(**{**stored, **times})


def _last(
    connection: sa.Connection, account_id: int, channel: Channel, batch: str
) -> LastNotification | None:
    """Return the last notification of an account to a channel by another command."""
    row = connection.execute(
        sa.select(notifications.c.created_at, notifications.c.reason)
        .where(
            notifications.c.account_id == account_id,
            notifications.c.channel == channel.value,
            notifications.c.batch != batch,
        )
        .order_by(notifications.c.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else LastNotification(row.created_at, Reason(row.reason))


def _changed(
    connection: sa.Connection, account_id: int, day: date, last: LastNotification | None
) -> bool:
    """Say whether a finding of a day was opened or resolved since the last notification.

    If a person had acknowledged a finding, its resolution does not count.
    """
    conditions = [findings.c.status == OPEN]
    if last is not None:
        conditions = [
            (findings.c.status == OPEN) & (findings.c.opened_at > last.at),
            findings.c.ack_reason.is_(None) & (findings.c.resolved_at > last.at),
        ]
    query = sa.select(findings.c.id).where(
        findings.c.account_id == account_id, findings.c.date == day, sa.or_(*conditions)
    )
    return connection.execute(query.limit(1)).first() is not None


def _has_open(connection: sa.Connection, account_id: int) -> bool:
    query = sa.select(findings.c.id).where(
        findings.c.account_id == account_id, findings.c.status == OPEN
    )
    return connection.execute(query.limit(1)).first() is not None
