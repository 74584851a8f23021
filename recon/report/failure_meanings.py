"""Why messages of a day failed: each reason that Octopods gave, with what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from recon.core import failure_reasons
from recon.core.failure_reasons import FailureReason
from recon.model import Decision, Run, Status
from recon.report.masking import mask_numbers

#: The decisions as people read them.
DECISIONS: Final = {
    Decision.RETRY: "may be sent again",
    Decision.DO_NOT_RETRY: "do not send again",
    Decision.REVIEW: "to be reviewed",
}


@dataclass(frozen=True, slots=True)
class RankedReason:
    """A reason that Octopods gave."""

    text: str
    """As it was given, without long numbers; empty where there was none."""
    count: int
    """Failed messages."""
    reason: FailureReason

    @property
    def decision(self) -> str:
        """The decision in words."""
        return DECISIONS[self.reason.decision]


def ranked(run: Run, *, masked: bool) -> list[RankedReason]:
    """Return the reasons of a day's failed messages, the commonest first.

    Args:
        run: the run.
        masked: whether numbers are masked.
    """
    return [
        RankedReason(
            mask_numbers(text, ()) if masked else text,
            count,
            failure_reasons.explain(text, tuple(run.retry_rules)),
        )
        for text, count in run.verdict.failures.items()
    ]


def meanings(run: Run, most: int) -> list[str]:
    """Return for a day what its failed messages have in common, the commonest first.

    Reasons that mean the same and lead to the same decision are one line, such as `3 the number
    cannot be reached on WhatsApp (do not send again)`.

    Args:
        run: the run.
        most: so many lines at most; the last one counts all others.
    """
    counts: dict[str, int] = {}
    for one in ranked(run, masked=True):
        said = f"{one.reason.title} ({one.decision})"
        counts[said] = counts.get(said, 0) + one.count
    order = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    shown = order if len(order) <= most else order[: most - 1]
    others = run.verdict.statuses.get(Status.FAILED, 0) - sum(count for _, count in shown)
    lines = [f"{count:,} {said}" for said, count in shown]
    return lines + ([f"{others:,} for other reasons"] if shown and others > 0 else [])
