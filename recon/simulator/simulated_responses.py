"""What the simulated Octopods answers: both documented shapes, and its errors.

A request in, an answer out; HTTP is the server's affair. Formats are those of the help centre's
articles 14824157 and 14824155 (list), 14823960 (status) and 14823961 (errors).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final
from urllib.parse import parse_qs
from uuid import NAMESPACE_URL, uuid5

from recon.model import LISTING_LIMIT, Status
from recon.simulator import rate_limits
from recon.simulator.channel import Access, Channel
from recon.simulator.list_misbehaviours import Page
from recon.simulator.simulated_message import Junk, Reason, ReasonForm, SimulatedMessage

LIST_PATH: Final = "/api/v1/whatsapp/messages"

#: The provider's `DEPRECATED_API_KEY`.
DEPRECATED_API_KEY: Final = 6
#: What the sibling SMS endpoint answers for an id that does not exist.
NO_SUCH_MESSAGE: Final = 1
BAD_PARAMETER: Final = 2

NOTHING_SENT: Final = "No messages have been sent on this channel yet."


@dataclass(frozen=True, slots=True)
class SimulatedRequest:
    """One GET request: the path without its query, the query, and the key it came with."""

    path: str
    query: str = ""
    key: str | None = None

    @property
    def limit(self) -> str | None:
        """The `limit` as it was asked for, `None` where it was not."""
        return parse_qs(self.query, keep_blank_values=True).get("limit", [None])[-1]

    @property
    def is_status_call(self) -> bool:
        """Whether it asks for a single message."""
        return self.path.startswith(f"{LIST_PATH}/") and self.path != f"{LIST_PATH}/"


@dataclass(frozen=True, slots=True)
class SimulatedResponse:
    """One answer: HTTP status, body and the headers beside the usual ones."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def respond(
    channel: Channel, request: SimulatedRequest, now: datetime, serial: int = 0
) -> SimulatedResponse:
    """Return what the provider answers at `now`.

    `serial` makes the `request_id`: equal requests are distinguished by counting them. Granted
    requests are taken from the limit that the sends share; a refused key takes nothing.
    """
    request_id = str(uuid5(NAMESPACE_URL, f"octopods-simulator:{serial}"))
    access = channel.access(request.key, now)
    if access is Access.UNKNOWN:
        return error(401, "The API key is missing or unknown.", request_id=request_id)
    if access is Access.ROTATED or request.key is None:
        text = "DEPRECATED_API_KEY: this API key was rotated."
        return error(400, text, request_id=request_id, code=DEPRECATED_API_KEY)
    name = request.path.removeprefix(LIST_PATH)
    if name == request.path or (name and not name.startswith("/")):
        return error(404, "There is no such endpoint.", request_id=request_id)
    until = channel.take(request.key, now)
    if until is not None and channel.rate_limit is not None:
        return rate_limited(channel.rate_limit.form, until, now, request_id=request_id)
    if name in {"", "/"}:
        return _list(channel, request, now, request_id)
    return _status(channel, request.key, name.removeprefix("/"), now, request_id)


def error(
    http_status: int, text: str, *, request_id: str, code: int | None = None
) -> SimulatedResponse:
    """Return an error as the provider puts it; without a `code` it has none."""
    numbered = {} if code is None else {"error_code": code}
    return _json(http_status, {"request_id": request_id} | numbered | {"error": text})


def rate_limited(
    form: rate_limits.RetryForm, until: datetime, now: datetime, *, request_id: str
) -> SimulatedResponse:
    """Return a 429 that asks in `form` to come back at `until`."""
    headers, fields = rate_limits.stamp(form, until, now)
    return _json(429, {"request_id": request_id} | fields, headers)


def _json(status: int, body: object, headers: Mapping[str, str] | None = None) -> SimulatedResponse:
    content = json.dumps(body).encode()
    return SimulatedResponse(
        status, content, {"Content-Type": "application/json"} | dict(headers or {})
    )


def _list(
    channel: Channel, request: SimulatedRequest, now: datetime, request_id: str
) -> SimulatedResponse:
    asked = str(LISTING_LIMIT) if request.limit is None else request.limit
    if not (asked.isascii() and asked.isdigit()) or int(asked) == 0:
        text = "limit must be a positive whole number."
        return error(400, text, request_id=request_id, code=BAD_PARAMETER)
    if channel.empty_is_error and not channel.has_sent(request.key, now):
        return error(400, NOTHING_SENT, request_id=request_id, code=NO_SUCH_MESSAGE)
    page = channel.page(now, key=request.key, limit=int(asked))
    item = _item_b if channel.shape == "B" else _item_a
    shown = [item(one, page.as_of) for one in page.items]
    status = 206 if page.is_partial else 200
    if channel.shape == "B" and page.error is None:
        return _json(status, shown, _headers(page))
    said = {} if page.error is None else {"error_code": page.error[0], "error": page.error[1]}
    body = {"request_id": request_id, "messages": shown} | said
    return _json(status, body, _headers(page))


