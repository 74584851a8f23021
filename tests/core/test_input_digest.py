"""What a verdict rests on, told apart by a digest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pandas as pd
import pytest

from recon.core.input_digest import RowsDigest, digest
from recon.core.link import Side
from recon.model import Span
from tests.factories import EVER, Record, Reject, Sent, at, local_side, provider_side

START, END = at(0), at(1000)
RECORDS = [Record(1, 11, 10), Record(2, None, 20), Record(3, 13, 2000)]
MESSAGES = [Sent(11, 10), Sent(13, 2000)]


def made(local: Side, provider: Side, spans: tuple[Span, ...] = EVER) -> str:
    return digest(START, END, local, provider, spans)


BEFORE = made(local_side(RECORDS), provider_side(MESSAGES))


def test_equal_input_gives_an_equal_digest() -> None:
    assert made(local_side(RECORDS), provider_side(MESSAGES)) == BEFORE


@pytest.mark.parametrize(
    "records",
    [
        RECORDS[1:],
        [*RECORDS, Record(4, None, 30)],
        [Record(1, 11, 10, status="failed"), *RECORDS[1:]],
        [Record(1, 12, 10), *RECORDS[1:]],
        [Record(1, None, 10), Record(2, 11, 20), RECORDS[2]],
        [Record(1, 11, 10.000001), *RECORDS[1:]],
        [Record(1, 11, 10, phone_number=None), *RECORDS[1:]],
    ],
)
def test_each_change_of_a_record_shows(records: list[Record]) -> None:
    assert made(local_side(records), provider_side(MESSAGES)) != BEFORE


@pytest.mark.parametrize(
    "messages",
    [
        MESSAGES[1:],
        [Sent(11, 10, status="failed"), MESSAGES[1]],
        [Sent(11, 10, failure_reason="no"), MESSAGES[1]],
    ],
)
def test_each_change_of_a_message_shows(messages: list[Sent]) -> None:
    assert made(local_side(RECORDS), provider_side(messages)) != BEFORE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["no"], ["on"]),
        (["ab", "c"], ["a", "bc"]),
        (["a", None], [None, "a"]),
        ([None], [""]),
    ],
)
def test_texts_of_the_same_letters_or_lengths_differ(
    one: list[str | None], other: list[str | None]
) -> None:
    first, second = (
        provider_side([Sent(n, 10, failure_reason=text) for n, text in enumerate(texts, 11)])
        for texts in (one, other)
    )
    assert made(local_side(RECORDS), first) != made(local_side(RECORDS), second)


def test_no_id_is_no_zero() -> None:
    none, zero = (local_side([Record(1, an_id, 10)]) for an_id in (None, 0))
    assert made(none, provider_side(MESSAGES)) != made(zero, provider_side(MESSAGES))


def test_each_of_many_words_of_a_status_shows() -> None:
    records = [Record(n, None, n, status=f"word {n:03}") for n in range(300)]
    many = made(local_side(records), provider_side([]))
    for at_one in (0, 127, 128, 255, 256, 299):
        changed = [
            replace(one, status="another") if one.local_id == at_one else one for one in records
        ]
        assert made(local_side(changed), provider_side([])) != many
    swapped = [
        *records[:200],
        replace(records[200], status=records[201].status),
        replace(records[201], status=records[200].status),
        *records[202:],
    ]
    assert made(local_side(swapped), provider_side([])) != many


def test_a_row_that_cannot_be_read_shows() -> None:
    rejects = [Reject(local_id="9", sent_at=30)]
    assert made(local_side(RECORDS, rejects), provider_side(MESSAGES)) != BEFORE


def test_a_gap_shows_and_coverage_elsewhere_does_not() -> None:
    sides = local_side(RECORDS), provider_side(MESSAGES)
    assert made(*sides, (Span(at(5), None),)) != BEFORE
    assert made(*sides, (Span(at(-5), at(3000)),)) == BEFORE


def test_other_days_and_when_a_message_was_seen_do_not_show() -> None:
    messages = [Sent(11, 10, observed_at=99), Sent(13, 2000, status="failed")]
    records = [*RECORDS[:2], Record(3, 14, 2000)]
    assert made(local_side(records), provider_side(messages)) == BEFORE


def test_how_a_status_is_kept_in_memory_does_not_show() -> None:
    side = local_side(RECORDS)
    wider = side.frame["status"].cat.set_categories(["x", "sent"])
    other = replace(side, frame=side.frame.assign(status=pd.Series(wider)))
    assert made(other, provider_side(MESSAGES)) == BEFORE


@pytest.mark.parametrize("cuts", [(), (1,), (3, 3, 9), (8, 16), range(1, 20)])
def test_parts_give_the_digest_of_the_whole(cuts: Sequence[int]) -> None:
    records = [
        Record(n, None if n % 7 == 2 else n, n, phone_number=None if n % 5 == 1 else f"+35387{n}")
        for n in range(20)
    ]
    frame = local_side(records).frame

    def of(parts: Iterable[pd.DataFrame], end: datetime = END) -> bytes:
        made = RowsDigest(START, end, block_rows=8)
        for part in parts:
            made.add(part)
        assert made.digest() == made.digest()
        return made.digest()

    bounds = [0, *cuts, len(frame)]
    parts = [frame.iloc[a:b] for a, b in pairwise(bounds)]
    assert of(parts) == of([frame])
    assert of(parts[::-1]) != of([frame]) or not cuts
    assert of(parts, at(15)) == of([frame.iloc[:15]]) != of([frame])
