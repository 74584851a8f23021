"""When a channel is notified of a night: a pure decision from what the night found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, TypeAlias

When: TypeAlias = Literal["always", "changes", "discrepancies", "never"]


class Reason(StrEnum):
    """Why a channel is notified."""

    FAILED = "failed"
    """The night ended early."""
    SUSPECT = "suspect"
    LOST_COVERAGE = "lost_coverage"
    """Coverage that the day had was withdrawn."""
    CHANGES = "changes"
    """A finding is new or resolved since the last notification."""
    DISCREPANCIES = "discrepancies"
    """There are open findings, or gaps."""
    REMINDER = "reminder"
    """Findings are still open, and the last notification is some days old."""
    ALWAYS = "always"
    """Every night is notified."""


@dataclass(frozen=True, slots=True)
class NotificationRule:
    """When one channel is notified."""

    when: When
    remind_after: timedelta = timedelta()
    """With `changes`: after how long open findings are notified once more; 0 is never."""


@dataclass(frozen=True, slots=True)
class LastNotification:
    """The last news of an account that went, or waits to go, to a channel."""

    at: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class Night:
    """What a run found of a day, as far as it matters here."""

    at: datetime
    """When the run finished."""
    suspect: bool = False
    lost_coverage: bool = False
    open_findings: bool = False
    gaps: bool = False
    changed: bool = False
    """Whether a finding of the day was opened or resolved since `last`."""
    open_before: bool = False
    """Whether the account has an open finding of any day."""
    judged_again: bool = False
    """Whether the day is an earlier one, which was judged again because something had changed."""


def reason_to_notify(
    rule: NotificationRule, night: Night, last: LastNotification | None
) -> Reason | None:
    """Return why a channel is notified of a night; `None` where it is not.

    An earlier day that was judged again is news only if a finding of it is new or resolved, or
    what is notified under any rule.

    Args:
        rule: of the channel.
        night: what the run found.
        last: the last news of the account in this channel, from an earlier command.
    """
    if rule.when == "never":
        return None
    if night.suspect:
        return Reason.SUSPECT
    if night.lost_coverage and (night.changed or not night.judged_again):
        return Reason.LOST_COVERAGE
    if night.judged_again and not night.changed:
        return None
    if rule.when == "always":
        return Reason.CHANGES if night.changed else Reason.ALWAYS
    if rule.when == "discrepancies":
        return Reason.DISCREPANCIES if night.open_findings or night.gaps else None
    if night.changed:
        return Reason.CHANGES
    return Reason.REMINDER if _is_due(rule, night, last) else None


def _is_due(rule: NotificationRule, night: Night, last: LastNotification | None) -> bool:
    if not rule.remind_after or last is None or last.reason is Reason.REMINDER:
        return False
    return night.open_before and night.at - last.at >= rule.remind_after
