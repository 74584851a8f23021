"""The JSON file: keys and order that scripts rely on, and sums that hold."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from recon import __version__
from recon.core.calendar import unbounded
from recon.model import (
    Changes,
    CoverageEvidence,
    Decision,
    Incident,
    Kind,
    LocalBalance,
    ProviderBalance,
    RefusedAnswer,
    RetryRule,
    Run,
    Span,
    Unreadable,
    Withdrawal,
)
from recon.report import json_report
from tests.factories import DUBLIN, finding, run, utc


def read(made: Run) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(json_report.content(made))
    return said


def test_a_rule_of_the_configuration_says_what_a_failure_reason_means() -> None:
    rule = RetryRule(Decision.RETRY, "resets at midnight", pattern="quota")
    made = replace(run(failures={"Quota used up": 2}), retry_rules=(rule,))
    [found] = read(made)["failure_reasons"]
    assert (found["decision"], found["advice"]) == ("retry", "resets at midnight")


def test_a_run_gives_these_keys_in_this_order() -> None:
    made = run(
        [finding("missing_at_provider"), finding("missing_at_provider", "b")],
        local=LocalBalance(matched=5, missing_at_provider=2),
        provider=ProviderBalance(matched=5),
        gaps=[Span(utc("10:00:00"), utc("10:30:00.5"))],
        statuses={"delivered": 4, "on_its_way": 1},
        evidence=CoverageEvidence(
            (RefusedAnswer(utc("11:00:00"), "it is a partial answer"),),
            (Withdrawal(None, utc("10:30:00"), "message 7 appeared late"),),
            ("Octopods' clock is wrong.",),
        ),
        failures={"(#131042) Payment issue": 9},
        changes=Changes(new=1, persisting=1, resolved=3),
        incidents=[
            Incident("c3", {"stuck": 2}, utc("10:00:00"), None, "outage", "It was down."),
        ],
    )
    said = read(made)
    assert said == {
        "run_id": "run-1",
        "account": "main",
        "date": "2026-04-23",
        "verdict": "discrepancies",
        "window": {
            "start": "2026-04-22T23:00:00Z",
            "end": "2026-04-23T23:00:00Z",
            "timezone": "Europe/Dublin",
        },
        "coverage": {
            "complete": False,
            "gaps": [{"start": "2026-04-23T10:00:00Z", "end": "2026-04-23T10:30:00.500000Z"}],
            "refused": [{"at": "2026-04-23T11:00:00Z", "why": "it is a partial answer"}],
            "withdrawn": [
                {
                    "start": None,
                    "end": "2026-04-23T10:30:00Z",
                    "why": "message 7 appeared late",
                }
            ],
        },
        "local": {
            "total": 7,
            "matched": 5,
            "not_sent": 0,
            "missing_at_provider": 2,
            "duplicate_local": 0,
            "unverifiable": 0,
            "invalid_local": 0,
        },
        "provider": {
            "total": 5,
            "matched": 5,
            "missing_locally": 0,
            "duplicate_send": 0,
            "unverifiable": 0,
            "invalid_provider": 0,
        },
        "discrepancies": dict.fromkeys(map(str, Kind), 0) | {"missing_at_provider": 2},
        "confirmation": {"asked": 0, "denied": 0, "found": 0},
        "unreadable": [],
        "statuses": {
            "sent": 0,
            "delivered": 4,
            "read": 0,
            "failed": 0,
            "deleted": 0,
            "unknown": 0,
            "on_its_way": 1,
        },
        "failure_reasons": [
            {
                "reason": "(#131042) Payment issue",
                "code": 131042,
                "count": 9,
                "meaning": "payment problem of the account",
                "scope": "account",
                "decision": "review",
                "advice": "Correct the payment method in Meta's billing settings, then send the "
                "waiting messages.",
            }
        ],
        "changes": {"new": 1, "persisting": 1, "resolved": 3, "acknowledged": 0, "expected": 0},
        "incidents": [
            {
                "incident_id": "c3",
                "kinds": {"stuck": 2},
                "start": "2026-04-23T10:00:00Z",
                "end": None,
                "cause": "outage",
                "summary": "It was down.",
            }
        ],
        "requests": {"list": 1, "status": 2, "rate_limited": 0},
        "finished_at": "2026-04-23T23:30:00Z",
        "coverage_notes": ["Octopods' clock is wrong."],
        "version": __version__,
    }
    assert list(said) == [
        *("run_id", "account", "date", "verdict", "window", "coverage", "local", "provider"),
        *("discrepancies", "confirmation", "unreadable", "statuses"),
        *("failure_reasons", "changes"),
        *("incidents", "requests", "finished_at", "coverage_notes", "version"),
    ]
    for side in ("local", "provider"):
        assert next(iter(said[side])) == "total"
        total, *buckets = said[side].values()
        assert total == sum(buckets)


def test_two_files_taken_whole_have_a_window_without_bounds() -> None:
    said = read(run(day=unbounded("UTC")))
    assert said["date"] == "all"
    assert said["window"] == {"start": None, "end": None, "timezone": "UTC"}
    assert said["coverage"] == {
        "complete": True,
        "gaps": [],
        "refused": [],
        "withdrawn": [],
    }


def test_rows_that_cannot_be_read_are_counted_by_reason_and_facts_about_many_rows_stand_whole() -> (
    None
):
    reasons = [Unreadable("local", "sent_at cannot be read: 'soon'", 12)]
    said = read(run(unreadable=reasons, notes=["Your records end at noon."]))
    assert said["unreadable"] == [
        {"side": "local", "reason": "sent_at cannot be read: 'soon'", "count": 12}
    ]
    assert said["notices"] == ["Your records end at noon."]


def test_only_a_suspect_run_says_why() -> None:
    suspicions = ("The records hold 12 records, Octopods lists none.", "A wrong key.")
    assert read(run(kind="suspect", suspicions=suspicions))["suspicions"] == list(suspicions)
    assert "suspicions" not in read(run())


def test_text_stays_readable_and_the_file_ends_with_a_line_break() -> None:
    content = json_report.content(run(kind="suspect", suspicions=["Zoë"]))
    assert "Zoë".encode() in content
    assert content.endswith(b"}\n")


def test_a_time_of_another_zone_is_reported_in_utc() -> None:
    assert DUBLIN.start is not None
    there = DUBLIN.start.astimezone(tz=None)
    said = read(run(gaps=[Span(there, there + timedelta(hours=1))]))
    assert said["coverage"]["gaps"] == [
        {"start": "2026-04-22T23:00:00Z", "end": "2026-04-23T00:00:00Z"}
    ]
