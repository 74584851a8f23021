from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.simulator.channel import SIMULATED_KEY, Access, Channel
from recon.simulator.rate_limits import RateLimit
from recon.simulator.simulated_message import (
    DELETED,
    DELIVERED,
    FAILED_AT_ONCE,
    FAILED_LATER,
    ONLY_SENT,
    ONLY_UNKNOWN,
    READ,
    Junk,
    Reason,
    ReasonForm,
    SimulatedMessage,
    StatusCourse,
    course,
)

T = datetime(2026, 4, 24, 10, 23, 45, tzinfo=UTC)
NUMBER = "+353875551234"


def after(seconds: float) -> datetime:
    return T + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("way", "seen"),
    [
        (READ, {0: "sent", 3.9: "sent", 4: "delivered", 94: "delivered", 95: "read", 1e6: "read"}),
        (DELIVERED, {0: "sent", 4: "delivered", 1e6: "delivered"}),
        (DELETED, {0: "sent", 6: "delivered", 400: "deleted"}),
        (FAILED_AT_ONCE, {0: "failed", 1e6: "failed"}),
        (FAILED_LATER, {29: "sent", 30: "failed"}),
        (ONLY_SENT, {0: "sent", 1e6: "sent"}),
        (ONLY_UNKNOWN, {0: "unknown", 1e6: "unknown"}),
        (course((0, "sent"), (9, "held")), {8: "sent", 9: "held"}),
    ],
)
def test_a_status_moves_on_as_its_course_says(way: StatusCourse, seen: dict[float, str]) -> None:
    channel = Channel()
    channel.send(NUMBER, T, course=way)
    for seconds, status in seen.items():
        assert [m.status for m in channel.listing(after(seconds)).messages] == [status]


@pytest.mark.parametrize("steps", [(), ((1.0, "sent"),), ((0.0, "sent"), (9.0, "a"), (8.0, "b"))])
def test_a_course_that_does_not_start_or_runs_backwards_is_refused(
    steps: tuple[tuple[float, str], ...],
) -> None:
    with pytest.raises(ValueError, match="order of time"):
        course(*steps)


def test_the_listing_shows_the_newest_hundred_newest_first() -> None:
    channel = Channel()
    sent = [channel.send(NUMBER, after(n)).message_id for n in range(130)]
    listing = channel.listing(after(1000))
    assert [m.message_id for m in listing.messages] == sent[:29:-1]
    assert listing.is_full


def test_no_limit_shows_more_than_a_hundred_and_a_lower_one_shows_fewer() -> None:
    channel = Channel()
    for n in range(130):
        channel.send(NUMBER, after(n))
    assert len(channel.page(after(1000), limit=5000).items) == 100
    assert len(channel.page(after(1000), limit=7).items) == 7


def test_a_listing_is_as_it_was_at_its_moment_in_any_order_of_asking() -> None:
    channel = Channel()
    ids = [channel.send(NUMBER, after(10 * n)).message_id for n in range(4)]
    assert [m.message_id for m in channel.page(after(30)).items] == ids[::-1]
    assert [m.message_id for m in channel.page(after(29.9)).items] == ids[2::-1]
    assert [m.message_id for m in channel.page(after(0)).items] == ids[:1]
    assert channel.page(after(-1)).items == []


def test_messages_of_one_second_are_listed_by_rising_id_and_the_limit_may_cut_between_them() -> (
    None
):
    channel = Channel()
    ids = [channel.send(NUMBER, T).message_id for _ in range(101)]
    listing = channel.listing(T)
    assert [m.message_id for m in listing.messages] == ids[:0:-1]
    assert {m.sent_at for m in listing.messages} == {T}


def test_a_late_message_appears_at_its_own_place_and_pushes_an_old_one_out() -> None:
    channel = Channel()
    ids = [channel.send(NUMBER, after(n)).message_id for n in range(100)]
    late = channel.send(NUMBER, after(100), appears_at=after(140))
    newest = channel.send(NUMBER, after(120))
    before = [m.message_id for m in channel.page(after(139)).items]
    assert before == [newest.message_id, *ids[:0:-1]]
    then = [m.message_id for m in channel.page(after(140)).items]
    assert then == [newest.message_id, late.message_id, *ids[:1:-1]]


@st.composite
def sends(draw: st.DrawFn) -> list[SimulatedMessage]:
    waits = draw(st.lists(st.integers(0, 3), max_size=40))
    found, at = [], 0
    for number, wait in enumerate(waits):
        at += wait
        late = draw(st.none() | st.integers(0, 20))
        shown = None if late is None else after(at + late)
        found.append(SimulatedMessage(number + 1, NUMBER, after(at), appears_at=shown))
    return found


@given(sends(), st.integers(-1, 140), st.integers(1, 12))
def test_the_listing_equals_an_obvious_scan_of_everything(
    sent: list[SimulatedMessage], second: int, limit: int
) -> None:
    drawn, added = Channel(), Channel()
    drawn.follow(sent)
    for message in sent:
        added.add(message)
    now = after(second)
    known = [m for m in sent if m.sent_at <= now and (m.appears_at or m.sent_at) <= now]
    expected = sorted(known, key=lambda m: (m.sent_at, m.message_id), reverse=True)[:limit]
    assert added.page(now, limit=limit).items == expected
    assert drawn.page(now, limit=limit).items == expected


