"""From the stored messages and the reader to a verdict for each day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

import pandas as pd

from recon.core import (
    buckets,
    frames,
    input_digest,
    judge,
    out_of_window_ids,
    settled_rows,
    stale_records,
    unreadable_rows,
    verdict_basis,
)
from recon.core.buckets import Case
from recon.core.frames import timestamps
from recon.core.link import Side
from recon.core.policy import Policy
from recon.core.statuses import NOT_TERMINAL
from recon.model import Span, Verdict, Window
from recon.store import coverage_proof, forgotten_numbers, messages, status_answers

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.core.absence_doubts import Denials
    from recon.model import CoverageEvidence
    from recon.records.reader import RecordsRead, RecordsReader
    from recon.store.coverage_proof import AccountProof

#: Both sides are read at least so far beyond the window, so that clusters of sends to one number
#: are linked as a whole even where midnight cuts through them.
_LEAST_MARGIN: Final = timedelta(hours=1)

#: Records of this long after the days are read, to see whether the records go on.
_LATER: Final = timedelta(days=8)
#: Where the days have too few records to tell, those of so long before are read, and if there are
#: none, those of so long before that.
_EARLIER: Final = (timedelta(days=1), timedelta(days=7))


def margin(policy: Policy) -> timedelta:
    """Return how far beyond a window both sides are read."""
    return max(_LEAST_MARGIN, 10 * policy.tolerance, 2 * policy.drift, 2 * policy.duplicate)


@dataclass(frozen=True, eq=False)
class BothSides:
    """Both sides around some days of an account, as they were read."""

    account: str
    days: Sequence[Window]
    records: RecordsRead
    local: Side
    provider: Side
    policy: Policy
    untimed: bool
    proof: AccountProof
    """For which time the messages are complete: what was proven before they were read."""
    denials: Denials
    earlier: Span | None = None
    """Time before the days that was read too, to see when the records ended."""

    @property
    def row_count(self) -> int:
        """How many rows are held of both sides."""
        return len(self.local.frame) + len(self.provider.frame)

    @cached_property
    def case(self) -> Case:
        """Both sides linked and each row in its bucket; worked out once, where first asked for."""
        return buckets.classify(
            self.days,
            self.local,
            self.provider,
            self.proof.spans,
            self.policy,
            self.denials,
            self.proof.first_contact,
            self.proof.purged_below,
        )

    def judge(self, engine: Engine) -> list[Verdict]:
        """Judge each day."""
        verdicts = judge.of_case(
            self.account,
            self.days,
            self.case,
            spans=self.proof.spans,
            policy=self.policy,
            first_contact=self.proof.first_contact,
        )
        is_settled = partial(settled_rows.are_settled, self.case)
        return [
            replace(
                one,
                evidence=coverage_proof.evidence(engine, self.account, day.start, day.end),
                is_settled=is_settled,
            )
            for day, one in zip(self.days, verdicts, strict=True)
        ]

    def is_waiting(self) -> bool:
        """Say whether a message of the days is not terminal yet."""
        frame, start, end = self.provider.frame, self.days[0].start, self.days[-1].end
        inside = (frame["sent_at"] >= start) & (frame["sent_at"] < end)
        return bool((inside & frame["status"].isin(sorted(NOT_TERMINAL))).any())

    def digest(self, day: Window) -> str:
        """Return a digest of all that the verdict of one of the days rests on."""
        start, end = _around([day], self.policy)
        return input_digest.digest(
            start, end, self.local, self.provider, self.proof.spans, self.proof.first_contact
        )

    def basis(
        self,
        day: Window,
        *,
        input_digest: str,
        evidence: CoverageEvidence,
        settings: str,
    ) -> str:
        """Return a digest of all that the verdict of one of the days follows from.

        Args:
            day: which day.
            input_digest: what `digest` gives of it.
            evidence: what keeps the coverage of the day from being more than it is.
            settings: tells the settings and the version of the program from others.
        """
        start, end = _around([day], self.policy)
        return verdict_basis.basis(
            start,
            end,
            self.local,
            self.provider,
            input_digest=input_digest,
            denials=self.denials,
            purged_below=self.proof.purged_below,
            evidence=evidence,
            untimed=self.untimed and day is self.days[-1],
            settings=settings,
        )

    def with_all_rejects(self, engine: Engine, reader: RecordsReader) -> BothSides:
        """Return the same with all unreadable records, where a message of the days may be one.

        That is where it has no record, and they were not all read.
        """
        case = self.case
        alone = (case.links.partner_of_provider < 0) & (case.provider_owner >= 0)
        if self.records.has_all_rejects or not alone.any():
            return self
        # Of a moment before all records, so that no other rows are read again.
        read = reader.read(timestamps.EARLIEST, timestamps.EARLIEST)
        blanked = forgotten_numbers.forgotten(engine).blanked(
            read.rejects, self.policy.region, None
        )
        records = replace(self.records, rejects=blanked, has_all_rejects=True)
        counted, others = _split(blanked, untimed=self.untimed)
        local = replace(self.local, rejects=counted, other_rejects=others)
        return replace(self, records=records, local=local)

    def refreshed(self, engine: Engine, reader: RecordsReader) -> BothSides:
        """Return the same with the messages as they are stored now.

        The records are read again if there are other messages than before: one that was sent
        meanwhile may have been recorded meanwhile.
        """
        stored = _Stored.read(engine, self.account, self.days, self.policy, untimed=self.untimed)
        if not stored.messages["message_id"].isin(self.provider.frame["message_id"]).all():
            return _with_records(self.account, self.days, reader, engine, self.policy, stored)
        if self.earlier is not None:
            start, _ = _around(self.days, self.policy)
            stored = stored.with_earlier(engine, self.account, self.earlier, start)
        return replace(
            self,
            provider=stored.side(engine, self.account, self.records.frame),
            proof=stored.proof,
            denials=stored.denials,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Stored:
    """What the store holds of the messages of some days, and what it proves."""

    proof: AccountProof
    denials: Denials
    messages: pd.DataFrame
    rejects: pd.DataFrame
    other_rejects: pd.DataFrame
    untimed: bool

    @classmethod
    def read(
        cls, engine: Engine, account: str, days: Sequence[Window], policy: Policy, *, untimed: bool
    ) -> _Stored:
        """Read the proof first, then the messages.

        A collector may store an answer meanwhile. Its messages do no harm without its proof; its
        proof without its messages would make them missing.
        """
        start, end = _around(days, policy)
        proof = coverage_proof.read(engine, account)
        denials = status_answers.denials(engine, account)
        rejects = messages.rejects(engine, account, start, end, untimed=untimed)
        others = messages.rejects_of_other_days(engine, account, start, end, untimed=untimed)
        known = messages.asked_singly(engine, account, start, end)
        return cls(
            proof,
            denials,
            messages.read(engine, account, start, end),
            unreadable_rows.without_known(rejects, known, policy.tolerance),
            others,
            untimed,
        )

    def with_earlier(self, engine: Engine, account: str, earlier: Span, until: datetime) -> _Stored:
        """Add the messages of a time before the days."""
        if earlier.start is None or earlier.end is None:
            return self
        before = messages.read(engine, account, earlier.start, min(earlier.end, until))
        return replace(self, messages=frames.concat([before, self.messages]))

    def side(self, engine: Engine, account: str, local: pd.DataFrame) -> Side:
        """Return the messages, with those that records name, whenever sent."""
        far = messages.find(
            engine, account, out_of_window_ids.wanted_messages(local, self.messages)
        )
        return Side(
            frames.concat([self.messages, far]), self.rejects, other_rejects=self.other_rejects
        )


def read(
    account: str,
    days: Sequence[Window],
    *,
    reader: RecordsReader,
    engine: Engine,
    policy: Policy,
    untimed: bool = True,
    all_rejects: bool = True,
) -> BothSides:
    """Read both sides around `days`, the records after the messages.

    So a message that is sent and recorded meanwhile is not among the messages without its record.

    Args:
        account: whose messages and reader these are.
        days: bounded windows, in order and without holes.
        reader: the user's own records.
        engine: the database of the collected messages.
        policy: how strict to be.
        untimed: whether rows without a readable time belong to the last of `days`.
        all_rejects: whether all records whose time cannot be read are wanted, see
            `RecordsReader.read`. They shield messages of any day; records and pairs do not depend
            on them.

    Raises:
        InputError: the reader cannot be used.
        TemporaryError: a database is busy or out of reach.
    """
    stored = _Stored.read(engine, account, days, policy, untimed=untimed)
    return _with_records(account, days, reader, engine, policy, stored, all_rejects=all_rejects)


def _with_records(
    account: str,
    days: Sequence[Window],
    reader: RecordsReader,
    engine: Engine,
    policy: Policy,
    stored: _Stored,
    *,
    all_rejects: bool = True,
) -> BothSides:
    start, end = _around(days, policy)
    forgotten = forgotten_numbers.forgotten(engine)
    records = reader.read(start, end, all_rejects=all_rejects)
    records = replace(
        records,
        frame=forgotten.blanked(records.frame, policy.region, None),
        rejects=forgotten.blanked(records.rejects, policy.region, None),
    )
    provider = stored.side(engine, account, records.frame)
    earlier = None
    if stale_records.are_too_few(records.frame, provider.frame, start):
        before, earlier = _records_before(reader, start)
        before = forgotten.blanked(before, policy.region, None)
        records = replace(records, frame=frames.concat([before, records.frame]))
        stored = stored.with_earlier(engine, account, earlier, start)
        provider = stored.side(engine, account, records.frame)
    local = records.frame
    if reader.can_find:
        wanted = out_of_window_ids.wanted_records(local, provider.frame, start, end)
        found = forgotten.blanked(reader.find(wanted).frame, policy.region, None)
        outside = (found["sent_at"] < start) | (found["sent_at"] >= end)
        local = frames.concat([local, found.loc[outside]])
    rejects, other_rejects = _split(records.rejects, untimed=stored.untimed)
    side = Side(
        local,
        rejects,
        has_numbers="phone_number" in records.fields,
        has_statuses="status" in records.fields,
        newest=_newest(reader, local, provider.frame, end),
        other_rejects=other_rejects,
    )
    return BothSides(
        account,
        days,
        records,
        side,
        provider,
        policy,
        stored.untimed,
        stored.proof,
        stored.denials,
        earlier,
    )


def _split(rejects: pd.DataFrame, *, untimed: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the unreadable records that the days count, and the others."""
    counted = rejects["sent_at"].notna() | untimed
    return rejects.loc[counted].reset_index(drop=True), rejects.loc[~counted]


