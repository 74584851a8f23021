"""Answers that give listed messages other times: neither side proves anything meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

import pytest
import sqlalchemy as sa

from recon.core.listing_evidence import AnswerKind
from recon.model import Listing, Span
from recon.store import coverage_proof, messages, status_answers
from recon.store.messages import KeepResult
from tests.factories import KEY, at, listing, message
from tests.store.table_contents import rows

HOUR = 3_600


def answer(ids: Sequence[int], *, hours: float, moved: float = 0, limit: int = 100) -> Listing:
    """Return an answer; message n was sent n hours after noon, and moved by so many hours."""
    shown = [message(n, (n + moved) * HOUR) for n in ids]
    return listing(*shown, answered=hours * HOUR, limit=limit)


def keep(
    engine: sa.Engine,
    ids: Sequence[int],
    *,
    hours: float,
    moved: float = 0,
    limit: int = 100,
    again: bool = False,
) -> KeepResult:
    """Keep such an answer."""
    made = answer(ids, hours=hours, moved=moved, limit=limit)
    return messages.keep(engine, "main", KEY, made, new_coverage=again)


def times(engine: sa.Engine) -> dict[int, datetime]:
    """Return when the stored messages were sent."""
    frame = messages.read(engine, "main", None, None)
    return dict(zip(frame["message_id"], frame["sent_at"].dt.to_pydatetime(), strict=True))


def spans(engine: sa.Engine) -> tuple[Span, ...]:
    return messages.spans(engine, "main")


@pytest.fixture
def disputed(engine: sa.Engine) -> sa.Engine:
    """A store with an answer of messages 1 to 4, and one of 3 to 6 an hour later."""
    keep(engine, range(1, 5), hours=4.5)
    kept = keep(engine, range(3, 7), hours=6.5, moved=1, limit=4)
    assert kept.proof.why == (
        "it gives 2 messages a different time than earlier answers did, "
        "such as 4 (60 minutes later)"
    )
    assert kept.proof.reading is AnswerKind.REFUSED
    assert len(rows(engine, "provider_rejects")) == 2
    return engine


def test_what_is_disputed_proves_nothing_and_is_told(disputed: sa.Engine) -> None:
    assert spans(disputed) == (Span(None, at(HOUR)),)
    told = coverage_proof.evidence(disputed, "main", at(0), at(24 * HOUR))
    [gone] = told.withdrawn
    assert (gone.start, gone.end) == (at(HOUR), at(6.5 * HOUR))
    assert [one.at for one in told.refused] == [at(6.5 * HOUR)]
    assert told.notes[0].startswith("Since 2026-04-23T18:30:00+00:00 ")
    assert "different times than before (60 minutes later)" in told.notes[0]
    assert "recon collect --new-coverage" in told.notes[0]
    assert coverage_proof.evidence(disputed, "main", None, at(HOUR)).withdrawn == ()


def test_listed_messages_keep_their_time_and_others_lie_between_both(disputed: sa.Engine) -> None:
    assert times(disputed) == {n: at(n * HOUR) for n in range(1, 5)}
    unread = messages.rejects(disputed, "main", None, None, untimed=True)
    assert sorted(unread["message_id"]) == [5, 6]
    five = unread.set_index("message_id").loc[5]
    assert (five["earliest"], five["latest"]) == (at(5 * HOUR), at(6 * HOUR))


def test_an_answer_with_the_first_times_shows_that_they_are_right(
    disputed: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert keep(disputed, range(4, 8), hours=7.5, limit=4).proof.is_accepted
    assert "the list gives messages their earlier times again" in caplog.text
    assert spans(disputed) == (Span(None, at(7.5 * HOUR - 60)),)
    assert times(disputed) == {n: at(n * HOUR) for n in range(1, 8)}
    assert coverage_proof.evidence(disputed, "main", at(7 * HOUR), None).notes == ()


def test_messages_that_were_only_disputed_tell_the_same(disputed: sa.Engine) -> None:
    assert not keep(disputed, range(5, 9), hours=8.5, moved=1, limit=4).proof.is_accepted
    assert keep(disputed, range(7, 11), hours=10.5, limit=4).proof.is_accepted
    assert spans(disputed) == (Span(None, at(4.5 * HOUR - 60)), Span(at(7 * HOUR + 1), at(37_740)))


def test_an_answer_that_shares_no_message_says_nothing_of_the_times(disputed: sa.Engine) -> None:
    kept = keep(disputed, range(8, 12), hours=11.5, limit=4)
    assert kept.proof.reading is AnswerKind.REFUSED
    assert "its own times cannot be checked" in kept.proof.why
    unread = messages.rejects(disputed, "main", None, None, untimed=True)
    eight = unread.set_index("message_id").loc[8]
    assert (eight["earliest"], eight["latest"]) == (at(-18 * HOUR), at(34 * HOUR))
    assert keep(disputed, (), hours=12, limit=4).proof.reading is AnswerKind.NOTHING


def test_two_differences_tell_nothing_of_messages_that_only_they_showed(
    disputed: sa.Engine,
) -> None:
    keep(disputed, range(4, 8), hours=7.5, moved=-1, limit=4)
    assert not keep(disputed, range(5, 9), hours=8.5, limit=4).proof.is_accepted
    assert keep(disputed, range(4, 9), hours=8.6, limit=5).proof.is_accepted


def test_the_later_times_count_when_they_have_lasted_for_a_day(
    disputed: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for hours in (20, 30.4):
        assert not keep(disputed, range(3, 7), hours=hours, moved=1, limit=4).proof.is_accepted
    assert keep(disputed, range(3, 7), hours=30.5, moved=1, limit=4).proof.is_accepted
    assert "from now on these count" in caplog.text
    assert times(disputed) == {n: at((n + 1) * HOUR) for n in range(1, 7)}
    # What rested on the earlier times is withdrawn for good.
    proven = (Span(None, at(HOUR)), Span(at(6.5 * HOUR), at(30.5 * HOUR - 60)))
    assert spans(disputed) == proven
    assert keep(disputed, range(3, 8), hours=31, moved=1, limit=5).proof.is_accepted


def test_after_a_day_without_a_common_message_no_time_is_corrected(disputed: sa.Engine) -> None:
    assert not keep(disputed, range(20, 24), hours=24, limit=4).proof.is_accepted
    assert keep(disputed, range(30, 34), hours=34, limit=4).proof.is_accepted
    assert times(disputed)[2] == at(2 * HOUR)


def test_two_answers_are_not_enough_however_far_apart(disputed: sa.Engine) -> None:
    assert not keep(disputed, range(3, 7), hours=90, moved=1, limit=4).proof.is_accepted
    assert keep(disputed, range(3, 7), hours=91, moved=1, limit=4).proof.is_accepted


def test_a_person_may_say_that_the_later_times_are_right(disputed: sa.Engine) -> None:
    assert keep(disputed, range(3, 7), hours=7, moved=1, again=True).proof.is_accepted
    assert times(disputed) == {n: at((n + 1) * HOUR) for n in range(1, 7)}
    assert coverage_proof.evidence(disputed, "main", at(7 * HOUR), None).notes == ()


def test_times_may_differ_by_a_minute(engine: sa.Engine) -> None:
    keep(engine, range(1, 5), hours=4.5)
    assert keep(engine, range(3, 6), hours=5.5, moved=60 / HOUR, limit=3).proof.is_accepted
    assert not keep(engine, range(3, 6), hours=5.6, moved=121 / HOUR, limit=3).proof.is_accepted


def test_a_status_call_does_not_change_the_time_of_a_listed_message(engine: sa.Engine) -> None:
    keep(engine, (1, 2), hours=2.5)
    found = message(2, 3 * HOUR, status="read")
    status_answers.keep(engine, "main", KEY, found=[found], denied=[], at=at(3 * HOUR))
    assert times(engine)[2] == at(2 * HOUR)


def test_what_a_replaced_key_lists_disputes_nothing(engine: sa.Engine) -> None:
    keep(engine, range(1, 5), hours=4.5)
    other = listing(message(20, 5 * HOUR), answered=5.5 * HOUR)
    messages.keep(engine, "main", "new", other)
    before = spans(engine)
    kept = messages.keep(engine, "main", KEY, answer(range(3, 7), hours=6.5, moved=1))
    assert kept.proof.reading is AnswerKind.NOTHING
    assert len(rows(engine, "provider_rejects")) == 2
    assert spans(engine) == before
