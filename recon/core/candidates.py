"""Which rows a row could have been paired with, and why it was not.

`link` makes the pairs; this module only explains why two rows are not one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd

from recon.core import incomparable_rows, link, phones, second_readings, shields, user_ids
from recon.core.buckets import Case
from recon.core.link import Mask, Positions, Side
from recon.core.policy import Policy
from recon.core.rules import length

#: The most candidates that are shown, the nearest in time.
MOST: Final = 10
_US: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row of the other side with the same id or number, or whose number cannot be compared."""

    side: Literal["local", "provider"]
    position: int
    """Its position in the frame of its side; of an unreadable row, among all unreadable rows."""
    is_readable: bool
    same_id: bool
    same_number: bool
    seconds: float | None
    """How much later it is than the row; `None` if its time is not known."""
    why: str
    """Why the two are no pair, in a clause."""


class _Rows(NamedTuple):
    """The rows of one side, and what the case knows of each."""

    side: Literal["local", "provider"]
    known: Side
    keys: Positions
    times: Positions
    latest: Positions
    """The time, or the end of the day of a record without a time of day."""
    partners: Positions
    holds_id: Mask


def _records(case: Case) -> _Rows:
    times, partners = case.recorded_at, case.links.partner_of_local
    latest = times.copy()
    dated, day_ends = link.dates_alone(case.local.frame)
    latest[dated] = day_ends
    return _Rows("local", case.local, case.local_keys, times, latest, partners, case.holds_id)


def _messages(case: Case) -> _Rows:
    partners = case.links.partner_of_provider
    holds_id = np.ones(len(partners), dtype=np.bool_)
    times = case.provider_time
    return _Rows("provider", case.provider, case.provider_keys, times, times, partners, holds_id)


def of_record(
    case: Case, policy: Policy, local: int, near: timedelta
) -> tuple[Sequence[Candidate], int]:
    """Return the messages, except its own, that a record could have been paired with.

    Args:
        case: both sides, linked and classified.
        policy: how strict to be.
        local: the position of the record.
        near: how far from its time messages with its number are looked for.

    Returns:
        The nearest `MOST`, and how many more there are.
    """
    return _of_row(case, policy, _records(case), local, _messages(case), near)


def of_message(
    case: Case, policy: Policy, provider: int, near: timedelta
) -> tuple[Sequence[Candidate], int]:
    """Return the records that a message could have been paired with, likewise."""
    return _of_row(case, policy, _messages(case), provider, _records(case), near)