def _records_before(reader: RecordsReader, end: datetime) -> tuple[pd.DataFrame, Span]:
    """Return the last records before a time, those of a day at most, and the time they are of."""
    for length in _EARLIER:
        start = end - length
        frame = reader.read(start, end, all_rejects=False).frame
        if len(frame):
            newest = frame["sent_at"].max().to_pydatetime()
            start = max(start, newest - _EARLIER[0])
            frame = frame.loc[frame["sent_at"] >= start].reset_index(drop=True)
            return frame, Span(start, newest + _LEAST_MARGIN)
        end = start
    return frame, Span(end, end)


def _newest(
    reader: RecordsReader, local: pd.DataFrame, provider: pd.DataFrame, end: datetime
) -> datetime | None:
    """Return the time of a record after `end`, where it matters whether there is one.

    That is where the records seem to end before the messages do. A day that is judged again has
    later records, and then nothing has ended.
    """
    if not stale_records.may_have_ended(local, provider):
        return None
    later = reader.read(end, end + _LATER, all_rejects=False).frame["sent_at"]
    return later.max().to_pydatetime() if len(later) else None


def _around(days: Sequence[Window], policy: Policy) -> tuple[datetime, datetime]:
    """Return the time to read for some days, with the margin."""
    first, last = days[0].start, days[-1].end
    assert first is not None
    assert last is not None
    return first - margin(policy), last + margin(policy)
