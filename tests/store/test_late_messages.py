"""A message that appears in time already proven, and what else is proven no more."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from recon.model import Listing, Span
from recon.store import messages, withdrawals
from recon.store.tables import coverage
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
    with engine.connect() as connection:
        query = sa.select(coverage.c.starts_at).where(coverage.c.basis == "shared")
        assert set(connection.execute(query).scalars()) == {None, at(801)}
    assert messages.spans(engine, "main")[-1] == Span(at(1_000), at(1_600))


@pytest.mark.parametrize(("shown", "since"), [((800, 1_200), 102), ((101, 800, 1_200), 800)])
def test_an_old_answer_may_lack_more_than_a_later_one_can_show(
    engine: sa.Engine, shown: tuple[int, ...], since: int
) -> None:
    keep(engine, 1, 101, answered=200)
    # As old as the one before, or a message came late: what else it lacks may be pushed out by now.
    keep(engine, 1, 101, answered=1_000)
    keep(engine, *shown, answered=2_000, full=True)
    [withdrawn] = withdrawals.of_account(engine, "main", None, None)
    assert (withdrawn.start, withdrawn.end) == (at(since), at(1_000))


def test_newer_messages_that_were_listed_before_do_not_show_how_far_back_the_list_reaches(
    engine: sa.Engine,
) -> None:
    keep(engine, 1, 101, 950, answered=1_000)
    keep(engine, 800, 950, 1_200, answered=2_000, full=True)
    [withdrawn] = withdrawals.of_account(engine, "main", None, None)
    assert withdrawn.start == at(102)


def test_before_all_that_was_listed_nothing_more_is_withdrawn(engine: sa.Engine) -> None:
    keep(engine, answered=1_000)
    keep(engine, 800, 1_200, answered=2_000, full=True)
    [withdrawn] = withdrawals.of_account(engine, "main", None, None)
    assert withdrawn.start == at(800)


def test_nothing_is_late_where_only_the_order_had_joined_the_answers(engine: sa.Engine) -> None:
    keep(engine, 1, 980, answered=1_000)
    # From here on the order of the list proves nothing.
    keep(engine, 1, 970, 980, answered=1_010)
    keep(engine, 2_000, 2_010, 2_020, answered=2_030, full=True)
    keep(engine, 2_020, 3_000, 3_010, answered=3_020, full=True)
    keep(engine, 2_015, 2_020, 3_000, 3_010, answered=3_100, full=True)
    assert withdrawals.of_account(engine, "main", None, None) == []
