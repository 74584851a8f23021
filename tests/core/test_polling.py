"""When a poll is due: each reason, told apart by the decision and its words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from recon.core import polling
from recon.core.polling import Decision, PollingRules, PollingState, RecordedSends
from recon.core.polling_rhythm import Forecast, Poll, Rhythm
from tests.factories import NOON

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
MIDNIGHT = NOON.replace(hour=0)
QUIET = PollingState(
    now=NOON,
    tick=MINUTE,
    last_poll_at=NOON - timedelta(hours=1),
    newest=NOON - timedelta(hours=1),
    window_end=MIDNIGHT,
    recorded=RecordedSends(0, 0),
)


def decide(known: PollingState, ahead: Forecast | None = None, **rules: Any) -> Decision:  # noqa: ANN401 - fields of a dataclass
    return polling.decide(known, ahead or Forecast(), replace(PollingRules(), **rules))


def recorded(unseen: int, just_now: int = 0, in_burst: int = 0, **other: Any) -> PollingState:  # noqa: ANN401 - fields of a dataclass
    return replace(QUIET, recorded=RecordedSends(unseen, just_now, in_burst), **other)


def usual(per_hour: float, **other: Any) -> Forecast:  # noqa: ANN401 - fields of a dataclass
    """Return the forecast of a business that sends alike in every hour."""
    rhythm = Rhythm(rates=(per_hour / 3600,) * 168, peak=other.pop("peak", 0.0))
    return replace(Forecast(rhythm), **other)


def test_a_key_that_was_never_polled_is_polled_at_once() -> None:
    decision = decide(PollingState(now=NOON, tick=MINUTE))
    assert decision == Decision(due=True, why="this key was never polled", wait=timedelta())


def test_quiet_records_need_no_poll() -> None:
    decision = decide(QUIET)
    assert not decision.due
    assert decision.wait > timedelta()


def test_two_polls_keep_their_distance_whatever_the_reason() -> None:
    just = recorded(500, last_poll_at=NOON - SECOND)
    decision = decide(just, min_interval=timedelta(seconds=3))
    assert (decision.due, decision.wait) == (False, timedelta(seconds=2))
    assert decide(just, min_interval=SECOND).due


def test_a_poll_comes_at_least_each_max_interval_seen_from_the_next_tick() -> None:
    often = timedelta(minutes=61)
    assert decide(QUIET, max_interval=often).due
    assert "at least every 61 minutes" in decide(QUIET, max_interval=often).why
    assert not decide(replace(QUIET, tick=59 * SECOND), max_interval=often).due


@pytest.mark.parametrize(("seconds", "due"), [(0, False), (60, False), (61, True), (3600, True)])
def test_a_day_is_covered_to_its_end_once_it_has_settled(seconds: int, *, due: bool) -> None:
    now = MIDNIGHT + seconds * SECOND
    after = replace(QUIET, last_poll_at=MIDNIGHT - MINUTE, now=now, tick=SECOND, recorded=None)
    decision = decide(after)
    assert decision.due is due
    assert "covered to its end" in decision.why
    assert due or decision.wait == (61 - seconds) * SECOND


def test_a_poll_after_the_settling_time_has_covered_the_day() -> None:
    last = MIDNIGHT + 60 * SECOND
    assert not decide(replace(QUIET, last_poll_at=last, now=MIDNIGHT + 600 * SECOND)).due
    assert decide(replace(QUIET, last_poll_at=last - SECOND, now=MIDNIGHT + 600 * SECOND)).due


def test_the_next_answer_must_still_share_messages_with_the_last() -> None:
    assert not decide(recorded(80, 1)).due
    assert decide(recorded(94, 1)).due
    why = decide(recorded(94, 1)).why
    assert why.startswith("94 sends since the last poll, at most ")
    assert why.endswith("the next answer has room for 1 more without a gap")
    assert not decide(recorded(80, 1), min_overlap=5).due
    assert decide(recorded(80, 1), min_overlap=20).due


def test_what_may_come_until_the_next_tick_is_expected_at_the_rate_of_the_last_minute() -> None:
    assert not decide(recorded(40, 20)).due
    assert decide(recorded(40, 45)).due
    # Asked again in a second, there is time.
    assert not decide(recorded(40, 45, tick=SECOND)).due


def test_what_may_come_until_the_next_tick_is_expected_at_the_usual_rate() -> None:
    assert not decide(recorded(40), usual(60)).due
    assert decide(recorded(40), usual(60 * 45)).due
    assert decide(recorded(40), usual(60, level=45.0)).due


def test_a_burst_that_has_just_begun_is_taken_at_its_own_rate() -> None:
    begun = recorded(50, 50, 50, tick=SECOND)
    assert decide(begun).due
    assert "1e+03 a minute" not in decide(begun).why
    assert not decide(recorded(50, 50, 2, tick=SECOND)).due


def test_a_single_send_is_no_burst() -> None:
    assert not decide(recorded(60, 1, 1)).due


def test_room_is_kept_for_a_burst_as_one_was_seen_before() -> None:
    known = recorded(60, tick=SECOND)
    assert not decide(known, usual(1, peak=10)).due
    assert decide(known, usual(1, peak=14)).due
    # One that overflows any answer until the next tick cannot be prepared for.
    assert not decide(recorded(60), usual(1, peak=2)).due


def test_sends_that_the_records_do_not_know_are_expected_as_the_last_run_found() -> None:
    known = recorded(60, 1, unrecorded_share=0.5)
    assert not decide(known, Forecast(recent=0.0)).due
    assert decide(known, Forecast(recent=0.02)).due


def test_where_more_was_sent_than_an_answer_holds_a_new_chain_begins_at_once() -> None:
    decision = decide(recorded(150, 90, tick=SECOND))
    assert decision.due
    assert "the answers no longer overlap" in decision.why
    # However long ago that was.
    assert decide(recorded(150, tick=SECOND)).due
    assert decide(recorded(97, tick=SECOND)).due


def test_the_decision_is_repeated_before_the_fastest_burst_could_overflow() -> None:
    idle, filled = (decide(replace(recorded(n), tick=SECOND)) for n in (0, 40))
    assert SECOND <= filled.wait < idle.wait < timedelta(seconds=6)
    assert idle.wait.total_seconds() == pytest.approx(95 / (1000 / 60) - 3)


# --- where the listing was seen out of order ------------------------------------------------------


def test_where_much_is_sent_the_next_look_comes_when_the_poll_is_due() -> None:
    at_once = timedelta(seconds=0.2)
    busy: dict[str, Any] = {"just_now": 1017, "in_burst": 50, "tick": at_once}
    waits = [decide(recorded(unseen, **busy)).wait for unseen in (0, 35, 39, 50)]
    assert SECOND < waits[0] < 3 * SECOND
    assert at_once <= waits[2] < waits[1] < SECOND
    assert decide(recorded(50, **busy)).due


def test_while_a_burst_goes_on_no_room_is_kept_for_another() -> None:
    busy: dict[str, Any] = {"just_now": 1017, "in_burst": 50, "tick": timedelta(seconds=0.2)}
    before = usual(60, peak=20)
    assert not decide(recorded(41, **busy), before).due
    assert decide(recorded(41, tick=timedelta(seconds=0.2)), before).due


def test_while_no_poll_is_near_the_looks_are_a_second_apart_at_least() -> None:
    decision = decide(recorded(60, just_now=1, tick=timedelta(seconds=0.2)))
    assert not decision.due
    assert decision.wait >= SECOND


def test_out_of_order_what_was_not_proven_must_be_shown_again() -> None:
    assert not decide(recorded(60, 1)).due
    decision = decide(recorded(60, 1, unproven=34))
    assert decision.due
    assert "34 are not proven" in decision.why


def test_out_of_order_a_broken_chain_waits_until_an_answer_proves_a_good_deal() -> None:
    assert decide(recorded(110, 40, unproven=30)).due
    assert not decide(recorded(30, 60, unproven=80, tick=SECOND)).due


def test_out_of_order_a_rate_too_fast_to_prove_still_sees_every_message() -> None:
    busy = recorded(10, 60, unproven=50, tick=SECOND)
    assert not decide(busy).due
    assert "too fast for a proof" in decide(busy).why


# --- without the records --------------------------------------------------------------------------

BLIND = replace(QUIET, recorded=None)


def test_without_records_the_rhythm_shows_how_long_the_room_lasts() -> None:
    assert not decide(BLIND, usual(20)).due
    assert decide(BLIND, usual(100)).due
    assert "by the rhythm learnt so far" in decide(BLIND, usual(100)).why


def test_without_records_an_hour_that_was_never_seen_counts_as_unlearnt() -> None:
    assert not decide(BLIND, Forecast(unlearnt=20 / 3600)).due
    assert decide(BLIND, Forecast(unlearnt=100 / 3600)).due


def test_without_records_coverage_comes_first() -> None:
    # The room of 95 lasts an hour at 95 an hour, but not for sure.
    assert decide(BLIND, usual(75)).due


def test_without_records_no_poll_comes_sooner_than_the_floor_asks_when_nothing_is_sent() -> None:
    long_ago = replace(BLIND, newest=NOON - timedelta(days=3), last_poll_at=NOON - 30 * SECOND)
    decision = decide(long_ago, max_interval=timedelta(minutes=2))
    assert not decision.due


def test_without_records_a_rhythm_that_is_far_too_fast_does_not_poll_again_and_again() -> None:
    # In the time that an answer may be too old to show, as much as fills one is usual.
    quiet = replace(QUIET, recorded=None, tick=SECOND, last_poll_at=NOON - 20 * SECOND)
    assert not decide(quiet, usual(6000)).due
    assert decide(replace(quiet, last_poll_at=NOON - 45 * SECOND), usual(6000)).due


def test_without_records_an_answer_that_may_be_too_old_is_asked_for_again_soon() -> None:
    old = replace(
        QUIET,
        recorded=None,
        tick=SECOND,
        newest=NOON - 60 * SECOND,
        last_poll_at=NOON - 10 * SECOND,
    )
    assert decide(old, usual(6000, recent=6000 / 3600)).due


def test_out_of_order_and_without_records_less_room_is_left() -> None:
    assert not decide(BLIND, usual(40)).due
    assert decide(replace(BLIND, unproven=50), usual(40)).due


# --- whether the records tell ---------------------------------------------------------------------


def shown(seconds: float | None, new: int = 10, *, joined: bool = True) -> Poll:
    newest = None if seconds is None else NOON + seconds * SECOND
    return Poll(NOON + HOUR, new, 100, joined, newest=newest)


def test_the_last_poll_showed_first_what_is_newer_than_all_before() -> None:
    stretch = polling.last_stretch([shown(5), shown(60), shown(None), shown(90)])
    assert stretch == (NOON + 60 * SECOND, NOON + 90 * SECOND)
    assert polling.last_stretch([shown(5), shown(90, joined=False)]) is None
    assert polling.last_stretch([]) is None


def test_a_poll_that_showed_nothing_new_shows_that_nothing_was_sent_until_the_settling_time() -> (
    None
):
    asked = NOON + HOUR
    stretch = polling.last_stretch([shown(5), shown(60), shown(50)])
    assert stretch == (NOON + 60 * SECOND, asked - MINUTE)
    assert polling.last_stretch([shown(3550), shown(50)]) is None


def test_the_first_poll_was_the_first_to_show_all_of_its_messages() -> None:
    first = Poll(NOON + HOUR, 30, 30, joined=True, oldest=NOON, newest=NOON + MINUTE)
    assert polling.last_stretch([first]) == (NOON, NOON + MINUTE)
    assert polling.last_stretch([shown(90)]) is None


@pytest.mark.parametrize(
    ("before", "new", "told"),
    [(None, 100, True), (50, 100, True), (49, 100, False), (0, 9, True), (0, 10, False),
     (220, 100, True), (221, 100, False), (20, 0, True), (21, 0, False)],
)  # fmt: skip
def test_records_that_held_another_number_than_the_last_poll_showed_are_not_trusted(
    before: int | None, new: int, *, told: bool
) -> None:
    assert polling.is_reliable(RecordedSends(0, 0, before=before), new) is told


# --- until when sends can be taken for seen -------------------------------------------------------


def test_an_answer_may_show_the_listing_of_a_minute_ago() -> None:
    last = NOON - timedelta(hours=1)
    shown = replace(QUIET, newest=last - 20 * SECOND)
    assert shown.seen_until(MINUTE) == last - 20 * SECOND
    assert replace(QUIET, newest=last - 900 * SECOND).seen_until(MINUTE) == last - MINUTE
    assert replace(QUIET, newest=None).seen_until(MINUTE) == last - MINUTE
    assert replace(QUIET, newest=last + SECOND).seen_until(MINUTE) == last


def test_a_day_of_the_ledger_reaches_one_second_before_what_is_proven() -> None:
    assert polling.next_answer_must_reach(NOON) == NOON - SECOND
