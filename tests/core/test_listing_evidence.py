"""What one answer proves, compared with what was listed before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from recon.core import listing_evidence
from recon.core.coverage import ShownSpan
from recon.core.listing_evidence import (
    AbsentMessage,
    AnswerKind,
    KeyHistory,
    Proof,
    appeared_late,
    prove,
)
from recon.model import Listing, Message, RejectedItem, Span
from tests.factories import NOON, NUMBER, at


def message(number: int, ago: float) -> Message:
    """Return a message sent so many seconds before noon."""
    return Message(number, NUMBER, at(-ago), "sent")


def answer(*ago: float, limit: int = 100, items: int | None = None) -> Listing:
    """Return an answer at noon that lists messages sent so many seconds before it, as given.

    The message of 90 seconds ago has the id 90, and so on.
    """
    messages = [message(int(seconds), seconds) for seconds in ago]
    return Listing(messages, [], len(messages) if items is None else items, limit, NOON)


def known(*ago: float, **more: object) -> KeyHistory:
    """Return that messages of so many seconds before noon were listed that an answer lacks."""
    return replace(KeyHistory(), absent={int(s): at(-s) for s in ago}, **more)  # type: ignore[arg-type]


def shown(proof: Proof) -> ShownSpan:
    assert proof.shown is not None
    return proof.shown


# --- the clock ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("date", "age", "requested", "clock"),
    [
        (0.0, 0.0, 1.0, 0.0),
        (365 * 86_400.0, 0.0, 1.0, 1.0),
        (0.0, 300.0, 1.0, -300.0),
        (0.0, 0.0, -7200.0, -7200.0),
        (None, 300.0, 1.0, -299.0),
        (365 * 86_400.0, 300.0, 1.0, -299.0),
        (0.0, 1e9, 1.0, -3650 * 86_400.0),
    ],
)
def test_the_clock_is_the_earlier_of_date_and_our_own_less_the_age_of_the_answer(
    date: float | None, age: float, requested: float, clock: float
) -> None:
    listing = replace(
        answer(),
        answered_at=at(1.0 if date is None else date),
        date=None if date is None else at(date),
        age_seconds=age,
        requested_at=at(requested),
    )
    assert listing_evidence.clock(listing) == at(clock)


# --- full and short -----------------------------------------------------------------------------


def test_a_short_answer_proves_everything_up_to_its_clock_in_whatever_order() -> None:
    for listing in (answer(), answer(70, 90), answer(9000, 70, 400)):
        proof = prove(listing, KeyHistory())
        assert (proof.reading, proof.why) == (AnswerKind.WHOLE, "")
        assert shown(proof) == ShownSpan(None, NOON)
        assert shown(proof).span() == Span(None, at(-60))


def test_a_full_answer_proves_the_time_after_its_oldest_messages_second() -> None:
    for oldest in (90, 89.5):
        proof = prove(answer(70, oldest, limit=2), KeyHistory())
        assert (proof.reading, shown(proof)) == (AnswerKind.AFTER_OLDEST, ShownSpan(at(-89), NOON))
    assert shown(prove(answer(10, 59, limit=2), KeyHistory())).span() is None


def test_items_that_cannot_be_read_count_towards_a_full_answer() -> None:
    assert shown(prove(answer(70, 90, limit=3, items=3), KeyHistory())).start == at(-89)
    proof = prove(answer(limit=3, items=3), KeyHistory())
    assert (proof.reading, proof.shown) == (AnswerKind.NOTHING, None)


def test_a_full_answer_a_little_out_of_order_proves_a_settling_time_less() -> None:
    # One that was cut off may be as much newer than the last item.
    assert shown(prove(answer(70, 120, 90, limit=3), KeyHistory())).start == at(-89 + 60)


def test_a_full_answer_is_refused_where_it_is_not_newest_first() -> None:
    proof = prove(answer(70, 9000, 400, limit=3), KeyHistory())
    assert (proof.reading, proof.shown) == (AnswerKind.REFUSED, None)
    assert proof.why == "its messages are not listed newest first"
    assert prove(answer(70, 460, 400, limit=3), KeyHistory()).is_accepted
    # It counts as full where it lacks older ones, too.
    assert prove(answer(70, 9000, 400), known(9500)).reading == AnswerKind.REFUSED


def test_a_new_key_proves_nothing_up_to_its_first_message() -> None:
    begun = KeyHistory(since=at(-500.5))
    assert shown(prove(answer(70, 90), begun)) == ShownSpan(at(-500), NOON)
    assert shown(prove(answer(70, 90, limit=2), begun)) == ShownSpan(at(-89), NOON)
    assert shown(prove(answer(), KeyHistory(since=NOON))).span() is None


# --- compared with what was listed --------------------------------------------------------------


def test_a_short_answer_that_lacks_only_older_ones_counts_as_full() -> None:
    proof = prove(answer(70, 90), known(400))
    assert (proof.reading, shown(proof).start, proof.cap) == (
        AnswerKind.AFTER_OLDEST,
        at(-89),
        None,
    )
    assert "the list may have a lower limit, cover less time or be filtered" in proof.why


def test_a_number_of_items_that_recurs_is_the_cap_and_cuts_later_answers() -> None:
    proof = prove(answer(70, 90), known(400, counts=frozenset({2})))
    assert proof.cap == 2
    # Nothing is lacking, but it has as many items as the listing ever shows.
    later = prove(answer(70, 90), KeyHistory(cap=2))
    assert (later.reading, later.cap) == (AnswerKind.AFTER_OLDEST, 2)
    assert prove(answer(70), KeyHistory(cap=2)).reading == AnswerKind.WHOLE


def test_an_answer_that_lacks_what_it_had_to_show_is_refused() -> None:
    proof = prove(answer(70, 900), known(400, 300))
    assert (proof.reading, proof.shown, proof.lacking) == (AnswerKind.REFUSED, None, (400, 300))
    assert proof.why == (
        "it lacks 2 messages newer than its own oldest that were listed before, such as 400"
    )
    assert prove(answer(70, 900, limit=2), known(400)).reading == AnswerKind.REFUSED


def test_what_has_not_settled_yet_may_be_lacking() -> None:
    assert prove(answer(900), known(50)).reading == AnswerKind.WHOLE
    assert prove(answer(900), known(70)).reading == AnswerKind.REFUSED
    slow = known(70, settling=timedelta(minutes=5))
    assert prove(answer(900), slow).reading == AnswerKind.WHOLE


def test_an_answer_of_more_items_than_the_cap_is_full_too() -> None:
    for items in (2, 3):
        proof = prove(answer(70, 900, items=items), known(cap=2))
        assert proof.reading == AnswerKind.AFTER_OLDEST
    assert prove(answer(70, 900, items=2), known(cap=3)).reading == AnswerKind.WHOLE


def test_of_the_second_that_is_cut_through_anything_may_be_lacking() -> None:
    assert prove(answer(70, 89.2, limit=2), known(89.9)).reading == AnswerKind.AFTER_OLDEST


def test_an_unreadable_item_stands_for_one_that_is_lacking() -> None:
    listing = answer(70, 900)
    by_id = replace(listing, rejects=[RejectedItem("k", "no number", message_id=400)])
    assert prove(by_id, known(400)).reading == AnswerKind.WHOLE
    nameless = replace(listing, rejects=[RejectedItem("k", "no id")] * 2)
    assert prove(nameless, known(400)).reading == AnswerKind.WHOLE
    assert prove(nameless, known(400, 500, 600)).reading == AnswerKind.REFUSED


def test_an_empty_answer_proves_nothing_where_messages_were_listed() -> None:
    proof = prove(answer(), known(400))
    assert (proof.reading, proof.shown) == (AnswerKind.NOTHING, None)
    assert prove(answer(), known(50)).reading == AnswerKind.WHOLE


@pytest.mark.parametrize(
    ("listing", "why"),
    [
        (replace(answer(70), is_partial=True), "partial answer"),
        (replace(answer(70), error="error code 3"), "it has error code 3 beside its list"),
    ],
)
def test_an_answer_that_owns_up_to_be_none_is_refused(listing: Listing, why: str) -> None:
    proof = prove(listing, KeyHistory())
    assert (proof.reading, proof.shown, proof.is_accepted) == (AnswerKind.REFUSED, None, False)
    assert why in proof.why


def test_a_key_that_another_one_replaced_proves_nothing() -> None:
    assert prove(answer(70), KeyHistory(is_superseded=True)).reading == AnswerKind.NOTHING


# --- late, removed -----------------------------------------------------------------------------

MINUTE = timedelta(minutes=1)


def test_a_message_in_proven_time_withdraws_it_up_to_the_last_answer_that_lacked_it() -> None:
    proven = [ShownSpan(at(-9000), at(-100)), ShownSpan(at(-90), NOON)]
    late = appeared_late([message(5, 1000), message(6, 700)], proven, MINUTE)
    assert late is not None
    assert (late.message_id, late.span) == (5, Span(at(-1000), at(-100)))
    assert late.settling == timedelta(seconds=2 * 900)


def test_messages_in_two_proven_stretches_withdraw_all_from_the_first_to_the_last() -> None:
    proven = [ShownSpan(at(-9000), at(-1000)), ShownSpan(at(-900), NOON)]
    late = appeared_late([message(6, 700), message(5, 2000)], proven, MINUTE)
    assert late is not None
    assert (late.message_id, late.span) == (5, Span(at(-2000), NOON))


def test_a_message_outside_proven_time_is_not_late() -> None:
    proven = [ShownSpan(at(-9000), at(-100))]
    assert appeared_late([message(5, 9001), message(6, 160), message(7, 5)], proven, MINUTE) is None


def test_the_settling_time_grows_to_six_hours_and_never_shrinks() -> None:
    proven = [ShownSpan(None, NOON)]
    late = appeared_late([message(5, 90_000)], proven, MINUTE)
    assert late is not None
    assert late.settling == timedelta(hours=6)
    soon = appeared_late([message(5, 3700)], proven, timedelta(hours=1))
    assert soon is not None
    assert soon.settling == timedelta(seconds=7400)
    assert appeared_late([message(5, 3500)], proven, timedelta(hours=1)) is None


@pytest.mark.parametrize(
    ("answers", "hours", "asked_hours_ago", "wanted"),
    [(3, 24, None, True), (2, 48, None, False), (3, 23, None, False), (9, 48, 23, False)],
)
def test_a_message_is_asked_for_when_three_answers_over_a_day_lack_it(
    answers: int, hours: float, asked_hours_ago: float | None, *, wanted: bool
) -> None:
    asked = None if asked_hours_ago is None else at(-3600 * asked_hours_ago)
    assert AbsentMessage(at(-3600 * hours), NOON, answers, asked).is_to_be_asked_for == wanted
