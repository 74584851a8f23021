"""Rules for failure reasons: what can be written, and what is said of the rest."""

from __future__ import annotations

import pytest

from recon.model import Decision, RetryRule

from .conftest import Load, Refused

RULE = {"pattern": '"quota"', "decision": '"retry"', "why": '"resets at midnight"'}


def rule(values: dict[str, str | None]) -> str:
    lines = [f"{key} = {value}" for key, value in (RULE | values).items() if value is not None]
    return "\n".join(["[[retries.rules]]", *lines])


def test_rules_are_read_in_their_order(load: Load) -> None:
    by_code = rule({"pattern": None, "code": "131026", "decision": '"Do-not-retry"'})
    settings = load(f"{rule({'wait_hours': '6'})}\n{by_code}")
    assert settings.retries.as_rules == (
        RetryRule(Decision.RETRY, "resets at midnight", 6, pattern="quota"),
        RetryRule(Decision.DO_NOT_RETRY, "resets at midnight", code=131026),
    )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"pattern": "'a('"}, "which is not a regular expression: missing )"),
        (
            {"pattern": "'.*'"},
            "which matches every reason; write a text that the reason must contain",
        ),
        ({"code": "3"}, "item 1: pattern and code are both set; keep one of them"),
        ({"pattern": None}, "item 1: does not say which reasons it is for; write pattern"),
        ({"pattern": '""'}, "does not say which reasons it is for"),
        ({"pattern": '" "'}, "does not say which reasons it is for"),
        ({"pattern": None, "code": "-1"}, "code: is -1, but must be at least 0"),
        ({"decision": '"retri"'}, 'is "retri", which is not a decision; did you mean "retry"?'),
        ({"decision": "3"}, 'write "retry", "do_not_retry" or "review"'),
        ({"decision": None}, "decision: is missing; write for example decision ="),
        ({"why": None}, "why: is missing; write for example why ="),
        ({"why": '" "'}, "why: is empty"),
        ({"wait_hours": "-1"}, "wait_hours: is -1, but must be at least 0"),
        ({"wait_hours": "6", "decision": '"review"'}, 'can be used only with decision = "retry"'),
        (
            {"wait_hours": "6", "decision": '"do-not-retry"'},
            'can be used only with decision = "retry"',
        ),
        ({"patern": '"x"'}, "is not a known key; did you mean pattern?"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(
    refused: Refused, values: dict[str, str | None], told: str
) -> None:
    [error] = refused(rule(values))
    assert error.startswith("retries.rules, item 1")
    assert told in error
