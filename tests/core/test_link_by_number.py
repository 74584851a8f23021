"""Linking by number and time is exact, whatever the order of the rows."""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.core import assignment, link_by_number
from tests.core import oracles

if TYPE_CHECKING:
    from numpy.typing import NDArray

Row: TypeAlias = tuple[int, int]
"""Number key and time."""
Pairs: TypeAlias = set[tuple[int, int]]

SECOND = 1_000_000


def ints(values: object) -> NDArray[np.int64]:
    return np.asarray(values, dtype=np.int64).reshape(-1)


def link(local: list[Row], provider: list[Row], tolerance: int) -> Pairs:
    """Return the pairs as places in the two lists, which are also the orders."""
    left, right = link_by_number.link(
        ints([key for key, _ in local]),
        ints([time for _, time in local]),
        np.arange(len(local)),
        ints([key for key, _ in provider]),
        ints([time for _, time in provider]),
        np.arange(len(provider)),
        tolerance,
    )
    return set(zip(left.tolist(), right.tolist(), strict=True))


def of_one_number(sends: list[int], messages: list[int], tolerance: int) -> Pairs:
    return link([(7, time) for time in sends], [(7, time) for time in messages], tolerance)


def assert_as_good_as(
    expected: tuple[int, int], sends: list[int], messages: list[int], tolerance: int
) -> None:
    pairs = of_one_number(sends, messages, tolerance)
    distances = [abs(sends[left] - messages[right]) for left, right in pairs]
    assert len({left for left, _ in pairs}) == len({right for _, right in pairs}) == len(pairs)
    assert all(distance <= tolerance for distance in distances)
    assert (len(pairs), sum(distances)) == expected


def test_the_nearest_message_wins_over_the_first_in_the_list() -> None:
    assert of_one_number([0], [52, 50], 120) == {(0, 1)}


def test_two_possible_pairs_are_both_made_though_a_nearer_one_is_given_up() -> None:
    assert of_one_number([0, 100], [90, 200], 100) == {(0, 0), (1, 1)}


def test_the_tolerance_is_inclusive_and_exact_to_the_microsecond() -> None:
    start = 1_777_000_000 * SECOND
    assert of_one_number([start], [start + 120 * SECOND], 120 * SECOND) == {(0, 0)}
    assert of_one_number([start], [start - 120 * SECOND], 120 * SECOND) == {(0, 0)}
    assert of_one_number([start], [start + 120 * SECOND + 1], 120 * SECOND) == set()
    assert of_one_number([start], [start - 120 * SECOND - 1], 120 * SECOND) == set()


def test_without_tolerance_only_equal_moments_pair() -> None:
    assert of_one_number([5, 6, 6], [6, 7], 0) == {(1, 0)}


def test_other_numbers_never_pair_however_near() -> None:
    assert link([(1, 0), (2, 10)], [(2, 0), (3, 10)], 10) == {(1, 0)}


def test_rows_without_a_number_never_pair() -> None:
    assert link([(-1, 0), (4, 0)], [(-1, 0), (4, 0)], 10) == {(1, 1)}
    assert link([(-1, 0)], [(-1, 0)], 10) == set()


@pytest.mark.parametrize(("local", "provider"), [([], []), ([(1, 0)], []), ([], [(1, 0)])])
def test_an_empty_side_gives_no_pairs(local: list[Row], provider: list[Row]) -> None:
    assert link(local, provider, 10) == set()


def test_an_outer_stretch_that_is_too_long_does_not_cost_the_inner_one() -> None:
    assert of_one_number([0, 6], [7, 14], 10) == {(0, 0), (1, 1)}
    assert of_one_number([0, 6], [7, 17], 10) == {(1, 0)}


def test_of_equal_rows_those_of_smaller_order_are_paired_first_with_first() -> None:
    assert of_one_number([5, 5, 5], [6], 10) == {(0, 0)}
    assert of_one_number([5, 5, 5], [6, 6], 10) == {(0, 0), (1, 1)}
    assert of_one_number([6], [5, 5, 5], 10) == {(0, 0)}
    assert of_one_number([4, 5, 5, 5], [5, 5], 0) == {(1, 0), (2, 1)}


def test_of_equally_good_partners_the_earlier_is_taken() -> None:
    assert of_one_number([10], [15, 5], 10) == {(0, 1)}
    assert of_one_number([15, 5], [10], 10) == {(1, 0)}


