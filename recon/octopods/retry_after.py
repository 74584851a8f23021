"""How long to pause after a 429, from any form of a retry timestamp.

The help centre (article 14823962) promises "a retry timestamp; pause until the timestamp passes"
and documents neither its place nor its format. So all usual places and formats are read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from recon.octopods.moments import epoch_moment, http_date, iso_moment

_HEADERS: Final = (
    "Retry-After",
    "X-RateLimit-Reset",
    "RateLimit-Reset",
    "X-Rate-Limit-Reset",
    "Rate-Limit-Reset",
)
#: From here on a bare number is a moment in epoch seconds or milliseconds.
_EPOCH_FROM: Final = 1e9
_NUMBER: Final = re.compile(r"[0-9]{1,16}(?:\.[0-9]{1,9})?")
_LENGTH: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]+)?) ?(s|secs?|seconds?|m|mins?|minutes?)")

# Names of fields, squeezed to lower-case letters: `retryAfter`, `retry_after`, `Retry-After`.
_END: Final = (
    r"(?:at|after|in|on|for|until|time|timestamp|stamp|date|epoch|unix|utc|"
    r"s|secs?|seconds?|ms|millis|milliseconds)"
)
_RETRY: Final = re.compile(rf"(?:next)?(?:retry|try|tryagain){_END}*")
_RESET: Final = re.compile(
    rf"(?:x?ratelimit)?(?:resets?|resumes?|wait|pause){_END}*"
    rf"|(?:available|availableagain|blocked|limited){_END}+"
)
_IN_MILLISECONDS: Final = re.compile(r"(?:ms|millis|milliseconds)$")
_TELLING: Final = re.compile(r"error|messa?ge?|msg|detail|description|title|reason|text|hint")

_MOMENT_IN_TEXT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?Z| ?[+-]\d{2}:?\d{2})?"
    r"|\b[a-z]{3}, \d{2} [a-z]{3} \d{4} \d{2}:\d{2}:\d{2} GMT"
    r"|(?<![\d+.\-])(?:\d{13}|\d{10}(?:\.\d{1,6})?)(?![\d\-])",
    re.ASCII | re.IGNORECASE,
)
_CLOSE_UP: Final = re.compile(r" (?=[Zz]$|[+-]\d)")
_LENGTH_IN_TEXT: Final = re.compile(
    rf"\b(?:in|after|for|wait|another)\b[^\w]{{0,3}}(?:at least )?({_LENGTH.pattern})\b",
    re.ASCII | re.IGNORECASE,
)
#: A bare number in a text is a time only if it is near; otherwise it is an id or a phone number.
_NEAR: Final = timedelta(days=31)

#: Seconds. A moment this long ago, by a correct clock, cannot be meant as a retry time.
_LONG_AGO: Final = 60.0
#: Seconds. A pause that was asked for is kept this long at most between two tries: a stamp that was
#: misread must not cost more coverage than that, and one request an hour is no burden.
LONGEST_PAUSE: Final = 3600.0
#: Seconds. A pause of more than a year is a unit mistaken for another.
_FARTHEST: Final = 366 * 86_400.0

_DEEPEST: Final = 8
_MOST_FIELDS: Final = 2000
_LONGEST_TEXT: Final = 2000


@dataclass(frozen=True, slots=True)
class _Field:
    """A scalar somewhere in the body; the names are squeezed."""

    name: str
    above: str
    value: str | int | float


def pause_seconds(
    headers: Mapping[str, str], body: object, *, now: datetime, allowed: float = math.inf
) -> float | None:
    """Return how many seconds to pause, `None` if the answer has no usable time.

    `Retry-After` counts first, then the other headers, then fields of the body at any depth, then
    its texts. A value that cannot be parsed or makes no sense as a pause is skipped, and so is a
    time that has passed if another one has not. A time without a fraction may have been cut off, so
    the pause lasts until the end of its second.

    Args:
        headers: the answer's, in upper or lower case.
        body: its decoded JSON, or its text.
        now: this machine's clock, aware.
        allowed: the longest pause that makes sense. A timestamp is by the provider's clock, so it
            is compared with the `Date` header. If the result is above `allowed` or long past, but
            by our own clock it is not, our own clock is used.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    provider = http_date(lower.get("date", ""))
    clocks = [now] if provider is None else [provider, now]
    listed = list(islice(_fields(body), _MOST_FIELDS))
    named = [_seconds(form, clocks, allowed) for form in (*_headers(lower), *_named(listed))]
    waits = [wait for wait in (*named, _told(listed, clocks, allowed)) if wait is not None]
    return next((wait for wait in waits if wait > 0), waits[0] if waits else None)


