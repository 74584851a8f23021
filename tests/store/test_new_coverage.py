"""Coverage that is started again rests on nothing that was listed before."""

from __future__ import annotations

import sqlalchemy as sa

from recon.model import Span
from recon.store import messages
from tests.factories import KEY, at, listing, message


def test_a_message_that_was_listed_before_the_new_beginning_joins_nothing(
    engine: sa.Engine,
) -> None:
    before = listing(message(1, 0), message(2, 980), answered=1_000)
    messages.keep(engine, "main", KEY, before)
    again = message(3, 5_000), message(4, 5_010)
    answer = listing(*again, answered=5_100, limit=2)
    messages.keep(engine, "main", KEY, answer, new_coverage=True)
    messages.keep(engine, "main", KEY, listing(message(2, 980), *again, answered=5_200, limit=3))
    assert messages.spans(engine, "main") == (Span(None, at(940)), Span(at(5_001), at(5_140)))


def test_the_first_answer_of_the_new_beginning_joins_nothing_either(engine: sa.Engine) -> None:
    before = listing(message(1, 0), message(2, 980), answered=1_000)
    messages.keep(engine, "main", KEY, before)
    answer = listing(message(2, 980), message(3, 5_000), answered=5_100, limit=2)
    messages.keep(engine, "main", KEY, answer, new_coverage=True)
    assert messages.spans(engine, "main") == (Span(None, at(940)), Span(at(981), at(5_040)))