def test_a_negative_tolerance_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        of_one_number([0], [0], -1)


def test_a_tolerance_wider_than_all_times_is_no_limit() -> None:
    assert of_one_number([0, 50], [10**15], 2**70) == {(1, 0)}


def test_a_line_that_64_bits_cannot_hold_is_refused_rather_than_wrong() -> None:
    far = 2**61
    local = [(number, number % 2 * far) for number in range(6)]
    with pytest.raises(ValueError, match="too large"):
        link(local, local, far)


def test_sums_of_moments_beyond_64_bits_do_not_harm() -> None:
    tolerance = 2**40
    local = [(number, 0) for number in range(4000)]
    provider = [(number, time) for number in range(4000) for time in (tolerance, 3)]
    pairs = link(local, provider, tolerance)
    assert pairs == {(number, 2 * number + 1) for number in range(4000)}


def test_five_thousand_sends_to_one_number_are_linked_as_well_as_a_few() -> None:
    rng = np.random.default_rng(5)
    sends = np.sort(rng.integers(0, 86_400, 400)).tolist()
    messages = np.sort(rng.integers(0, 86_400, 360)).tolist()
    for tolerance in (30, 120, 900, 86_400):
        expected = oracles.best_without_crossing(sends, messages, tolerance)
        assert_as_good_as(expected, sends, messages, tolerance)
    nested = of_one_number(list(range(5000)), list(range(5000, 9500)), 9500)
    assert nested == {(500 + place, place) for place in range(4500)}


moments = st.lists(st.integers(0, 24), max_size=6)


#: How many sends and messages, each at one of six moments: all such problems are gone through.
SIZES = [(m, n) for m in range(1, 6) for n in range(1, 6) if m + n <= 8]


