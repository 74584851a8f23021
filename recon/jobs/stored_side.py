"""The stored messages of some days, and what is proven about these days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import pandas as pd

from recon.core import frames, out_of_window_ids, unreadable_rows
from recon.core.link import Side
from recon.core.policy import Policy
from recon.model import Span, Window
from recon.store import coverage_proof, messages, status_answers

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.core.absence_doubts import Denials
    from recon.store.coverage_proof import AccountProof

#: Both sides are read at least so far beyond the window, so that clusters of sends to one number
#: are linked as a whole even where midnight cuts through them.
_LEAST_MARGIN: Final = timedelta(hours=1)


def margin(policy: Policy) -> timedelta:
    """Return how far before and after a window both sides are read."""
    return max(_LEAST_MARGIN, 10 * policy.tolerance, 2 * policy.drift, 2 * policy.duplicate)


def around(days: Sequence[Window], policy: Policy) -> tuple[datetime, datetime]:
    """Return the time to read for some days, including the margin."""
    first, last = days[0].start, days[-1].end
    assert first is not None
    assert last is not None
    return first - margin(policy), last + margin(policy)


@dataclass(frozen=True, slots=True, eq=False)
class StoredEvidence:
    """What is proven about some days, and their unreadable items."""

    proof: AccountProof
    denials: Denials
    rejects: pd.DataFrame
    other_rejects: pd.DataFrame
    untimed: bool
    """Whether rows without a readable time belong to the last of the days."""

    @classmethod
    def read(
        cls, engine: Engine, account: str, days: Sequence[Window], policy: Policy, *, untimed: bool
    ) -> StoredEvidence:
        """Read this before the messages, because a collector may store an answer meanwhile.

        The messages of an answer without its proof do no harm. Its proof without its messages would
        make them missing.
        """
        start, end = around(days, policy)
        proof = coverage_proof.read(engine, account)
        denials = status_answers.denials(engine, account)
        rejects = messages.rejects(engine, account, start, end, untimed=untimed)
        others = messages.rejects_of_other_days(engine, account, start, end, untimed=untimed)
        known = messages.asked_singly(engine, account, start, end)
        rejects = unreadable_rows.without_known(rejects, known, policy.tolerance)
        return cls(proof, denials, rejects, others, untimed)

    def side(self, frame: pd.DataFrame) -> Side:
        """Return messages as a side, with the unreadable items."""
        return Side(frame, self.rejects, other_rejects=self.other_rejects)


@dataclass(frozen=True, slots=True, eq=False)
class StoredSide:
    """The messages of some days, in memory, with their evidence."""

    evidence: StoredEvidence
    messages: pd.DataFrame

    @classmethod
    def read(
        cls, engine: Engine, account: str, days: Sequence[Window], policy: Policy, *, untimed: bool
    ) -> StoredSide:
        """Read the evidence first, then the messages."""
        evidence = StoredEvidence.read(engine, account, days, policy, untimed=untimed)
        return cls(evidence, messages.read(engine, account, *around(days, policy)))

    def with_earlier(
        self, engine: Engine, account: str, earlier: Span, until: datetime
    ) -> StoredSide:
        """Add the messages of a time before the days."""
        if earlier.start is None or earlier.end is None:
            return self
        before = messages.read(engine, account, earlier.start, min(earlier.end, until))
        return replace(self, messages=frames.concat([before, self.messages]))

    def side(self, engine: Engine, account: str, local: pd.DataFrame) -> Side:
        """Return the messages, including those of any time whose ids the records hold."""
        wanted = out_of_window_ids.wanted_messages(local, self.messages)
        far = messages.find(engine, account, wanted)
        return self.evidence.side(frames.concat([self.messages, far]))
