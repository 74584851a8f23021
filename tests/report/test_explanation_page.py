"""The page of one row: what it says, in the configured zone, fitting the terminal."""

from __future__ import annotations

import json

from recon.core.explanation import (
    Alternative,
    Denial,
    Explanation,
    KeptPoll,
    MessageRow,
    RecordRow,
    StoredFinding,
    Surroundings,
)
from recon.core.fired_rules import of_reject
from recon.core.policy import Policy
from recon.model import (
    Change,
    FindingChange,
    Kind,
    RefusedAnswer,
    Span,
    Withdrawal,
)
from recon.report import explanation_json, explanation_page
from recon.report.rich_terminal import UNLIMITED
from tests.factories import DUBLIN, NUMBER, at

OTHER = "+353860000009"
RECORD = RecordRow("7\x1b[2J", "11", NUMBER, at(0), "sent", other_sent_at=at(3600))
FINDING = StoredFinding(
    "00000000000000a1",
    "invalid_local",
    "acknowledged",
    at(0).date(),
    f"sent to {NUMBER}",
    "11",
    "7",
    at(0).date(),
    [
        FindingChange(at(60), Change.OPENED, "run-1"),
        FindingChange(at(120), Change.MOVED, "run-2", from_day=at(-86_400).date()),
        FindingChange(at(180), Change.ACKNOWLEDGED, reason="a test phone"),
    ],
)
EXPLANATION = Explanation(
    account="main",
    matches=["local_id"],
    zone="Europe/Dublin",
    day=DUBLIN,
    verdict="discrepancies",
    suspicions=(),
    record=RECORD,
    message=None,
    statuses=(),
    surroundings=Surroundings(
        at=at(0),
        span=Span(at(-600), at(600)),
        is_proven=False,
        before_first_listed=False,
        first_poll=KeptPoll(at(-540), 100, 3),
        last_poll=None,
        refused=[RefusedAnswer(at(30), "it is partial")],
        withdrawn=[Withdrawal(None, at(60), "a message appeared late")],
    ),
    denials=[Denial(11, at(300), at(90_000))],
    alternatives=[
        Alternative(
            None,
            MessageRow(12, OTHER, at(0.5), "sent"),
            same_id=False,
            same_number=True,
            seconds=0.5,
            why=f"it went to {OTHER}",
        )
    ],
    more_alternatives=3,
    rules=[of_reject(Kind.INVALID_LOCAL, f"not a valid phone number: '{NUMBER}'", Policy())],
    findings=[FINDING],
    differences=["Judged now, it is stuck, but no run has reported that."],
    last_run=at(7200),
)


def page(*, width: int = UNLIMITED, colour: bool = False, show_numbers: bool = False) -> str:
    return explanation_page.page(
        "7", [EXPLANATION], width=width, colour=colour, show_numbers=show_numbers
    )


def test_each_part_is_told_in_the_configured_zone() -> None:
    lines = [" ".join(line.split()) for line in page().splitlines()]
    for line in (
        "main, 2026-04-23: record 7?[2J: invalid local",
        "differs Judged now, it is stuck, but no run has reported that.",
        "sent at 2026-04-23 13:00:00",
        "or at 2026-04-23 14:00:00: the clocks change, so it may be either",
        "denied id 11, asked for 2026-04-23 13:05:00, and again 2026-04-24 14:00:00",
        "gap from 2026-04-23 12:50:00 to 2026-04-23 13:10:00 (20 min): nothing is proven about it",
        "poll before 2026-04-23 12:51:00: 100 messages, 3 of them shown by an earlier poll",
        "poll after none",
        "refused the answer at 2026-04-23 13:00:30: it is partial",
        "withdrawn proof from the beginning to 2026-04-23 13:01:00: a message appeared late",
        "opened 2026-04-23 13:01:00, by run run-1",
        "moved 2026-04-23 13:02:00, from 2026-04-22 to 2026-04-23, by run run-2",
        "acknowledged 2026-04-23 13:03:00: a test phone",
        "3 more, farther away in time",
    ):
        assert line in lines
    assert any(
        line.startswith("message 12 same number, 2026-04-23 13:00:00.500,") for line in lines
    )


def test_no_number_stands_whole_unless_it_is_asked_for() -> None:
    for number in (NUMBER, OTHER):
        assert number not in page()
        assert number in page(show_numbers=True)
        masked = explanation_json.content("7", [EXPLANATION], show_numbers=False)
        assert number not in masked
        assert number in explanation_json.content("7", [EXPLANATION], show_numbers=True)


def test_lines_fit_the_terminal_and_no_word_is_lost() -> None:
    narrow = page(width=60)
    assert max(map(len, narrow.splitlines())) <= 60
    assert narrow.split() == page().split()


def test_colour_is_used_only_when_it_is_wanted() -> None:
    assert "\x1b" in page(colour=True)
    assert "\x1b" not in page()


def test_json_holds_the_same_with_times_in_utc() -> None:
    said = json.loads(explanation_json.content("7", [EXPLANATION], show_numbers=False))
    [one] = said["rows"]
    assert (said["id"], one["kinds"]) == ("7", ["invalid_local"])
    assert one["record"]["sent_at"] == "2026-04-23T12:00:00Z"
    assert one["rules"][0]["kind"] == "invalid_local"
    assert one["findings"][0]["history"][2] == {
        "at": "2026-04-23T12:03:00Z",
        "change": "acknowledged",
        "run_id": None,
        "reason": "a test phone",
        "from_day": None,
    }
