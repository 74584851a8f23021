"""How long to pause after a 429, from every form in which a retry timestamp may come.

The help centre (article 14824153) promises "a retry timestamp; pause until the timestamp passes"
and says neither where it stands nor how it is written. So every usual place and form is read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from dateutil.parser import isoparse

#: Beyond this a bare number is a moment in epoch seconds, and beyond the next in milliseconds.
_EPOCH_FROM: Final = 1e9
_MILLISECONDS_FROM: Final = 1e11
_DEEPEST: Final = 6
_HEADERS: Final = ("Retry-After", "X-RateLimit-Reset", "RateLimit-Reset", "X-Rate-Limit-Reset")
_FIELDS: Final = re.compile(
    r"(retry|reset|resume|wait)_?(at|after|in|on|time|timestamp|until|s|seconds)*"
    r"|(next|rate_?limit)_?(retry|reset)(_?(at|time|timestamp))?|(try|available)_again(_at)?",
    re.IGNORECASE,
)
_MOMENT_IN_TEXT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?"
    r"|\b\d{13}\b|\b\d{10}(?:\.\d+)?\b",
    re.IGNORECASE,
)
_SECONDS_IN_TEXT: Final = re.compile(
    r"\b(\d{1,6}(?:\.\d+)?)\s*(?:s|sec|secs|seconds?)\b", re.IGNORECASE
)


def pause_seconds(
    headers: Mapping[str, str], body: object, *, now: datetime, allowed: float = math.inf
) -> float | None:
    """Return how many seconds to pause, `None` where the answer names no usable time.

    `Retry-After` counts first, then the other headers, then fields of the body at any depth, then
    what stands in its texts. A form that does not parse falls to the next.

    Args:
        headers: the answer's, whatever their case.
        body: its decoded JSON, or its text.
        now: this machine's clock, aware.
        allowed: the longest pause that makes sense. A timestamp is on the provider's clock, so it
            is compared with the `Date` header; where that leads beyond `allowed` and our own clock
            does not, ours is believed.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    clocks = [moment for moment in (_http_date(lower.get("date", "")), now) if moment is not None]
    for form in _forms(lower, body):
        seconds = _seconds(form, clocks, allowed)
        if seconds is not None:
            return seconds
    return None


def _forms(headers: Mapping[str, str], body: object) -> Iterator[object]:
    for name in _HEADERS:
        if name.lower() in headers:
            yield headers[name.lower()]
    yield from _named(body, 0)
    for text in _texts(body, 0):
        yield from (match.group() for match in _MOMENT_IN_TEXT.finditer(text))
        yield from (float(match.group(1)) for match in _SECONDS_IN_TEXT.finditer(text))


def _named(value: object, depth: int) -> Iterator[object]:
    """Yield what stands under a telling name, the shallow ones first."""
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(inner, str | int | float) and _FIELDS.fullmatch(_snake(str(name))):
                yield inner
        for inner in value.values():
            yield from _named(inner, depth + 1)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value[:20]:
            yield from _named(inner, depth + 1)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[-\s]", "_", name)


def _texts(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value[:2000]
    elif depth <= _DEEPEST and isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner, depth + 1)
    elif depth <= _DEEPEST and isinstance(value, Sequence):
        for inner in value[:20]:
            yield from _texts(inner, depth + 1)


def _seconds(form: object, clocks: Sequence[datetime], allowed: float) -> float | None:
    """Read one form: a length of time, or a moment by whichever clock makes sense of it."""
    number = _as_number(form)
    if number is not None and number < _EPOCH_FROM:
        return number
    moment = _epoch(number) if number is not None else _moment(str(form))
    if moment is None:
        return None
    waits = [max((moment - clock).total_seconds(), 0.0) for clock in clocks]
    return next((wait for wait in waits if wait <= allowed), waits[0])


def _as_number(form: object) -> float | None:
    if isinstance(form, bool):
        return None
    try:
        number = float(form)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _epoch(number: float) -> datetime | None:
    seconds = number / 1000 if number >= _MILLISECONDS_FROM else number
    try:
        return datetime.fromtimestamp(seconds, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _moment(text: str) -> datetime | None:
    text = text.strip()
    try:
        moment = isoparse(text)
    except (ValueError, OverflowError):
        return _http_date(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