def _of_row(
    case: Case, policy: Policy, mine: _Rows, row: int, others: _Rows, near: timedelta
) -> tuple[Sequence[Candidate], int]:
    ids, has_id = link.id_column(mine.known.frame["message_id"].iloc[[row]])
    other_ids, have_ids = link.id_column(others.known.frame["message_id"])
    same_id = (other_ids == ids[0]) & have_ids & has_id[0]
    # How much later each is, or if a record has no time of day, may be at least.
    later, earlier = others.latest - mine.times[row], others.times - mine.latest[row]
    distance = np.clip(0, earlier, later)
    same_number = _same_number(policy, mine, row, others, np.abs(distance) <= near // _US)
    own = int(mine.partners[row])
    may_be_it = same_id | same_number
    if own < 0:
        may_be_it |= (
            (others.partners < 0)
            & (np.abs(distance) <= policy.tolerance // _US)
            & incomparable_rows.are_incomparable(mine.keys[[row]], others.keys)
            & ~(others.holds_id & mine.holds_id[row])
        )
    at = np.flatnonzero(may_be_it & (np.arange(len(same_id)) != own))
    found = [
        Candidate(
            others.side,
            other,
            is_readable=True,
            same_id=bool(same_id[other]),
            same_number=bool(same_number[other]),
            seconds=float(distance[other]) / 1e6,
            why=_why(
                case,
                policy,
                *((row, other) if mine.side == "local" else (other, row)),
                same_id=bool(same_id[other]),
            ),
        )
        for other in at[np.argsort(np.abs(distance[at]), kind="stable")[:MOST]].tolist()
    ]
    shielding = _unreadable(policy, mine, row, others) if own < 0 else []
    return [*found, *shielding], max(len(at) - MOST, 0)


def _same_number(policy: Policy, mine: _Rows, row: int, others: _Rows, is_near: Mask) -> Mask:
    """Say for each of the others whether its number is the same, or may be if it is near."""
    key = mine.keys[row]
    found: Mask = (others.keys == key) & (others.keys >= 0)
    if key < 0 or user_ids.key_sorts(np.array([key]))[0] != 0:
        return found
    at = np.flatnonzero(is_near & ~found & (user_ids.key_sorts(others.keys) == 0))
    if at.size:
        agreed, _ = second_readings.agree(
            mine.known.frame["phone_number"].iloc[[row] * len(at)],
            others.known.frame["phone_number"].iloc[at],
            np.full(len(at), key),
            others.keys[at],
            policy.region,
        )
        found[at[agreed]] = True
    return found


def _why(case: Case, policy: Policy, local: int, provider: int, *, same_id: bool) -> str:
    """Say why a record and a message with the same id or number are not a pair."""
    links = case.links
    other_message, other_record = links.partner_of_local[local], links.partner_of_provider[provider]
    is_duplicate = bool(np.isin(local, links.duplicates.at))
    if same_id and is_duplicate:
        return f"{_record(case, other_record)} has the same id and accounts for it"
    if other_message >= 0 and links.by_id[local]:
        return f"the record's id makes it a pair with message {_message(case, other_message)}"
    if other_record >= 0 and links.by_id[other_record]:
        return f"its id makes the message a pair with {_record(case, other_record)}"
    if is_duplicate:
        surplus = "holds the id of" if case.holds_id[local] else "repeats the record of"
        return f"the record {surplus} a message that another record accounts for"
    mine, sent = _records(case), int(case.provider_time[provider])
    distance = abs(int(np.clip(sent, mine.times[local], mine.latest[local])) - sent)
    if distance > policy.tolerance // _US:
        far = length(round(distance / 1e6))
        limit = f"{policy.tolerance / timedelta(seconds=1):g} s"
        return f"{far} apart, which is more than {limit} (tolerance_seconds)"
    if other_message >= 0:
        return f"the record is a pair with message {_message(case, other_message)} by number"
    if other_record >= 0:
        return f"the message is a pair with {_record(case, other_record)} by number"
    if _waits(case, local):
        return "the record holds another id, and it is not known whether Octopods has that id"
    keys = case.local_keys[[local]], case.provider_keys[[provider]]
    if not case.holds_id[local] and incomparable_rows.are_incomparable(*keys)[0]:
        return "the record holds no id, and the two numbers cannot be compared"
    return "no reading of both numbers and times links them"


def _waits(case: Case, local: int) -> bool:
    """Say whether a record without a partner may still have the message of its id."""
    has_id = pd.notna(case.local.frame["message_id"].iloc[local])
    return bool(has_id and case.local_doubt.of(np.array([local]))[0] > 0)


def _message(case: Case, at: int) -> str:
    return str(case.provider.frame["message_id"].iloc[at])


def _record(case: Case, at: int) -> str:
    name = case.local.frame["local_id"].iloc[at]
    return "a record without an id" if pd.isna(name) else f"record {name}"


# --- rows that cannot be read --------------------------------------------------------------------


def _unreadable(policy: Policy, mine: _Rows, row: int, others: _Rows) -> list[Candidate]:
    """Return unreadable rows of the other side that may be the counterpart of a row."""
    rejects = others.known.unreadable
    if rejects.empty:
        return []
    ids, has_id = link.id_column(mine.known.frame["message_id"].iloc[[row]])
    numbers, times = mine.known.frame["phone_number"].iloc[[row]], mine.times[[row]]
    keys = phones.certain_keys(numbers, mine.keys[[row]], policy.region)
    accused = shields.PartialRows(ids, has_id, keys, times, mine.latest[[row]])
    unread = shields.unreadable(rejects, policy.region)
    found = _first(accused, ~mine.holds_id[[row]], unread, policy.tolerance, 0, len(unread))
    return [
        Candidate(
            others.side,
            at,
            is_readable=False,
            same_id=bool(has_id[0] and unread.has_id[at] and unread.ids[at] == ids[0]),
            same_number=bool(keys[0] >= 0 and unread.keys[at] == keys[0]),
            seconds=_later(rejects["sent_at"].iloc[at], times[0]),
            why=f"it cannot be read, and may be this one: {rejects['reason'].iloc[at]}",
        )
        for at in found[:MOST]
    ]


def _later(time: Any, than_us: np.int64) -> float | None:  # noqa: ANN401 - a cell of a frame
    return None if pd.isna(time) else float(time.timestamp() - int(than_us) / 1e6)


def _first(
    accused: shields.PartialRows,
    nameless: Mask,
    unread: shields.PartialRows,
    tolerance: timedelta,
    start: int,
    end: int,
) -> list[int]:
    """Return the first `MOST` unreadable rows that shield the accused one, found by bisection."""
    some = np.zeros(len(unread), dtype=np.bool_)
    some[start:end] = True
    if not shields.shielded(accused, nameless, unread.where(some), tolerance)[0]:
        return []
    if end - start == 1:
        return [start]
    middle = (start + end) // 2
    found = _first(accused, nameless, unread, tolerance, start, middle)
    if len(found) < MOST:
        found += _first(accused, nameless, unread, tolerance, middle, end)
    return found
