"""What many rows of a day have in common is said once; records that end accuse nobody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from recon.core import calendar, judge
from recon.core.link import Side
from recon.core.policy import Policy
from recon.model import Verdict
from tests.factories import EVER, Record, Sent, at, local_side, provider_side

DAY = calendar.windows(date(2026, 4, 23), date(2026, 4, 23), "UTC")


def judged(
    records: Sequence[Record],
    messages: Sequence[Sent],
    *,
    newest: datetime | None = None,
    policy: Policy = Policy(),  # noqa: B008 - frozen
) -> Verdict:
    local = local_side(records)
    local = Side(local.frame, local.rejects, newest=newest)
    [verdict] = judge.judge("main", DAY, local, provider_side(messages), spans=EVER, policy=policy)
    return verdict


def number(n: int) -> str:
    return f"+3538712345{n:02}"


def pairs(count: int, apart: float = 0) -> tuple[list[Record], list[Sent]]:
    """Return so many pairs, ten minutes from one to the next; the records `apart` seconds later."""
    records = [Record(n, n + 1, 600 * n + apart, number(n)) for n in range(count)]
    return records, [Sent(n + 1, 600 * n, number(n)) for n in range(count)]


# --- offsets -----------------------------------------------------------------------------------


def test_a_constant_offset_is_one_sentence_that_names_the_time_zone() -> None:
    verdict = judged(*pairs(20, 4 * 3600))
    assert verdict.counts["sent_at_drift"] == 20
    assert verdict.notes == ["20 of 20 pairs are 4 h 0 min apart: check `timezone`."]


def test_an_offset_that_no_zone_has_is_the_senders_clock() -> None:
    assert judged(*pairs(20, -7 * 60)).notes == [
        "20 of 20 pairs are 0 h 7 min apart: check the sender's clock."
    ]


def test_one_pair_that_is_apart_and_pairs_that_are_differently_apart_are_no_constant_offset() -> (
    None
):
    records, messages = pairs(20)
    one_apart = Record(99, 99, 7200, number(99))
    assert judged([*records, one_apart], [*messages, Sent(99, 0)]).notes == []
    spread = [Record(n, n, 900.0 * n, number(n)) for n in range(1, 9)]
    assert judged(spread, [Sent(n, 0, number(n)) for n in range(1, 9)]).notes == []


# --- records that end --------------------------------------------------------------------------


def later_messages(last_record: float) -> list[Sent]:
    return [Sent(90 + n, last_record + 1800 * n, number(90 + n)) for n in range(1, 5)]


def test_messages_after_records_that_ended_are_unverifiable_and_one_sentence_says_so() -> None:
    records, messages = pairs(20)
    verdict = judged(records, [*messages, *later_messages(600 * 19)])
    assert (verdict.provider.unverifiable, verdict.provider.missing_locally) == (4, 0)
    [note] = verdict.notes
    assert note.startswith("The records end at 2026-04-23 15:10:00, 4 later messages cannot be")
    assert set(verdict.findings["detail"]) == {"the records end before this message was sent"}


def test_a_message_soon_after_the_last_record_or_before_it_is_missing_in_the_records() -> None:
    records, messages = pairs(20)
    soon = Sent(91, 600 * 19 + 3600, number(91))
    assert judged(records, [*messages, soon]).provider.missing_locally == 1
    before = Sent(80, 905, number(80))
    verdict = judged(records, [*messages, before, *later_messages(600 * 19)])
    assert (verdict.provider.unverifiable, verdict.provider.missing_locally) == (4, 1)


def test_records_that_come_every_few_hours_have_not_ended_after_two() -> None:
    hours = [-10, -6, -3, 1, 4]
    records = [Record(n, n + 1, 3600 * hour, number(n)) for n, hour in enumerate(hours)]
    messages = [Sent(n + 1, 3600 * hour, number(n)) for n, hour in enumerate(hours)]
    verdict = judged(records, [*messages, Sent(91, 6 * 3600, number(91))])
    assert verdict.provider.missing_locally == 1


def test_records_known_from_later_days_have_not_ended() -> None:
    records, messages = pairs(20)
    verdict = judged(
        records, [*messages, *later_messages(600 * 19)], newest=at(0) + timedelta(days=1)
    )
    assert verdict.provider.missing_locally == 4
    assert verdict.notes == []


def test_where_the_records_clock_is_off_their_end_is_reported_by_octopods_clock() -> None:
    records, messages = pairs(20, -4 * 3600)
    verdict = judged(records, messages)
    assert verdict.provider.unverifiable == 0
    missing = Sent(91, 600 * 19 + 1800, number(91))
    assert judged(records, [*messages, missing]).provider.missing_locally == 1


# --- a region that is not set ------------------------------------------------------------------


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
