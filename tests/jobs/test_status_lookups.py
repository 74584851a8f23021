"""What a found message, which the list did not show, withdraws."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from recon.core.coverage import microseconds
from recon.core.lookup_priority import Candidates
from recon.jobs.status_calls import StatusCalls
from recon.jobs.status_lookups import StatusLookups
from recon.model import RejectedItem, RequestCounts
from recon.octopods.responses import StatusAnswer
from recon.store import messages, withdrawals
from recon.store.engine import connect
from tests.factories import KEY, NOON, at, listing, message

DAY_LENGTH = 86_400
#: When message 5, which the records have at noon, is known to have been sent by the ids around it.
AROUND = -DAY_LENGTH


class Answers:
    """A client whose status call finds every message, in either shape."""

    counts = RequestCounts()

    def __init__(self, sent_at: datetime | None) -> None:
        self.sent_at = sent_at

    def message_status(self, message_id: int) -> StatusAnswer:
        """Return the message."""
        return StatusAnswer(message_id, "sent", sent_at=self.sent_at)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = connect(database_url)
    yield made
    made.dispose()


def withdrawn(
    engine: sa.Engine, sent_at: datetime | None, *, unreadable: bool = False, limit: int = 100
) -> list[datetime | None]:
    """Find the accused message 5 at a time; return where the days begin that are withdrawn."""
    shown = message(4, AROUND), message(6, AROUND + 60)
    unread = [RejectedItem("k", "sent_at is missing", message_id=5)] if unreadable else []
    answer = listing(*shown, answered=600, rejects=unread, limit=limit)
    messages.keep(engine, "main", KEY, answer)
    client: Any = Answers(sent_at)
    lookups = StatusLookups(
        engine,
        "main",
        calls=StatusCalls(client, "main", most=5, listing=answer),
        fingerprint=KEY,
        clock=lambda: at(600),
        zone="UTC",
    )
    row = [5], [-1], [microseconds(NOON)], [NOON.date().toordinal()]
    accused = Candidates(*(np.array(values, dtype=np.int64) for values in row))
    lookups.confirm(accused, accused.take(np.array([], dtype=np.int64)))
    return [one.start for one in withdrawals.of_account(engine, "main", None, None)]


def midnight(days: int) -> datetime:
    """Return the beginning of the day, so many days after that of noon."""
    return at(-DAY_LENGTH / 2 + days * DAY_LENGTH)


def test_a_found_message_withdraws_the_day_of_its_own_time(engine: sa.Engine) -> None:
    assert withdrawn(engine, at(0)) == [midnight(0)]


def test_without_a_time_of_its_own_the_place_of_its_id_tells_the_day(engine: sa.Engine) -> None:
    assert withdrawn(engine, None) == [midnight(-1)]


def test_in_time_that_is_not_proven_it_withdraws_nothing(engine: sa.Engine) -> None:
    assert withdrawn(engine, at(AROUND - 60), limit=2) == []
    assert withdrawn(engine, at(3_600), limit=2) == []


def test_a_message_that_the_list_showed_unreadable_withdraws_nothing(engine: sa.Engine) -> None:
    assert withdrawn(engine, at(0), unreadable=True) == []
