from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.model import Message
from recon.store import coverage_proof, messages, poll_thinning, schema
from recon.store.accounts import get_or_create_key, lock_account
from recon.store.engine import connect, writing
from tests.core.provider import Poll, Sent, answer, polls, sends
from tests.factories import KEY, NOON, listing, message
from tests.store.table_contents import rows

_numbers = count()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    path: Path = tmp_path_factory.mktemp("polls") / "recon.db"
    engine = connect(f"sqlite:///{path}")
    schema.ensure_ready(engine)
    yield engine
    engine.dispose()


def thin(engine: sa.Engine, account: str, *, recent: int = 1) -> None:
    """Thin the log of polls, all but the latest ones."""
    with writing(engine) as connection:
        mine = get_or_create_key(connection, lock_account(connection, account), KEY, NOON)
        poll_thinning.thin(connection, mine, recent=recent)


def newest(count: int, until: int) -> list[Message]:
    """Return the newest messages of a sender that sends one each second."""
    return [message(n, n) for n in range(until - count, until)]


def test_many_polls_of_one_stretch_leave_few(engine: sa.Engine) -> None:
    for step in range(1, 30):
        messages.keep(
            engine, "main", KEY, listing(*newest(5, 3 * step), answered=3 * step, limit=5)
        )
        thin(engine, "main", recent=4)
    ids = [row[0] for row in rows(engine, "polls", "id")]
    # The first one, the last of those that are old enough, and the latest four.
    assert ids == [1, 25, 26, 27, 28, 29]
    assert len(rows(engine, "coverage")) == 1
    assert len(rows(engine, "status_changes")) == len(rows(engine, "messages"))


def test_a_message_that_returns_joins_the_stretch_of_its_poll_that_went(engine: sa.Engine) -> None:
    for step in range(1, 9):
        answered = 100 * step
        shown = [message(1, 0), *(message(n, 100 * n) for n in range(2, step + 1))]
        messages.keep(engine, "main", KEY, listing(*shown[-3:], answered=answered, limit=3))
    thin(engine, "main")
    assert len(rows(engine, "polls")) < 8
    # Newer ones were deleted at Octopods, so older ones are listed again.
    again = [message(n, 100 * n) for n in (3, 4)]
    messages.keep(engine, "main", KEY, listing(*again, message(9, 950), answered=960, limit=3))
    state = rows(engine, "polls", "shared_count")
    assert state[-1] == (2,)
    assert rows(engine, "keys", "disordered_at") == [(None,)]


def test_a_refused_poll_does_not_stand_for_one_that_went(engine: sa.Engine) -> None:
    for step in range(1, 9):
        answered = 100 * step
        shown = [message(n, 100 * n) for n in range(1, step + 1)]
        messages.keep(engine, "main", KEY, listing(*shown[-3:], answered=answered, limit=3))
        # Most are refused, and one in their midst is empty, so that it stays.
        refused = replace(listing(answered=answered + 1), is_partial=step != 4)
        messages.keep(engine, "main", KEY, refused)
        other = listing(*shown[-3:], answered=answered, limit=3)
        messages.keep(engine, "other", KEY, other)
    thin(engine, "main")
    again = listing(*(message(n, 100 * n) for n in (3, 4)), message(9, 950), answered=960, limit=3)
    kept = messages.keep(engine, "main", KEY, again)
    assert (kept.shared, kept.gap) == (2, None)


def test_a_poll_of_another_account_does_not_stand_for_one_that_went(engine: sa.Engine) -> None:
    older, newer = (500, 600, 700), (700, 730, 745)
    for answered in (710, 740, 750, 760, 770, 780, 800):
        # Only the poll at 760 shows the message of 745, which has not settled yet.
        seconds = newer if answered == 760 else older
        shown = listing(*(message(n, n) for n in seconds), answered=answered, limit=3)
        for account in ("main", "other"):
            messages.keep(engine, account, KEY, shown)
    thin(engine, "main")
    again = listing(message(745, 745), message(1_990, 1_990), answered=2_000, limit=2)
    kept = messages.keep(engine, "main", KEY, again)
    assert (kept.shared, kept.gap) == (1, None)


def test_a_poll_with_which_coverage_was_started_again_stays(engine: sa.Engine) -> None:
    for step in range(1, 12):
        answer_to = listing(*newest(5, 3 * step), answered=100 + 3 * step, limit=5)
        messages.keep(engine, "main", KEY, answer_to, new_coverage=step == 6)
        thin(engine, "main", recent=2)
    assert rows(engine, "keys", "started_by") == [(6,)]
    assert (6,) in rows(engine, "polls", "id")


def test_only_the_polls_of_one_key_are_thinned(engine: sa.Engine) -> None:
    for step in range(1, 9):
        for account in ("main", "other"):
            messages.keep(engine, account, KEY, listing(message(1), answered=60 * step))
    thin(engine, "main")
    by_account = [row[0] for row in rows(engine, "polls", "account_id")]
    assert (by_account.count(1), by_account.count(2)) == (3, 8)


@pytest.mark.thorough
@given(sends(), polls(), st.integers(2, 5), st.integers(1, 3))
@settings(max_examples=30)
def test_thinning_changes_nothing_of_what_is_proven(
    store: sa.Engine, sent: list[Sent], asked: list[Poll], limit: int, recent: int
) -> None:
    number = next(_numbers)
    thinned, whole = f"thinned-{number}", f"whole-{number}"
    for poll in asked:
        listing_of_both = answer(sent, poll, limit)
        kept = [messages.keep(store, name, KEY, listing_of_both) for name in (thinned, whole)]
        thin(store, thinned, recent=recent)
        assert kept[0] == kept[1]
        assert coverage_proof.read(store, thinned) == coverage_proof.read(store, whole)


def test_a_lower_cap_is_found_in_a_thinned_log_too(engine: sa.Engine) -> None:
    """Whole answers, then ones that lack older messages, twice with the same number."""
    for name in ("thinned", "whole"):
        for step in range(1, 12):
            shown = newest(10, 10 + step // 6)
            messages.keep(engine, name, KEY, listing(*shown, answered=1_000 + step))
            if name == "thinned":
                thin(engine, name)
        for step in (1, 2):
            shown = newest(10, 30 + step)
            messages.keep(engine, name, KEY, listing(*shown, answered=2_000 + step))
    thinned, whole = (coverage_proof.read(engine, name) for name in ("thinned", "whole"))
    assert thinned == whole
