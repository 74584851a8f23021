"""The limit that lists, status calls and sends of one key share, and how a breach is reported.

The provider documents that the limit is shared and that a 429 carries a retry timestamp, but
neither where nor in which form (help centre, article 14823962): hence the many forms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from math import ceil
from typing import Final

#: Waiting exactly as long as was asked for has to suffice, whatever the floats say.
_ROUNDING: Final = 1e-6


class RetryForm(StrEnum):
    """Where and how a 429 says when to come back."""

    HEADER_SECONDS = "Retry-After, seconds"
    HEADER_DATE = "Retry-After, HTTP date"
    RESET_SECONDS = "X-RateLimit-Reset, epoch seconds"
    RESET_MILLISECONDS = "X-RateLimit-Reset, epoch milliseconds"
    PLAIN_RESET = "RateLimit-Reset, epoch seconds"
    BODY_ISO = "retry_at, ISO 8601"
    BODY_SECONDS = "retry_after, epoch seconds"
    BODY_MILLISECONDS = "retry_timestamp, epoch milliseconds"
    NESTED = "retry_at inside of another field"
    TEXT = "in the error text, ISO 8601"
    TEXT_SECONDS = "in the error text, epoch seconds"
    NONE = "nowhere"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A number of requests per time; a bucket that refills evenly."""

    requests: int
    per: timedelta
    form: RetryForm = RetryForm.HEADER_SECONDS

    @property
    def per_second(self) -> float:
        """How many requests the bucket regains in a second."""
        return self.requests / self.per.total_seconds()


@dataclass(slots=True, eq=False)
class Bucket:
    """A token bucket: full at first, one token for a request, refilled as time passes."""

    limit: RateLimit
    tokens: float = field(init=False)
    at: datetime | None = None

    def __post_init__(self) -> None:
        self.tokens = float(self.limit.requests)

    def spend(self, at: datetime) -> None:
        """Let a send take a token. It was sent, so it had one: the bucket never owes any."""
        self._refill(at)
        self.tokens = max(0.0, self.tokens - 1)

    def take(self, at: datetime) -> datetime | None:
        """Take a token for a request: `None` if there is one, else when there will be one."""
        self._refill(at)
        if self.tokens >= 1 - _ROUNDING:
            self.tokens = max(0.0, self.tokens - 1)
            return None
        wait = (1 - self.tokens) / self.limit.per_second
        return at + timedelta(microseconds=ceil(wait * 1e6))

    def _refill(self, at: datetime) -> None:
        if self.at is None or at > self.at:
            passed = (at - self.at).total_seconds() if self.at else 0.0
            self.tokens = min(
                float(self.limit.requests), self.tokens + passed * self.limit.per_second
            )
            self.at = at


def stamp(
    form: RetryForm, until: datetime, now: datetime
) -> tuple[dict[str, str], dict[str, object]]:
    """Return the headers and the body fields that ask a client to come back at `until`.

    Whole seconds and milliseconds are rounded up, so that waiting as long as asked is enough.
    `form` says where it stands; the body always has an `error`, as the provider's errors do.
    """
    epoch = ceil(until.timestamp())
    second = datetime.fromtimestamp(epoch, tz=UTC)
    iso = second.strftime("%Y-%m-%dT%H:%M:%SZ")
    milliseconds = ceil(until.timestamp() * 1000)
    headers: Mapping[RetryForm, dict[str, str]] = {
        RetryForm.HEADER_SECONDS: {"Retry-After": str(ceil((until - now).total_seconds()))},
        RetryForm.HEADER_DATE: {"Retry-After": format_datetime(second, usegmt=True)},
        RetryForm.RESET_SECONDS: {"X-RateLimit-Reset": str(epoch)},
        RetryForm.RESET_MILLISECONDS: {"X-RateLimit-Reset": str(milliseconds)},
        RetryForm.PLAIN_RESET: {"RateLimit-Reset": str(epoch)},
    }
    body: Mapping[RetryForm, dict[str, object]] = {
        RetryForm.BODY_ISO: {"retry_at": iso},
        RetryForm.BODY_SECONDS: {"retry_after": epoch},
        RetryForm.BODY_MILLISECONDS: {"retry_timestamp": milliseconds},
        RetryForm.NESTED: {"rate_limit": {"retry_at": iso}},
        RetryForm.TEXT: {"error": f"Rate limit exceeded. Retry at {iso}."},
        RetryForm.TEXT_SECONDS: {"error": f"Rate limit exceeded, retry_timestamp={epoch}"},
    }
    fields = {"error": "Rate limit exceeded."} | body.get(form, {})
    return headers.get(form, {}), fields
