"""Everything that a verdict follows from, told apart by a digest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from recon.core.absence_doubts import NO_DENIALS, Denials
from recon.core.link import Side
from recon.core.stale_records import may_have_ended
from recon.core.verdict_basis import basis
from recon.model import CoverageEvidence, RefusedAnswer, Withdrawal
from tests.factories import Record, Reject, Sent, at, local_side, provider_side

START, END = at(0), at(1000)
#: The third record's message was sent long before, and the third message's record long after.
RECORDS = [Record(1, 11, 10), Record(2, 12, 20), Record(3, 9, 30), Record(4, 13, 9000)]
MESSAGES = [Sent(9, -5000), Sent(11, 10), Sent(13, 40), Sent(14, 50, status="sent")]


def made(records: Side | None = None, messages: Side | None = None, **changed: object) -> str:
    given: dict[str, Any] = {
        "input_digest": "00",
        "denials": NO_DENIALS,
        "purged_below": None,
        "evidence": CoverageEvidence(),
        "untimed": True,
        "settings": "default",
    }
    sides = records or local_side(RECORDS), messages or provider_side(MESSAGES)
    given["have_ended"] = may_have_ended(*(side.frame for side in sides))
    return basis(START, END, *sides, **given | changed)


BEFORE = made()


def denied(*ids: int) -> Denials:
    bounds = np.iinfo(np.int64)
    every = np.zeros(len(ids), dtype=np.int64)
    return Denials(np.array(ids, dtype=np.int64), every + bounds.min, every + bounds.max)


def test_an_equal_basis_gives_an_equal_digest() -> None:
    assert made() == BEFORE


def test_rows_of_other_days_that_nothing_leads_to_do_not_show() -> None:
    records, messages = [*RECORDS, Record(5, 15, 9000)], [*MESSAGES, Sent(15, 9000)]
    assert made(local_side(records), provider_side(messages)) == BEFORE
    assert made(denials=denied(15)) == BEFORE
    assert made(purged_below=9) == made(purged_below=5)


@pytest.mark.parametrize(
    "messages",
    [
        MESSAGES[1:],
        [Sent(9, -5001), *MESSAGES[1:]],
        [Sent(9, -5000, status="failed"), *MESSAGES[1:]],
    ],
)
def test_a_message_of_another_day_shows_if_a_record_names_it(messages: list[Sent]) -> None:
    assert made(messages=provider_side(messages)) != BEFORE


def test_a_record_of_another_day_shows_if_it_names_a_message() -> None:
    assert made(local_side([*RECORDS[:3], Record(4, 13, 9001)])) != BEFORE


def later(side: Side, message_id: int) -> Side:
    frame = side.frame.copy()
    frame.loc[frame["message_id"] == message_id, "observed_at"] += timedelta(hours=1)
    return replace(side, frame=frame)


def test_when_a_message_was_seen_shows_only_while_it_waits() -> None:
    assert made(messages=later(provider_side(MESSAGES), 11)) == BEFORE
    assert made(messages=later(provider_side(MESSAGES), 14)) != BEFORE


def test_a_row_without_a_time_shows_and_so_does_whose_it_is() -> None:
    rejects = [Reject(local_id="9", sent_at=None)]
    with_one = local_side(RECORDS, rejects)
    assert made(with_one) != BEFORE
    assert made(with_one, untimed=False) != made(with_one)
    assert made(untimed=False) == BEFORE


def test_that_the_records_may_have_ended_shows() -> None:
    messages = provider_side([*MESSAGES, Sent(20, 20_000)])
    records = local_side(RECORDS)
    ended = made(records, messages)
    assert ended != BEFORE
    assert made(replace(records, newest=at(30_000)), messages) != ended
    assert made(local_side([*RECORDS, Record(5, None, -4000)]), messages) != ended


@pytest.mark.parametrize(
    "changed",
    [
        {"input_digest": "01"},
        {"settings": "others"},
        {"denials": denied(12)},
        {"purged_below": 12},
        {"evidence": CoverageEvidence(refused=(RefusedAnswer(at(5), "stale"),))},
        {"evidence": CoverageEvidence(withdrawn=(Withdrawal(None, at(5), "late"),))},
    ],
)
def test_evidence_and_settings_show(changed: dict[str, Any]) -> None:
    assert made(**changed) != BEFORE


@pytest.mark.parametrize("field", ["has_numbers", "has_statuses"])
def test_what_the_records_keep_at_all_shows(field: str) -> None:
    keep: Callable[..., Side] = replace
    assert made(keep(local_side(RECORDS), **{field: False})) != BEFORE
