from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recon.simulator.channel import SIMULATED_KEY, Channel, Shape
from recon.simulator.rate_limits import RateLimit
from recon.simulator.simulated_message import (
    CUSTOMER_TEXT,
    DELETED,
    FAILED_AT_ONCE,
    FAILED_LATER,
    ONLY_SENT,
    READ,
    Junk,
    Reason,
    ReasonForm,
    course,
)
from recon.simulator.simulated_responses import (
    LIST_PATH,
    NOTHING_SENT,
    SimulatedRequest,
    SimulatedResponse,
    respond,
)

T = datetime(2026, 4, 24, 10, 23, 45, tzinfo=UTC)
NUMBER = "+15551234567"


def after(seconds: float) -> datetime:
    return T + timedelta(seconds=seconds)


def ask(
    channel: Channel, now: datetime, path: str = LIST_PATH, *, key: str | None = SIMULATED_KEY
) -> SimulatedResponse:
    path, _, query = path.partition("?")
    return respond(channel, SimulatedRequest(path, query, key), now)


def body(given: SimulatedResponse, status: int = 200) -> Any:  # noqa: ANN401 - JSON
    assert given.status == status
    assert given.headers["Content-Type"] == "application/json"
    return json.loads(given.body)


def facts(channel: Channel, now: datetime) -> list[tuple[object, ...]]:
    """Read a listing of either shape by hand: id, number, time, status, reason."""
    answered = body(ask(channel, now))
    if channel.shape == "A":
        return [
            (
                item["message_id"],
                item["phone_number"],
                item["sent_at"],
                item["status"],
                item.get("failure_reason") or None,
            )
            for item in answered["messages"]
        ]
    return [
        (
            (inner := item["message_status"])["channel_message_id"],
            item["user_phone_number"],
            item["created_at"],
            inner["message_status"].lower(),
            inner.get("failure_reason") or None,
        )
        for item in answered
    ]


def busy(shape: Shape) -> Channel:
    channel = Channel(shape=shape)
    channel.send(NUMBER, T, course=READ)
    channel.send(NUMBER, T, course=DELETED)
    for form in ReasonForm:
        reason = Reason("Re-engagement window expired", 470, form)
        channel.send(NUMBER, after(1), course=FAILED_LATER, reason=reason)
    channel.send(NUMBER, after(2), course=course((0, "held")))
    channel.send(NUMBER, after(200), appears_at=after(230))
    return channel


@pytest.mark.parametrize("second", [0, 2, 31, 90, 100, 210, 230, 1000])
def test_both_shapes_hold_the_same_facts_at_every_moment(second: int) -> None:
    told = facts(busy("A"), after(second))
    assert told == facts(busy("B"), after(second))
    assert len(told) == {0: 2, 230: 9, 1000: 9}.get(second, 8)


def test_an_item_of_shape_a_is_as_documented() -> None:
    channel = Channel(first_id=3851827)
    reason = Reason("Recipient is not a WhatsApp user.")
    channel.send("+15557654321", T, course=FAILED_AT_ONCE, reason=reason)
    channel.send(NUMBER, after(1), course=READ)
    answered = body(ask(channel, after(6)))
    assert set(answered) == {"request_id", "messages"}
    assert answered["messages"] == [
        {
            "message_id": 3851828,
            "status": "delivered",
            "phone_number": "+15551234567",
            "sent_at": "2026-04-24T10:23:46Z",
        },
        {
            "message_id": 3851827,
            "status": "failed",
            "phone_number": "+15557654321",
            "sent_at": "2026-04-24T10:23:45Z",
            "failure_reason": "Recipient is not a WhatsApp user.",
        },
    ]


