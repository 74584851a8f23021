"""A message that appears in time already proven, and what else is proven no more."""

from __future__ import annotations

import sqlalchemy as sa

from recon.model import Listing, Span
from recon.store import messages, withdrawals
from tests.factories import KEY, at, listing, message


def keep(engine: sa.Engine, *seconds: int, answered: float, full: bool = False) -> None:
    """Keep an answer with messages of these times."""
    shown = [message(n, n) for n in seconds]
    limit = len(shown) if full else 100
    answer: Listing = listing(*shown, answered=answered, limit=limit)
    assert messages.keep(engine, "main", KEY, answer).proof.is_accepted


def test_the_answer_that_shows_it_joins_by_the_longer_settling_time_already(
    engine: sa.Engine,
) -> None:
    keep(engine, 1, answered=1_000)
    # 200 s late: what was proven ends 400 s before the first answer, before this one begins.
    keep(engine, 800, 1_200, answered=2_000, full=True)
    assert messages.spans(engine, "main") == (Span(None, at(600)), Span(at(1_000), at(1_600)))


def test_nothing_is_late_where_only_the_order_had_joined_the_answers(engine: sa.Engine) -> None:
    keep(engine, 1, 980, answered=1_000)
    # From here on the order of the list proves nothing.
    keep(engine, 1, 970, 980, answered=1_010)
    keep(engine, 2_000, 2_010, 2_020, answered=2_030, full=True)
    keep(engine, 2_020, 3_000, 3_010, answered=3_020, full=True)
    keep(engine, 2_015, 2_020, 3_000, 3_010, answered=3_100, full=True)
    assert withdrawals.of_account(engine, "main", None, None) == []
