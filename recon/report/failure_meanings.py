"""Why messages of a day failed: each reason of Octopods and its meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from recon.core import failure_reasons
from recon.core.failure_reasons import FailureReason
from recon.model import Decision, Run, Status
from recon.report.labels import counted
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
    """The text of the reason, without long numbers; empty without a reason."""
    count: int
    """Failed messages."""
    reason: FailureReason

    @property
    def decision(self) -> str:
        """The decision in words."""
        return DECISIONS[self.reason.decision]


def ranked(run: Run, *, masked: bool) -> list[RankedReason]:
    """Return the reasons of a day's failed messages, the most frequent first.

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
    """Return the causes of a day's failed messages as lines, the most frequent first.

    Reasons that mean the same and lead to the same decision are one line, such as `3 messages: the
    number cannot be reached on WhatsApp (do not send again)`.

    Args:
        run: the run.
        most: at most this many lines; the last one counts all others.
    """
    counts: dict[str, int] = {}
    for one in ranked(run, masked=True):
        said = f"{one.reason.title} ({one.decision})"
        counts[said] = counts.get(said, 0) + one.count
    order = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    shown = order if len(order) <= most else order[: most - 1]
    others = run.verdict.statuses.get(Status.FAILED, 0) - sum(count for _, count in shown)
    lines = [f"{counted(count, 'message')}: {said}" for said, count in shown]
    more = [f"{counted(others, 'message')}: other reasons"] if shown and others > 0 else []
    return lines + more
