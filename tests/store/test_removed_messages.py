from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa

from recon.core.listing_evidence import AnswerKind
from recon.model import Message, Span
from recon.store import coverage_proof, messages, removed_messages
from recon.store.messages import KeepResult
from tests.factories import KEY, at, listing, message
from tests.store.table_contents import rows

HOUR = 3_600


def shown(*ids: int) -> list[Message]:
    """Return messages, each sent so many minutes after noon."""
    return [message(n, 60 * n) for n in ids]


def keep(engine: sa.Engine, hours: float, *ids: int) -> KeepResult:
    answer = listing(*shown(*ids), answered=hours * HOUR)
    return messages.keep(engine, "main", KEY, answer)


def settle(
    engine: sa.Engine,
    hours: float,
    denied: Sequence[int] = (),
    found: Sequence[int] = (),
    account: str = "main",
) -> bool:
    return removed_messages.settle(
        engine, account, KEY, denied=denied, found=found, at=at(hours * HOUR)
    )


@pytest.fixture
def lacking(engine: sa.Engine) -> sa.Engine:
    """A store in which three answers over a day lack messages 2 to 8 of 1 to 9."""
    keep(engine, 1, *range(1, 10))
    for hours in (2, 14, 26):
        assert keep(engine, hours, 1, 9).proof.reading is AnswerKind.REFUSED
    return engine


def test_three_answers_over_a_day_lead_to_five_questions(engine: sa.Engine) -> None:
    keep(engine, 1, *range(1, 10))
    for hours in (2, 14, 25.9):
        assert keep(engine, hours, 1, 9).ask_for == ()
    assert keep(engine, 26, 1, 9).ask_for == (2, 3, 4, 5, 6)


def test_two_answers_are_not_enough_however_far_apart(engine: sa.Engine) -> None:
    keep(engine, 1, 1, 2, 3)
    assert keep(engine, 2, 1, 3).ask_for == ()
    assert keep(engine, 200, 1, 3).ask_for == ()
    assert keep(engine, 201, 1, 3).ask_for == (2,)


def test_a_message_that_is_listed_again_was_never_removed(engine: sa.Engine) -> None:
    keep(engine, 1, 1, 2, 3)
    keep(engine, 2, 1, 3)
    keep(engine, 14, 1, 3)
    assert keep(engine, 15, 1, 2, 3).proof.reading is AnswerKind.WHOLE
    assert keep(engine, 40, 1, 3).ask_for == ()


def test_denied_messages_count_as_removed_and_answers_prove_again(lacking: sa.Engine) -> None:
    assert settle(lacking, 26, denied=[2, 3, 4, 5, 6])
    kept = keep(lacking, 27, 1, 9)
    assert kept.proof.reading is AnswerKind.WHOLE
    assert kept.ask_for == ()
    assert messages.spans(lacking, "main") == (Span(None, at(27 * HOUR - 60)),)
    assert keep(lacking, 28, 9).proof.reading is not AnswerKind.WHOLE


def test_a_message_that_exists_lets_the_refusal_stand_until_a_day_later(lacking: sa.Engine) -> None:
    assert not settle(lacking, 26, denied=[2, 3, 4, 5], found=[6])
    for hours in (27, 49.9):
        kept = keep(lacking, hours, 1, 9)
        assert (kept.proof.reading, kept.ask_for) == (AnswerKind.REFUSED, ())
    assert keep(lacking, 50, 1, 9).ask_for == (2, 3, 4, 5, 6)
    assert messages.spans(lacking, "main") == (Span(None, at(HOUR - 60)),)


def test_questions_without_an_answer_are_asked_again_a_day_later(lacking: sa.Engine) -> None:
    assert not settle(lacking, 26)
    assert keep(lacking, 27, 1, 9).proof.reading is AnswerKind.REFUSED
    assert keep(lacking, 51, 1, 9).ask_for == (2, 3, 4, 5, 6)