def _headers(page: Page) -> dict[str, str]:
    made = {}
    if page.date is not None:
        made["Date"] = format_datetime(page.date.astimezone(UTC), usegmt=True)
    if page.age is not None:
        made["Age"] = str(int(page.age.total_seconds()))
    if page.is_partial:
        made["Content-Range"] = f"items 0-{max(len(page.items) - 1, 0)}/{len(page.known)}"
    return made


def _status(
    channel: Channel, key: str, name: str, now: datetime, request_id: str
) -> SimulatedResponse:
    known = name.isascii() and name.isdigit()
    sent = channel.find(int(name), now, key=key) if known else None
    if sent is None:
        text = "There is no message with this id."
        code = NO_SUCH_MESSAGE
        return error(channel.unknown_id_status, text, request_id=request_id, code=code)
    shown = _status_b(sent, now) if channel.shape == "B" else _status_a(sent, now)
    return _json(200, {"request_id": request_id} | shown)


# --- shape A -----------------------------------------------------------------------------------


def _item_a(sent: SimulatedMessage, now: datetime) -> object:
    if sent.junk is Junk.NO_OBJECT:
        return str(sent.message_id)
    status = sent.status(now)
    item: dict[str, object] = {
        "message_id": sent.message_id,
        "status": status.lower(),
        "phone_number": sent.phone_number,
        "sent_at": _iso(sent.sent_at),
    }
    if status == Status.FAILED:
        item |= _reason(sent.reason)
    return _spoiled(item, sent.junk, number="phone_number", time="sent_at", id_at=item)


def _status_a(sent: SimulatedMessage, now: datetime) -> dict[str, object]:
    age = now - sent.sent_at
    reached = {word: sent.course.reached(word, age) for word in (Status.DELIVERED, Status.READ)}
    stages = {
        f"{word}_at": None if wait is None else _iso(sent.sent_at + wait)
        for word, wait in reached.items()
    }
    status = sent.status(now)
    return {
        "message_id": sent.message_id,
        "status": status.lower(),
        "phone_number": sent.phone_number,
        "channel_message_id": _wamid(sent),
        "sent_at": _iso(sent.sent_at),
        **stages,
        "failure_reason": None,
    } | (_reason(sent.reason) if status == Status.FAILED else {})


# --- shape B -----------------------------------------------------------------------------------


def _item_b(sent: SimulatedMessage, now: datetime) -> object:
    if sent.junk is Junk.NO_OBJECT:
        return str(sent.message_id)
    status = sent.status(now)
    inner: dict[str, object] = {
        "channel_message_id": sent.message_id,
        "message_status": status.upper(),
        "failure_reason": "",
    }
    if status == Status.FAILED:
        del inner["failure_reason"]
        inner |= _reason(sent.reason)
    item: dict[str, object] = {
        "user_phone_number": sent.phone_number,
        "created_at": _iso(sent.sent_at),
        "message_content": sent.content,
        "message_status": inner,
    }
    return _spoiled(item, sent.junk, number="user_phone_number", time="created_at", id_at=inner)


def _status_b(sent: SimulatedMessage, now: datetime) -> dict[str, object]:
    wait, status = sent.course.step(now - sent.sent_at)
    return {
        "message_id": sent.message_id,
        "status": status.upper(),
        "status_message": f"The message is {status.lower()}.",
        "channel_message_id": _wamid(sent),
        "intercom_conversation_id": None,
        "intercom_conversation_part_id": None,
        "last_updated": _iso(sent.sent_at + wait),
    } | (_reason(sent.reason) if status == Status.FAILED else {})


# --- parts that both shapes share --------------------------------------------------------------


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _wamid(sent: SimulatedMessage) -> str:
    return f"wamid.SIM{sent.message_id:020d}"


def _reason(reason: Reason | None) -> dict[str, object]:
    if reason is None or reason.form is ReasonForm.ABSENT:
        return {}
    shown: dict[ReasonForm, object] = {
        ReasonForm.TEXT: reason.title,
        ReasonForm.OBJECT: {"code": reason.code, "title": reason.title},
        ReasonForm.EMPTY: "",
        ReasonForm.NULL: None,
    }
    return {"failure_reason": shown[reason.form]}


def _spoiled(
    item: dict[str, object], junk: Junk | None, *, number: str, time: str, id_at: dict[str, object]
) -> dict[str, object]:
    """Spoil an item in place where it is junk; `id_at` is the part of it that holds the id."""
    if junk is Junk.NO_ID:
        id_at.pop("message_id", None)
        id_at.pop("channel_message_id", None)
    spoiled: dict[Junk, dict[str, object]] = {
        Junk.NO_TIME: {time: None},
        Junk.BAD_TIME: {time: "half past noon"},
        Junk.NO_NUMBER: {number: ""},
        Junk.BAD_NUMBER: {number: "anonymous"},
    }
    item |= spoiled.get(junk, {}) if junk else {}
    return item
