"""The open findings that a mail reminds of, as they are when it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from recon.core.notification_rules import Reason
from recon.model import Failure, Kind, Run
from recon.report import reminders
from recon.report.reminders import StillOpen

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.store.notifications import News


def by_account(engine: Engine, news: Sequence[News], zone: str) -> dict[str, StillOpen]:
    """Return by account what is still open, for accounts of which a mail is a reminder.

    Args:
        engine: the store, its schema ready.
        news: the notifications of one mail.
        zone: the time zone of dates.
    """
    from recon.store import run_figures
    from recon.store.finding_list import OPEN

    found = {}
    for account in dict.fromkeys(one.account for one in news if one.reason is Reason.REMINDER):
        stored = run_figures.findings_by_state(engine, account)
        rows = [(Kind(kind), count, at) for kind, state, count, at in stored if state == OPEN]
        if rows:
            oldest = min(at for _, _, at in rows).astimezone(ZoneInfo(zone)).date()
            found[account] = StillOpen(account, {kind: count for kind, count, _ in rows}, oldest)
    return found


def with_reminders(
    told: Sequence[Run | Failure], still_open: Mapping[str, StillOpen]
) -> list[Run | Failure]:
    """Return the outcomes of a mail; the last run of an account says what is still open."""
    left = dict(still_open)
    made: list[Run | Failure] = []
    for one in reversed(told):
        still = left.pop(one.verdict.account, None) if isinstance(one, Run) else None
        if isinstance(one, Run) and still is not None:
            made.append(replace(one, notices=(*one.notices, reminders.paragraph(still))))
        else:
            made.append(one)
    return made[::-1]
