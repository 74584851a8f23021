"""The outcome of failed sends that were proposed for a retry, and whether to continue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

#: With at least this many proposals, the outcome is meaningful.
_ENOUGH: Final = 50
#: Of those, fewer than this share delivered means that retries are of little use.
_LEAST_SHARE: Final = 0.15


@dataclass(frozen=True, slots=True)
class RetryCounts:
    """Failed sends that were proposed for a retry."""

    proposed: int = 0
    delivered: int = 0
    """For how many of them a message sent to the same number after the proposal arrived."""

    def __add__(self, other: RetryCounts) -> RetryCounts:
        return RetryCounts(self.proposed + other.proposed, self.delivered + other.delivered)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of the proposals for one account's failed sends of one day."""

    account: str
    day: date
    counts: RetryCounts


def summed(counts: Iterable[RetryCounts]) -> RetryCounts:
    """Return the sum of the counts."""
    return sum(counts, RetryCounts())


def advice(counts: RetryCounts) -> str:
    """Return the advice to stop if few of many retries were delivered, else an empty text."""
    if counts.proposed < _ENOUGH or counts.delivered >= _LEAST_SHARE * counts.proposed:
        return ""
    return (
        f"Of {counts.proposed:,} proposed retries, {counts.delivered:,} were delivered: stop "
        f"retrying, and fix what makes the messages fail."
    )
