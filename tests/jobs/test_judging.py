"""What tells the settings of one run from those of another."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

import recon
from recon.core.expected import ExpectedRule
from recon.core.policy import Policy
from recon.jobs.expected_rules import ExpectedRules
from recon.jobs.judging import settings_digest
from recon.model import Kind

POLICY, RULES = Policy(), ExpectedRules("main", (), None, "UTC")
RULE = ExpectedRule(Kind.STUCK, "known", until=date(2026, 12, 31))
BEFORE = settings_digest(POLICY, RULES)


@pytest.mark.parametrize(
    ("policy", "rules"),
    [
        (replace(POLICY, stuck_after=timedelta(hours=1)), RULES),
        (replace(POLICY, trust_input=True), RULES),
        (POLICY, replace(RULES, rules=(RULE,))),
        (POLICY, replace(RULES, zone="Europe/Dublin")),
    ],
)
def test_each_setting_shows(policy: Policy, rules: ExpectedRules) -> None:
    assert settings_digest(policy, rules) != BEFORE


def test_the_version_of_the_program_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_digest(Policy(), RULES) == BEFORE
    monkeypatch.setattr(recon, "__version__", "9.9.9")
    assert settings_digest(POLICY, RULES) != BEFORE
