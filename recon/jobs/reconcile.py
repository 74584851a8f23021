"""From the stored messages and the reader to a verdict for each day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
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


@dataclass(frozen=True, slots=True, eq=False)
class BothSides:
    """Both sides around some days of an account, as they were read."""

    account: str
    days: Sequence[Window]
    records: RecordsRead
    local: Side
    provider: Side
    policy: Policy
    untimed: bool
    earlier: Span | None = None
    """Time before the days that was read too, to see when the records ended."""

    @property
    def row_count(self) -> int:
        """How many rows are held of both sides."""
        return len(self.local.frame) + len(self.provider.frame)

    def classify(self, engine: Engine) -> Case:
        """Link both sides and put each row into its bucket."""
        proof = coverage_proof.read(engine, self.account)
        denials = status_answers.denials(engine, self.account)
        sides = (self.local, self.provider)
        return buckets.classify(
            self.days,
            *sides,
            proof.spans,
            self.policy,
            denials,
            proof.first_contact,
            proof.purged_below,
        )

    def judge(self, engine: Engine) -> list[Verdict]:
        """Link both sides once and judge each day."""
        return self.judge_case(engine, self.classify(engine))

    def judge_case(self, engine: Engine, case: Case) -> list[Verdict]:
        """Judge each day of a case that `classify` gave."""
        proof = coverage_proof.read(engine, self.account)
        verdicts = judge.of_case(
            self.account,
            self.days,
            case,
            spans=proof.spans,
            policy=self.policy,
            first_contact=proof.first_contact,
        )
        is_settled = partial(settled_rows.are_settled, case)
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

    def digest(self, engine: Engine, day: Window) -> str:
        """Return a digest of all that the verdict of one of the days rests on."""
        start, end = _around([day], self.policy)
        proof = coverage_proof.read(engine, self.account)
        return input_digest.digest(
            start, end, self.local, self.provider, proof.spans, proof.first_contact
        )

    def basis(
        self,
        day: Window,
        *,
        input_digest: str,
        proof: AccountProof,
        denials: Denials,
        evidence: CoverageEvidence,
        settings: str,
    ) -> str:
        """Return a digest of all that the verdict of one of the days follows from.

        Args:
            day: which day.
            input_digest: what `digest` gives of it.
            proof: what is proven of the account.
            denials: its ids that Octopods does not have.
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
            denials=denials,
            purged_below=proof.purged_below,
            evidence=evidence,
            untimed=self.untimed and day is self.days[-1],
            settings=settings,
        )

    def refreshed(self, engine: Engine) -> BothSides:
        """Return the same with the messages as they are stored now."""
        provider = _messages(
            engine,
            self.account,
            self.days,
            self.policy,
            self.records.frame,
            untimed=self.untimed,
            earlier=self.earlier,
        )
        return replace(self, provider=provider)


def read(
    account: str,
    days: Sequence[Window],
    *,
    reader: RecordsReader,
    engine: Engine,
    policy: Policy,
    untimed: bool = True,
) -> BothSides:
    """Read both sides around `days`.

    Args:
        account: whose messages and reader these are.
        days: bounded windows, in order and without holes.
        reader: the user's own records.
        engine: the database of the collected messages.
        policy: how strict to be.
        untimed: whether rows without a readable time belong to the last of `days`.

    Raises:
        InputError: the reader cannot be used.
        TemporaryError: a database is busy or out of reach.
    """
    start, end = _around(days, policy)
    forgotten = forgotten_numbers.forgotten(engine)
    records = reader.read(start, end)
    records = replace(
        records,
        frame=forgotten.blanked(records.frame, policy.region, None),
        rejects=forgotten.blanked(records.rejects, policy.region, None),
    )
    provider = _messages(engine, account, days, policy, records.frame, untimed=untimed)
    earlier = None
    if stale_records.are_too_few(records.frame["sent_at"], provider.frame["sent_at"], start):
        before, earlier = _records_before(reader, start)
        before = forgotten.blanked(before, policy.region, None)
        records = replace(records, frame=frames.concat([before, records.frame]))
        provider = _messages(
            engine, account, days, policy, records.frame, untimed=untimed, earlier=earlier
        )
    local = records.frame
    if reader.can_find:
        wanted = out_of_window_ids.wanted_records(local, provider.frame, start, end)
        found = forgotten.blanked(reader.find(wanted).frame, policy.region, None)
        outside = (found["sent_at"] < start) | (found["sent_at"] >= end)
        local = frames.concat([local, found.loc[outside]])
    counted = records.rejects["sent_at"].notna() | untimed
    side = Side(
        local,
        records.rejects.loc[counted].reset_index(drop=True),
        has_numbers="phone_number" in records.fields,
        has_statuses="status" in records.fields,
        newest=_newest(reader, local, provider.frame, end),
        other_rejects=records.rejects.loc[~counted],
    )
    return BothSides(account, days, records, side, provider, policy, untimed, earlier)


def _records_before(reader: RecordsReader, end: datetime) -> tuple[pd.DataFrame, Span]:
    """Return the last records before a time, those of a day at most, and the time they are of."""
    for length in _EARLIER:
        start = end - length
        frame = reader.read(start, end).frame
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
    if not stale_records.may_have_ended(local["sent_at"], provider["sent_at"]):
        return None
    later = reader.read(end, end + _LATER).frame["sent_at"]
    return later.max().to_pydatetime() if len(later) else None


def _around(days: Sequence[Window], policy: Policy) -> tuple[datetime, datetime]:
    """Return the time to read for some days, with the margin."""
    first, last = days[0].start, days[-1].end
    assert first is not None
    assert last is not None
    return first - margin(policy), last + margin(policy)


def _messages(
    engine: Engine,
    account: str,
    days: Sequence[Window],
    policy: Policy,
    local: pd.DataFrame,
    *,
    untimed: bool,
    earlier: Span | None = None,
) -> Side:
    """Return the messages of the time, and those that its records name, whenever sent."""
    start, end = _around(days, policy)
    near = messages.read(engine, account, start, end)
    if earlier is not None and earlier.start is not None and earlier.end is not None:
        before = messages.read(engine, account, earlier.start, min(earlier.end, start))
        near = frames.concat([before, near])
    far = messages.find(engine, account, out_of_window_ids.wanted_messages(local, near))
    rejects = unreadable_rows.without_known(
        messages.rejects(engine, account, start, end, untimed=untimed),
        messages.asked_singly(engine, account, start, end),
        policy.tolerance,
    )
    others = messages.rejects_of_other_days(engine, account, start, end, untimed=untimed)
    return Side(frames.concat([near, far]), rejects, other_rejects=others)
