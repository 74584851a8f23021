"""What a message that appears out of order changes of the joins that rest on order alone."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from recon.model import Listing
from recon.store import messages
from recon.store.engine import reading
from recon.store.tables import keys
from tests.factories import KEY, listing, message


def is_disordered_by(engine: sa.Engine, answer: Listing) -> bool:
    """Keep an answer after one that listed messages 1 and 3; say whether it is out of order."""
    first = listing(message(1, 0), message(3, 600), answered=1_000)
    messages.keep(engine, "main", KEY, first)
    messages.keep(engine, "main", KEY, answer)
    with reading(engine) as connection:
        return connection.execute(sa.select(keys.c.disordered_at)).scalar_one() is not None


def test_a_new_message_behind_listed_ones_is_out_of_order(engine: sa.Engine) -> None:
    shown = message(1, 0), message(2, 300), message(3, 600)
    assert is_disordered_by(engine, listing(*shown, answered=1_100))


def test_a_refused_answer_says_nothing_of_the_order(engine: sa.Engine) -> None:
    answer = listing(message(2, 300), message(3, 600), answered=1_100)
    assert not is_disordered_by(engine, replace(answer, is_partial=True))
