from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.core import arrow_text

TEXTS = st.none() | st.text(max_size=3)


def texts(values: list[str | None], cuts: list[int]) -> pd.Series[Any]:
    """Return a column of text that lies in several pieces."""
    bounds = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
    pieces = [pa.array(values[a:b], pa.large_string()) for a, b in pairwise(bounds)]
    return pd.Series(pd.array(pa.chunked_array(pieces), dtype="str"))


@given(
    values=st.lists(TEXTS, max_size=12), cuts=st.lists(st.integers(0, 12), max_size=4), at=st.data()
)
def test_texts_are_taken_from_wherever_they_lie(
    values: list[str | None], cuts: list[int], at: st.DataObject
) -> None:
    places = at.draw(st.lists(st.integers(-1, len(values) - 1), max_size=20))
    found = arrow_text.take(texts(values, cuts), np.array(places, dtype=np.int64))
    assert found.type == arrow_text.TEXT
    assert found.to_pylist() == [None if place < 0 else values[place] for place in places]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pd.Series([7, 2**63 - 1]), ["7", str(2**63 - 1)]),
        (pd.Series([None, 2**63 - 1], dtype="Int64"), [None, str(2**63 - 1)]),
        (pd.Series(["b", None], dtype="category"), ["b", None]),
    ],
)
def test_numbers_and_categories_are_taken_as_they_read(
    column: pd.Series[Any], said: list[str | None]
) -> None:
    taken = arrow_text.take(column, np.array([1, -1, 0]))
    assert taken.to_pylist() == [said[1], None, said[0]]


def test_a_sentence_is_null_where_a_piece_of_it_is() -> None:
    names = pa.array(["a", None], arrow_text.TEXT)
    assert arrow_text.join("I am ", names, ".").to_pylist() == ["I am a.", None]
    assert arrow_text.coalesce(arrow_text.join("I am ", names), "who?").to_pylist() == [
        "I am a",
        "who?",
    ]


def test_texts_are_chosen_by_a_mask() -> None:
    mask, names = np.array([True, False]), pa.array(["a", "b"], arrow_text.TEXT)
    assert arrow_text.if_else(mask, names, "-").to_pylist() == ["a", "-"]
    assert arrow_text.where(mask, names).to_pylist() == ["a", None]
