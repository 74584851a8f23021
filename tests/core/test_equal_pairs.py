"""Of equally good pairs by number and time, those whose statuses agree."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from recon.core import calendar, judge
from recon.core.policy import Policy
from recon.model import Verdict
from tests.factories import EVER, Record, Sent, local_side, provider_side

DAY = calendar.unbounded("UTC")
OTHER = "+353877654321"


def judged(records: Sequence[Record], messages: Sequence[Sent]) -> Verdict:
    sides = local_side(records), provider_side(messages)
    [verdict] = judge.judge("main", [DAY], *sides, spans=EVER, policy=Policy(trust_input=True))
    return verdict


def found(records: Sequence[Record], messages: Sequence[Sent]) -> list[str]:
    """Return the kinds of the findings, which are the same in whatever order the rows are."""
    orders = itertools.product(itertools.permutations(records), itertools.permutations(messages))
    kinds = {tuple(sorted(judged(*one).findings["kind"])) for one in orders}
    [same] = kinds
    return [*same]


@pytest.mark.parametrize("first", ["not_sent", "failed", "odd"])
def test_of_two_records_of_a_moment_the_one_that_agrees_has_the_message(first: str) -> None:
    # The first attempt failed, and the second was made in the same second.
    records = [Record(1, status=first), Record(2, status="sent")]
    assert found(records, [Sent(11, 1)]) == (["missing_at_provider"] if first == "odd" else [])


def test_of_two_messages_of_a_moment_the_one_that_agrees_has_the_record() -> None:
    messages = [Sent(11, 1, status="failed"), Sent(12, 1)]
    assert found([Record(1, status="read")], messages[:1]) == ["status_mismatch"]
    assert found([Record(1, status="delivered")], messages) == ["duplicate_send"]


@pytest.mark.parametrize("times", [(0, 0, 1, 2), (0, 5, 11, 12), (20, 25, 11, 12), (3, 3, 3, 3)])
def test_two_pairs_that_contradict_are_exchanged_if_the_times_allow_both(
    times: tuple[float, float, float, float],
) -> None:
    records = [Record(1, None, times[0], status="failed"), Record(2, None, times[1])]
    messages = [Sent(11, times[2]), Sent(12, times[3], status="failed")]
    assert found(records, messages) == []


def test_the_least_difference_in_time_goes_before_agreement() -> None:
    records = [Record(1, None, 0, status="failed"), Record(2, None, 30)]
    messages = [Sent(11, 1), Sent(12, 31, status="failed")]
    assert found(records, messages) == ["status_mismatch", "status_mismatch"]


def test_a_pair_is_not_exchanged_beyond_the_tolerance() -> None:
    records = [Record(1, None, 0, status="failed"), Record(2, None, 60)]
    messages = [Sent(11, 100), Sent(12, 150, status="failed")]
    assert found(records, messages) == ["status_mismatch", "status_mismatch"]


def test_a_record_with_another_id_takes_the_place_of_none() -> None:
    records = [Record(1, None, status="failed"), Record(2, 77)]
    assert found(records, [Sent(11)]) == ["missing_at_provider", "status_mismatch"]


def test_other_numbers_are_not_concerned() -> None:
    records = [Record(1, status="failed"), Record(2, phone_number=OTHER)]
    messages = [Sent(11), Sent(12, 0, OTHER, status="failed")]
    assert found(records, messages) == ["status_mismatch", "status_mismatch"]
