from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.model import Message, RejectedItem
from recon.octopods import responses
from recon.octopods.responses import StatusAnswer

T = datetime(2026, 4, 24, 10, 23, 45, tzinfo=UTC)
SECRET = "Hi Alex, your code is 4711"
REASON = {"code": 470, "title": "Re-engagement window expired"}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=10,
)
NAMES = st.sampled_from(
    [
        *("message_id", "status", "phone_number", "sent_at", "failure_reason", "message_content"),
        *("user_phone_number", "created_at", "message_status", "channel_message_id", "extra"),
    ]
)
ITEMS = st.lists(
    JSON
    | st.dictionaries(NAMES, JSON, max_size=6)
    | st.fixed_dictionaries({"message_status": st.dictionaries(NAMES, JSON, max_size=4)}),
    max_size=8,
)
MESSAGES = st.lists(
    st.builds(
        Message,
        message_id=st.integers(1, 2**63 - 1),
        phone_number=st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True),
        sent_at=st.integers(1_250_000_000, 7_000_000_000).map(
            lambda epoch: datetime.fromtimestamp(epoch, tz=UTC)
        ),
        status=st.sampled_from(["sent", "delivered", "read", "failed", "deleted", "throttled"]),
        failure_reason=st.none()
        | st.from_regex(r"[A-Za-z]{1,10}( [a-z]{1,10}){0,4}", fullmatch=True),
    ),
    unique_by=lambda message: message.message_id,
    max_size=8,
)


def iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def shape_a(message: Message) -> dict[str, Any]:
    item: dict[str, Any] = {
        "message_id": message.message_id,
        "status": message.status,
        "phone_number": message.phone_number,
        "sent_at": iso(message.sent_at),
    }
    return (
        item
        if message.failure_reason is None
        else item | {"failure_reason": message.failure_reason}
    )


def shape_b(message: Message) -> dict[str, Any]:
    return {
        "user_phone_number": message.phone_number,
        "created_at": iso(message.sent_at),
        "message_content": SECRET,
        "message_status": {
            "channel_message_id": message.message_id,
            "message_status": message.status.upper(),
            "failure_reason": {"code": None, "title": message.failure_reason}
            if message.failure_reason
            else "",
        },
    }


A = shape_a(Message(3851828, "+15551234567", T, "delivered"))
B = shape_b(Message(3851828, "+15551234567", T, "delivered"))


def without(item: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in names}


def rejected(item: object) -> RejectedItem:
    _, (reject,) = responses.read_items([item])
    return reject


# --- the listing -------------------------------------------------------------------------------


def test_the_first_documented_shape_is_read() -> None:
    body = {
        "request_id": "5f0b9c8a",
        "messages": [A, A | {"message_id": 7, "status": "failed", "failure_reason": "No user."}],
    }
    listing = responses.read_listing(body, answered_at=T)
    assert listing is not None
    assert listing.messages == [
        Message(3851828, "+15551234567", T, "delivered"),
        Message(7, "+15551234567", T, "failed", "No user."),
    ]
    assert (listing.item_count, listing.request_id, listing.answered_at) == (2, "5f0b9c8a", T)
    assert listing.rejects == []


def test_the_second_documented_shape_is_read() -> None:
    failed = {"channel_message_id": 98764, "message_status": "FAILED", "failure_reason": REASON}
    listing = responses.read_listing([B, B | {"message_status": failed}], answered_at=T)
    assert listing is not None
    assert listing.messages == [
        Message(3851828, "+15551234567", T, "delivered"),
        Message(98764, "+15551234567", T, "failed", "Re-engagement window expired (code 470)"),
    ]
    assert (listing.item_count, listing.request_id) == (2, None)


@given(MESSAGES)
def test_both_shapes_of_the_same_messages_are_the_same(messages: list[Message]) -> None:
    one = responses.read_listing({"messages": list(map(shape_a, messages))}, answered_at=T)
    other = responses.read_listing(list(map(shape_b, messages)), answered_at=T)
    assert one == other
    assert one is not None
    assert one.messages == messages


@given(ITEMS)
def test_whatever_the_items_all_are_counted_and_nothing_raises(items: list[object]) -> None:
    listing = responses.read_listing({"messages": items}, answered_at=T)
    assert listing == responses.read_listing(items, answered_at=T)
    assert listing is not None
    assert listing.item_count == len(items)
    assert len(listing.messages) + len(listing.rejects) <= len(items)
    assert len({reject.key for reject in listing.rejects}) == len(listing.rejects)


@given(JSON)
def test_no_json_value_makes_it_raise(body: object) -> None:
    listing = responses.read_listing(body, answered_at=T)
    assert (listing is not None) == isinstance(responses.items_of(body), list)


