"""Whether a channel is notified of a night."""

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
    """With `changes`: after how long a channel is reminded of open findings; 0 is never."""


@dataclass(frozen=True, slots=True)
class LastNotification:
    """The last notification of an account that was sent, or waits to be sent, to a channel."""

    at: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class Night:
    """The result of a run for one day, as far as it matters here."""

    at: datetime
    """When the run finished."""
    suspect: bool = False
    lost_coverage: bool = False
    open_findings: bool = False
    gaps: bool = False
    changed: bool = False
    """Whether a finding of the day was opened or resolved since `last`."""
    open_before: bool = False
    """Whether the account has an open finding on any day."""
    judged_again: bool = False
    """Whether this is an earlier day that was judged again because something had changed."""


def reason_to_notify(
    rule: NotificationRule, night: Night, last: LastNotification | None
) -> Reason | None:
    """Return why a channel is notified of a night; `None` if it is not.

    An earlier day that was judged again is notified only if one of its findings is new or resolved,
    or for a reason that every rule includes.

    Args:
        rule: the rule of the channel.
        night: the result of the run.
        last: the last notification of the account in this channel, by an earlier command.
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
