"""The polls that prove a span of time, and those on either side of a gap."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from recon.core.explanation import KeptPoll
from recon.model import Span
from recon.store import account_summary, messages, row_evidence, runs
from tests.factories import KEY, at, finding, listing, message, run

FIRST, SECOND, THIRD = (KeptPoll(at(600 * n), 2, n - 1 and 1) for n in (1, 2, 3))


@pytest.fixture
def polled(engine: sa.Engine) -> sa.Engine:
    """Return a store with three polls, each of which shares a message with the one before.

    Proof ends a minute before the poll that it rests on.
    """
    for number in (1, 2, 3):
        shown = (message(n, 500 * n) for n in (number - 1, number))
        messages.keep(engine, "main", KEY, listing(*shown, answered=600 * number, limit=2))
    return engine


def span(start: float | None, end: float | None) -> Span:
    return Span(None if start is None else at(start), None if end is None else at(end))


def test_a_span_is_proven_by_the_polls_after_its_start_up_to_its_end(polled: sa.Engine) -> None:
    expected = {
        (None, None): (FIRST, THIRD),
        (0, 1800): (FIRST, THIRD),
        (600, 1700): (SECOND, SECOND),
        (500, 600): (FIRST, FIRST),
        (1800, None): (None, None),
    }
    found = {at: row_evidence.polls_of_span(polled, "main", span(*at)) for at in expected}
    assert found == expected


def test_a_gap_lies_between_the_last_poll_before_and_the_first_after_it(polled: sa.Engine) -> None:
    expected = {
        (600, 1200): (FIRST, SECOND),
        (1100, 1201): (FIRST, THIRD),
        (None, 600): (None, FIRST),
        (500, 1801): (None, None),
        (1800, None): (THIRD, None),
    }
    found = {at: row_evidence.polls_beside_gap(polled, "main", span(*at)) for at in expected}
    assert found == expected


def test_the_last_poll_is_the_one_that_was_kept_last(polled: sa.Engine) -> None:
    last = account_summary.last_poll(polled, "main")
    assert last is not None
    assert (last.items, last.new) == (2, 1)
    assert account_summary.last_poll(polled, "other") is None


def test_a_message_is_told_as_it_is_known(polled: sa.Engine) -> None:
    for wanted in (0, 3):
        known = row_evidence.message(polled, "main", wanted)
        assert known is not None
        assert (known.message_id, known.sent_at) == (wanted, at(500 * wanted))
    assert row_evidence.message(polled, "main", 4) is None


def test_findings_are_found_by_their_own_id_and_those_of_message_and_record(
    engine: sa.Engine,
) -> None:
    rows = [
        finding("missing_locally", "a" * 16, message_id="7"),
        finding("missing_at_provider", "b" * 16, message_id="8", local_id="50"),
        finding("missing_at_provider", "c" * 16, message_id="9", local_id="6"),
    ]
    runs.save(engine, run(rows), "run")

    def names(own: Sequence[str] = (), message: str | None = None, local: str | None = None) -> str:
        some = row_evidence.found(
            engine, "main", discrepancy_ids=own, message_id=message, local_id=local
        )
        return "".join(one.discrepancy_id[0] for one in some)

    assert names(["b" * 16]) == "b"
    assert names(message="8") == "b"
    assert names(local="6") == "c"
    assert names(["a" * 16], message="9", local="50") == "abc"
    assert names() == ""
