"""Convert both documented shapes of an answer to one, from decoded JSON.

The help centre shows the list call twice, as an object with `messages` (article 14824157) and as a
bare array with nested statuses (article 14823960). A client cannot know which one it will get, so
each field is searched for in all places where either shape has it. Unreadable items are returned
separately; nothing is guessed. The customer's text (`message_content`) is not kept anywhere.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple

from recon.core import statuses
from recon.model import LISTING_LIMIT, Listing, Message, RejectedItem
from recon.octopods import response_fields
from recon.octopods.api_errors import read_api_error

#: An invalid number is kept for people to read, but not a whole letter in its place.
_LONGEST_NUMBER: Final = 40


class StatusAnswer(NamedTuple):
    """The answer of the status call for one message."""

    message_id: int
    status: str
    """Lower case; a word outside `Status` is kept."""
    phone_number: str | None = None
    sent_at: datetime | None = None
    """UTC; only one of the two shapes has it."""
    failure_reason: str | None = None


def items_of(body: object) -> Sequence[object] | None:
    """Return the raw items of a list answer, `None` if it has neither of the two shapes."""
    items = body.get("messages") if isinstance(body, Mapping) else body
    return items if isinstance(items, list | tuple) else None


def read_listing(body: object, *, answered_at: datetime) -> Listing | None:
    """Return the content of a list answer, `None` if it has neither of the two shapes.

    Args:
        body: the decoded JSON.
        answered_at: the provider's clock at the answer.
    """
    items = items_of(body)
    if items is None:
        return None
    messages, rejects = read_items(items, answered_at)
    request_id = response_fields.request_id(body)
    return Listing(messages, rejects, len(items), LISTING_LIMIT, answered_at, request_id)


def error_beside_list(body: object) -> str | None:
    """Return the error in a list answer, without its text; `None` without an error.

    An error is an `error_code` that is not null or zero, or an `error` that is not empty, at the
    top of the object. A bare array cannot have either.
    """
    if not isinstance(body, Mapping):
        return None
    code = body.get("error_code")
    if code not in (None, 0) and str(code).strip() not in {"", "0"}:
        number = read_api_error(body).code
        return "an error code" if number is None else f"error code {number}"
    error = body.get("error")
    empty = not error or (isinstance(error, str) and not error.strip())
    return None if empty else "an error text"


def read_items(
    items: Sequence[object], answered_at: datetime | None = None
) -> tuple[list[Message], list[RejectedItem]]:
    """Return the messages among `items`, one for each id, and the unreadable items.

    Of two messages with one id, the one with the more advanced status is kept. Equal unreadable
    items are numbered. The time of an item without a readable time lies between those of its
    neighbours; the list is newest first, but either neighbour may be the later.

    Args:
        items: in the order of the answer.
        answered_at: the provider's clock at the answer; no item is later.
    """
    messages: dict[int, Message] = {}
    rejects: list[RejectedItem] = []
    seen: Counter[str] = Counter()
    every = [read_item(item) for item in items]
    for place, read in enumerate(every):
        if isinstance(read, RejectedItem):
            seen[read.key] += 1
            known_key = _key(read.key, str(seen[read.key]))
            rejects.append(replace(_placed(read, every, place, answered_at), key=known_key))
            continue
        known = messages.get(read.message_id)
        if known is None or statuses.supersedes(known.status, read.status):
            messages[read.message_id] = read
    return list(messages.values()), rejects


def _placed(
    item: RejectedItem,
    every: Sequence[Message | RejectedItem],
    place: int,
    answered_at: datetime | None,
) -> RejectedItem:
    """Bound the time of an item without one by its nearest neighbours with a time."""
    if item.sent_at is not None:
        return item
    newer = next((one.sent_at for one in reversed(every[:place]) if one.sent_at), None)
    older = next((one.sent_at for one in every[place + 1 :] if one.sent_at), None)
    if newer is not None and older is not None and newer < older:
        newer, older = older, newer
    return replace(item, earliest=older, latest=newer or answered_at)


def flatten_item(item: Mapping[str, object]) -> dict[str, object]:
    """Return the raw fields of an item in either shape; missing ones are `None`.

    The fields are `message_id`, `phone_number`, `sent_at`, `status` and `failure_reason`, the last
    one already as text.
    """
    nested = item.get("message_status")
    inner = nested if isinstance(nested, Mapping) else {}
    return {
        "message_id": response_fields.first(
            item.get("message_id"),
            inner.get("channel_message_id"),
            item.get("channel_message_id"),
            inner.get("message_id"),
        ),
        "phone_number": response_fields.first(
            item.get("phone_number"), item.get("user_phone_number")
        ),
        "sent_at": response_fields.first(item.get("sent_at"), item.get("created_at")),
        "status": response_fields.first(
            item.get("status"),
            inner.get("message_status"),
            inner.get("status"),
            None if isinstance(nested, Mapping) else nested,
        ),
        "failure_reason": response_fields.failure_reason(
            response_fields.first(item.get("failure_reason"), inner.get("failure_reason"))
        ),
    }


def read_item(item: object) -> Message | RejectedItem:
    """Read one item of a listing, in either shape or a mixture of both."""
    if not isinstance(item, Mapping):
        # The value may be the customer's text, so not even its hash is kept.
        return RejectedItem(_key("no object", type(item).__name__), "the item is not an object")
    raw = flatten_item(item)
    message_id = response_fields.message_id(raw["message_id"])
    number = response_fields.phone_number(raw["phone_number"])
    if number is None and _is_empty(raw["phone_number"]):
        number = ""
    time = response_fields.moment(raw["sent_at"])
    status = response_fields.status(raw["status"])
    failure_reason = response_fields.text(raw["failure_reason"])
    if message_id is not None and number is not None and time is not None:
        return Message(message_id, number, time, status, failure_reason)
    read: dict[str, object] = {"message_id": message_id, "phone_number": number, "sent_at": time}
    return RejectedItem(
        key=_key(*(_identity(raw[name], value) for name, value in read.items())),
        reason="; ".join(_fault(name, raw[name]) for name, value in read.items() if value is None),
        message_id=message_id,
        phone_number=number or response_fields.text(raw["phone_number"], _LONGEST_NUMBER),
        sent_at=time,
        status=status,
        failure_reason=failure_reason,
    )


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def read_status(body: object, message_id: int) -> StatusAnswer | None:
    """Return the answer of the status call about `message_id`, in either shape.

    `None` if the body has neither shape, is about another message, or is an error: without a
    documented status it must contain the id and no error.
    """
    if not isinstance(body, Mapping):
        return None
    raw = flatten_item(body)
    # Not `channel_message_id`: in this call that is WhatsApp's own id.
    answered = response_fields.message_id(body.get("message_id"))
    if answered not in (None, message_id):
        return None
    status = response_fields.status(raw["status"])
    documented = isinstance(raw["status"], str) and status in statuses.PROVIDER_WORDS
    if not documented and (answered is None or error_beside_list(body) is not None):
        return None
    return StatusAnswer(
        message_id=message_id,
        status=status,
        phone_number=response_fields.phone_number(raw["phone_number"]),
        sent_at=response_fields.moment(raw["sent_at"]),
        failure_reason=response_fields.text(raw["failure_reason"]),
    )


def _fault(name: str, raw: object) -> str:
    """Say what is wrong with a field, quoting only what a person needs.

    A number is not quoted: it has its own column, and a reason is not masked everywhere.
    """
    if raw is None:
        return f"{name} is missing"
    if name == "phone_number":
        return f"{name} cannot be read"
    shown = str(raw) if isinstance(raw, float) else response_fields.text(raw, _LONGEST_NUMBER)
    return f"{name} cannot be read: '{shown or type(raw).__name__}'"


def _identity(raw: object, read: object) -> str:
    """Return what identifies a field, the same in both shapes."""
    if isinstance(read, datetime):
        return read.isoformat()
    if read is not None:
        return str(read)
    return response_fields.text(raw) or (str(raw) if isinstance(raw, float) else type(raw).__name__)


def _key(*parts: str) -> str:
    """Return an identity that is the same for the same item in other answers."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
