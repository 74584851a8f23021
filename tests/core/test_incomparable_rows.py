"""A record without an id and a message whose numbers cannot be compared are not accused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from recon.core import judge
from recon.core.policy import Policy
from recon.model import Span
from tests.core.test_judge import DAYS, kinds
from tests.factories import EVER, Record, Sent, local_side, provider_side

NUMBER = "+353871234567"
OPEN = ["unverifiable", "unverifiable"]
UNREADABLE = ["invalid_local", "unverifiable"]
ACCUSED = ["missing_at_provider", "missing_locally"]
TOLERANCE = timedelta(seconds=120)


def found(records: list[Record], messages: list[Sent], spans: tuple[Span, ...] = EVER) -> list[str]:
    verdicts = judge.judge(
        "main",
        DAYS,
        local_side(records),
        provider_side(messages),
        spans=spans,
        policy=Policy(tolerance=TOLERANCE, trust_input=True),
    )
    return sorted(kind for verdict in verdicts for kind, *_ in kinds(verdict))


@pytest.mark.parametrize(
    ("recorded", "listed", "expected"),
    [
        (NUMBER, None, OPEN),
        (NUMBER, "IE.13491208655302741910", OPEN),
        (NUMBER, "184467440737@lid", OPEN),
        # A record with neither an id nor a phone number cannot be linked, and is unreadable.
        ("IE.13491208655302741910", NUMBER, UNREADABLE),
        ("IE.13491208655302741910", None, UNREADABLE),
        ("IE.13491208655302741910", "184467440737@lid", UNREADABLE),
        (
            "IE.13491208655302741910",
            "IE.13491208655302741911",
            ["invalid_local", "missing_locally"],
        ),
        (NUMBER, "+353871234568", ACCUSED),
        (NUMBER, NUMBER, []),
    ],
)
def test_numbers_are_compared_only_if_they_are_of_one_type(
    recorded: str, listed: str | None, expected: list[str]
) -> None:
    assert found([Record(1, phone_number=recorded)], [Sent(11, phone_number=listed)]) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(120, OPEN), (-120, OPEN), (121, ACCUSED)])
def test_the_times_are_at_most_the_tolerance_apart(seconds: float, expected: list[str]) -> None:
    assert found([Record(1, phone_number=NUMBER)], [Sent(11, seconds, None)]) == expected


def test_a_record_with_another_id_is_compared_by_it() -> None:
    assert found([Record(1, 12, phone_number=NUMBER)], [Sent(11, phone_number=None)]) == ACCUSED


def test_a_message_that_has_its_record_opens_nothing() -> None:
    records = [Record(1, 11, phone_number=NUMBER), Record(2, phone_number="+353871234568")]
    assert found(records, [Sent(11, phone_number=None)]) == ["missing_at_provider"]


def test_a_record_that_says_that_nothing_was_sent_explains_no_message() -> None:
    records = [Record(1, phone_number=NUMBER, status="not_sent")]
    assert found(records, [Sent(11, phone_number=None)]) == ["missing_locally"]


def test_one_such_message_may_be_that_of_any_record_near_it() -> None:
    records = [Record(n, phone_number=f"+35387123456{n}") for n in range(3)]
    assert found(records, [Sent(11, phone_number=None)]) == ["unverifiable"] * 4


def test_two_rows_without_a_number_cannot_be_compared_either() -> None:
    records = [Record(1, phone_number=None, status="failed")]
    assert found(records, [Sent(11, phone_number=None)]) == ["unverifiable"]


def test_the_second_reading_of_a_time_counts() -> None:
    records = [Record(1, phone_number=NUMBER, other_minutes=60)]
    assert found(records, [Sent(11, 3_600, None)]) == OPEN
