"""How proofs add up."""

from __future__ import annotations

import itertools
from datetime import datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recon.core import coverage
from recon.model import Span
from tests.factories import at, message


def test_spans_that_touch_or_overlap_join_and_others_leave_a_gap() -> None:
    spans = [Span(at(50), at(60)), Span(at(0), at(10)), Span(at(10), at(20)), Span(at(15), at(30))]
    assert coverage.merge(spans) == (Span(at(0), at(30)), Span(at(50), at(60)))
    assert coverage.merge([Span(at(0), at(9)), Span(None, at(3))]) == (Span(None, at(9)),)
    assert coverage.merge([Span(at(0), None), Span(at(5), at(9))]) == (Span(at(0), None),)


def test_the_gaps_of_a_window_are_what_no_span_covers() -> None:
    window = Span(at(0), at(100))
    assert coverage.gaps(window, []) == (window,)
    assert coverage.gaps(window, [Span(None, at(100))]) == ()
    assert coverage.gaps(window, [Span(at(20), at(30)), Span(at(90), at(200))]) == (
        Span(at(0), at(20)),
        Span(at(30), at(90)),
    )
    assert coverage.gaps(window, [Span(at(-9), at(0)), Span(at(100), None)]) == (window,)
    assert coverage.gaps(Span(None, None), []) == ()


def test_a_span_covers_its_start_and_not_its_end() -> None:
    times = np.array([coverage.microseconds(at(s)) for s in (-1e-6, 0, 9.999999, 10)])
    covered = coverage.covered([Span(at(0), at(10))], times)
    assert covered.tolist() == [False, True, True, False]
    assert coverage.covered([Span(None, at(10))], times).tolist() == [True, True, True, False]
    assert coverage.covered([Span(at(0), None)], times).tolist() == [False, True, True, True]
    assert not coverage.covered([], times).any()


@st.composite
def any_span(draw: st.DrawFn) -> Span:
    start, end = draw(st.lists(st.integers(0, 30), min_size=2, max_size=2, unique=True).map(sorted))
    return Span(
        None if draw(st.booleans()) and start < 9 else at(start),
        None if draw(st.booleans()) and end > 21 else at(end),
    )


spans = st.lists(any_span(), max_size=6)


@given(spans)
def test_merged_spans_cover_the_same_instants_and_stand_apart(given_spans: list[Span]) -> None:
    def inside(span: Span, time: datetime) -> bool:
        return (span.start is None or span.start <= time) and (span.end is None or time < span.end)

    merged = coverage.merge(given_spans)
    instants = [at(s / 2) for s in range(-4, 66)]
    window = Span(at(0), at(30))
    gaps = coverage.gaps(window, given_spans)
    mask = coverage.covered(given_spans, np.array([coverage.microseconds(t) for t in instants]))
    for instant, covered in zip(instants, mask, strict=True):
        expected = any(inside(span, instant) for span in given_spans)
        assert any(inside(span, instant) for span in merged) is expected
        assert covered == expected
        missed = inside(window, instant) and not expected
        assert any(inside(gap, instant) for gap in gaps) is missed
    for left, right in itertools.pairwise(merged):
        assert left.end is not None
        assert right.start is not None
        assert left.end < right.start


def test_what_is_left_without_some_spans_is_what_none_of_them_touches() -> None:
    whole = [Span(None, at(100))]
    assert coverage.subtract(whole, [Span(at(10), at(20)), Span(at(15), at(30))]) == (
        Span(None, at(10)),
        Span(at(30), at(100)),
    )
    assert coverage.subtract(whole, [Span(at(100), None)]) == tuple(whole)
    assert coverage.subtract(whole, [Span(None, at(40))]) == (Span(at(40), at(100)),)
    assert coverage.subtract(whole, [Span(None, None)]) == ()
    part = [Span(at(10), at(20))]
    assert coverage.subtract(part, [Span(at(5), at(15))]) == (Span(at(15), at(20)),)
    assert coverage.subtract(part, [Span(at(15), at(25))]) == (Span(at(10), at(15)),)
    assert coverage.subtract(part, [Span(at(5), at(25))]) == ()


def test_within_a_second_any_order_of_new_messages_is_as_good() -> None:
    shown = [message(2, 10.4), message(1, 10)]
    known = {1: coverage.ShownSpan(None, at(60))}
    assert coverage.late_messages(shown, {2: 1}, known) == ()
    assert coverage.late_messages([shown[0], message(1, 8.9)], {2: 1}, known) != ()
