"""Find the rows of a case with an id, and the day and time by which each is judged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

import numpy as np
import pandas as pd

from recon.core import coverage
from recon.core.buckets import Case
from recon.core.explanation import MessageRow, RecordRow, StoredFinding

#: A whole number in its only spelling.
_WHOLE: Final = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)
_LARGEST_ID: Final = 2**63 - 1


class RowOfCase(NamedTuple):
    """A record, a message or a pair of a case, or one of its unreadable rows."""

    local: int = -1
    """The position of the record, -1 for none."""
    provider: int = -1
    reject: Literal["local", "provider"] | None = None
    """The side of an unreadable row. Its position is in the field of that side, and counts in the
    rejects."""


def message_number(name: str | None) -> int | None:
    """Return an id as a message id; `None` if it cannot be one."""
    if name is None or not (name.isascii() and name.isdecimal()):
        return None
    number = int(name)
    return number if number <= _LARGEST_ID and str(number) == name else None


def of_finding(found: pd.DataFrame, discrepancy_id: str) -> Iterator[RowOfCase]:
    """Yield the row of a finding that is judged now, see `findings.with_positions`."""
    rows = found.loc[found["discrepancy_id"] == discrepancy_id]
    for local, provider, mine, theirs in rows[
        ["local", "provider", "local_reject", "provider_reject"]
    ].itertuples(index=False):
        if mine >= 0:
            yield RowOfCase(local=int(mine), reject="local")
        elif theirs >= 0:
            yield RowOfCase(provider=int(theirs), reject="provider")
        else:
            yield RowOfCase(int(local), int(provider))


def of_stored(case: Case, finding: StoredFinding) -> Iterator[RowOfCase]:
    """Yield the rows that a stored finding is about, by their ids."""
    rows: list[RowOfCase] = []
    if finding.local_id is not None:
        rows = list(of_local_id(case, finding.local_id))
    if not rows and finding.message_id is not None:
        rows = list(of_message_id(case, finding.message_id))
    yield from rows


def of_message_id(case: Case, name: str) -> Iterator[RowOfCase]:
    """Yield the rows with a message id: the message with its record, and other such records."""
    number = message_number(name)
    if number is not None:
        ids = case.provider.frame["message_id"].to_numpy(dtype=np.int64)
        for at in np.flatnonzero(ids == number).tolist():
            yield _whole(case, provider=at)
        held = (case.local.frame["message_id"] == number).fillna(False).to_numpy(dtype=np.bool_)
        for at in np.flatnonzero(held).tolist():
            if (
                case.links.partner_of_local[at] < 0
                or case.provider.frame["message_id"].iloc[case.links.partner_of_local[at]] != number
            ):
                yield _whole(case, local=at)
        for side, rejects in (("local", case.local.rejects), ("provider", case.provider.rejects)):
            same = (rejects["message_id"] == number).fillna(False).to_numpy(dtype=np.bool_)
            for at in np.flatnonzero(same).tolist():
                yield _reject(side, at)
        return
    odd = (case.local.frame["odd_message_id"] == name).to_numpy(dtype=np.bool_)
    for at in np.flatnonzero(odd).tolist():
        yield _whole(case, local=at)


def of_local_id(case: Case, local_id: str) -> Iterator[RowOfCase]:
    """Yield the records with an id of the user's own, each with its message."""
    for at in with_id(case.local.frame, local_id):
        yield _whole(case, local=at)
    for at in with_id(case.local.rejects, local_id):
        yield _reject("local", at)


def with_id(frame: pd.DataFrame, local_id: str) -> list[int]:
    """Return the positions of the records with an id of the user's own."""
    names = frame["local_id"]
    if pd.api.types.is_integer_dtype(names):
        is_whole = _WHOLE.fullmatch(local_id) is not None
        same = names == int(local_id) if is_whole else np.zeros(len(names), dtype=np.bool_)
    else:
        # A column of fixed width fills its texts up with blanks.
        same = names.str.strip() == local_id
    found: list[int] = np.flatnonzero(np.asarray(same, dtype=np.bool_)).tolist()
    return found


def _whole(case: Case, *, local: int = -1, provider: int = -1) -> RowOfCase:
    """Return a record or a message with its partner."""
    if local >= 0:
        return RowOfCase(local, int(case.links.partner_of_local[local]))
    return RowOfCase(int(case.links.partner_of_provider[provider]), provider)


def _reject(side: str, at: int) -> RowOfCase:
    return RowOfCase(at, -1, "local") if side == "local" else RowOfCase(-1, at, "provider")


def ids_of(found: pd.DataFrame, row: RowOfCase) -> list[str]:
    """Return the identities of the findings that the case now has about a row."""
    if row.reject is None:
        mine = (found["local"] == row.local) & (found["provider"] == row.provider)
        mine &= (found["local_reject"] < 0) & (found["provider_reject"] < 0)
    else:
        mine = found[f"{row.reject}_reject"] == max(row.local, row.provider)
    ids: list[str] = found.loc[mine, "discrepancy_id"].tolist()
    return ids


def is_about(finding: StoredFinding, record: RecordRow | None, message: MessageRow | None) -> bool:
    """Say whether a stored finding is about a record, a message or a pair of them."""
    if finding.local_id is not None:
        return record is not None and record.local_id == finding.local_id
    if message is not None and message.message_id is not None:
        return finding.message_id == str(message.message_id)
    return (
        record is not None
        and record.local_id is None
        and record.message_id is not None
        and record.message_id == finding.message_id
    )


def is_owned(case: Case, row: RowOfCase) -> bool:
    """Say whether the case's window judges a row: a pair belongs to the day of its message."""
    if row.reject == "local":
        return bool(case.local_reject_owner[row.local] >= 0)
    if row.reject == "provider":
        return bool(case.provider_reject_owner[row.provider] >= 0)
    if row.provider >= 0:
        return bool(case.provider_owner[row.provider] >= 0)
    return bool(case.local_owner[row.local] >= 0)


def time_of(case: Case, row: RowOfCase) -> datetime | None:
    """Return the time by which a row is judged; `None` if it cannot be read."""
    if row.reject is not None:
        rejects = case.local.rejects if row.reject == "local" else case.provider.rejects
        return moment(rejects["sent_at"].iloc[max(row.local, row.provider)])
    if row.provider >= 0:
        return coverage.instant(int(case.provider_time[row.provider]))
    return coverage.instant(int(case.local_time[row.local]))


def times(frame: pd.DataFrame) -> list[datetime | None]:
    """Return the times of rows, `None` if one cannot be read."""
    return [moment(one) for one in frame["sent_at"]]


def moment(value: pd.Timestamp) -> datetime | None:
    """Return a cell of a column of times; `None` if it is null."""
    return None if pd.isna(value) else value.to_pydatetime().astimezone(UTC)
