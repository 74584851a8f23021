"""Both documented shapes of an answer into one: pure functions over decoded JSON.

The help centre shows the list call twice, as an object with `messages` (article 14824157) and as
a bare array with nested statuses (article 14823960). A client cannot know which it will meet, so
each field is looked for in every place where either shape has it. What cannot be read is set
aside, never guessed. The customer's text (`message_content`) is not kept anywhere.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from dateutil.parser import isoparse

from recon.core import statuses
from recon.model import LISTING_LIMIT, Listing, Message, RejectedItem, Status

_INT64: Final = 2**63
_LONGEST_REASON: Final = 500
_YEARS: Final = range(2009, 2201)
_DIGITS: Final = re.compile(r"[0-9]{7,15}")
_SEPARATORS: Final = re.compile(r"[\s().\-\u00a0\u2010-\u2015]+")
_NOTHING_SENT: Final = re.compile(
    r"\bno\b.{0,20}\bmessages?\b|\bnothing\b.{0,20}\bsent\b", re.IGNORECASE
)
#: From so many on, an epoch counts milliseconds: in seconds that would be the year 5138.
_MILLISECONDS_FROM: Final = 1e11


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """What the status call says of one message."""

    message_id: int
    status: str
    """Lower case; a word outside `Status` is kept."""
    phone_number: str | None = None
    sent_at: datetime | None = None
    failure_reason: str | None = None


@dataclass(frozen=True, slots=True)
class ApiError:
    """What an error's body says (article 14823952), as far as it says anything."""

    code: int | None = None
    text: str = ""
    request_id: str | None = None


def read_listing(
    body: object, *, answered_at: datetime, limit: int = LISTING_LIMIT
) -> Listing | None:
    """Return what a list answer holds, `None` where it has neither of the two shapes.

    Args:
        body: the decoded JSON.
        answered_at: the provider's clock at the answer.
        limit: how many items were asked for.
    """
    request_id = None
    items: object = body
    if isinstance(body, Mapping):
        items = body.get("messages")
        request_id = _text(body.get("request_id"))
    if not isinstance(items, Sequence) or isinstance(items, str):
        return None
    messages, rejects = read_items(items)
    return Listing(messages, rejects, len(items), limit, answered_at, request_id)


def read_items(items: Sequence[object]) -> tuple[list[Message], list[RejectedItem]]:
    """Return the messages among `items`, one of each id, and the items that cannot be read.

    Unreadable items that are alike are told apart by being the first, the second, and so on.
    """
    messages: dict[int, Message] = {}
    rejects: list[RejectedItem] = []
    seen: Counter[str] = Counter()
    for item in items:
        read = read_item(item)
        if isinstance(read, RejectedItem):
            seen[read.key] += 1
            rejects.append(replace(read, key=_key(read.key, seen[read.key])))
            continue
        known = messages.get(read.message_id)
        if known is None or statuses.supersedes(known.status, read.status):
            messages[read.message_id] = read
    return list(messages.values()), rejects


def flat(item: Mapping[str, object]) -> dict[str, object]:
    """Return the raw fields of an item, wherever either shape has them; absent ones are `None`.

    The fields are `message_id`, `phone_number`, `sent_at`, `status` and `failure_reason`, the last
    one as text already.
    """
    nested = item.get("message_status")
    inner = nested if isinstance(nested, Mapping) else {}
    return {
        "message_id": _first(
            item.get("message_id"),
            inner.get("channel_message_id"),
            item.get("channel_message_id"),
            inner.get("message_id"),
        ),
        "phone_number": _first(item.get("phone_number"), item.get("user_phone_number")),
        "sent_at": _first(item.get("sent_at"), item.get("created_at")),
        "status": _first(
            item.get("status"), inner.get("message_status"), inner.get("status"), nested
        ),
        "failure_reason": _reason(_first(item.get("failure_reason"), inner.get("failure_reason"))),
    }