def all_problems(sends: int, messages: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return every choice of so many sends and so many messages, a row each."""
    mine = np.array(list(combinations_with_replacement(range(6), sends)))
    theirs = np.array(list(combinations_with_replacement(range(6), messages)))
    return np.repeat(mine, len(theirs), axis=0), np.tile(theirs, (len(mine), 1))


@pytest.mark.thorough
@pytest.mark.parametrize("tolerance", range(6))
def test_every_small_problem_is_solved_as_by_trying_all_and_ties_go_to_the_earliest_rows(
    tolerance: int,
) -> None:
    problems = [all_problems(*size) for size in SIZES]
    counts = [len(sends) for sends, _ in problems]
    firsts = np.cumsum([0, *counts])
    assert firsts[-1] > 40_000
    # One number a problem, all linked at once, the rows of either side in any order.
    rng = np.random.default_rng(tolerance)
    sides = []
    for side in (0, 1):
        rows = [problem[side] for problem in problems]
        keys = [
            np.repeat(first + np.arange(len(r)), r.shape[1])
            for first, r in zip(firsts[:-1], rows, strict=True)
        ]
        times = [r.ravel() for r in rows]
        places = [np.tile(np.arange(r.shape[1]), len(r)) for r in rows]
        columns = np.stack([np.concatenate(c) for c in (keys, times, places)])
        sides.append(columns[:, rng.permutation(columns.shape[1])])
    (key, time, place), (other_key, other_time, other_place) = sides
    left, right = link_by_number.link(
        key, time, place, other_key, other_time, other_place, tolerance
    )
    assert (key[left] == other_key[right]).all()
    same = key[left][1:] == key[left][:-1]
    for order in (place[left], other_place[right]):
        assert (np.diff(order)[same] > 0).all(), "first with first"

    def per_problem(values: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(key[left], values, minlength=firsts[-1]).astype(np.int64)

    expected = [oracles.best_of_all_matchings(*problem, tolerance) for problem in problems]
    sends, messages, distance = (np.concatenate(parts) for parts in zip(*expected, strict=True))
    assert np.array_equal(per_problem(1 << place[left]), sends)
    assert np.array_equal(per_problem(1 << other_place[right]), messages)
    assert np.array_equal(per_problem(np.abs(time[left] - other_time[right])), distance)


@settings(max_examples=150)
@given(sends=moments, messages=moments, tolerance=st.integers(0, 12))
def test_number_and_time_is_as_good_as_trying_all(
    sends: list[int], messages: list[int], tolerance: int
) -> None:
    expected = oracles.best_by_trying_all(sends, messages, tolerance)
    assert_as_good_as(expected, sends, messages, tolerance)
    assert oracles.best_without_crossing(sends, messages, tolerance) == expected


@settings(max_examples=100)
@given(
    sends=st.lists(st.integers(0, 200), max_size=40),
    messages=st.lists(st.integers(0, 200), max_size=40),
    tolerance=st.integers(0, 60),
)
def test_longer_stretches_are_as_good_as_the_full_table(
    sends: list[int], messages: list[int], tolerance: int
) -> None:
    expected = oracles.best_without_crossing(sends, messages, tolerance)
    assert_as_good_as(expected, sends, messages, tolerance)


@pytest.mark.parametrize("seed", range(10))
def test_two_thousand_numbers_at_once_are_each_as_good_as_trying_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    numbers, span, tolerance = 2000, int(rng.integers(2, 30)), int(rng.integers(0, 10))
    local_key = np.repeat(np.arange(numbers), rng.integers(0, 6, numbers))
    provider_key = np.repeat(np.arange(numbers), rng.integers(0, 6, numbers))
    rng.shuffle(local_key)
    rng.shuffle(provider_key)
    local_time = rng.integers(0, span, local_key.size)
    provider_time = rng.integers(0, span, provider_key.size)
    left, right = link_by_number.link(
        local_key,
        local_time,
        np.arange(local_key.size),
        provider_key,
        provider_time,
        np.arange(provider_key.size),
        tolerance,
    )
    assert np.unique(left).size == np.unique(right).size == left.size
    assert (local_key[left] == provider_key[right]).all()
    distance = np.abs(local_time[left] - provider_time[right])
    assert distance.max() <= tolerance
    pairs = np.bincount(local_key[left], minlength=numbers)
    total = np.bincount(local_key[left], distance, minlength=numbers).astype(int)
    expected = [
        oracles.best_by_trying_all(
            local_time[local_key == number].tolist(),
            provider_time[provider_key == number].tolist(),
            tolerance,
        )
        for number in range(numbers)
    ]
    assert list(zip(pairs.tolist(), total.tolist(), strict=True)) == expected


def test_long_stretches_that_break_in_the_middle_are_as_good_as_the_full_table() -> None:
    rng = np.random.default_rng(11)
    tolerance, count = 20, 300
    stretches = []
    for _ in range(count):
        sends = np.sort(rng.integers(0, 60, rng.integers(5, 14)))
        # Each message comes just in reach of its send, or just out of it; some never come.
        messages = (sends + rng.integers(16, 23, sends.size))[rng.random(sends.size) < 0.9]
        stretches += [(sends, messages), (messages, sends)]
    expected = [
        oracles.best_without_crossing(mine.tolist(), theirs.tolist(), tolerance)
        for mine, theirs in stretches
    ]

    (keys, times), (other_keys, other_times) = (
        (np.repeat(np.arange(2 * count), list(map(len, side))), np.concatenate(side))
        for side in zip(*stretches, strict=True)
    )
    left, right = link_by_number.link(
        keys,
        times,
        np.arange(keys.size),
        other_keys,
        other_times,
        np.arange(other_keys.size),
        tolerance,
    )
    distance = np.abs(times[left] - other_times[right])
    assert distance.max() == tolerance
    pairs = np.bincount(keys[left], minlength=2 * count)
    total = np.bincount(keys[left], distance, minlength=2 * count).astype(np.int64)
    assert list(zip(pairs.tolist(), total.tolist(), strict=True)) == expected


rows = st.lists(st.tuples(st.integers(-1, 2), st.integers(0, 9)), max_size=12)


@settings(max_examples=150)
@given(local=rows, provider=rows, tolerance=st.integers(0, 5), seed=st.integers(0, 2**32 - 1))
def test_shuffled_rows_give_the_same_pairs_of_orders(
    local: list[Row], provider: list[Row], tolerance: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    left, right = rng.permutation(len(local)), rng.permutation(len(provider))
    local_rows, provider_rows = ints(local).reshape(-1, 2), ints(provider).reshape(-1, 2)
    found = link_by_number.link(
        local_rows[left, 0],
        local_rows[left, 1],
        left,
        provider_rows[right, 0],
        provider_rows[right, 1],
        right,
        tolerance,
    )
    orders = set(zip(left[found[0]].tolist(), right[found[1]].tolist(), strict=True))
    assert orders == link(local, provider, tolerance)


def test_an_empty_line_pairs_nothing() -> None:
    assert assignment.paired(ints([]), np.zeros(0, dtype=np.bool_), 5).size == 0
