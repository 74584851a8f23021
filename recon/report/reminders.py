"""What a reminder says: how many findings of an account are still open, and since when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from recon.model import Kind
from recon.report import labels


@dataclass(frozen=True, slots=True)
class StillOpen:
    """The open findings of an account, of all days."""

    account: str
    kinds: Mapping[Kind, int]
    """The number of open findings of each kind; at least one."""
    since: date
    """When the oldest of them was opened, in the configured zone."""

    @property
    def count(self) -> int:
        """How many findings are open."""
        return sum(self.kinds.values())


def headline(told: Sequence[StillOpen]) -> str:
    """Return one sentence about all accounts; empty without one."""
    if not told:
        return ""
    count, since = sum(one.count for one in told), min(one.since for one in told)
    if count == 1:
        return f"Reminder: 1 finding is still open, since {since}."
    return f"Reminder: {count:,} findings are still open, the oldest since {since}."


def paragraph(one: StillOpen) -> str:
    """Return what is open in one account, the most urgent kind first, and what to do."""
    kinds = ", ".join(
        f"{one.kinds[kind]:,} {labels.EXPLANATIONS[kind].title}"
        for kind in labels.KINDS_BY_URGENCY
        if kind in one.kinds
    )
    return (
        f"Still open, of all days: {kinds}. `recon discrepancies` lists them. Correct the causes, "
        "or acknowledge with `recon ack` what you accept."
    )
