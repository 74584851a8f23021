"""Linking by id: each message goes to the nearest record that names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.core import link_by_id

if TYPE_CHECKING:
    from numpy.typing import NDArray

Row: TypeAlias = tuple[int, int]
"""Id and time."""
Pairs: TypeAlias = set[tuple[int, int]]


def ints(values: object) -> NDArray[np.int64]:
    return np.asarray(values, dtype=np.int64).reshape(-1)


def by_id(
    local: list[tuple[int | None, int]],
    provider: list[Row],
    order: list[int] | None = None,
    *,
    block_rows: int = 1000,
) -> tuple[Pairs, Pairs]:
    """Return the links and the duplicates, as places in the two lists of ids and times."""
    links = link_by_id.link(
        ints([wanted or 0 for wanted, _ in local]),
        np.array([wanted is not None for wanted, _ in local], dtype=np.bool_),
        ints([time for _, time in local]),
        ints(range(len(local)) if order is None else order),
        ints([known for known, _ in provider]),
        ints([time for _, time in provider]),
        block_rows=block_rows,
    )
    assert links.duplicate_local.tolist() == sorted(links.duplicate_local.tolist())
    pairs = {(row, to) for row, to in enumerate(links.partner_of_local.tolist()) if to >= 0}
    assert pairs == {(to, row) for row, to in enumerate(links.partner_of_provider) if to >= 0}
    return (
        pairs,
        set(zip(links.duplicate_local.tolist(), links.duplicate_of.tolist(), strict=True)),
    )


def test_records_go_to_the_message_they_name() -> None:
    assert by_id([(3, 0), (9, 0), (1, 0)], [(1, 0), (2, 0), (3, 0)]) == ({(0, 2), (2, 0)}, set())


def test_a_record_without_an_id_names_nothing_whatever_stands_there() -> None:
    assert by_id([(None, 0)], [(0, 0)]) == (set(), set())


def test_ids_beyond_the_precision_of_floats_stay_apart() -> None:
    big = 2**53
    assert by_id([(big + 1, 0)], [(big, 0), (big + 2, 0)]) == (set(), set())


def test_of_several_records_the_nearest_in_time_accounts_for_the_message() -> None:
    links = by_id([(5, 100), (5, 9), (5, 12)], [(4, 0), (5, 10)])
    assert links == ({(1, 1)}, {(0, 1), (2, 1)})


def test_equally_near_records_are_distinguished_by_their_order() -> None:
    records: list[tuple[int | None, int]] = [(5, 11), (5, 9), (5, 11)]
    assert by_id(records, [(5, 10)], [2, 1, 0]) == ({(2, 0)}, {(0, 0), (1, 0)})
    assert by_id(records, [(5, 10)], [1, 0, 2]) == ({(1, 0)}, {(0, 0), (2, 0)})


def test_an_id_twice_on_the_providers_side_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="unique"):
        by_id([(1, 0)], [(1, 0), (2, 0), (1, 5)])


#: Close together or as far apart as 64 bits allow: they are looked up in two ways.
SOME_IDS = st.integers(0, 8) | st.sampled_from([-(2**63), -1, 2**53 + 1, 2**63 - 1])


@pytest.mark.thorough
@settings(max_examples=400)
@given(
    local=st.lists(st.tuples(st.none() | SOME_IDS, st.integers(0, 9)), max_size=12),
    provider=st.lists(
        st.tuples(SOME_IDS, st.integers(0, 9)), max_size=9, unique_by=lambda row: row[0]
    ),
    data=st.data(),
)
def test_links_by_id_are_those_of_a_plain_search(
    local: list[tuple[int | None, int]], provider: list[Row], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(local))))
    links: Pairs = set()
    duplicates: Pairs = set()
    for message, (wanted, time) in enumerate(provider):
        ranked = sorted(
            (abs(sent - time), order[record], record)
            for record, (named, sent) in enumerate(local)
            if named == wanted
        )
        links |= {(record, message) for _, _, record in ranked[:1]}
        duplicates |= {(record, message) for _, _, record in ranked[1:]}
    assert by_id(local, provider, order) == (links, duplicates)
    assert by_id(local, provider, order, block_rows=3) == (links, duplicates)
