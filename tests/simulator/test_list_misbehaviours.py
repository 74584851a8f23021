from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from recon.simulator import list_misbehaviours as misbehaviours
from recon.simulator.channel import SIMULATED_KEY, Channel
from recon.simulator.list_misbehaviours import Misbehaviour, Page
from recon.simulator.simulated_message import ONLY_SENT
from recon.simulator.simulated_responses import (
    LIST_PATH,
    SimulatedRequest,
    SimulatedResponse,
    respond,
)

T = datetime(2026, 4, 24, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def sent_each_hour(misbehaviour: Misbehaviour, **more: object) -> Channel:
    """Return a channel with messages 1 to 5, one each hour; 2 and 4 are to one number."""
    channel = Channel(first_id=1, misbehaviour=misbehaviour, **more)  # type: ignore[arg-type]
    for n, number in enumerate(("1", "2", "3", "2", "5")):
        channel.send(f"+35387555000{number}", T + n * HOUR)
    return channel


def ids(misbehaviour: Misbehaviour, now: datetime = T + 5 * HOUR) -> list[int]:
    return [one.message_id for one in sent_each_hour(misbehaviour).listing(now).messages]


@pytest.mark.parametrize(
    ("misbehaviour", "shown"),
    [
        (lambda page: page, [5, 4, 3, 2, 1]),
        (misbehaviours.capped(2), [5, 4]),
        (misbehaviours.with_memory(3 * HOUR), [5, 4]),
        (misbehaviours.hiding(lambda one, _now: one.message_id == 4), [5, 3, 2, 1]),
        (misbehaviours.one_per_number, [5, 4, 3, 1]),
        (misbehaviours.cached(T + 3 * HOUR), [4, 3, 2, 1]),
        (misbehaviours.cached(3 * HOUR), [3, 2, 1]),
        (misbehaviours.partial(1), [5]),
        (misbehaviours.with_error(12, "Degraded.", items=3), [5, 4, 3]),
        (
            misbehaviours.together(misbehaviours.capped(4), misbehaviours.one_per_number),
            [5, 4, 3],
        ),
        (misbehaviours.during(T, T + 5 * HOUR, misbehaviours.capped(2)), [5, 4, 3, 2, 1]),
        (misbehaviours.during(T, T + 6 * HOUR, misbehaviours.capped(2)), [5, 4]),
        (misbehaviours.at_times(2 * HOUR, HOUR, misbehaviours.capped(2)), [5, 4, 3, 2, 1]),
        (misbehaviours.at_times(3 * HOUR, HOUR, misbehaviours.capped(2)), [5, 4]),
    ],
)
def test_each_misbehaviour_shows_other_messages(
    misbehaviour: Misbehaviour, shown: list[int]
) -> None:
    assert ids(misbehaviour) == shown


def test_a_list_by_last_change_shows_first_what_was_read_last() -> None:
    channel = Channel(first_id=1, misbehaviour=misbehaviours.by_last_change)
    channel.send("+353875550001", T)
    channel.send("+353875550002", T + timedelta(seconds=60), course=ONLY_SENT)
    assert [one.message_id for one in channel.listing(T + HOUR).messages] == [1, 2]


def test_an_old_answer_has_the_statuses_of_its_time() -> None:
    channel = sent_each_hour(misbehaviours.cached(T))
    assert [one.status for one in channel.listing(T + HOUR).messages] == ["sent"]


def test_a_removed_message_is_denied_too() -> None:
    channel = Channel(first_id=1)
    channel.send("+353875550001", T, removed_at=T + HOUR)
    before, after = T + timedelta(minutes=59), T + HOUR
    assert (len(channel.listing(before).messages), len(channel.listing(after).messages)) == (1, 0)
    assert channel.find(1, before) is not None
    assert channel.find(1, after) is None


@pytest.mark.parametrize(
    ("misbehaviour", "check"),
    [
        (
            misbehaviours.dated(timedelta(days=365)),
            lambda got: got.headers["Date"] == "Sat, 24 Apr 2027 15:00:00 GMT",
        ),
        (misbehaviours.cached(HOUR, tells_age=True), lambda got: got.headers["Age"] == "3600"),
        (
            misbehaviours.partial(2),
            lambda got: (got.status, got.headers["Content-Range"]) == (206, "items 0-1/5"),
        ),
        (
            misbehaviours.with_error(12, "Degraded.", items=2),
            lambda got: json.loads(got.body)["error_code"] == 12,
        ),
    ],
)
@pytest.mark.parametrize("shape", ["A", "B"])
def test_what_an_answer_says_itself_is_in_its_headers_or_its_body(
    misbehaviour: Misbehaviour, check: Callable[[SimulatedResponse], bool], shape: str
) -> None:
    channel = sent_each_hour(misbehaviour, shape=shape)
    assert check(respond(channel, SimulatedRequest(LIST_PATH, key=SIMULATED_KEY), T + 5 * HOUR))


def test_a_listing_is_read_as_the_answer_says() -> None:
    said = sent_each_hour(
        misbehaviours.together(
            misbehaviours.dated(HOUR),
            misbehaviours.cached(HOUR, tells_age=True),
            misbehaviours.partial(2),
            misbehaviours.with_error(12, "Degraded.", items=2),
        )
    ).listing(T + 5 * HOUR)
    assert (said.date, said.age_seconds) == (T + 6 * HOUR, 3600.0)
    assert (said.is_partial, said.error) == (True, "error code 12")


def test_a_page_is_cut_after_it_was_changed() -> None:
    def reversed_(page: Page) -> Page:
        return Page(page.now, page.known[::-1], 2, page.as_of)

    assert ids(reversed_) == [1, 2]


def test_shifted_times_leave_statuses_as_they_are() -> None:
    now = T + 5 * HOUR
    honest = sent_each_hour(lambda page: page).listing(now).messages
    shifted = sent_each_hour(misbehaviours.shifted(HOUR)).listing(now).messages
    assert [one.sent_at - HOUR for one in shifted] == [one.sent_at for one in honest]
    assert [one.status for one in shifted] == [one.status for one in honest]