@pytest.mark.parametrize("body", [None, 5, "text", {}, {"messages": None}, {"messages": {}}])
def test_what_has_neither_shape_is_no_listing(body: object) -> None:
    assert responses.read_listing(body, answered_at=T) is None


@pytest.mark.parametrize("body", [[], {"messages": []}])
def test_an_empty_listing_is_a_listing(body: object) -> None:
    listing = responses.read_listing(body, answered_at=T)
    assert listing is not None
    assert not listing.is_full


@pytest.mark.parametrize("count", [99, 100])
def test_a_listing_is_full_by_its_raw_items(count: int) -> None:
    listing = responses.read_listing([A] * count, answered_at=T)
    assert listing is not None
    assert len(listing.messages) == 1
    assert listing.is_full == (count == 100)


# --- items -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "item",
    [
        A | {"surprise": {"deep": [1]}},
        A | {"message_id": "3851828"},
        without(A, "sent_at") | {"created_at": 1777026225},
        without(A, "phone_number") | {"user_phone_number": "+1 555 123-4567"},
        without(A, "status") | {"message_status": "DELIVERED"},
        without(B, "message_status")
        | {"message_id": 3851828, "message_status": {"status": "delivered"}},
        B | {"phone_number": None, "sent_at": ""},
    ],
)
def test_unknown_fields_and_mixtures_of_both_shapes_are_read(item: object) -> None:
    assert responses.read_items([item]) == ([Message(3851828, "+15551234567", T, "delivered")], [])


def test_a_message_without_a_status_is_unknown_not_unreadable() -> None:
    assert responses.read_items([without(A, "status")])[0][0].status == "unknown"


def test_one_bad_item_never_costs_the_good_ones() -> None:
    messages, rejects = responses.read_items([A, "junk", A | {"message_id": 5}])
    assert [message.message_id for message in messages] == [3851828, 5]
    assert [reject.reason for reject in rejects] == ["the item is not an object"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"message_id": None}, "message_id is missing"),
        ({"message_id": 1.5}, "message_id cannot be read: '1.5'"),
        ({"message_id": [1]}, "message_id cannot be read: 'list'"),
        ({"sent_at": "tomorrow"}, "sent_at cannot be read: 'tomorrow'"),
        ({"phone_number": "soon"}, "phone_number cannot be read"),
        (
            {"sent_at": None, "message_id": "x"},
            "message_id cannot be read: 'x'; sent_at is missing",
        ),
    ],
)
def test_a_reject_says_what_is_wrong(changed: dict[str, object], reason: str) -> None:
    assert rejected(A | changed).reason == reason


@pytest.mark.parametrize("number", [None, "", "  ", "IE.13491208655302741918", "353871@lid"])
def test_a_user_without_a_phone_number_is_a_message_all_the_same(number: str | None) -> None:
    [message], rejects = responses.read_items([A | {"phone_number": number}])
    assert message.phone_number == (number or "").strip()
    assert rejects == []


def test_an_item_without_a_time_lies_between_its_readable_neighbours() -> None:
    untimed = A | {"sent_at": None}
    times = ["2026-04-24T10:00:00Z", "2026-04-24T11:00:00Z"]
    older, newer = (A | {"message_id": n, "sent_at": time} for n, time in enumerate(times, start=1))
    moments = [datetime.fromisoformat(time) for time in times]
    answered_at = datetime(2026, 4, 24, 12, tzinfo=UTC)

    def bounds(*items: object) -> list[tuple[datetime | None, datetime | None]]:
        _, rejects = responses.read_items(items, answered_at)
        return [(one.earliest, one.latest) for one in rejects]

    assert bounds(newer, untimed, older) == [(moments[0], moments[1])]
    assert bounds(older, untimed, newer) == [(moments[0], moments[1])]
    assert bounds(untimed, "junk", newer) == [(moments[1], answered_at)] * 2
    assert bounds(older, untimed) == [(None, moments[0])]
    assert bounds(newer, A | {"message_id": None}) == [(None, None)]


def test_a_reject_keeps_what_could_be_read() -> None:
    reject = rejected(A | {"sent_at": None, "status": "FAILED", "failure_reason": REASON})
    assert (reject.message_id, reject.phone_number) == (3851828, "+15551234567")
    assert (reject.sent_at, reject.status) == (None, "failed")
    assert reject.failure_reason == "Re-engagement window expired (code 470)"


def test_a_number_that_is_none_is_kept_in_its_column_and_out_of_the_reason() -> None:
    reject = rejected(A | {"phone_number": "+1555 123 45 67 ext 9"})
    assert reject.phone_number == "+1555 123 45 67 ext 9"
    assert reject.reason == "phone_number cannot be read"


