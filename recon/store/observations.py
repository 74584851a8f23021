"""Combine several answers about a message, in any order of storing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from recon.core.statuses import supersedes


@dataclass(frozen=True, slots=True)
class Observation:
    """A status of a message, and the provider's clock in the answer that showed it."""

    status: str
    failure_reason: str | None
    at: datetime


def merged(known: Observation, seen: Observation) -> Observation:
    """Return the combination of both, with the later time.

    The later status wins, unless the message would go backwards. So an answer that is stored late,
    after a newer one, still counts.
    """
    earlier, later = (known, seen) if known.at <= seen.at else (seen, known)
    if earlier.status == later.status:
        reason = later.failure_reason or earlier.failure_reason
        return Observation(later.status, reason, later.at)
    winner = later if supersedes(earlier.status, later.status) else earlier
    return Observation(winner.status, winner.failure_reason, later.at)


def is_regress(known: Observation, seen: Observation) -> bool:
    """Say whether `seen` is later, but would take the message backwards."""
    return (
        seen.at >= known.at
        and seen.status != known.status
        and not supersedes(known.status, seen.status)
    )


def is_news(history: Sequence[Observation], seen: Observation) -> bool:
    """Say whether `seen` differs from the status in the answer before it.

    Args:
        history: the known changes of the message, in order of time.
        seen: another observation, not necessarily the latest.
    """
    before = [change for change in history if change.at <= seen.at]
    if any(change.at == seen.at and change.status == seen.status for change in before):
        return False
    if not before or before[-1].status != seen.status:
        return True
    return seen.failure_reason not in {None, before[-1].failure_reason}
