"""The contents of a case's rows, as values to be shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas as pd

from recon.core import candidates
from recon.core.buckets import Case
from recon.core.case_rows import RowOfCase, moment
from recon.core.explanation import Alternative, MessageRow, RecordRow
from recon.core.frames.layout import DATE_ALONE
from recon.core.policy import Policy


def record(case: Case, row: RowOfCase) -> RecordRow | None:
    """Return the record of a row, if it has one."""
    if row.reject == "local":
        return _unread_record(case.local.rejects, row.local)
    return None if row.local < 0 else _record(case, row.local)


def message(case: Case, row: RowOfCase) -> MessageRow | None:
    """Return the message of a row, if it has one."""
    if row.reject == "provider":
        return _unread_message(case.provider.rejects, row.provider)
    return None if row.provider < 0 else _message(case, row.provider)


def reason(case: Case, row: RowOfCase) -> str:
    """Return why a row cannot be read."""
    rejects = case.local.rejects if row.reject == "local" else case.provider.rejects
    return str(rejects["reason"].iloc[max(row.local, row.provider)])


def message_id(record: RecordRow | None, message: MessageRow | None) -> str | None:
    """Return the id of the message, or without a message the id that the record holds."""
    if message is not None and message.message_id is not None:
        return str(message.message_id)
    return None if record is None else record.message_id


def unsent_records(rejects: pd.DataFrame) -> list[RecordRow]:
    """Return the records without a time that wait to be sent."""
    return [_record_of(rejects, at) for at in range(len(rejects))]


def _record(case: Case, at: int) -> RecordRow:
    frame = case.local.frame
    minutes = int(frame["other_minutes"].iloc[at])
    sent_at = moment(frame["sent_at"].iloc[at])
    row = _record_of(frame, at)
    if not minutes or sent_at is None:
        return row
    if minutes >= DATE_ALONE:
        return replace(row, day_ends_at=sent_at + timedelta(minutes=minutes - DATE_ALONE))
    return replace(row, other_sent_at=sent_at + timedelta(minutes=minutes))


def _unread_record(rejects: pd.DataFrame, at: int) -> RecordRow:
    return replace(_record_of(rejects, at), unreadable=str(rejects["reason"].iloc[at]))


def _record_of(frame: pd.DataFrame, at: int) -> RecordRow:
    row = frame.iloc[at]
    held = _text(row["message_id"])
    return RecordRow(
        _text(row["local_id"]),
        _text(row["odd_message_id"]) if held is None else held,
        _text(row["phone_number"]),
        moment(row["sent_at"]),
        _text(row["status"]),
    )


def _message(case: Case, at: int) -> MessageRow:
    row = case.provider.frame.iloc[at]
    return MessageRow(
        int(row["message_id"]),
        _text(row["phone_number"]),
        moment(row["sent_at"]),
        _text(row["status"]),
        _text(row["failure_reason"]),
        observed_at=moment(row["observed_at"]),
    )


def _unread_message(rejects: pd.DataFrame, at: int) -> MessageRow:
    row = rejects.iloc[at]
    name = _text(row["message_id"])
    return MessageRow(
        None if name is None else int(name),
        _text(row["phone_number"]),
        moment(row["sent_at"]),
        _text(row["status"]),
        _text(row["failure_reason"]),
        unreadable=str(row["reason"]),
    )


def _text(value: Any) -> str | None:  # noqa: ANN401 - a cell of a frame
    return None if pd.isna(value) else str(value)


def alternatives(
    case: Case, policy: Policy, row: RowOfCase, near: timedelta
) -> tuple[list[Alternative], int]:
    """Return the rows that a row could have been paired with, and how many are left out."""
    if row.reject is not None:
        return [], 0
    found: list[candidates.Candidate] = []
    more = 0
    if row.local >= 0:
        some, left_out = candidates.of_record(case, policy, row.local, near)
        found, more = [*found, *some], more + left_out
    if row.provider >= 0:
        some, left_out = candidates.of_message(case, policy, row.provider, near)
        found, more = [*found, *some], more + left_out
    return [_alternative(case, one) for one in found], more


def _alternative(case: Case, one: candidates.Candidate) -> Alternative:
    at = one.position
    mine: RecordRow | None = None
    theirs: MessageRow | None = None
    if one.side == "local":
        mine = _record(case, at) if one.is_readable else _unread_record(case.local.unreadable, at)
    else:
        theirs = (
            _message(case, at) if one.is_readable else _unread_message(case.provider.unreadable, at)
        )
    return Alternative(mine, theirs, one.same_id, one.same_number, one.seconds, one.why)
