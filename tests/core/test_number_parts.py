"""Numbers in parts give what they give in one piece."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.core import number_parts
from recon.core.link import Positions

PARTS = st.lists(
    st.lists(st.integers(-(2**52), 2**52) | st.integers(-3, 3), max_size=8).map(
        lambda numbers: np.array(numbers, dtype=np.int64)
    ),
    min_size=1,
    max_size=5,
)


@given(PARTS)
def test_the_median_is_that_of_all(parts: list[Positions]) -> None:
    if number_parts.count(parts):
        assert number_parts.median(parts) == np.median(np.concatenate(parts))


@given(PARTS, st.lists(st.integers(-5, 5), max_size=5))
def test_bounds_are_counted_in_all(parts: list[Positions], bounds: list[int]) -> None:
    asked, whole = np.array(bounds, dtype=np.int64), np.sort(np.concatenate(parts))
    parts = [np.sort(part) for part in parts]
    below, up_to = (number_parts.counted_below(parts, asked, side) for side in ("left", "right"))
    assert below.tolist() == np.searchsorted(whole, asked).tolist()
    assert up_to.tolist() == np.searchsorted(whole, asked, "right").tolist()


@given(PARTS, st.lists(st.integers(-5, 5), max_size=5), st.sampled_from([0, 1, 3]))
def test_what_a_mask_chooses_is_counted(
    parts: list[Positions], bounds: list[int], left_out: int
) -> None:
    asked, in_any_order = np.array(bounds, dtype=np.int64), np.concatenate(parts)
    mask = np.arange(len(in_any_order)) % 4 >= left_out
    for numbers in (in_any_order, np.sort(in_any_order)):
        chosen = number_parts.chosen(numbers, mask)
        expected = np.sort(numbers[mask])
        for side in ("left", "right"):
            found = chosen.searchsorted(asked, side=side)
            assert found.tolist() == expected.searchsorted(asked, side=side).tolist()
        assert len(chosen) == len(expected)


def test_most_of_sorted_numbers_are_not_copied() -> None:
    numbers = np.arange(100)
    chosen = number_parts.chosen(numbers, numbers != 7)
    assert isinstance(chosen, number_parts.AllBut)
    assert chosen.numbers is numbers


@pytest.mark.parametrize("size", [64, 640, 10**6])
def test_slices_together_are_all_numbers_in_order(size: int) -> None:
    rng = np.random.default_rng(3)
    parts = [rng.integers(-500, 500, 900), rng.integers(0, 10**9, 1100), np.zeros(300, np.int64)]
    slices = list(number_parts.in_slices(parts, size=size))
    assert np.concatenate(slices).tolist() == np.sort(np.concatenate(parts)).tolist()
    assert len(slices) == 1 if size == 10**6 else len(slices) > 2


def test_parts_are_made_whenever_they_are_gone_through() -> None:
    made = []

    def part() -> Positions:
        made.append(1)
        return np.arange(3)

    parts = number_parts.Parts([part, part])
    assert (number_parts.count(parts), number_parts.median(parts)) == (6, 1.0)
    assert len(made) > 4


def test_a_sample_of_the_parts_does_not_hold_them() -> None:
    made: list[weakref.ref[object]] = []
    most = 0

    def part() -> Positions:
        nonlocal most
        numbers = np.arange(1000) * np.int64(7)
        made.append(weakref.ref(numbers))
        most = max(most, sum(one() is not None for one in made))
        return numbers

    assert len([*number_parts.in_slices(number_parts.Parts([part] * 6), size=640)]) > 2
    # The one that is done, and the next one.
    assert most <= 2
