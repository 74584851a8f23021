"""Why messages of a day failed, in the words of the terminal and the mail."""

from __future__ import annotations

from recon.report import failure_meanings, message, terminal_summary
from tests.factories import run

FAILURES = {
    "Recipient is not a WhatsApp user.": 4,
    "(#131042) Business eligibility payment issue": 3,
    "(#131026) Message undeliverable": 2,
    "(#131016) Service unavailable": 1,
    "quota": 1,
}
NUMBER_SAID = "6 messages: the number cannot be reached on WhatsApp (do not send again)"


def test_reasons_that_mean_the_same_are_counted_together() -> None:
    night = run(failures=FAILURES, statuses={"failed": 13})
    assert failure_meanings.meanings(night, 3) == [
        NUMBER_SAID,
        "3 messages: payment problem of the account (to be reviewed)",
        "4 messages: other reasons",
    ]
    assert len(failure_meanings.meanings(night, 9)) == 5
    assert failure_meanings.meanings(night, 9)[-1] == "2 messages: other reasons"
    assert failure_meanings.meanings(run(), 3) == []


def test_terminal_and_mail_rank_them() -> None:
    night = run(failures=FAILURES, statuses={"failed": 11})
    shown = terminal_summary.text(night, colour=False, width=100)
    assert f"  failed    {NUMBER_SAID}\n            3 messages: payment" in shown
    [section] = message.of_night([night]).sections
    said = dict(section.facts)["Failed sends"]
    assert said.startswith(f"11 in all; {NUMBER_SAID}; 3 messages: payment problem")
    assert "failed   " not in terminal_summary.text(run(), colour=False, width=100)