def test_an_item_of_shape_b_is_as_documented_and_carries_customer_text() -> None:
    channel = Channel(shape="B", first_id=98764)
    reason = Reason("Re-engagement window expired", 470, ReasonForm.OBJECT)
    channel.send(NUMBER, T, course=FAILED_AT_ONCE, reason=reason)
    channel.send(NUMBER, T)
    assert body(ask(channel, after(6))) == [
        {
            "user_phone_number": NUMBER,
            "created_at": "2026-04-24T10:23:45Z",
            "message_content": CUSTOMER_TEXT,
            "message_status": {
                "channel_message_id": 98765,
                "message_status": "DELIVERED",
                "failure_reason": "",
            },
        },
        {
            "user_phone_number": NUMBER,
            "created_at": "2026-04-24T10:23:45Z",
            "message_content": CUSTOMER_TEXT,
            "message_status": {
                "channel_message_id": 98764,
                "message_status": "FAILED",
                "failure_reason": {"code": 470, "title": "Re-engagement window expired"},
            },
        },
    ]


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        (ReasonForm.TEXT, {"failure_reason": "Gone."}),
        (ReasonForm.OBJECT, {"failure_reason": {"code": 9, "title": "Gone."}}),
        (ReasonForm.EMPTY, {"failure_reason": ""}),
        (ReasonForm.NULL, {"failure_reason": None}),
        (ReasonForm.ABSENT, {}),
    ],
)
def test_a_failure_reason_comes_in_every_documented_form(
    form: ReasonForm, shown: dict[str, object]
) -> None:
    for shape in ("A", "B"):
        channel = Channel(shape=shape)
        channel.send(NUMBER, T, course=FAILED_AT_ONCE, reason=Reason("Gone.", 9, form))
        answered = body(ask(channel, T))
        item = answered["messages"][0] if shape == "A" else answered[0]["message_status"]
        assert {k: v for k, v in item.items() if k == "failure_reason"} == shown


def test_a_status_of_shape_a_has_null_for_stages_that_are_not_reached() -> None:
    channel = Channel()
    sent = channel.send(NUMBER, T)
    path = f"{LIST_PATH}/{sent.message_id}"
    answered = body(ask(channel, after(50), path))
    assert answered["request_id"]
    assert answered["channel_message_id"].startswith("wamid.")
    del answered["request_id"], answered["channel_message_id"]
    assert answered == {
        "message_id": sent.message_id,
        "status": "delivered",
        "phone_number": NUMBER,
        "sent_at": "2026-04-24T10:23:45Z",
        "delivered_at": "2026-04-24T10:23:49Z",
        "read_at": None,
        "failure_reason": None,
    }
    assert body(ask(channel, after(95), path))["read_at"] == "2026-04-24T10:25:20Z"


def test_a_status_of_shape_b_holds_neither_number_nor_time_of_sending() -> None:
    channel = Channel(shape="B")
    reason = Reason("Gone.")
    sent = channel.send(NUMBER, T, course=FAILED_LATER, reason=reason)
    path = f"{LIST_PATH}/{sent.message_id}"
    fields = {
        "request_id",
        "message_id",
        "status",
        "status_message",
        "channel_message_id",
        "intercom_conversation_id",
        "intercom_conversation_part_id",
        "last_updated",
    }
    early = body(ask(channel, after(29), path))
    assert set(early) == fields
    assert (early["status"], early["last_updated"]) == ("SENT", "2026-04-24T10:23:45Z")
    late = body(ask(channel, after(99), path))
    assert set(late) == fields | {"failure_reason"}
    assert (late["status"], late["last_updated"]) == ("FAILED", "2026-04-24T10:24:15Z")
    assert late["failure_reason"] == "Gone."


@pytest.mark.parametrize("http_status", [400, 404])
@pytest.mark.parametrize("name", ["1", "wamid.X", "99999999999999999999", "-1"])
def test_an_id_that_does_not_exist_has_another_code_than_a_rotated_key(
    name: str, http_status: int
) -> None:
    channel = Channel(unknown_id_status=http_status)
    channel.send(NUMBER, T)
    answered = body(ask(channel, T, f"{LIST_PATH}/{name}"), http_status)
    assert set(answered) == {"request_id", "error_code", "error"}
    assert answered["error_code"] == 1


@pytest.mark.parametrize("key", [None, "", "somebody else's"])
def test_a_missing_or_unknown_key_is_401(key: str | None) -> None:
    channel = Channel()
    channel.send(NUMBER, T)
    assert body(ask(channel, T, key=key), 401)["error"]


def test_a_rotated_key_is_error_6_for_lists_and_statuses() -> None:
    channel = Channel()
    sent = channel.send(NUMBER, T)
    channel.rotate(SIMULATED_KEY, "new", after(1))
    for path in (LIST_PATH, f"{LIST_PATH}/{sent.message_id}"):
        assert body(ask(channel, after(1), path), 400)["error_code"] == 6
    assert (
        body(ask(channel, after(1), f"{LIST_PATH}/{sent.message_id}", key="new"), 400)["error_code"]
        != 6
    )


