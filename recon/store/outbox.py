"""Mails that wait to be sent: their runs and their remaining recipients."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa

from recon.store.engine import reading, writing
from recon.store.notifications import Channel, News, news
from recon.store.tables import mails, notifications

#: A mail that some recipient has not got after so long is given up.
GIVEN_UP_AFTER: Final = timedelta(days=7)
#: The conditions of notifications that are not part of a mail yet.
_WITHOUT_MAIL: Final = (
    notifications.c.channel == Channel.MAIL.value,
    notifications.c.done_at.is_(None),
    notifications.c.mail_id.is_(None),
)


@dataclass(frozen=True, slots=True)
class WaitingMail:
    """A mail that was not sent to all its recipients yet."""

    id: int
    message_id: str
    reply_to: str | None
    """The first mail about the same day, if this is a later one."""
    created_at: datetime
    waiting: Sequence[str] | None
    """Recipients who have not got it yet; `None` if nobody has."""
    attempts: int
    news: Sequence[News]


def compose(engine: sa.Engine, *, one_per: str, domain: str, now: datetime) -> None:
    """Make mails of notifications without a mail, separately for each command.

    Args:
        engine: the store; no other process composes mails meanwhile.
        one_per: `run` for one mail of all accounts of a command, or `account`.
        domain: the domain of message ids.
        now: our own clock.
    """
    with writing(engine) as connection:
        for group in _groups(news(connection, *_WITHOUT_MAIL), one_per):
            made = connection.execute(
                sa.insert(mails)
                .values(
                    message_id=f"<{uuid.uuid4().hex}.recon@{domain}>",
                    thread=_thread(group, one_per),
                    created_at=now,
                    attempts=0,
                )
                .returning(mails.c.id)
            )
            connection.execute(
                sa.update(notifications)
                .where(notifications.c.id.in_([one.id for one in group]))
                .values(mail_id=made.scalar_one())
            )


def _groups(told: Sequence[News], one_per: str) -> list[list[News]]:
    def key(one: News) -> tuple[str, str]:
        return one.batch, one.account if one_per == "account" else ""

    # Sorting is stable: commands and accounts stay in the order in which they came.
    first = {key(one): at for at, one in reversed(list(enumerate(told)))}
    ordered = sorted(told, key=lambda one: first[key(one)])
    return [list(group) for _, group in groupby(ordered, key)]


def _thread(group: Sequence[News], one_per: str) -> str:
    day = max(one.day for one in group).isoformat()
    return f"{group[0].account}/{day}" if one_per == "account" else day


def waiting(engine: sa.Engine) -> list[WaitingMail]:
    """Return the mails that have not reached all recipients, the oldest first."""
    with reading(engine) as connection:
        query = sa.select(mails).where(mails.c.done_at.is_(None)).order_by(mails.c.id)
        return [_mail(connection, row) for row in connection.execute(query).all()]


def _mail(connection: sa.Connection, row: sa.Row[Any]) -> WaitingMail:
    first = connection.execute(
        sa.select(mails.c.message_id)
        .where(mails.c.thread == row.thread, mails.c.id < row.id)
        .order_by(mails.c.id)
        .limit(1)
    ).scalar()
    return WaitingMail(
        id=row.id,
        message_id=row.message_id,
        reply_to=first,
        created_at=row.created_at,
        waiting=row.waiting,
        attempts=row.attempts,
        news=news(connection, notifications.c.mail_id == row.id),
    )


def attempted(
    engine: sa.Engine,
    mail: WaitingMail,
    *,
    waiting: Sequence[str] | None,
    error: str | None,
    now: datetime,
) -> None:
    """Store the result of sending a mail: who has not got it yet, and why.

    A mail without such recipients is done. A mail that is too old is given up.
    """
    nobody_waits = waiting is not None and not waiting
    is_done = nobody_waits or now - mail.created_at >= GIVEN_UP_AFTER
    with writing(engine) as connection:
        connection.execute(
            sa.update(mails)
            .where(mails.c.id == mail.id)
            .values(
                waiting=None if waiting is None else list(waiting),
                attempts=mail.attempts + 1,
                error=error,
                done_at=now if is_done else None,
            )
        )
        if is_done:
            connection.execute(
                sa.update(notifications)
                .where(notifications.c.mail_id == mail.id)
                .values(done_at=now)
            )


@dataclass(frozen=True, slots=True)
class OutboxState:
    """How many mails wait, and since when."""

    waiting: int
    oldest: datetime | None
    """When the oldest of them was written."""


def state(engine: sa.Engine) -> OutboxState:
    """Return how many mails wait to be sent."""
    open_mails = mails.c.done_at.is_(None)
    with reading(engine) as connection:
        count, oldest = connection.execute(
            sa.select(sa.func.count(), sa.func.min(mails.c.created_at)).where(open_mails)
        ).one()
        batches = connection.execute(
            sa.select(sa.func.count(sa.distinct(notifications.c.batch))).where(*_WITHOUT_MAIL)
        ).scalar_one()
    return OutboxState(count + batches, oldest)
