"""A record without a time of day is compared with the messages of its whole day."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.core import calendar, judge, statuses
from recon.core.frames import local_frame
from recon.core.frames.layout import DATE_ALONE
from recon.core.policy import Policy
from recon.model import Span, Verdict
from tests.factories import (
    EVER,
    NUMBER,
    Record,
    Reject,
    Sent,
    at,
    local_side,
    provider_side,
)

DAY = calendar.windows(date(2026, 4, 23), date(2026, 4, 23), "UTC")
HOUR = 3600
#: In seconds after noon.
MIDNIGHT, END = -12 * HOUR, 12 * HOUR
WHOLE_DAY = DATE_ALONE + 24 * 60


def judged(
    records: Sequence[Record],
    messages: Sequence[Sent],
    *,
    spans: Sequence[Span] = EVER,
    unread: Sequence[Reject] = (),
) -> Verdict:
    sides = local_side(records), provider_side(messages, unread)
    [verdict] = judge.judge("main", DAY, *sides, spans=spans, policy=Policy(trust_input=True))
    return verdict


def dated(
    local_id: int, message_id: int | None = None, *, days: int = 0, status: str = "sent"
) -> Record:
    """Return a record of the day, or of so many days later."""
    begins = MIDNIGHT + days * 24 * HOUR
    return Record(local_id, message_id, begins, status=status, other_minutes=WHOLE_DAY)


def kinds(verdict: Verdict) -> list[str]:
    return sorted(verdict.findings["kind"])


# --- linking -----------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [MIDNIGHT, -HOUR, 0, 11 * HOUR, END - 1])
@pytest.mark.parametrize("message_id", [None, 11])
def test_a_record_is_a_pair_with_a_message_at_any_time_of_its_day(
    sent: float, message_id: int | None
) -> None:
    verdict = judged([dated(1, message_id)], [Sent(11, sent)])
    assert (verdict.local.matched, kinds(verdict)) == (1, [])


def test_of_a_day_as_many_are_missing_as_have_no_counterpart() -> None:
    messages = [Sent(11, -HOUR), Sent(12, 0), Sent(13, HOUR)]
    assert kinds(judged([dated(1), dated(2)], messages)) == ["missing_locally"]
    records = [dated(1), dated(2), dated(3)]
    assert kinds(judged(records, messages[:1])) == ["missing_at_provider"] * 2


def test_a_message_with_the_records_id_on_another_day_has_drifted_from_the_end_of_the_day() -> None:
    verdict = judged([dated(1, 11, days=-1)], [Sent(11, MIDNIGHT + 2 * HOUR)])
    assert kinds(verdict) == ["sent_at_drift"]
    assert verdict.findings["detail"].tolist() == ["recorded 2 h before Octopods' time"]
    assert verdict.findings["local_sent_at"].tolist() == [at(MIDNIGHT - 24 * HOUR)]


def test_an_exact_time_goes_before_a_date() -> None:
    verdict = judged([dated(1), Record(2, None, 30)], [Sent(11, 0)])
    assert verdict.findings[["kind", "local_id"]].to_numpy().tolist() == [
        ["missing_at_provider", "1"]
    ]


def test_pairs_of_a_day_contradict_no_status_if_others_do_not() -> None:
    records = [dated(1, status="delivered"), dated(2, status="failed"), dated(3, status="sent")]
    messages = [
        Sent(11, 0, status="failed", failure_reason="no"),
        Sent(12, HOUR, status="read"),
        Sent(13, 2 * HOUR, status="delivered"),
    ]
    for some, others in itertools.product(
        itertools.permutations(records), itertools.permutations(messages)
    ):
        assert kinds(judged(some, others)) == []


def test_a_status_that_no_message_of_the_day_has_is_a_mismatch() -> None:
    records = [dated(1, status="delivered"), dated(2, status="failed")]
    messages = [Sent(11, 0, status="read"), Sent(12, HOUR, status="read")]
    assert kinds(judged(records, messages)) == ["status_mismatch"]


def test_the_day_before_takes_no_message_that_the_day_needs() -> None:
    verdict = judged([dated(1, days=-1), dated(2)], [Sent(11, MIDNIGHT + 60)])
    assert (verdict.local.matched, kinds(verdict)) == (1, [])
    # Recorded just before midnight, and sent just after it.
    verdict = judged([dated(1, days=-1)], [Sent(11, MIDNIGHT + 60)])
    assert (verdict.local.matched, kinds(verdict)) == (1, [])


# --- evidence ----------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", [(MIDNIGHT, MIDNIGHT + 60), (0, 60), (END - 60, END)])
def test_a_record_is_missing_only_if_all_of_its_day_is_covered(gap: tuple[float, float]) -> None:
    spans = [Span(None, at(gap[0])), Span(at(gap[1]), None)]
    assert kinds(judged([dated(1)], [], spans=spans)) == ["unverifiable"]
    assert kinds(judged([dated(1)], [], spans=[Span(at(MIDNIGHT), at(END))])) == [
        "missing_at_provider"
    ]


@pytest.mark.parametrize(
    ("seconds", "kind"),
    [
        (MIDNIGHT, "unverifiable"),
        (0, "unverifiable"),
        (END - 1, "unverifiable"),
        (END + HOUR, "missing_at_provider"),
    ],
)
def test_an_unreadable_item_of_the_day_may_be_its_message(seconds: float, kind: str) -> None:
    item = Reject(sent_at=seconds, phone_number=NUMBER)
    verdict = judged([dated(1)], [], unread=[item])
    found = verdict.findings.loc[verdict.findings["kind"] != "invalid_provider", "kind"]
    assert found.tolist() == [kind]


def test_a_message_without_a_number_may_be_that_of_any_record_of_the_day() -> None:
    verdict = judged([dated(1)], [Sent(11, 5 * HOUR, "")])
    assert (verdict.local.unverifiable, verdict.provider.unverifiable) == (1, 1)
    verdict = judged([dated(1, days=-1)], [Sent(11, 5 * HOUR, "")])
    assert verdict.provider.missing_locally == 1


def test_a_message_may_belong_to_a_record_of_its_day_that_waits_for_another_id() -> None:
    spans = [Span(at(2 * HOUR), None)]
    verdict = judged([dated(1, 99)], [Sent(11, 5 * HOUR)], spans=spans)
    assert (verdict.local.unverifiable, verdict.provider.unverifiable) == (1, 1)


def test_a_day_that_ends_after_the_window_is_not_missing_since_its_end_was_not_read() -> None:
    records = [Record(1, None, MIDNIGHT + HOUR, other_minutes=WHOLE_DAY)]
    assert kinds(judged(records, [])) == ["unverifiable"]


def test_records_of_a_day_are_no_outage_at_its_midnight() -> None:
    numbers = [f"+3538700{n:05}" for n in range(40)]
    records = [
        Record(n, None, MIDNIGHT, number, other_minutes=WHOLE_DAY)
        for n, number in enumerate(numbers)
    ]
    messages = [Sent(100 + n, n * HOUR // 4, number) for n, number in enumerate(numbers) if n % 2]
    verdict = judged(records, messages)
    assert kinds(verdict) == ["missing_at_provider"] * 20
    assert [one.cause for one in verdict.incidents] == []


# --- any rows ----------------------------------------------------------------------------------

WORDS = st.sampled_from(["sent", "delivered", "read", "failed"])


def fewest_contradictions(records: Sequence[str], messages: Sequence[str]) -> int:
    """Return how many pairs contradict each other in the best of all ways to pair them."""
    few, many = sorted([records, messages], key=len)
    swapped = few is messages and records is not messages
    return min(
        sum(
            statuses.contradict(*((b, a) if swapped else (a, b)), "compatible")
            for a, b in zip(few, others, strict=True)
        )
        for others in itertools.permutations(many, len(few))
    )


@pytest.mark.thorough
@settings(max_examples=150)
@given(
    st.lists(WORDS, max_size=4),
    st.lists(st.tuples(st.integers(MIDNIGHT, END - 1), WORDS), max_size=4),
)
def test_a_day_has_as_many_pairs_as_rows_and_the_fewest_contradictions(
    recorded: list[str], sent: list[tuple[int, str]]
) -> None:
    records = [dated(number, status=word) for number, word in enumerate(recorded)]
    messages = [
        Sent(10 + number, seconds, status=word, failure_reason="no" if word == "failed" else None)
        for number, (seconds, word) in enumerate(sent)
    ]
    found = set()
    for turn in (1, -1):
        verdict = judged(records[::turn], messages[::turn])
        assert verdict.local.matched == min(len(records), len(messages))
        # `sent` messages are stuck after a day, whoever recorded them.
        wrong = verdict.findings.loc[verdict.findings["kind"] == "status_mismatch"]
        assert len(wrong) == fewest_contradictions(recorded, [word for _, word in sent])
        found.add(tuple(sorted(verdict.findings["discrepancy_id"])))
    assert len(found) == 1


# --- reading -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelled",
    [
        "2026-04-24",
        " 2026-04-24 ",
        '"2026-04-24"',
        "20260424",
        "2026/4/24",
        "2026.04.24",
        "24 April 2026",
        "Fri, 24 Apr 2026",
        "Apr 24, 2026",
        "2026-W17-5",
        "2026-114",
        date(2026, 4, 24),
        20260424,
    ],
)
def test_a_date_in_any_spelling_is_a_day_of_its_zone(spelled: object) -> None:
    for zone, begins in (("UTC", "2026-04-24T00:00Z"), ("Asia/Tokyo", "2026-04-23T15:00Z")):
        frame, rejects = local_frame({"sent_at": [spelled]}, zone=zone, statuses={})
        assert rejects.empty
        assert frame["sent_at"].tolist() == [datetime.fromisoformat(begins)]
        assert frame["other_minutes"].tolist() == [WHOLE_DAY]


@pytest.mark.parametrize(
    "spelled",
    [
        "2026-04-24 00:00", "2026-04-24T00:00:00Z", "20260424T000000", "1777024800",
        " 1777024800.5", "20260424000000", 1777024800, 20260424000000,
        "2026-04-24-00.00.00.000000", datetime(2026, 4, 24, tzinfo=UTC),
    ],
)  # fmt: skip
def test_midnight_that_is_written_is_a_time(spelled: object) -> None:
    column = [spelled, None, spelled]
    frame, _ = local_frame({"sent_at": column}, zone="UTC", statuses={})
    assert frame["other_minutes"].tolist() == [0, 0]


@pytest.mark.parametrize("spelled", ["2026-04", "2026-W17", "2026W17", "2026"])
def test_a_month_a_week_or_a_year_is_no_time(spelled: str) -> None:
    _, rejects = local_frame({"sent_at": [spelled]}, zone="UTC", statuses={})
    assert rejects["reason"].tolist() == [f"sent_at cannot be read: '{spelled}'"]


@pytest.mark.parametrize(
    ("zone", "day", "begins", "hours"),
    [
        ("Europe/Dublin", date(2026, 3, 29), "2026-03-29T00:00Z", 23),
        ("Europe/Dublin", date(2026, 10, 25), "2026-10-24T23:00Z", 25),
        ("Asia/Beirut", date(2026, 3, 29), "2026-03-28T22:00Z", 23),  # there is no midnight
        ("America/Havana", date(2026, 11, 1), "2026-11-01T04:00Z", 25),  # it comes twice
    ],
)
def test_a_day_is_as_long_as_its_zone_makes_it(
    zone: str, day: date, begins: str, hours: int
) -> None:
    for column in (pa.array([day]), [day.isoformat()]):
        frame, _ = local_frame({"sent_at": column}, zone=zone, statuses={})
        assert frame["sent_at"].tolist() == [datetime.fromisoformat(begins)]
        assert frame["other_minutes"].tolist() == [DATE_ALONE + hours * 60]
