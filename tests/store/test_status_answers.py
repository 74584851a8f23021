"""What status calls said, kept and asked for again."""

from __future__ import annotations

import numpy as np
import sqlalchemy as sa

from recon.core.coverage import microseconds
from recon.model import RejectedItem
from recon.store import coverage_proof, messages, status_answers
from recon.store.engine import writing
from recon.store.tables import accounts
from tests.factories import KEY, at, listing, message

HOUR = 3600


def deny(engine: sa.Engine, *ids: int, seconds: float, key: str = KEY) -> None:
    status_answers.keep(engine, "main", key, found=[], denied=ids, at=at(seconds))


def settled(engine: sa.Engine, seconds: float, key: str = KEY) -> list[int]:
    return sorted(status_answers.settled_denials(engine, "main", key, at(seconds)).tolist())


def denied(engine: sa.Engine) -> list[int]:
    return sorted(status_answers.denials(engine, "main").ids.tolist())


def test_a_denial_is_asked_for_once_more_on_a_later_night(engine: sa.Engine) -> None:
    deny(engine, 7, 8, seconds=0)
    assert settled(engine, HOUR) == [7, 8]
    assert settled(engine, 13 * HOUR) == []
    deny(engine, 7, seconds=HOUR)
    assert settled(engine, 13 * HOUR) == []
    deny(engine, 7, seconds=24 * HOUR)
    assert settled(engine, 99 * HOUR) == [7]
    assert denied(engine) == [7, 8]


def test_a_denial_is_forgotten_when_a_list_or_a_status_call_shows_the_id(engine: sa.Engine) -> None:
    deny(engine, 7, 8, 9, 10, seconds=0)
    messages.keep(engine, "main", KEY, listing(message(7), answered=100))
    status_answers.keep(engine, "main", KEY, found=[message(8)], denied=[], at=at(200))
    unread = RejectedItem("k", "sent_at is missing", message_id=9)
    messages.keep(engine, "main", KEY, listing(message(7), answered=300, rejects=[unread]))
    assert denied(engine) == [10]


def test_what_another_key_denied_is_not_settled_for_this_one(engine: sa.Engine) -> None:
    messages.keep(engine, "main", KEY, listing(message(1), answered=100))
    messages.keep(engine, "main", "new", listing(message(2, 500), answered=600))
    deny(engine, 7, seconds=700)
    deny(engine, 7, seconds=700, key="new")
    assert settled(engine, 800, key="other") == []
    found = status_answers.denials(engine, "main")
    bounds = np.iinfo(np.int64)
    assert found.ids.tolist() == [7, 7]
    assert found.since.min() == bounds.min
    assert sorted(found.until.tolist()) == sorted([found.since.max(), bounds.max])
    for key, other in ((KEY, "new"), ("new", KEY)):
        deny(engine, 7, seconds=700 + 24 * HOUR, key=key)
        assert settled(engine, 700 + 36 * HOUR, key=other) == ([] if key == KEY else [7])


def test_messages_that_are_not_terminal_wait_oldest_first(engine: sa.Engine) -> None:
    shown = [
        message(1, 30),
        message(2, 20, "unknown"),
        message(3, 10, "delivered"),
        message(4, 5, "failed"),
        message(5, 10),
        message(6, 90_000),
    ]
    messages.keep(engine, "main", KEY, listing(*shown, answered=100_000))
    # Another account with the same key.
    messages.keep(engine, "other", KEY, listing(message(7, 40), answered=100_000))
    asked = {"start": at(0), "end": at(1000), "most": 9}

    def waiting(now: float, key: str = KEY, **changed: int) -> list[int]:
        found = status_answers.waiting(engine, "main", key, now=at(now), **(asked | changed))  # type: ignore[arg-type]
        return [one.message_id for one in found]

    assert waiting(100_000 + HOUR) == [5, 2, 1]
    assert waiting(100_000 + HOUR, most=2) == [5, 2]
    assert waiting(100_000 + HOUR - 1) == []
    assert waiting(100_000 + HOUR, key="new") == []


def test_the_last_messages_up_to_a_time_are_the_newest_first(engine: sa.Engine) -> None:
    shown = [message(n, 100 * n) for n in range(1, 5)]
    messages.keep(engine, "main", KEY, listing(*shown, answered=1_000))
    found = status_answers.listed_before(engine, "main", KEY, at(300), most=2)
    assert [one.message_id for one in found] == [3, 2]


def test_the_place_of_an_id_is_between_listed_ids(engine: sa.Engine) -> None:
    messages.keep(engine, "main", KEY, listing(message(5, 10), message(9, 90), answered=200))
    status_answers.keep(engine, "main", KEY, found=[message(7, 50)], denied=[], at=at(300))
    around = [status_answers.listed_around(engine, "main", KEY, one) for one in (4, 6, 8, 10)]
    assert around == [(None, at(10)), (at(10), at(90)), (at(10), at(90)), (at(90), None)]


def reach(engine: sa.Engine) -> list[tuple[int, int]]:
    """Return from when and until when each denial counts, in seconds after noon where bounded."""
    found = status_answers.denials(engine, "main")
    noon, second = microseconds(at(0)), 1_000_000
    return sorted(
        ((since - noon) // second, (until - noon) // second)
        for since, until in zip(found.since.tolist(), found.until.tolist(), strict=True)
    )


def test_denials_of_a_later_key_begin_with_it_and_those_of_a_replaced_one_end(
    engine: sa.Engine,
) -> None:
    messages.keep(engine, "main", KEY, listing(message(1, 100), answered=5_000))
    deny(engine, 7, seconds=700)
    [(first, last)] = reach(engine)
    assert first < -(10**9)
    assert last > 10**9
    # The first list of the next key is cut off: after the old one's last message nothing counts.
    cut_off = listing(message(2, 4_000), message(3, 4_100), answered=5_100, limit=2)
    messages.keep(engine, "main", "new", cut_off)
    deny(engine, 8, seconds=5_200, key="new")
    (since_old, until_old), (since_new, until_new) = reach(engine)
    assert (since_old, until_old, since_new) == (first, 100, 4_001)
    assert until_new == last


def test_a_key_that_does_not_count_denies_nothing(engine: sa.Engine) -> None:
    messages.keep(engine, "main", KEY, listing(message(5, 500), answered=700))
    messages.keep(engine, "main", "old", listing(message(1, 100), answered=800))
    deny(engine, 7, seconds=900, key="old")
    assert denied(engine) == []


def test_no_denial_reaches_back_into_purged_time(engine: sa.Engine) -> None:
    messages.keep(engine, "main", KEY, listing(message(1, 100), answered=5_000))
    messages.keep(engine, "main", "new", listing(message(2, 4_000), answered=5_100))
    deny(engine, 7, seconds=5_200)
    deny(engine, 7, seconds=5_200, key="new")
    before = reach(engine)
    purged = at(4_500)
    with writing(engine) as connection:
        values = {"purged_before": purged - coverage_proof.PURGED_MARGIN}
        connection.execute(sa.update(accounts).values(values))
    assert before[1][0] == 4_001
    assert [since for since, _ in reach(engine)] == [4_500, 4_500]