# --- where it may stand ------------------------------------------------------------------------


def _headers(lower: Mapping[str, str]) -> Iterator[str]:
    return (lower[name.lower()] for name in _HEADERS if name.lower() in lower)


def _fields(body: object) -> Iterator[_Field]:
    """Yield every scalar of the body, the shallow ones first."""
    level: list[tuple[str, str, object]] = [("", "", body)]
    for _ in range(_DEEPEST + 1):
        below: list[tuple[str, str, object]] = []
        for name, above, value in level:
            if isinstance(value, Mapping):
                below += [(_squeezed(key), name, inner) for key, inner in value.items()]
            elif isinstance(value, list | tuple):
                below += [(name, above, inner) for inner in value]
            elif isinstance(value, str | int | float) and not isinstance(value, bool):
                yield _Field(name, above, value)
        level = below


def _squeezed(name: object) -> str:
    return re.sub(r"[^a-z]", "", str(name)[:100].lower())


def _named(listed: Sequence[_Field]) -> Iterator[str | float]:
    """Yield values with a relevant name, alone or combined with the name above it."""
    for pattern in (_RETRY, _RESET):
        for field in listed:
            if pattern.fullmatch(field.name) or pattern.fullmatch(field.above + field.name):
                yield _in_seconds(field)


def _in_seconds(field: _Field) -> str | float:
    """Return seconds from a value whose name says milliseconds."""
    number = _number(field.value)
    if number is None:
        return str(field.value)
    if number < _EPOCH_FROM and _IN_MILLISECONDS.search(field.name):
        return number / 1000
    return number


def _told(listed: Sequence[_Field], clocks: Sequence[datetime], allowed: float) -> float | None:
    """Return the longest wait in the texts; an earlier time may be that of the request itself."""
    waits: list[float] = []
    lengths: list[float] = []
    for field in listed:
        if not isinstance(field.value, str) or (field.name and not _TELLING.search(field.name)):
            continue
        text = field.value[:_LONGEST_TEXT]
        for found in _MOMENT_IN_TEXT.findall(text):
            if _number(found) is None or _is_near(found, clocks):
                wait = _seconds(_CLOSE_UP.sub("", found), clocks, allowed)
                waits += [] if wait is None else [wait]
        lengths += (_length(found[0]) or 0.0 for found in _LENGTH_IN_TEXT.findall(text))
    return max(waits, default=max(lengths, default=None))


def _is_near(epoch: str, clocks: Sequence[datetime]) -> bool:
    moment = epoch_moment(float(epoch))
    return moment is not None and any(abs(moment - clock) < _NEAR for clock in clocks)


# --- how it may be written ---------------------------------------------------------------------


def _seconds(form: str | float, clocks: Sequence[datetime], allowed: float) -> float | None:
    """Read one value: a length of time, or a time by the clock with which it makes sense."""
    number = _number(form)
    if number is not None and number < _EPOCH_FROM:
        return number if number <= _FARTHEST else None
    text = str(form).strip()
    moment = epoch_moment(number) if number is not None else iso_moment(text) or http_date(text)
    if moment is None:
        return _length(text)
    whole_second = 0.0 if moment.microsecond else 1.0
    first, *others = ((moment - clock).total_seconds() + whole_second for clock in clocks)
    if not -_LONG_AGO <= first <= allowed:
        first = next((wait for wait in others if 0 < wait <= allowed), first)
    return max(first, 0.0) if -_FARTHEST <= first <= _FARTHEST else None


def _number(form: object) -> float | None:
    if isinstance(form, str):
        return float(number[0]) if (number := _NUMBER.fullmatch(form.strip())) else None
    if isinstance(form, int | float) and not isinstance(form, bool):
        # A comparison, since an integer may be too large to become a float.
        return float(form) if 0 <= form < 1e16 else None  # noqa: PLR2004 - beyond any epoch
    return None


def _length(text: str) -> float | None:
    found = _LENGTH.fullmatch(text.lower())
    if found is None:
        return None
    return float(found[1]) * (60 if found[2].startswith("m") else 1)
