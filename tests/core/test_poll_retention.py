from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from recon.core.listing_evidence import AnswerKind
from recon.core.poll_retention import ONE_FOR_EACH, StoredPoll, superfluous
from tests.factories import NOON

READINGS = [str(one) for one in AnswerKind]


def stored(
    *polls: tuple[str, int | None] | tuple[str, int | None, int], seconds: float = 6
) -> list[StoredPoll]:
    """Return polls in their order, each as its reading, coverage and number of items."""
    return [
        StoredPoll(
            poll_id=number,
            kept_at=NOON + timedelta(seconds=seconds * number),
            reading=poll[0],
            coverage_id=poll[1],
            item_count=poll[2] if len(poll) > 2 else 100,
        )
        for number, poll in enumerate(polls, 1)
    ]


def test_of_polls_that_say_the_same_the_first_and_the_last_stay() -> None:
    polls = stored(*[("after_oldest", 1)] * 9)
    assert superfluous(polls) == [2, 3, 4, 5, 6, 7, 8]
    assert superfluous(polls[:2]) == superfluous([]) == []


def test_the_first_and_last_poll_of_each_stretch_of_coverage_stay() -> None:
    polls = stored(*[("after_oldest", 1)] * 4, *[("after_oldest", 2)] * 4)
    assert superfluous(polls) == [2, 3, 6, 7]


def test_one_poll_stays_for_each_hour() -> None:
    polls = stored(*[("after_oldest", 1)] * 601, seconds=60)
    gone = set(superfluous(polls))
    left = [one for one in polls if one.poll_id not in gone]
    gaps = [after.kept_at - before.kept_at for before, after in pairwise(left)]
    assert len(left) == 11
    assert set(gaps) == {ONE_FOR_EACH}


def test_a_refused_answer_costs_its_neighbours_nothing() -> None:
    some = [("after_oldest", 1), ("after_oldest", 1), ("refused", None)]
    left = {1, 14} | {3, 15}
    assert set(superfluous(stored(*some * 5))) == set(range(1, 16)) - left


def test_the_last_whole_answer_of_each_length_stays() -> None:
    lengths = (7, 7, 7, 8, 8, 8, 8, 9, 9, 9)
    polls = stored(*[("whole", 1, length) for length in lengths])
    assert superfluous(polls) == [2, 5, 6, 9]


@given(
    st.lists(
        st.tuples(st.sampled_from(READINGS), st.sampled_from((None, 1, 2)), st.integers(1, 2)),
        max_size=30,
    )
)
def test_the_accepted_poll_before_one_that_went_tells_what_it_was_part_of(
    said: Sequence[tuple[str, int | None, int]],
) -> None:
    polls = stored(*said)
    gone = set(superfluous(polls))
    latest = None
    for poll in polls:
        if poll.poll_id not in gone:
            latest = poll if poll.is_accepted else latest
        elif poll.is_accepted:
            assert latest is not None
            assert latest.coverage_id == poll.coverage_id


@given(st.lists(st.sampled_from(READINGS), max_size=60), st.integers(2, 9))
def test_thinning_in_steps_ends_where_thinning_at_once_does(
    readings: Sequence[str], at_a_time: int
) -> None:
    polls = stored(*[(reading, 1) for reading in readings])
    at_once = set(superfluous(polls))
    seen: list[StoredPoll] = []
    for poll in polls:
        seen.append(poll)
        gone = superfluous(seen[-at_a_time:])
        seen = [one for one in seen if one.poll_id not in gone]
    assert {one.poll_id for one in seen} >= {one.poll_id for one in polls} - at_once
