"""Which nights a channel is notified of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from recon.core.notification_rules import (
    LastNotification,
    Night,
    NotificationRule,
    Reason,
    When,
    reason_to_notify,
)

NIGHT = Night(at=datetime(2026, 4, 24, 3, tzinfo=UTC))
RULES: list[When] = ["always", "changes", "discrepancies"]


def rule(when: When) -> NotificationRule:
    return NotificationRule(when, timedelta(days=3))


@pytest.mark.parametrize("when", RULES)
def test_suspect_input_and_lost_coverage_are_news_under_every_rule(when: When) -> None:
    for night, reason in (
        (replace(NIGHT, suspect=True), Reason.SUSPECT),
        (replace(NIGHT, lost_coverage=True), Reason.LOST_COVERAGE),
        (replace(NIGHT, suspect=True, lost_coverage=True), Reason.SUSPECT),
        (replace(NIGHT, suspect=True, judged_again=True), Reason.SUSPECT),
    ):
        assert reason_to_notify(rule(when), night, None) is reason
        assert reason_to_notify(rule("never"), night, None) is None


@pytest.mark.parametrize("when", RULES)
def test_an_earlier_day_is_news_only_if_a_finding_of_it_changed(when: When) -> None:
    again = replace(NIGHT, judged_again=True, lost_coverage=True, open_findings=True)
    assert reason_to_notify(rule(when), again, None) is None
    changed = replace(again, changed=True)
    assert reason_to_notify(rule(when), changed, None) is Reason.LOST_COVERAGE


def test_findings_that_are_open_and_gaps_are_news_under_the_rule_about_them() -> None:
    assert reason_to_notify(rule("discrepancies"), NIGHT, None) is None
    for night in (replace(NIGHT, open_findings=True), replace(NIGHT, gaps=True)):
        assert reason_to_notify(rule("discrepancies"), night, None) is Reason.DISCREPANCIES
        assert reason_to_notify(rule("changes"), night, None) is None


def test_a_reminder_comes_once_after_the_days_of_the_rule() -> None:
    night = replace(NIGHT, open_before=True)
    for days, reason, expected in (
        (2, Reason.CHANGES, None),
        (3, Reason.CHANGES, Reason.REMINDER),
        (9, Reason.REMINDER, None),
    ):
        last = LastNotification(night.at - timedelta(days=days), reason)
        assert reason_to_notify(rule("changes"), night, last) is expected
