"""Failed messages are ranked by the reason that Octopods gives."""

from __future__ import annotations

from datetime import date

from recon.core import calendar, judge
from recon.core.policy import Policy
from tests.factories import EVER, NUMBER, Record, Sent, local_side, provider_side

DAY = calendar.windows(date(2026, 4, 23), date(2026, 4, 23), "UTC")


def failures(*reasons: str | None, status: str = "failed") -> dict[str, int]:
    messages = [Sent(n + 1, 600 * n, NUMBER, status, reason) for n, reason in enumerate(reasons)]
    other_day = Sent(99, 100_000, NUMBER, "failed", "on another day")
    sides = local_side([Record(1, 1)]), provider_side([*messages, other_day])
    [verdict] = judge.judge("main", DAY, *sides, spans=EVER, policy=Policy())
    return dict(verdict.failures)


def test_the_commonest_reason_comes_first_and_none_is_a_reason_too() -> None:
    found = failures("Rate limit hit", None, "Undeliverable", "Rate limit hit")
    assert list(found.items()) == [("Rate limit hit", 2), ("", 1), ("Undeliverable", 1)]


def test_reasons_that_differ_by_a_number_only_are_one() -> None:
    assert failures("no user: 353871234567", "no user: +353 87 765 4321") == {"no user: …": 2}
    assert failures("(#131026) Undeliverable") == {"(#131026) Undeliverable": 1}


def test_where_nothing_failed_there_is_no_reason() -> None:
    assert failures("left over", status="delivered") == {}
