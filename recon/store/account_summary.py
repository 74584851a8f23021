"""A few numbers about an account, read quickly from the store."""

from __future__ import annotations

import sqlalchemy as sa

from recon.core.account_status import LastPoll, LastRun, MailsWaiting
from recon.model import Kind
from recon.store.accounts import id_of
from recon.store.engine import reading
from recon.store.finding_list import ACKNOWLEDGED, EXPECTED, OPEN
from recon.store.notifications import Channel
from recon.store.tables import findings, mails, notifications, polls, runs


def last_run(engine: sa.Engine, account: str) -> LastRun | None:
    """Return the latest run of the newest day, without its findings; `None` if there is none."""
    query = (
        sa.select(runs.c.run_id, runs.c.date, runs.c.verdict, runs.c.mode, runs.c.finished_at)
        .where(runs.c.account_id == id_of(account))
        .order_by(runs.c.date.desc(), runs.c.id.desc())
        .limit(1)
    )
    with reading(engine) as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else LastRun(*row)


def last_poll(engine: sa.Engine, account: str) -> LastPoll | None:
    """Return the answer that was stored last, with any key; `None` without any."""
    query = (
        sa.select(
            polls.c.kept_at, polls.c.item_count, polls.c.new_count, polls.c.reading, polls.c.why
        )
        .where(polls.c.account_id == id_of(account))
        .order_by(polls.c.kept_at.desc(), polls.c.id.desc())
        .limit(1)
    )
    with reading(engine) as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return LastPoll(row.kept_at, row.item_count, row.new_count, row.reading, row.why or "")


def open_findings(engine: sa.Engine, account: str) -> tuple[dict[str, int], int, int]:
    """Return how many findings are open, by kind, how many acknowledged and how many expected."""
    query = (
        sa.select(findings.c.kind, findings.c.status, sa.func.count())
        .where(
            findings.c.account_id == id_of(account),
            findings.c.status.in_([OPEN, ACKNOWLEDGED, EXPECTED]),
        )
        .group_by(findings.c.kind, findings.c.status)
    )
    counts, settled = dict.fromkeys(map(str, Kind), 0), {ACKNOWLEDGED: 0, EXPECTED: 0}
    with reading(engine) as connection:
        for kind, status, count in connection.execute(query):
            if status == OPEN:
                counts[kind] = count
            else:
                settled[status] += count
    return counts, settled[ACKNOWLEDGED], settled[EXPECTED]


def mails_waiting(engine: sa.Engine, account: str) -> MailsWaiting:
    """Return the mails of an account that have not reached every recipient."""
    mine = [
        notifications.c.account_id == id_of(account),
        notifications.c.channel == Channel.MAIL.value,
        notifications.c.done_at.is_(None),
    ]
    mail = sa.func.coalesce(sa.cast(notifications.c.mail_id, sa.Text), notifications.c.batch)
    query = sa.select(sa.func.count(sa.distinct(mail)), sa.func.min(notifications.c.created_at))
    error = (
        sa.select(mails.c.error)
        .join_from(notifications, mails)
        .where(*mine, mails.c.error.is_not(None))
        .order_by(mails.c.id.desc())
        .limit(1)
    )
    with reading(engine) as connection:
        count, oldest = connection.execute(query.where(*mine)).one()
        return MailsWaiting(count, oldest, connection.execute(error).scalar())
