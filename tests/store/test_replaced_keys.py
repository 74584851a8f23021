"""What an old key had proven is withdrawn when the list of the new one turns out to be cut off."""

from __future__ import annotations

import logging

import pytest
import sqlalchemy as sa

from recon.model import Listing, Span
from recon.store import messages, withdrawals
from recon.store.engine import writing
from recon.store.replaced_keys import REPLACED
from recon.store.tables import keys, polls
from tests.factories import KEY, at, listing, message

NEW = "new-key"


def answer(first: int, last: int, *, answered: float, limit: int = 100) -> Listing:
    """Return an answer with one message each minute."""
    shown = [message(n, 60 * n) for n in range(first, last + 1)]
    return listing(*shown, answered=answered, limit=limit)


@pytest.fixture
def polled_too_long(engine: sa.Engine) -> sa.Engine:
    """A store whose key listed its last message at 300 seconds, and was polled until 2,800."""
    for answered in (400, 2800):
        messages.keep(engine, "main", KEY, answer(1, 5, answered=answered))
    assert messages.spans(engine, "main") == (Span(None, at(2740)),)
    return engine


def test_proof_after_the_last_message_of_the_old_key_is_withdrawn(
    polled_too_long: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    cut_off = answer(40, 49, answered=2950, limit=10)
    messages.keep(polled_too_long, "main", NEW, cut_off)
    [gone] = withdrawals.of_account(polled_too_long, "main", None, None)
    assert (gone.start, gone.end, gone.reason) == (at(300), at(2740), REPLACED)
    said = f"the proof that all messages from {at(300).isoformat()} to {at(2740).isoformat()}"
    [line] = [line for line in caplog.messages if "withdrawn" in line]
    assert line == f"account main: {said} were listed is withdrawn: {REPLACED}"
    spans = (Span(None, at(300)), Span(at(2401), at(2890)))
    assert messages.spans(polled_too_long, "main") == spans
    messages.keep(polled_too_long, "main", NEW, answer(41, 50, answered=3200, limit=10))
    assert len(withdrawals.of_account(polled_too_long, "main", None, None)) == 1


def test_nothing_is_withdrawn_where_the_new_list_is_whole(polled_too_long: sa.Engine) -> None:
    messages.keep(polled_too_long, "main", NEW, answer(40, 49, answered=2950))
    assert withdrawals.of_account(polled_too_long, "main", None, None) == []


def test_a_lower_cap_that_shows_later_withdraws_as_well(polled_too_long: sa.Engine) -> None:
    messages.keep(polled_too_long, "main", NEW, answer(40, 49, answered=2950))
    messages.keep(polled_too_long, "main", NEW, answer(45, 54, answered=3400))
    [gone] = withdrawals.of_account(polled_too_long, "main", None, None)
    assert (gone.start, gone.end) == (at(300), at(2740))


def test_a_first_answer_that_lacked_late_messages_was_not_whole(polled_too_long: sa.Engine) -> None:
    messages.keep(polled_too_long, "main", NEW, answer(1, 0, answered=2950))
    assert withdrawals.of_account(polled_too_long, "main", None, None) == []
    # They were sent before the first answer; what was sent before them is pushed out.
    messages.keep(polled_too_long, "main", NEW, answer(40, 49, answered=3600, limit=10))
    gone = withdrawals.of_account(polled_too_long, "main", None, None)
    assert (at(300), at(2740), REPLACED) in [(one.start, one.end, one.reason) for one in gone]
    assert messages.spans(polled_too_long, "main")[0] == Span(None, at(300))


def test_a_key_that_never_listed_anything_loses_all(engine: sa.Engine) -> None:
    messages.keep(engine, "main", KEY, answer(1, 0, answered=1000))
    messages.keep(engine, "main", NEW, answer(10, 14, answered=1100, limit=5))
    [gone] = withdrawals.of_account(engine, "main", None, None)
    assert (gone.start, gone.end) == (None, at(940))
    # It may also be the key in use since it was polled, and the other one an old key.
    assert messages.spans(engine, "main") == (Span(at(601), at(1000)),)


def test_a_key_without_messages_bounds_others_also_when_its_polls_are_purged(
    engine: sa.Engine,
) -> None:
    messages.keep(engine, "main", KEY, answer(1, 5, answered=600))
    messages.keep(engine, "main", NEW, answer(1, 0, answered=1000))
    messages.keep(engine, "main", "older-key", answer(6, 9, answered=3000))
    spans = messages.spans(engine, "main")
    assert spans[-1].end == at(1000)
    with writing(engine) as connection:
        newer = sa.select(keys.c.id).where(keys.c.fingerprint == NEW)
        connection.execute(sa.delete(polls).where(polls.c.key_id.in_(newer)))
    assert messages.spans(engine, "main") == spans
