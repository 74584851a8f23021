"""What many rows of a day have in common, without a finding, is said once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from recon.core import calendar, judge
from recon.core.policy import Policy
from recon.model import Verdict
from tests.factories import EVER, Record, Sent, local_side, provider_side

DAY = calendar.windows(date(2026, 4, 23), date(2026, 4, 23), "UTC")


def judged(records: Sequence[Record], messages: Sequence[Sent]) -> Verdict:
    sides = local_side(records), provider_side(messages)
    [verdict] = judge.judge("main", DAY, *sides, spans=EVER, policy=Policy())
    return verdict


def test_a_national_number_without_a_region_is_no_other_recipient_but_a_hint() -> None:
    records = [Record(1, 11, 0, "(415) 555-2600"), Record(2, None, 600, "415 555 2601")]
    messages = [Sent(11, 0, "+14155552600"), Sent(12, 601, "+14155552601")]
    verdict = judged(records, messages)
    assert (verdict.local.matched, len(verdict.findings)) == (2, 0)
    [note] = verdict.notes
    assert note.startswith("2 pairs agree only if")
    assert "`matching.default_region`" in note


def test_a_national_number_that_ends_differently_is_another_recipient() -> None:
    verdict = judged([Record(1, 11, 0, "(415) 555-2600")], [Sent(11, 0, "+14155552609")])
    assert verdict.counts["recipient_mismatch"] == 1
    assert verdict.notes == []
