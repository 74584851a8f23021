"""Read the times of an answer, from its headers and its body, in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from dateutil.parser import isoparse

#: A date alone is no time: taken for midnight it would be a guess.
_DATE_AND_TIME: Final = re.compile(r"\d{4}-?\d{2}-?\d{2}[Tt ]\d{2}:?\d{2}", re.ASCII)
#: From this value on, an epoch counts milliseconds: in seconds that would be the year 5138.
_MILLISECONDS_FROM: Final = 1e11


def http_date(text: str) -> datetime | None:
    """Return an HTTP date (RFC 9110, section 5.6.7), `None` for other texts."""
    try:
        return _in_utc(parsedate_to_datetime(text))
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def iso_moment(text: str) -> datetime | None:
    """Return a date and time in ISO 8601 (UTC without an offset), `None` for other texts."""
    try:
        return _in_utc(isoparse(text)) if _DATE_AND_TIME.match(text) else None
    except (ValueError, OverflowError):
        return None


def epoch_moment(number: float) -> datetime | None:
    """Return the time of an epoch in seconds or milliseconds, `None` if no calendar has it."""
    try:
        seconds = number / 1000 if abs(number) >= _MILLISECONDS_FROM else number
        return datetime.fromtimestamp(seconds, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