def test_what_is_hidden_is_told_with_the_way_out(lacking: sa.Engine) -> None:
    settle(lacking, 26, found=[2, 3, 4, 5, 6])
    [note] = coverage_proof.evidence(lacking, "main", at(0), None).notes
    assert "no longer lists 7 messages that it listed before" in note
    assert "recon collect --new-coverage" in note


def test_new_coverage_compares_with_nothing_listed_before(lacking: sa.Engine) -> None:
    settle(lacking, 26, found=[2, 3, 4, 5, 6])
    begun = timedelta(hours=27)
    answer = listing(*shown(1, 9), answered=begun.total_seconds())
    kept = messages.keep(lacking, "main", KEY, answer, new_coverage=True)
    assert kept.proof.reading is AnswerKind.WHOLE
    # What was proven before stays so; the time from the oldest message on is proven anew.
    assert keep(lacking, 28, 1, 9).proof.reading is AnswerKind.WHOLE
    assert messages.spans(lacking, "main") == (Span(None, at(28 * HOUR - 60)),)
    assert coverage_proof.evidence(lacking, "main", at(30 * HOUR), None).notes == ()


def keep_other(engine: sa.Engine, hours: float, *ids: int) -> KeepResult:
    """Keep an answer for another account, whose messages have the same ids."""
    return messages.keep(engine, "other", KEY, listing(*shown(*ids), answered=hours * HOUR))


def removed(engine: sa.Engine) -> list[tuple[int, int]]:
    """Return the keys and ids of the messages that count as removed."""
    found = rows(engine, "absences", "key_id", "message_id", "removed_at")
    return [(key, message_id) for key, message_id, removed_at in found if removed_at is not None]


def test_what_one_key_lacks_is_nothing_of_another(lacking: sa.Engine) -> None:
    keep_other(lacking, 1, 1, 2, 9)
    # It shows 2, and lacks it once: not three times, and the first key still lacks it.
    assert keep_other(lacking, 26, 1, 9).ask_for == ()
    assert keep(lacking, 26.5, 1, 9).ask_for == (2, 3, 4, 5, 6)


@pytest.mark.parametrize(
    ("account", "left"), [("main", [(1, n) for n in range(2, 9)]), ("other", [(2, 2)])]
)
def test_what_one_key_is_denied_is_nothing_of_another(
    lacking: sa.Engine, account: str, left: list[tuple[int, int]]
) -> None:
    keep_other(lacking, 1, 1, 2, 9)
    for hours in (2, 14, 26):
        keep_other(lacking, hours, 1, 9)
    assert settle(lacking, 26, denied=[2, 3, 4, 5, 6], account=account)
    assert removed(lacking) == left


def test_only_messages_that_are_lacked_for_a_day_count_as_removed(lacking: sa.Engine) -> None:
    assert keep(lacking, 26.5, 1, 10).ask_for == (2, 3, 4, 5, 6)
    settle(lacking, 26.5, denied=[2, 3, 4, 5, 6])
    assert removed(lacking) == [(1, n) for n in range(2, 9)]


def test_only_messages_that_this_answer_lacks_are_asked_for(lacking: sa.Engine) -> None:
    answer = listing(*shown(30, 31, 32), answered=26.1 * HOUR, limit=3)
    assert messages.keep(lacking, "main", KEY, answer).proof.is_accepted
    lacks = listing(*shown(30, 32), answered=27 * HOUR, limit=2)
    kept = messages.keep(lacking, "main", KEY, lacks)
    assert (kept.proof.lacking, kept.ask_for) == ((31,), ())


def test_removed_messages_stay_removed_when_others_are_lacked(lacking: sa.Engine) -> None:
    settle(lacking, 26, denied=[2, 3, 4, 5, 6])
    keep(lacking, 27, 1, 9, 10, 11)
    for hours in (28, 40, 52):
        kept = keep(lacking, hours, 1, 9, 11)
    assert kept.ask_for == (10,)
    assert settle(lacking, 53, denied=[10])
    times = dict(rows(lacking, "absences", "message_id", "removed_at"))
    assert (times[2], times[10]) == (at(26 * HOUR), at(53 * HOUR))
