"""Each reason that a provider was seen to give is understood: by its number, then by its text."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from recon.core import failure_reasons
from recon.core.failure_reasons import explain
from recon.model import Decision, FailureScope, RetryRule

CORPUS = Path(__file__).parents[1] / "corpus" / "failure_reasons.csv"

with CORPUS.open(encoding="utf-8", newline="") as opened:
    SEEN = list(csv.DictReader(opened))


@pytest.mark.parametrize("row", SEEN, ids=[row["text"] or "no text" for row in SEEN])
def test_a_reason_is_understood(row: dict[str, str]) -> None:
    found = explain(row["text"])
    told = found.name, found.scope, found.permanence, found.decision, f"{found.wait(1):g}"
    assert told == tuple(row[key] for key in list(row)[1:])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("(#131049) something", 131049),
        ("[131056] something", 131056),
        ("#131008 something", 131008),
        ("131042: something", 131042),
        ("131042", 131042),
        ("Error 131026", 131026),
        ("code: 131053", 131053),
        ('{"code":131053}', 131053),
        ("error_code=131053", 131053),
        ("Message undeliverable (131026)", 131026),
        ("(#100) Invalid parameter (code 131009)", 131009),
        ("sent to 131026 people", None),
        ("131026 2", 131026),
        ("1310261 is the number", None),
        ("131026.50 EUR", None),
        ("template order_131026 unknown", None),
        ("2026", None),
    ],
)
def test_a_number_counts_where_it_is_marked_as_a_code_or_known_and_in_front(
    text: str, code: int | None
) -> None:
    assert explain(text).code == code


def test_a_number_that_nobody_knows_never_leads_to_a_retry() -> None:
    assert explain("Something went wrong").decision is Decision.RETRY
    assert explain("(#139999) Something went wrong").decision is Decision.REVIEW
    assert explain("Rate limit hit (code 3000)").decision is Decision.REVIEW
    assert explain("(#139999) Recipient is not a WhatsApp user").decision is Decision.DO_NOT_RETRY


def test_a_small_number_counts_only_with_a_text_that_fits_it() -> None:
    assert explain("Bad user (code 1021)").name == "own_number"
    assert explain("Number of the day (code 1021)").decision is Decision.REVIEW
    assert explain("Invalid Phone number. (code 5)").name == "invalid_number"


def test_case_and_typographic_signs_do_not_matter() -> None:
    assert explain("USER\u2019S NUMBER IS  PART of an Experiment").name == "experiment"


COMPILED = """
import re
from recon.core.failure_reasons import explain

compiled, compile_it = [], re.compile
re.compile = lambda pattern, *flags: compiled.append(pattern) or compile_it(pattern, *flags)
explain("(#131049) Meta chose not to deliver")
print(len(compiled))
explain("Recipient is not a WhatsApp user.")
print(len(compiled))
"""


def test_only_patterns_that_a_text_is_compared_with_are_compiled() -> None:
    done = subprocess.run(  # noqa: S603 - the test's own code
        [sys.executable, "-c", COMPILED], check=True, capture_output=True, text=True
    )
    by_number, by_text = map(int, done.stdout.split())
    assert by_number == 0
    assert 0 < by_text < 40


def test_a_template_outside_the_window_is_reviewed() -> None:
    said = "Re-engagement window expired (code 470)"
    assert explain(said).decision is Decision.RETRY
    assert explain(said, is_template=True).decision is Decision.REVIEW


def test_waiting_gets_longer_with_each_attempt() -> None:
    cap = explain("(#131049) not delivered")
    assert [cap.wait(attempt) for attempt in (1, 2, 3, 4)] == [24, 48, 72, 72]


def test_a_passing_failure_of_the_account_holds_nothing_back() -> None:
    assert explain("(#131042) payment").holds_others
    assert explain("(#132015) Template is Paused").holds_others
    assert not explain("(#130429) Rate limit hit").holds_others
    assert not explain("(#131026) undeliverable").holds_others


QUOTA = RetryRule(Decision.RETRY, "resets at midnight", 6, pattern="quota of the (reseller|shop)")


def test_a_rule_goes_before_the_table() -> None:
    found = explain("QUOTA of the shop: payment needed", (QUOTA,))
    assert (found.decision, found.wait(1), found.advice) == (Decision.RETRY, 6, QUOTA.why)
    assert (found.name, found.scope) == (failure_reasons.RULE, FailureScope.ACCOUNT)
    assert not found.holds_others
    assert found.attempts == 3
    payment = explain("payment needed", (QUOTA,))
    assert payment.name == "payment"
    assert found.title == payment.title
    assert explain("quota of the shop", (QUOTA,)).title == "a rule of the configuration"


def test_a_rule_for_a_number_takes_it_where_it_is_marked() -> None:
    rules = (RetryRule(Decision.REVIEW, "ask", code=7777), QUOTA)
    assert explain("(#7777) quota of the shop", rules).advice == "ask"
    assert explain("7777 quota of the shop", rules).advice == QUOTA.why