def read_item(item: object) -> Message | RejectedItem:
    """Read one item of a listing, in either shape or a mixture of both."""
    if not isinstance(item, Mapping):
        return RejectedItem(_key(type(item).__name__, str(item)), "the item is no object")
    raw = flat(item)
    message_id, number = _id(raw["message_id"]), _number(raw["phone_number"])
    time, status = _time(raw["sent_at"]), _status(raw["status"])
    failure_reason = _text(raw["failure_reason"])
    if message_id is not None and number is not None and time is not None:
        return Message(message_id, number, time, status, failure_reason)
    read = {"message_id": message_id, "phone_number": number, "sent_at": time}
    return RejectedItem(
        key=_key(*(raw[name] for name in read)),
        reason="; ".join(_fault(name, raw[name]) for name, value in read.items() if value is None),
        message_id=message_id,
        phone_number=number if number is not None else _text(raw["phone_number"]),
        sent_at=time,
        status=status,
        failure_reason=failure_reason,
    )


def read_status(body: object, message_id: int) -> StatusAnswer | None:
    """Return what the status call says, in either shape; `None` where it has neither."""
    if not isinstance(body, Mapping):
        return None
    word = _first(body.get("status"), body.get("message_status"))
    if not isinstance(word, str) or not word.strip():
        return None
    return StatusAnswer(
        message_id=message_id,
        status=_status(word),
        phone_number=_number(_first(body.get("phone_number"), body.get("user_phone_number"))),
        sent_at=_time(_first(body.get("sent_at"), body.get("created_at"))),
        failure_reason=_reason(body.get("failure_reason")),
    )


def read_error(body: object) -> ApiError:
    """Return what an error's body says; of another shape, nothing."""
    if not isinstance(body, Mapping):
        return ApiError()
    code = body.get("error_code")
    text = _first(body.get("error"), body.get("message"))
    return ApiError(
        code=_id(code) if not isinstance(code, bool) else None,
        text=_bounded(str(text)) if isinstance(text, str) else "",
        request_id=_text(body.get("request_id")),
    )


def says_nothing_sent(text: str) -> bool:
    """Say whether an error's text means that the account has sent nothing yet.

    The help centre quotes "No messages have been sent on this channel yet." (article 14824157).
    """
    return (
        re.search(r"\bno\b.{0,20}\bmessages?\b|\bnothing\b.{0,20}\bsent\b", text, re.IGNORECASE)
        is not None
    )


def _first(*values: object) -> object:
    """Return the first value that says something."""
    return next((value for value in values if value is not None and value != ""), None)


def _id(value: object) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value.strip(), re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value < _INT64 else None


def _number(value: object) -> str | None:
    """Return a number as `+` and digits, `None` where it does not look like one."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    digits = _SEPARATORS.sub("", value).removeprefix("+")
    return f"+{digits}" if _DIGITS.fullmatch(digits) else None


def _time(value: object) -> datetime | None:
    """Return a time in UTC: ISO 8601 (without an offset: UTC), epoch seconds or milliseconds."""
    try:
        if isinstance(value, str):
            time = isoparse(value.strip())
            time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if abs(value) >= _MILLISECONDS_FROM else value
            time = datetime.fromtimestamp(seconds, tz=UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return time if time.year in _YEARS else None


def _status(value: object) -> str:
    word = statuses.canonical(value)[:64] if isinstance(value, str) else ""
    return word or Status.UNKNOWN.value


def _reason(value: object) -> str | None:
    """Return a failure reason as one text: a string, or an object with `code` and `title`."""
    if isinstance(value, Mapping):
        code, title = (
            _text(value.get("code")),
            _text(_first(value.get("title"), value.get("message"))),
        )
        if title is None:
            return None if code is None else f"code {code}"
        return _bounded(title if code is None else f"{title} (code {code})")
    text = _text(value)
    return None if text is None else _bounded(text)


def _bounded(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 1] + "…"


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value.strip()[:_LONGEST_REASON] or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def _fault(name: str, raw: object) -> str:
    """Say what is wrong with a field, without more of its content than a person needs."""
    if raw is None:
        return f"{name} is missing"
    shown = str(raw) if isinstance(raw, str | int | float) else type(raw).__name__
    return f"{name} cannot be read: '{shown[:40]}'"


def _key(*parts: object) -> str:
    """Return an identity that is the same whenever the same item comes again."""
    text = "\x1f".join(repr(part) for part in parts)
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]