@pytest.mark.parametrize(
    "item",
    [
        B,
        without(B, "created_at"),
        without(B, "message_status"),
        without(B, "user_phone_number"),
        B | {"message_status": {"message_content": SECRET}},
        SECRET,
        [SECRET],
    ],
)
def test_the_customers_text_is_kept_nowhere(item: object) -> None:
    listing = responses.read_listing([item], answered_at=T)
    assert SECRET not in repr(listing)
    assert SECRET not in repr(responses.flatten_item(item) if isinstance(item, dict) else "")


def test_the_customers_text_is_no_part_of_a_rejects_identity() -> None:
    item = without(B, "created_at")
    assert rejected(item).key == rejected(item | {"message_content": "other"}).key
    assert rejected(SECRET).key == rejected("other").key


def test_a_reject_has_the_same_key_in_both_shapes_and_whatever_its_status() -> None:
    bad = Message(3851828, "+15551234567", T, "sent")
    one, other = shape_a(bad) | {"sent_at": "soon"}, shape_b(bad) | {"created_at": "soon"}
    keys = {rejected(item).key for item in (one, other, one | {"status": "read"})}
    assert len(keys) == 1
    assert rejected(one | {"message_id": 1}).key not in keys


def test_rejects_that_are_alike_are_counted_one_by_one() -> None:
    _, rejects = responses.read_items(["x", {}, "x", {}])
    assert len({reject.key for reject in rejects}) == 4
    assert [reject.key for reject in rejects] == [
        reject.key for reject in responses.read_items(["x", {}, "x", {}])[1]
    ]


@pytest.mark.parametrize("words", [("SENT", "READ"), ("READ", "SENT"), ("READ", "UNKNOWN")])
def test_of_one_id_twice_the_further_advanced_stays(words: tuple[str, str]) -> None:
    messages, _ = responses.read_items([A | {"status": word} for word in words])
    assert [message.status for message in messages] == ["read"]


def test_a_deeply_nested_value_is_no_reason_to_fail() -> None:
    deep = json.loads("[" * 400 + "]" * 400)
    reject = rejected({"message_id": deep, "phone_number": deep, "sent_at": deep, "status": deep})
    assert "cannot be read: 'list'" in reject.reason


# --- the status of one message -----------------------------------------------------------------


def test_the_first_shape_of_a_status_is_read() -> None:
    body = {
        "request_id": "r",
        "message_id": 3851828,
        "status": "failed",
        "phone_number": "+15551234567",
        "channel_message_id": "wamid.HBgL",
        "sent_at": "2026-04-24T10:23:45Z",
        "delivered_at": None,
        "read_at": None,
        "failure_reason": "Window closed",
    }
    assert responses.read_status(body, 3851828) == StatusAnswer(
        3851828, "failed", "+15551234567", T, "Window closed"
    )


def test_the_second_shape_of_a_status_is_read() -> None:
    body = {
        "request_id": "r",
        "message_id": "3851828",
        "status": "FAILED",
        "status_message": "The message failed.",
        "channel_message_id": "12345",
        "last_updated": "2026-04-24T10:23:45Z",
        "failure_reason": REASON,
    }
    assert responses.read_status(body, 3851828) == StatusAnswer(
        3851828, "failed", None, None, "Re-engagement window expired (code 470)"
    )


def test_a_status_of_a_known_id_without_a_word_is_unknown() -> None:
    answer = responses.read_status({"message_id": 5, "status": None}, 5)
    assert answer == StatusAnswer(5, "unknown")


@pytest.mark.parametrize(
    "body",
    [
        *(None, [], "sent", {}),
        *({"status": ""}, {"status": 5}, {"message_id": 6, "status": "sent"}),
        {"status": "error", "message": "no such message"},
        {"status": "not_found"},
        {"message_id": 5, "error_code": 1, "error": "no such message"},
        {"message_id": 5, "status": "error", "error": "no such message"},
    ],
)
def test_what_is_no_status_of_this_message_is_none(body: object) -> None:
    assert responses.read_status(body, 5) is None


@given(JSON | st.dictionaries(NAMES, JSON))
def test_no_json_value_makes_a_status_raise(body: object) -> None:
    responses.read_status(body, 5)


def test_rows_of_a_file_are_read_as_items_are() -> None:
    assert responses.read_items((A, B)) == responses.read_items([A])


def test_a_day_of_items_keeps_the_order_of_the_answer() -> None:
    items = [A | {"message_id": n, "sent_at": iso(T - timedelta(seconds=n))} for n in (9, 8, 1)]
    assert [message.message_id for message in responses.read_items(items)[0]] == [9, 8, 1]
