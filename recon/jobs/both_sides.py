"""Both sides around some days of an account, and the verdict of each day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Self

from recon.core import (
    agreed_rows,
    buckets,
    input_digest,
    judge,
    settled_rows,
    stale_records,
    time_spans,
    verdict_basis,
)
from recon.core.buckets import Case
from recon.core.link import Side
from recon.core.policy import Policy
from recon.core.statuses import NOT_TERMINAL
from recon.jobs.stored_side import StoredEvidence, around
from recon.model import Span, Verdict, Window
from recon.records.reader import RecordsRead
from recon.store import coverage_proof

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.jobs.memory_budget import RunMemory
    from recon.jobs.stored_partitions import StoredPartitions
    from recon.model import CoverageEvidence


@dataclass(frozen=True, eq=False)
class BothSides:
    """Both sides around some days of an account, as they were read.

    If they do not fit into memory, they are in files until `close`, or the end of a `with` block.
    """

    account: str
    days: Sequence[Window]
    records: RecordsRead
    """As they were read; without the readable ones if those are in files, on both sides."""
    local: Side
    provider: Side
    policy: Policy
    evidence: StoredEvidence
    """The proof of complete messages, which was read before the messages."""
    earlier: Span | None = None
    """Time before the days that was also read, to see when the records ended."""
    parts: StoredPartitions | None = None
    """The readable rows, if they are in files."""
    memory: RunMemory | None = None
    """How much memory reading may take."""

    @property
    def row_count(self) -> int:
        """How many rows of both sides were read."""
        if self.parts is not None:
            return self.parts.row_count
        return len(self.local.frame) + len(self.provider.frame)

    @property
    def is_in_memory(self) -> bool:
        """Whether they are held in memory."""
        return self.parts is None

    @cached_property
    def case(self) -> Case:
        """Both sides linked, with each row in its bucket; computed once, when first used."""
        local, provider, agreed = self.local, self.provider, agreed_rows.NONE
        if self.parts is not None:
            left = self.parts.reduced
            local = replace(local, frame=left.local, rejects=left.local_rejects)
            provider = replace(provider, frame=left.provider, rejects=left.provider_rejects)
            agreed = left.agreed
        proof = self.evidence.proof
        return buckets.classify(
            self.days,
            local,
            provider,
            proof.spans,
            self.policy,
            self.evidence.denials,
            proof.first_contact,
            proof.purged_below,
            agreed,
        )

    def with_own_frames(self) -> BothSides:
        """Return the same for another thread, with frames that share only the values.

        pandas may reorganise a frame when it is read, so two threads must not use the same one.
        """
        return replace(self, local=_shallow(self.local), provider=_shallow(self.provider))

    def coverage_evidence(self, engine: Engine) -> list[CoverageEvidence]:
        """Return what keeps the coverage of each day from being more than it is."""
        times = [Span(day.start, day.end) for day in self.days]
        return coverage_proof.evidence_of_each(engine, self.account, times)

    def judge(self, engine: Engine) -> list[Verdict]:
        """Judge each day."""
        return self.verdicts(self.coverage_evidence(engine))

    def verdicts(self, evidence: Sequence[CoverageEvidence]) -> list[Verdict]:
        """Judge each day with what `coverage_evidence` gave of it."""
        proof = self.evidence.proof
        verdicts = judge.of_case(
            self.account,
            self.days,
            self.case,
            spans=proof.spans,
            policy=self.policy,
            first_contact=proof.first_contact,
        )
        known = frozenset[str]() if self.parts is None else self.parts.reduced.settled
        is_settled = partial(settled_rows.are_settled, self.case, known=known)
        return [
            replace(one, evidence=its, is_settled=is_settled)
            for one, its in zip(verdicts, evidence, strict=True)
        ]

    def is_waiting(self) -> bool:
        """Say whether a message of the days is not terminal yet."""
        if self.parts is not None:
            return self.parts.is_waiting
        frame, start, end = self.provider.frame, self.days[0].start, self.days[-1].end
        assert start is not None
        assert end is not None
        inside = time_spans.inside(frame, start, end)
        return bool((inside & frame["status"].isin(sorted(NOT_TERMINAL))).any())

    def digest(self, day: Window) -> str:
        """Return a digest of the input of one day's verdict."""
        start, end = around([day], self.policy)
        spans, first = self.evidence.proof.spans, self.evidence.proof.first_contact
        if self.parts is None:
            return input_digest.digest(start, end, self.local, self.provider, spans, first)
        read = self.parts.digests[day.label]
        return input_digest.of_parts(start, end, read, (self.local, self.provider), spans, first)

    def basis(
        self,
        day: Window,
        *,
        input_digest: str,
        evidence: CoverageEvidence,
        settings: str,
    ) -> str:
        """Return a digest of everything on which one day's verdict depends.

        Args:
            day: which day.
            input_digest: the result of `digest` for it.
            evidence: the reasons why the day is not covered more.
            settings: distinguishes the settings and the version of the program.
        """
        untimed = self.evidence.untimed and day is self.days[-1]
        if self.parts is not None:
            return verdict_basis.of_parts(
                self.parts.basis_rows(day),
                (self.local, self.provider),
                ended=self.parts.ended,
                input_digest=input_digest,
                evidence=evidence,
                untimed=untimed,
                settings=settings,
            )
        start, end = around([day], self.policy)
        return verdict_basis.basis(
            start,
            end,
            self.local,
            self.provider,
            input_digest=input_digest,
            denials=self.evidence.denials,
            purged_below=self.evidence.proof.purged_below,
            evidence=evidence,
            untimed=untimed,
            have_ended=self._may_have_ended,
            settings=settings,
        )

    @cached_property
    def _may_have_ended(self) -> bool:
        return stale_records.may_have_ended(self.local.frame, self.provider.frame)

    def close(self) -> None:
        """Remove the files, if there are any; after that nothing can be judged."""
        if self.parts is not None:
            self.parts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _shallow(side: Side) -> Side:
    others = side.other_rejects
    return replace(
        side,
        frame=side.frame.copy(deep=False),
        rejects=side.rejects.copy(deep=False),
        other_rejects=None if others is None else others.copy(deep=False),
    )
