"""The explanation of one row, judged by the code of the nightly run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from recon.core import (
    case_row_contents,
    case_rows,
    finding_differences,
    findings,
    fired_rules,
    rules,
)
from recon.core.buckets import Case
from recon.core.case_rows import RowOfCase
from recon.core.explanation import (
    Denial,
    Explanation,
    MessageRow,
    RecordRow,
    SeenStatus,
    StoredFinding,
)
from recon.core.fired_rules import FiredRule
from recon.core.policy import Policy
from recon.jobs import row_surroundings, stored_side
from recon.jobs.both_sides import BothSides
from recon.model import Kind, Verdict, Window
from recon.store import coverage_proof, row_evidence

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Engine

    from recon.store.coverage_proof import AccountProof

_KINDS_OF_REJECTS: Final = {"local": Kind.INVALID_LOCAL, "provider": Kind.INVALID_PROVIDER}


@dataclass(frozen=True, slots=True, eq=False)
class JudgedDay:
    """A day of an account as a nightly run would judge it now."""

    account: str
    engine: Engine
    policy: Policy
    day: Window
    case: Case
    verdict: Verdict
    proof: AccountProof
    """What it was judged with."""
    kinds: rules.RowsByKind
    found: pd.DataFrame
    """See `findings.with_positions`; also for a suspect day."""
    last_run: datetime | None
    """When a run last judged the day; `None` if none has."""


def judge(engine: Engine, sides: BothSides) -> JudgedDay:
    """Judge one day that was read."""
    [day] = sides.days
    case = sides.case
    [verdict] = sides.judge(engine)
    kinds = rules.rows_by_kind(case, sides.policy)
    return JudgedDay(
        account=sides.account,
        engine=engine,
        policy=sides.policy,
        day=day,
        case=case,
        verdict=verdict,
        proof=sides.evidence.proof,
        kinds=kinds,
        found=findings.with_positions(sides.account, case, kinds),
        last_run=row_evidence.last_judged(engine, sides.account, date.fromisoformat(day.label)),
    )


def of_row(judged: JudgedDay, row: RowOfCase, matches: Sequence[str]) -> Explanation:
    """Return the explanation of a row that the day judges."""
    case = judged.case
    record, message = case_row_contents.record(case, row), _message(judged, row)
    fired, stored = _fired(judged, row), _stored(judged, row, record, message)
    alternatives, more = case_row_contents.alternatives(
        case, judged.policy, row, stored_side.margin(judged.policy)
    )
    time = case_rows.time_of(case, row)
    return Explanation(
        account=judged.account,
        matches=matches,
        zone=judged.day.zone,
        day=judged.day,
        verdict=judged.verdict.kind.value,
        suspicions=judged.verdict.suspicions,
        record=record,
        message=message,
        statuses=_statuses(judged, message),
        surroundings=None
        if time is None
        else row_surroundings.surroundings(judged.engine, judged.account, time, judged.proof),
        denials=_denials(judged, record, message),
        alternatives=alternatives,
        more_alternatives=more,
        rules=fired,
        findings=stored,
        differences=finding_differences.differences(
            judged.day.label,
            fired,
            stored,
            is_suspect=bool(judged.verdict.suspicions),
            was_judged=judged.last_run is not None,
        ),
        last_run=judged.last_run,
    )


def of_no_day(
    account: str,
    zone: str,
    matches: Sequence[str],
    *,
    record: RecordRow | None = None,
    fired: Sequence[FiredRule] = (),
    stored: Sequence[StoredFinding] = (),
) -> Explanation:
    """Return the explanation of a row that no day judges, or that does not exist any more.

    Args:
        account: whose row it is.
        zone: the configured time zone.
        matches: which kind of id matched.
        record: the record, if there is one.
        fired: the rules that decide about it.
        stored: findings about it.
    """
    return Explanation(
        account=account,
        matches=matches,
        zone=zone,
        record=record,
        rules=fired,
        findings=stored,
        differences=finding_differences.of_row_that_is_gone(stored),
    )


def from_store(
    engine: Engine,
    account: str,
    zone: str,
    matches: Sequence[str],
    *,
    message_id: int | None,
    stored: Sequence[StoredFinding],
    records_error: str,
) -> Explanation:
    """Return the stored data about a row, because the records cannot be read.

    Args:
        engine: the store.
        account: whose row it is.
        zone: the configured time zone.
        matches: as what the id was found.
        message_id: of the message, where there is one.
        stored: findings about it.
        records_error: why the records cannot be read.
    """
    told = Explanation(
        account=account,
        matches=matches,
        zone=zone,
        rules=(),
        findings=stored,
        differences=(),
        records_error=records_error,
    )
    if message_id is None:
        return told
    message = row_evidence.message(engine, account, message_id)
    return replace(
        told,
        message=message,
        statuses=row_evidence.statuses(engine, account, message_id),
        denials=row_evidence.denials(engine, account, message_id),
        surroundings=None
        if message is None or message.sent_at is None
        else row_surroundings.surroundings(
            engine, account, message.sent_at, coverage_proof.read(engine, account)
        ),
    )


def _message(judged: JudgedDay, row: RowOfCase) -> MessageRow | None:
    """Return the message with what only the store knows of it."""
    message = case_row_contents.message(judged.case, row)
    if message is None or message.message_id is None or message.unreadable is not None:
        return message
    return row_evidence.message(judged.engine, judged.account, message.message_id) or message


def _stored(
    judged: JudgedDay, row: RowOfCase, record: RecordRow | None, message: MessageRow | None
) -> list[StoredFinding]:
    ids = case_rows.ids_of(judged.found, row)
    found = row_evidence.found(
        judged.engine,
        judged.account,
        discrepancy_ids=ids,
        message_id=case_row_contents.message_id(record, message),
        local_id=None if record is None else record.local_id,
    )
    return [
        one
        for one in found
        if one.discrepancy_id in ids or case_rows.is_about(one, record, message)
    ]


def _fired(judged: JudgedDay, row: RowOfCase) -> tuple[FiredRule, ...]:
    if row.reject is None:
        return fired_rules.of_row(judged.case, judged.kinds, judged.policy, row.local, row.provider)
    reason = case_row_contents.reason(judged.case, row)
    return (fired_rules.of_reject(_KINDS_OF_REJECTS[row.reject], reason, judged.policy),)


def _statuses(judged: JudgedDay, message: MessageRow | None) -> Sequence[SeenStatus]:
    if message is None or message.message_id is None:
        return ()
    return row_evidence.statuses(judged.engine, judged.account, message.message_id)


def _denials(
    judged: JudgedDay, record: RecordRow | None, message: MessageRow | None
) -> Sequence[Denial]:
    name = case_row_contents.message_id(record, message)
    number = case_rows.message_number(name)
    return () if number is None else row_evidence.denials(judged.engine, judged.account, number)