def test_an_account_that_has_sent_nothing_answers_400_with_a_text_or_an_empty_list() -> None:
    answered = body(ask(Channel(), T), 400)
    assert answered["error"] == NOTHING_SENT
    assert answered["error_code"] != 6
    assert body(ask(Channel(empty_is_error=False), T))["messages"] == []
    assert body(ask(Channel(empty_is_error=False, shape="B"), T)) == []


def test_sent_but_not_listed_yet_is_an_empty_list() -> None:
    channel = Channel()
    channel.send(NUMBER, T, appears_at=after(9))
    assert body(ask(channel, T))["messages"] == []


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 100),
        ("?limit=100", 100),
        ("?limit=1000", 100),
        ("?limit=3", 3),
        ("?limit=1&limit=2", 2),
    ],
)
def test_the_limit_defaults_to_a_hundred_and_is_capped_there(query: str, count: int) -> None:
    channel = Channel()
    for _ in range(120):
        channel.send(NUMBER, T)
    assert len(body(ask(channel, T, LIST_PATH + query))["messages"]) == count


@pytest.mark.parametrize("limit", ["0", "-1", "ten", "", "²"])
def test_a_limit_that_is_no_positive_number_is_refused(limit: str) -> None:
    channel = Channel()
    channel.send(NUMBER, T)
    assert body(ask(channel, T, f"{LIST_PATH}?limit={limit}"), 400)["error_code"] not in {1, 6}


@pytest.mark.parametrize("path", ["/", "/api/v1/whatsapp", "/api/v1/whatsapp/messages2"])
def test_another_path_is_404_and_takes_nothing_from_the_limit(path: str) -> None:
    channel = Channel(rate_limit=RateLimit(1, timedelta(hours=1)))
    channel.send(NUMBER, after(-3600))
    assert body(ask(channel, T, path), 404)["error"]
    assert ask(channel, T).status == 200


def test_lists_statuses_and_sends_share_one_limit_and_a_refused_key_takes_nothing() -> None:
    channel = Channel(rate_limit=RateLimit(3, timedelta(seconds=30)))
    sent = channel.send(NUMBER, T)
    for _ in range(5):
        assert ask(channel, T, key="wrong").status == 401
    assert ask(channel, T).status == 200
    assert ask(channel, T, f"{LIST_PATH}/{sent.message_id}").status == 200
    for path in (LIST_PATH, f"{LIST_PATH}/{sent.message_id}"):
        refused = ask(channel, T, path)
        assert body(refused, 429)["request_id"]
        assert refused.headers["Retry-After"] == "10"
    assert ask(channel, after(10)).status == 200


@pytest.mark.parametrize("junk", Junk)
@pytest.mark.parametrize("shape", ["A", "B"])
def test_junk_spoils_its_own_item_only(junk: Junk, shape: Shape) -> None:
    channel = Channel(shape=shape)
    channel.send(NUMBER, T, course=ONLY_SENT)
    channel.send(NUMBER, T, course=ONLY_SENT, junk=junk)
    channel.send(NUMBER, T, course=ONLY_SENT)
    answered = body(ask(channel, T))
    first, spoiled, last = answered["messages"] if shape == "A" else answered
    if shape == "A":
        first["message_id"] = last["message_id"]
    else:
        first["message_status"] = last["message_status"]
    assert first == last
    assert spoiled != first
    number = "phone_number" if shape == "A" else "user_phone_number"
    time = "sent_at" if shape == "A" else "created_at"
    match junk:
        case Junk.NO_OBJECT:
            assert not isinstance(spoiled, dict)
        case Junk.NO_TIME:
            assert spoiled[time] is None
        case Junk.BAD_TIME:
            assert "2026" not in spoiled[time]
        case Junk.NO_NUMBER:
            assert spoiled[number] == ""
        case Junk.BAD_NUMBER:
            assert not any(map(str.isdigit, spoiled[number]))
        case Junk.NO_ID:
            assert spoiled[time] == first[time]
            assert "message_id" not in json.dumps(spoiled)


def test_requests_are_distinguished_by_their_request_id() -> None:
    channel = Channel(empty_is_error=False)
    request = SimulatedRequest(LIST_PATH, key=SIMULATED_KEY)
    ids = [body(respond(channel, request, T, serial))["request_id"] for serial in (1, 2, 1)]
    assert ids[0] == ids[2] != ids[1]
