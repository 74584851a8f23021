"""What answers prove together, against a provider that knows all it sent."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from recon.core import coverage
from recon.core.listing_evidence import KeyHistory, prove
from recon.model import Listing, Message
from tests.core.provider import Ledger, Poll, Sent, answer, lies_in, polls, proven, sends
from tests.factories import at, message

limits = st.integers(1, 6)


def missed(listings: list[Listing], sent: list[Sent]) -> list[Sent]:
    """Return what no answer showed."""
    seen = {one.message_id for listing in listings for one in listing.messages}
    return [one for one in sent if one.message_id not in seen]


@given(sends(), polls(lagging=True), limits, st.randoms(use_true_random=False))
@settings(max_examples=400)
def test_a_claimed_span_never_hides_a_message_whatever_the_timing(
    sent: list[Sent], asked: list[Poll], limit: int, chance: Random
) -> None:
    ledger = Ledger()
    listings = [answer(sent, poll, limit) for poll in asked]
    kept = listings[:]
    chance.shuffle(kept)
    for n, listing in enumerate(kept, 1):
        ledger.enter(listing)
        for one in missed(kept[:n], sent):
            assert not lies_in(ledger.spans, at(one.seconds))
    assert not ledger.disordered


@given(sends(), polls(), limits)
@settings(max_examples=150)
def test_all_between_two_answers_that_share_a_message_is_claimed(
    sent: list[Sent], asked: list[Poll], limit: int
) -> None:
    ledger = Ledger()
    listings = [answer(sent, poll, limit) for poll in asked]
    for listing in listings:
        ledger.enter(listing)
    for before, after in pairwise(listings):
        ids = [{one.message_id for one in listing.messages} for listing in (before, after)]
        start = prove(before, KeyHistory()).shown
        end = after.answered_at - coverage.SETTLING
        assert start is not None
        if ids[0] & ids[1] and (start.start is None or start.start < end):
            assert any(
                (span.start is None or (start.start is not None and span.start <= start.start))
                and span.end is not None
                and span.end >= end
                for span in ledger.spans
            )
    if listings and not listings[-1].is_full:
        assert ledger.spans[0].start is None
        assert ledger.spans[0].end == listings[-1].answered_at - coverage.SETTLING


@given(sends(late=True), polls(), limits)
@example([Sent(1, 0, 0), Sent(2, 1, 30), Sent(3, 2, 2)], [Poll(2), Poll(31), Poll(200)], 2)
@settings(max_examples=300)
def test_what_is_joined_past_the_settling_time_holds_for_any_order_of_appearance(
    sent: list[Sent], asked: list[Poll], limit: int
) -> None:
    ledger = Ledger()
    listings = []
    for poll in asked:
        listings.append(answer(sent, poll, limit))
        ledger.enter(listings[-1])
        for one in missed(listings, sent):
            assert not lies_in(proven(ledger.settled), at(one.seconds))
    if ledger.disordered:
        assert ledger.spans == proven(ledger.settled)
    assert all(lies_in(ledger.spans, at(one.seconds)) for one in sent if _is_settled(one, ledger))


def _is_settled(one: Sent, ledger: Ledger) -> bool:
    return lies_in(proven(ledger.settled), at(one.seconds))


@given(sends(), sends(), polls(), polls(), limits)
@settings(max_examples=150)
def test_a_key_that_replaces_another_claims_nothing_that_the_old_one_may_have_sent(
    old: list[Sent], new: list[Sent], before: list[Poll], after: list[Poll], limit: int
) -> None:
    # The old key sends until the new one takes over; what nobody collected of it is lost.
    takeover = max((one.seconds for one in old), default=0.0) + 0.7
    last = max([takeover, *(poll.seconds for poll in before)])
    first_id = 1000
    new = [Sent(first_id + one.message_id, last + one.seconds, last + one.appears) for one in new]
    listings = [answer(old, poll, limit) for poll in before]
    first = Ledger()
    for listing in listings:
        first.enter(listing)
    later = [answer(new, Poll(last + poll.seconds, poll.lag), limit) for poll in after]
    second = Ledger(since=_first_known(later[0]) if later else None)
    for listing in later:
        second.enter(listing)
    spans = coverage.merge([*first.spans, *(second.spans if later else ())])
    for one in missed([*listings, *later], [*old, *new]):
        assert not lies_in(spans, at(one.seconds))


def _first_known(listing: Listing) -> datetime:
    return min((one.sent_at for one in listing.messages), default=listing.answered_at)


KNOWN = {7: coverage.ShownSpan(at(10), at(100))}


def slipped(*shown: Message, listed: tuple[int, ...] = (1, 2)) -> list[int]:
    return [
        one.message_id for one in coverage.late_messages(shown, dict.fromkeys(listed, 7), KNOWN)
    ]


def test_a_new_message_behind_one_that_was_listed_has_slipped_in() -> None:
    assert slipped(message(1, 50), message(9, 40), message(2, 30)) == [9]
    assert slipped(message(9, 60), message(1, 50), message(2, 30)) == []


def test_of_one_second_any_order_is_as_good() -> None:
    assert slipped(message(1, 50.9), message(9, 50.1)) == []
    assert slipped(message(1, 50.0), message(9, 49.9)) == [9]


def test_what_lies_before_all_that_was_shown_whole_has_not_slipped_in() -> None:
    assert slipped(message(1, 50), message(9, 9.9)) == []
    assert slipped(message(1, 50), message(9, 10)) == [9]