def test_endless_traffic_is_drawn_only_as_far_as_somebody_asks() -> None:
    channel = Channel()
    drawn = []

    def endless() -> object:
        number = 0
        while True:
            number += 1
            drawn.append(number)
            yield SimulatedMessage(number, NUMBER, after(number))

    channel.follow(endless())  # type: ignore[arg-type] # a generator is an iterable of messages
    assert len(channel.sent(after(50))) == 50
    assert len(drawn) == 51


def test_ids_rise_and_time_does_not_run_back() -> None:
    channel = Channel(first_id=500)
    assert [channel.send(NUMBER, T).message_id for _ in range(3)] == [500, 501, 502]
    with pytest.raises(ValueError, match="order of their times and ids"):
        channel.send(NUMBER, after(-1))
    with pytest.raises(ValueError, match="order of their times and ids"):
        channel.add(SimulatedMessage(502, NUMBER, after(1)))
    assert channel.add(SimulatedMessage(900, NUMBER, after(1))).message_id == 900
    assert channel.send(NUMBER, after(1)).message_id == 901


def test_a_message_is_found_by_its_id_from_when_it_is_sent() -> None:
    channel = Channel()
    message = channel.send(NUMBER, T)
    channel.send(NUMBER, after(5))
    assert channel.find(message.message_id, T) is message
    assert channel.find(message.message_id, after(-1)) is None
    assert channel.find(message.message_id + 1, after(4)) is None
    assert channel.find(message.message_id - 1, after(9)) is None


def test_a_key_sees_only_what_was_sent_through_it() -> None:
    channel = Channel(keys=("one", "two"))
    first = channel.send(NUMBER, T, key="one")
    second = channel.send(NUMBER, T, key="two")
    assert channel.page(T, key="one").items == [first]
    assert channel.page(T, key="two").items == [second]
    assert channel.find(second.message_id, T, key="one") is None


def test_a_rotated_key_is_refused_and_the_new_one_starts_with_nothing() -> None:
    channel = Channel()
    channel.send(NUMBER, T)
    channel.rotate(SIMULATED_KEY, "new", after(60))
    assert channel.access(SIMULATED_KEY, after(59)) is Access.GRANTED
    assert channel.access("new", after(59)) is Access.UNKNOWN
    assert channel.access(SIMULATED_KEY, after(60)) is Access.ROTATED
    assert channel.access("new", after(60)) is Access.GRANTED
    assert channel.access("other", after(60)) is Access.UNKNOWN
    assert channel.access(None, after(60)) is Access.UNKNOWN
    assert not channel.has_sent("new", after(60))


def test_sends_are_taken_from_the_limit_that_the_requests_share() -> None:
    channel = Channel(rate_limit=RateLimit(3, timedelta(seconds=60)))
    channel.send(NUMBER, T)
    channel.send(NUMBER, T)
    assert channel.take(SIMULATED_KEY, T) is None
    assert channel.take(SIMULATED_KEY, T) == after(20)
    assert channel.take(SIMULATED_KEY, after(19)) == after(20)
    assert channel.take(SIMULATED_KEY, after(20)) is None


def test_each_key_has_a_limit_of_its_own() -> None:
    channel = Channel(keys=("one", "two"), rate_limit=RateLimit(1, timedelta(seconds=60)))
    assert channel.take("one", T) is None
    assert channel.take("one", T) is not None
    assert channel.take("two", T) is None


def test_a_send_is_charged_once() -> None:
    channel = Channel(rate_limit=RateLimit(2, timedelta(seconds=2)))
    channel.send(NUMBER, T)
    assert channel.take(SIMULATED_KEY, T) is None
    assert channel.take(SIMULATED_KEY, after(10)) is None
    assert channel.take(SIMULATED_KEY, after(10)) is None
    assert channel.take(SIMULATED_KEY, after(10)) is not None


def test_without_a_limit_nothing_is_refused() -> None:
    channel = Channel()
    assert all(channel.take(SIMULATED_KEY, T) is None for _ in range(1000))


def test_junk_is_counted_and_set_aside_in_the_listing() -> None:
    channel = Channel()
    good = channel.send(NUMBER, T)
    junk = channel.send(NUMBER, T, junk=Junk.NO_TIME)
    listing = channel.listing(T)
    assert [m.message_id for m in listing.messages] == [good.message_id]
    assert [(r.key, r.reason) for r in listing.rejects] == [(str(junk.message_id), "no time")]
    assert listing.item_count == 2
    assert not listing.is_full


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (ReasonForm.TEXT, "No user."),
        (ReasonForm.OBJECT, "No user."),
        (ReasonForm.NULL, None),
        (ReasonForm.EMPTY, None),
        (ReasonForm.ABSENT, None),
    ],
)
def test_a_failure_shows_its_reason_only_once_it_failed(form: ReasonForm, told: str | None) -> None:
    channel = Channel()
    channel.send(NUMBER, T, course=FAILED_LATER, reason=Reason("No user.", 7, form))
    assert channel.listing(after(29)).messages[0].failure_reason is None
    assert channel.listing(after(30)).messages[0].failure_reason == told


def test_times_are_reported_in_utc_and_cut_to_the_second() -> None:
    channel = Channel()
    channel.send(NUMBER, datetime.fromisoformat("2026-04-24T12:23:45.987654+02:00"))
    [message] = channel.listing(after(9)).messages
    assert message.sent_at.isoformat() == "2026-04-24T10:23:45+00:00"
