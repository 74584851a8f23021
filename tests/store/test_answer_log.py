"""Each behaviour of an answer is one line of the log: what was seen, and what it means."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from recon.model import Listing, Message
from recon.store import messages, removed_messages
from tests.factories import KEY, at, listing, message

HOUR = 3_600


class Kept:
    """A store, and what is logged while it keeps answers."""

    def __init__(self, engine: sa.Engine, caplog: pytest.LogCaptureFixture) -> None:
        self.engine = engine
        self.caplog = caplog

    def keep(self, answer: Listing, *, account: str = "main", key: str = KEY) -> list[str]:
        """Keep an answer; return the lines of the log that ask for attention."""
        self.caplog.clear()
        ours = answer.requested_at or answer.answered_at
        self.asked_for = messages.keep(self.engine, account, key, answer, ours).ask_for
        return self.lines(logging.WARNING)

    def lines(self, level: int) -> list[str]:
        """Return the lines of at least this level."""
        return [one.getMessage() for one in self.caplog.records if one.levelno >= level]


@pytest.fixture
def kept(engine: sa.Engine, caplog: pytest.LogCaptureFixture) -> Kept:
    caplog.set_level(logging.DEBUG, "recon.store")
    return Kept(engine, caplog)


def some(first: int, last: int) -> list[Message]:
    """Return messages, each sent some minutes before the hour of its number."""
    return [message(n, n * HOUR - 360) for n in range(first, last + 1)]


def only(lines: Sequence[str]) -> str:
    [line] = lines
    return line


def test_an_answer_in_order_is_one_line_that_asks_for_no_attention(kept: Kept) -> None:
    kept.keep(listing(*some(1, 5), answered=5 * HOUR))
    assert kept.keep(listing(*some(1, 6), answered=6 * HOUR)) == []
    assert "proves the whole time until it was made" in only(kept.lines(logging.DEBUG))


def test_a_full_answer_says_from_when_on_it_proves_anything(kept: Kept) -> None:
    kept.keep(listing(*some(1, 5), answered=5 * HOUR, limit=5))
    assert kept.keep(listing(*some(2, 6), answered=6 * HOUR, limit=5)) == []
    line = only(kept.lines(logging.DEBUG))
    assert "it is full: older messages may have been cut off" in line
    assert "proves the time after its oldest message only" in line


def test_first_contact_says_what_cannot_be_checked(kept: Kept) -> None:
    assert kept.keep(listing(*some(1, 5), answered=5 * HOUR)) == []
    line = only(kept.lines(logging.INFO))
    assert "account main: Octopods lists the first messages of this key" in line
    assert "records before 2026-04-23T12:54:00+00:00 cannot be checked" in line


def test_a_newer_key_says_that_its_coverage_begins_anew(kept: Kept) -> None:
    kept.keep(listing(*some(1, 5), answered=5 * HOUR))
    assert kept.keep(listing(*some(6, 6), answered=6 * HOUR), key="second") == []
    assert "coverage of this key begins after 2026-04-23T17:54:00" in only(kept.lines(logging.INFO))


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"is_partial": True}, "it is a partial answer"),
        ({"error": "error code 3"}, "it has error code 3 beside its list"),
    ],
)
def test_a_refused_answer_says_why(kept: Kept, change: dict[str, object], seen: str) -> None:
    kept.keep(listing(*some(1, 5), answered=5 * HOUR))
    line = only(kept.keep(replace(listing(*some(1, 5), answered=6 * HOUR), **change)))  # type: ignore[arg-type]
    assert line.startswith("account main: the answer at 2026-04-23T18:00:00+00:00")
    assert seen in line
    assert "it is refused: it proves nothing, and its messages are kept" in line


def test_a_filtered_answer_says_what_it_lacks(kept: Kept) -> None:
    kept.keep(listing(*some(1, 5), answered=5 * HOUR))
    line = only(kept.keep(listing(*some(1, 3), *some(5, 5), answered=6 * HOUR)))
    assert "it lacks 1 message newer than its own oldest" in line
    assert "it is refused" in line


def test_a_short_answer_says_what_it_may_be_and_a_second_one_that_it_is_a_cap(kept: Kept) -> None:
    kept.keep(listing(*some(1, 5), answered=5 * HOUR))
    line = only(kept.keep(listing(*some(3, 6), answered=6 * HOUR)))
    assert "the list may have a lower limit, cover less time or be filtered" in line
    assert "it proves the time after its oldest message only" in line
    line = only(kept.keep(listing(*some(4, 7), answered=7 * HOUR)))
    assert "account main: the listing is cut at 4 messages" in line
    assert "earlier ones too, prove only the time after their oldest message" in line
    assert kept.keep(listing(*some(5, 8), answered=8 * HOUR)) == []


def test_an_empty_answer_says_that_it_proves_nothing(kept: Kept) -> None:
    kept.keep(listing(*some(1, 5), answered=5 * HOUR))
    line = only(kept.keep(listing(answered=6 * HOUR)))
    assert "it lists no message" in line
    assert "it proves nothing" in line


def test_a_late_message_says_what_is_withdrawn(kept: Kept) -> None:
    kept.keep(listing(*some(1, 5), answered=5 * HOUR))
    line = only(kept.keep(listing(*some(1, 5), message(6, 5 * HOUR - 120), answered=6 * HOUR)))
    assert "is withdrawn: message 6 appeared in the listing only after" in line
    assert "messages of this key have 4 minutes to appear" in line


def test_an_older_message_than_ever_ends_first_contact(kept: Kept) -> None:
    kept.keep(listing(*some(2, 5), answered=5 * HOUR))
    line = only(kept.keep(listing(*some(1, 5), answered=6 * HOUR)))
    assert "message 1, older than all that were listed before" in line


def test_removed_messages_say_so_once(kept: Kept) -> None:
    kept.keep(listing(*some(1, 5), answered=5 * HOUR))
    for hours in (2, 14, 27):
        kept.keep(listing(*some(1, 3), *some(5, 5), answered=(hours + 4) * HOUR))
    assert kept.asked_for == (4,)
    kept.caplog.clear()
    moment = at(31 * HOUR)
    removed_messages.settle(kept.engine, "main", KEY, denied=[4], found=[], at=moment)
    assert "all count as removed at Octopods" in only(kept.lines(logging.WARNING))
    assert kept.keep(listing(*some(1, 3), *some(5, 5), answered=32 * HOUR)) == []


@pytest.mark.parametrize(
    ("ahead", "said"), [(600, "10 minutes ahead of"), (-600, "10 minutes behi")]
)
def test_clocks_that_differ_are_said_once_until_they_agree(
    kept: Kept, ahead: float, said: str
) -> None:
    def answer(hours: int, seconds: float) -> Listing:
        made = listing(*some(1, 5), answered=(hours + 4) * HOUR)
        date = made.answered_at + timedelta(seconds=seconds)
        return replace(made, date=date, answered_at=date, requested_at=made.answered_at)

    assert kept.keep(answer(1, 100)) == []
    line = only(kept.keep(answer(2, ahead)))
    assert line.startswith(f"account main: Octopods' clock is {said}")
    assert "proof uses the earlier one" in line
    assert kept.keep(answer(3, ahead)) == []
    assert kept.keep(answer(4, 0)) == []
    assert len(kept.keep(answer(5, ahead))) == 1


def test_two_accounts_with_one_key_are_said_when_the_second_begins(kept: Kept) -> None:
    kept.keep(listing(*some(1, 5), answered=5 * HOUR))
    line = only(kept.keep(listing(*some(1, 5), answered=6 * HOUR), account="other"))
    assert line.startswith("account other: The same key is polled for 'main' too")
    assert kept.keep(listing(*some(1, 5), answered=7 * HOUR), account="other") == []


def test_a_key_whose_messages_are_all_older_is_said_once(kept: Kept) -> None:
    kept.keep(listing(*some(4, 6), answered=6 * HOUR))
    line = only(kept.keep(listing(*some(1, 3), answered=7 * HOUR), key="old"))
    assert "account main: All messages of the key that was polled last are older" in line
    assert "neither proves anything" in line
    assert kept.keep(listing(*some(1, 3), answered=8 * HOUR), key="old") == []


def test_a_refused_answer_is_no_first_contact(kept: Kept) -> None:
    kept.keep(replace(listing(*some(1, 5), answered=5 * HOUR), is_partial=True))
    assert not [one for one in kept.lines(logging.INFO) if "the first messages" in one]
