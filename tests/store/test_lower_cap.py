"""What is taken back of earlier answers when it turns out at how many messages the list is cut."""

from __future__ import annotations

import sqlalchemy as sa

from recon.model import Span
from recon.store import coverage_proof, messages
from tests.factories import KEY, at, listing, message


def keep(
    engine: sa.Engine, *seconds: int, answered: float, new_coverage: bool = False
) -> tuple[Span, ...]:
    """Keep an answer that lists messages of these times; return what is proven then."""
    answer = listing(*(message(n, n) for n in seconds), answered=answered)
    messages.keep(engine, "main", KEY, answer, new_coverage=new_coverage)
    return messages.spans(engine, "main")


def test_a_first_answer_with_as_many_messages_proves_nothing_before_its_oldest(
    engine: sa.Engine,
) -> None:
    assert keep(engine, 100, 200, answered=300) == (Span(None, at(240)),)
    assert keep(engine, 200, 400, answered=500) == (Span(at(101), at(440)),)
    assert coverage_proof.read(engine, "main").first_contact is None


def test_an_answer_with_fewer_messages_stays_whole(engine: sa.Engine) -> None:
    keep(engine, 100, answered=200)
    keep(engine, 100, 300, answered=400)
    assert keep(engine, 300, 450, answered=600) == (Span(None, at(540)),)


def test_coverage_that_was_started_again_is_cut_as_well(engine: sa.Engine) -> None:
    keep(engine, answered=1000, new_coverage=True)
    assert keep(engine, 1500, 1600, answered=2000) == (Span(at(1001), at(1940)),)
    assert keep(engine, 1600, 2500, answered=3000) == (Span(at(1501), at(2940)),)


def test_a_message_older_than_all_before_takes_back_that_the_first_answers_showed_all(
    engine: sa.Engine,
) -> None:
    assert keep(engine, 100, 200, answered=300) == (Span(None, at(240)),)
    full = listing(*(message(n, n) for n in (50, 100, 200)), answered=400, limit=3)
    messages.keep(engine, "main", KEY, full)
    assert messages.spans(engine, "main") == (Span(at(51), at(340)),)
