"""Which rows a row could have been paired with, and why it was not.

`link` makes the pairs; this module only explains why two rows are not one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from recon.core import link, second_readings, shields, user_ids
from recon.core.buckets import Case
from recon.core.link import Mask, Positions, Side
from recon.core.policy import Policy
from recon.core.rules import length

#: The most candidates that are shown, the nearest in time.
MOST: Final = 10
_US: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row of the other side with the same id or the same number."""

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
    frame = case.provider.frame
    wanted, has_id = link.id_column(case.local.frame["message_id"].iloc[[local]])
    same_id = (frame["message_id"].to_numpy(dtype=np.int64) == wanted[0]) & has_id[0]
    distance = case.provider_time - case.local_time[local]
    same_number = _same_number(case, policy, distance, near, local=local)
    own = int(case.links.partner_of_local[local])
    at = np.flatnonzero((same_id | same_number) & (np.arange(len(frame)) != own))
    found = [
        Candidate(
            "provider",
            message,
            is_readable=True,
            same_id=bool(same_id[message]),
            same_number=bool(same_number[message]),
            seconds=float(distance[message]) / 1e6,
            why=_why(case, policy, local, message, same_id=bool(same_id[message])),
        )
        for message in _nearest(at, distance)
    ]
    shielding = _unreadable(case, policy, "provider", local) if own < 0 else []
    return [*found, *shielding], max(len(at) - MOST, 0)


def of_message(
    case: Case, policy: Policy, provider: int, near: timedelta
) -> tuple[Sequence[Candidate], int]:
    """Return the records that a message could have been paired with, likewise."""
    frame = case.local.frame
    held, has_id = link.id_column(frame["message_id"])
    same_id = (held == case.provider.frame["message_id"].iloc[provider]) & has_id
    distance = case.local_time - case.provider_time[provider]
    same_number = _same_number(case, policy, distance, near, provider=provider)
    own = int(case.links.partner_of_provider[provider])
    at = np.flatnonzero((same_id | same_number) & (np.arange(len(frame)) != own))
    found = [
        Candidate(
            "local",
            record,
            is_readable=True,
            same_id=bool(same_id[record]),
            same_number=bool(same_number[record]),
            seconds=float(distance[record]) / 1e6,
            why=_why(case, policy, record, provider, same_id=bool(same_id[record])),
        )
        for record in _nearest(at, distance)
    ]
    shielding = _unreadable(case, policy, "local", provider) if own < 0 else []
    return [*found, *shielding], max(len(at) - MOST, 0)


def _nearest(at: Positions, distance: Positions) -> list[int]:
    order = np.argsort(np.abs(distance[at]), kind="stable")[:MOST]
    nearest: list[int] = at[order].tolist()
    return nearest


def _same_number(
    case: Case,
    policy: Policy,
    distance: Positions,
    near: timedelta,
    *,
    local: int = -1,
    provider: int = -1,
) -> Mask:
    """Say for each row of the other side whether it is near and its number may be the same.

    Exactly one of `local` and `provider` is the position of a row.
    """
    of_record = local >= 0
    keys = case.provider_keys if of_record else case.local_keys
    mine = case.local_keys[local] if of_record else case.provider_keys[provider]
    found: Mask = (keys == mine) & (keys >= 0)
    if mine < 0 or user_ids.key_sorts(np.array([mine]))[0] != 0:
        return found
    is_near = np.abs(distance) <= near // _US
    at = np.flatnonzero(is_near & ~found & (user_ids.key_sorts(keys) == 0))
    if not at.size:
        return found
    one = case.local.frame if of_record else case.provider.frame
    many = case.provider.frame if of_record else case.local.frame
    number = one["phone_number"].iloc[[local if of_record else provider] * len(at)]
    sides = [(number, np.full(len(at), mine)), (many["phone_number"].iloc[at], keys[at])]
    (recorded, recorded_keys), (sent, sent_keys) = sides if of_record else sides[::-1]
    agreed, _ = second_readings.agree(recorded, sent, recorded_keys, sent_keys, policy.region)
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
        return "the record holds the id of a message that another record accounts for"
    distance = abs(int(case.local_time[local] - case.provider_time[provider]))
    if distance > policy.tolerance // _US:
        far = length(round(distance / 1e6))
        limit = f"{policy.tolerance / timedelta(seconds=1):g} s"
        return f"{far} apart, which is more than {limit} (tolerance_seconds)"
    if other_message >= 0:
        return f"the record is a pair with message {_message(case, other_message)} by number"
    if other_record >= 0:
        return f"the message is a pair with {_record(case, other_record)} by number"
    if _waits(case, local):
        return "the record holds another id, and it is not known whether Octopods has it"
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


def _unreadable(
    case: Case, policy: Policy, side: Literal["local", "provider"], row: int
) -> list[Candidate]:
    """Return unreadable rows of one side that may be the counterpart of a row of the other side."""
    others: Side = case.provider if side == "provider" else case.local
    rejects = others.unreadable
    if rejects.empty:
        return []
    if side == "provider":
        ids, has_id = link.id_column(case.local.frame["message_id"].iloc[[row]])
        keys, times, nameless = case.local_keys, case.local_time, ~case.holds_id[[row]]
    else:
        ids = case.provider.frame["message_id"].to_numpy(dtype=np.int64)[[row]]
        has_id, nameless = np.array([True]), np.array([False])
        keys, times = case.provider_keys, case.provider_time
    accused = shields.PartialRows(ids, has_id, keys[[row]], times[[row]], times[[row]])
    unread = shields.unreadable(rejects, policy.region)
    found = _first(accused, nameless, unread, policy.tolerance, 0, len(unread))
    return [
        Candidate(
            side,
            at,
            is_readable=False,
            same_id=bool(has_id[0] and unread.has_id[at] and unread.ids[at] == ids[0]),
            same_number=bool(keys[row] >= 0 and unread.keys[at] == keys[row]),
            seconds=_later(rejects["sent_at"].iloc[at], times[row]),
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
