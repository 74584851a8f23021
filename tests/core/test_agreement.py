"""What of a part of both sides is left to be judged with the rest."""

from __future__ import annotations

from recon.core import agreement
from recon.core.agreement import Rest
from recon.core.policy import Policy
from tests.core.test_fired_rules import classified
from tests.factories import Record, Sent

#: Its last six digits are 0.
ROUND = "+353871000000"


def left(rest: Rest) -> list[list[object]]:
    """Return the ids of the rows that are left: of pairs by id, then of the others."""
    return [
        rest.paired_local["local_id"].tolist(),
        rest.paired_provider["message_id"].tolist(),
        rest.local["local_id"].tolist(),
        rest.provider["message_id"].tolist(),
    ]


def test_a_message_that_two_records_hold_is_left_with_both() -> None:
    records = [Record(1, 11), Record(2, 11, 5), Record(3, 12, 600)]
    case = classified(records, [Sent(11), Sent(12, 600)])
    assert left(agreement.pairs_by_id(case, Policy())) == [[1, 2], [11], [], []]


def test_a_message_that_a_finding_is_about_is_left_with_its_record() -> None:
    # Stuck, and held by two records.
    records = [Record(1, 11), Record(2, 11, 5)]
    case = classified(records, [Sent(11, status="sent"), Sent(12, 600)])
    assert left(agreement.pairs_by_id(case, Policy())) == [[1, 2], [11], [], [12]]


def test_all_rows_of_a_number_are_left_if_one_of_them_is() -> None:
    records = [Record(n, None, 600 * n, ROUND) for n in (1, 2)] + [Record(3, None, 0)]
    case = classified(records, [Sent(11, 600, ROUND), Sent(12)])
    rest = agreement.groups_by_number(case, Policy(), is_complete=True)
    assert left(rest) == [[], [], [1, 2], [11]]


def test_numbers_with_the_same_last_digits_are_left_together_if_one_has_two_readings() -> None:
    def rest(spelled: str) -> list[list[object]]:
        records = [Record(1, None, 0, "+353872000002"), Record(2, None, 0, "+447872000002")]
        sent = [Sent(11, 0, spelled), Sent(13, 600, "+353873000003")]
        case = classified([*records, Record(3, None, 600, "+353873000003")], sent)
        return left(agreement.groups_by_number(case, Policy(), is_complete=True))

    assert rest("+353872000002") == [[], [], [2], []]
    assert rest("872000002") == [[], [], [1, 2], [11]]


def test_what_a_gap_may_explain_is_left_where_there_may_be_one() -> None:
    records = [
        Record(1, None, 600, ROUND, status="not_sent"),
        Record(2, 77, 0, "+353872000002"),
        Record(3, None, 0, "+353873000003"),
    ]
    case = classified(records, [Sent(11, 0, "+353872000002"), Sent(12, 0, "+353873000003")])
    rest = agreement.groups_by_number(case, Policy(), is_complete=False)
    assert left(rest) == [[], [], [1, 2], [11]]


def test_a_failed_record_is_left_since_a_message_without_a_number_may_be_its_own() -> None:
    # The message is in another part. If the record were not left, it would be missing there.
    records = [
        Record(1, None, 0, ROUND, status="failed"),
        Record(2, None, 0, ROUND, status="not_sent"),
        Record(3, None, 600, ROUND),
    ]
    case = classified(records, [Sent(11, 600, ROUND)])
    rest = agreement.groups_by_number(case, Policy(), is_complete=True)
    assert left(rest) == [[], [], [1], []]


def test_only_pairs_whose_record_holds_an_id_count_as_pairs_with_one() -> None:
    case = classified([Record(1), Record(2, 12, 600)], [Sent(11), Sent(12, 600)])
    day = agreement.groups_by_number(case, Policy(), is_complete=True).agreed.days[0]
    assert (int(day.local.sum()), day.with_id) == (2, 1)
