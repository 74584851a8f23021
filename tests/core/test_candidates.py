"""The rows that a record or a message could have been paired with."""

from __future__ import annotations

import pytest

from recon.core import candidates
from recon.core.frames.layout import DATE_ALONE
from recon.core.policy import Policy
from tests.core.test_fired_rules import NEAR, classified
from tests.factories import NUMBER, Record, Reject, Sent

OTHER_NUMBER = "+353860000001"


@pytest.mark.parametrize("number", ["+13531234567", "+3531234567"])
def test_a_number_with_two_readings_has_candidates_by_either(number: str) -> None:
    american = Policy(region="US")
    records = [Record(n, None, 10 * n, "3531234567") for n in (1, 2)]
    case = classified(records, [Sent(11, 10, number)], policy=american)
    [message], _ = candidates.of_record(case, american, 1, NEAR)
    assert (message.same_number, message.seconds) == (True, -10)
    assert message.why == "the message is a pair with record 1 by number"
    case = classified(records[:1], [Sent(11, 10, number), Sent(12, 20, number)], policy=american)
    [record], _ = candidates.of_message(case, american, 1, NEAR)
    assert (record.same_number, record.seconds) == (True, -10)
    assert record.why == "the record is a pair with message 11 by number"


def test_the_first_unreadable_rows_that_may_be_the_partner_are_told() -> None:
    others = [Reject(sent_at=n, phone_number=OTHER_NUMBER) for n in range(3)]
    possible = [Reject(sent_at=n, phone_number=NUMBER) for n in range(candidates.MOST)]
    unread = [possible[0], *others, *possible[1:], Reject(sent_at=9, phone_number=NUMBER)]
    case = classified([Record(1)], [], unread_items=unread)
    found, more = candidates.of_record(case, Policy(), 0, NEAR)
    assert [one.position for one in found] == [0, *range(4, 3 + candidates.MOST)]
    assert {(one.same_id, one.same_number, one.is_readable) for one in found} == {
        (False, True, False)
    }
    assert [one.seconds for one in found] == list(range(candidates.MOST))
    assert more == 0


def test_a_record_without_a_time_of_day_is_no_time_apart_from_the_messages_of_its_day() -> None:
    records = [
        Record(n, None, -12 * 3600, other_minutes=DATE_ALONE + 24 * 60, status="delivered")
        for n in (1, 2)
    ]
    case = classified(records, [Sent(11, 3600)])
    [message], _ = candidates.of_record(case, Policy(), 1, NEAR)
    assert (message.seconds, message.why) == (0, "the message is a pair with record 1 by number")
