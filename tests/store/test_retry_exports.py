"""What became of proposals is asked by number, however many messages are stored."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from recon.core.person import Person
from recon.core.retry_outcomes import Outcome, RetryCounts
from recon.store import forgotten_numbers, messages, retry_exports
from tests.factories import DAY, KEY, NUMBER, at, listing, message
from tests.store.plans import plans_of
from tests.store.table_contents import rows

#: Days around the proposals'.
SPAN = (date(2026, 4, 22), date(2026, 4, 24))


def propose(engine: sa.Engine, *ids: int, day: str = DAY, number: str | None = NUMBER) -> None:
    assert stored(engine, *ids, day=day, number=number) == []


def stored(
    engine: sa.Engine,
    *ids: int,
    day: str = DAY,
    number: str | None = NUMBER,
    now: datetime | None = None,
) -> list[int]:
    count = len(ids)
    sends = pd.DataFrame(
        {
            "message_id": pd.Series(ids, dtype="Int64"),
            "date": [day] * count,
            "local_id": pd.Series([None] * count, dtype="str"),
            "phone_number": pd.Series([number] * count, dtype="str"),
            "attempt": [1] * count,
        }
    )
    return retry_exports.store(engine, "main", sends, now or at(60), "IE")


def test_what_another_export_has_stored_meanwhile_is_left_to_it(engine: sa.Engine) -> None:
    other = "+353871234568"
    propose(engine, 1)
    propose(engine, 2, number=other)
    # The same message, the same day, and within a day.
    assert stored(engine, 1) == [1]
    assert stored(engine, 3) == [3]
    assert stored(engine, 4, day="2026-04-20") == [4]
    later = at(60) + timedelta(days=1)
    assert stored(engine, 5, now=later) == [5]
    assert stored(engine, 6, day="2026-04-24", now=later) == []
    kept = rows(engine, "retry_exports", "message_id")
    assert sorted(kept) == [(1,), (2,), (6,)]


def test_only_a_later_message_that_reached_the_number_counts(engine: sa.Engine) -> None:
    shown = [message(1, 0, "failed"), message(2, 30, "read"), message(3, 90, "sent")]
    messages.keep(engine, "main", KEY, listing(*shown, answered=100))
    propose(engine, 1)
    propose(engine, 7, number=None)
    propose(engine, 8, day="2026-04-24", number="+353871234568")
    day, next_day = date(2026, 4, 23), date(2026, 4, 24)
    nothing = [
        Outcome("main", day, RetryCounts(2, 0)),
        Outcome("main", next_day, RetryCounts(1, 0)),
    ]
    assert retry_exports.outcomes(engine, ["main"], SPAN) == nothing
    messages.keep(engine, "main", KEY, listing(message(4, 120, "delivered"), answered=200))
    reached = [Outcome("main", day, RetryCounts(2, 1)), nothing[1]]
    assert retry_exports.outcomes(engine, None, None) == reached
    assert retry_exports.outcomes(engine, ["other"], None) == []


def test_messages_are_found_by_their_number(engine: sa.Engine) -> None:
    plans = list(plans_of(engine, lambda: retry_exports.outcomes(engine, ["main"], SPAN)))
    [plan] = plans
    assert "ix_messages_account_id_phone_number_sent_at" in plan
    assert "SCAN messages" not in plan


@pytest.mark.parametrize("spelled", [NUMBER, "087 123 4567"])
def test_a_forgotten_number_is_in_no_export_and_comes_into_none(
    engine: sa.Engine, spelled: str
) -> None:
    other = "+353879999999"
    propose(engine, 1)
    propose(engine, 2, number=other)
    person = Person.of(NUMBER, "IE")
    assert person is not None
    counts = forgotten_numbers.forget(engine, person, at(90), random.Random(1))
    assert counts == {"retry_exports": 1}
    propose(engine, 3, number=spelled)
    kept = rows(engine, "retry_exports", "message_id", "phone_number")
    assert kept == [(1, None), (2, other), (3, None)]
    assert retry_exports.proposed(engine, "main")["phone_number"].isna().tolist() == [
        True,
        False,
        True,
    ]
