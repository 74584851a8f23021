"""Which rows of a part of both sides agree, and so need not be judged with the rest.

A day larger than memory is processed in parts. First, each part has all rows of its message ids
(`pairs_by_id`). Then the rows that no id pairs are divided again: each part has all rows of its
phone numbers (`groups_by_number`). Only the rows left after both have to be judged in one piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from recon.core import buckets, duplicate_sends, failures, phones, rules
from recon.core.agreed_rows import AgreedCounts, AgreedPairs, AgreedRows, Column, NearMessages
from recon.core.buckets import LOCAL, PROVIDER, Case
from recon.core.duplicate_sends import KeySet
from recon.core.link import Mask, Positions
from recon.core.policy import Policy
from recon.model import NOT_SENT

#: All readings and spellings of a number end with the same digits, at least this many.
_TAIL: Final = 10**6


@dataclass(frozen=True, slots=True, eq=False)
class Rest:
    """The rows of a part that are still to be judged, and counts of the others."""

    paired_local: pd.DataFrame
    """Records that an id pairs, and records that hold the same id."""
    paired_provider: pd.DataFrame
    """Messages that an id pairs."""
    local: pd.DataFrame
    """Records that no id pairs."""
    provider: pd.DataFrame
    """Messages that no id pairs."""
    agreed: AgreedRows
    left_out: tuple[Mask, Mask]
    """The records and messages of the case that are in none of these frames."""


def tails(keys: Positions) -> Positions:
    """Return the last digits of each number, given its key; -1 without a number.

    Numbers with a reading in common have the same last digits.
    """
    return np.where(keys < 0, -1, keys % _TAIL)


def pairs_by_id(case: Case, policy: Policy) -> Rest:
    """Leave out pairs by id without a finding.

    Args:
        case: all rows of some message ids, of both sides.
        policy: how strict to be.
    """
    links = case.links
    local = links.by_id & ~_concerned(case, policy)[0]
    provider = _partners(case, local)
    named = links.by_id.copy()
    named[links.duplicates.at] = True
    named_messages = _partners(case, named & (links.partner_of_local >= 0))
    return Rest(
        _taken(case.local.frame, named & ~local),
        _taken(case.provider.frame, named_messages & ~provider),
        _taken(case.local.frame, ~named),
        _taken(case.provider.frame, ~named_messages),
        _left_out(case, local, provider, by_id=True),
        (local, provider),
    )


def groups_by_number(case: Case, policy: Policy, *, is_complete: bool) -> Rest:
    """Leave out numbers whose rows all agree: each has a partner or was not sent.

    Args:
        case: all rows of some numbers that no id pairs, of both sides.
        policy: how strict to be.
        is_complete: whether the messages are complete. Otherwise records without a message, and
            records with the id of another message, can only be judged with all rows of both sides.
    """
    links = case.links
    bad_local, bad_provider = _concerned(case, policy)
    bad_local |= (links.partner_of_local < 0) & (case.local_bucket != LOCAL.index("not_sent"))
    bad_provider |= links.partner_of_provider < 0
    if not is_complete:
        bad_local |= (links.partner_of_local < 0) | case.holds_id
    groups = _groups(case)
    bad = np.sort(np.concatenate([groups[0][bad_local], groups[1][bad_provider]]))
    bad = bad[bad >= 0]
    local = ~(bad_local | np.isin(groups[0], bad) | _may_be_of_any_number(case))
    provider = ~(bad_provider | np.isin(groups[1], bad))
    return Rest(
        case.local.frame.iloc[:0],
        case.provider.frame.iloc[:0],
        _taken(case.local.frame, ~local),
        _taken(case.provider.frame, ~provider),
        _left_out(case, local, provider, by_id=False),
        (local, provider),
    )


def _may_be_of_any_number(case: Case) -> Mask:
    """Say which records may belong to a message whose number cannot be compared with theirs.

    Such a message may be in any group. So these records are kept, even if they agree that nothing
    was sent: a failed one may be the record of a message, see `incomparable_rows`.
    """
    found: Mask = (case.links.partner_of_local < 0) & ~case.holds_id
    found &= (case.local.frame["status"] != NOT_SENT).to_numpy(dtype=np.bool_)
    return found


def _groups(case: Case) -> tuple[Positions, Positions]:
    """Return a group for each record and each message, -1 without a number.

    Rows whose numbers have a reading in common are in one group. Numbers that begin with a plus
    have one reading: each is a group. If there are others with the same last digits, these digits
    are the group of all of them, since their readings may be the same.
    """
    sides = [(case.local, case.local_keys), (case.provider, case.provider_keys)]
    ends = [tails(keys) for _, keys in sides]
    clear = [phones.begin_with_plus(side.frame["phone_number"]) for side, _ in sides]
    shared = np.unique(np.concatenate([end[~one] for end, one in zip(ends, clear, strict=True)]))
    local, provider = (
        np.where((keys < 0) | np.isin(end, shared), end, keys + _TAIL)
        for (_, keys), end in zip(sides, ends, strict=True)
    )
    return local, provider


def _taken(frame: pd.DataFrame, mask: Mask) -> pd.DataFrame:
    return frame.take(np.flatnonzero(mask)).reset_index(drop=True)


def _concerned(case: Case, policy: Policy) -> tuple[Mask, Mask]:
    """Say which records and messages a finding is about, or names."""
    local = np.zeros(len(case.local.frame), dtype=np.bool_)
    provider = np.zeros(len(case.provider.frame), dtype=np.bool_)
    for records, messages in rules.rows_by_kind(case, policy).values():
        local[records[records >= 0]] = True
        provider[messages[messages >= 0]] = True
    provider[case.links.duplicates.to] = True
    # Both of a pair.
    at, partner = case.links.pairs
    local[at] |= provider[partner]
    provider[partner] = local[at]
    return local, provider


def _partners(case: Case, local: Mask) -> Mask:
    found = np.zeros(len(case.provider.frame), dtype=np.bool_)
    found[case.links.partner_of_local[local]] = True
    return found


def _left_out(case: Case, local: Mask, provider: Mask, *, by_id: bool) -> AgreedRows:
    partner_of = case.links.partner_of_local
    alone = case.local_time[local & (partner_of < 0)]
    # In the order of the messages, which mostly is that of their times.
    partner = np.flatnonzero(provider)
    at = case.links.partner_of_provider[partner]
    owner = case.provider_owner[partner]
    if case.days > 1 or (owner < 0).any():
        order = np.argsort(owner, kind="stable")
        at, partner, owner = at[order], partner[order], owner[order]
    columns: dict[Column, Positions] = {
        "local_time": case.local_time[at],
        "provider_time": case.provider_time[partner],
        "keys": case.provider_keys[partner],
        "names": case.provider.frame["message_id"].to_numpy(dtype=np.int64)[partner],
    }
    pairs = AgreedPairs(
        columns.__getitem__,
        bounds=[int(one) for one in np.searchsorted(owner, np.arange(case.days + 1))],
        by_id=by_id,
    )
    recorded = columns["local_time"]
    newest = [int(times.max()) for times in (recorded, alone) if len(times)]
    sent = int(columns["provider_time"].max()) if len(pairs) else None
    return AgreedRows(
        days=_counts(case, local, provider),
        pairs=[pairs],
        alone=[lambda: alone],
        records=len(pairs) + len(alone),
        newest_record=max(newest, default=None),
        newest_message=sent,
        newest_pair=None if sent is None else (int(recorded.max()), sent),
    )


def _counts(case: Case, local: Mask, provider: Mask) -> list[AgreedCounts]:
    mine = np.where(local, case.local_owner, -1)
    theirs = np.where(provider, case.provider_owner, -1)
    with_id = case.holds_id & (case.links.partner_of_local >= 0)
    status = case.provider.frame["status"]
    words = [str(word) for word in status.cat.categories]
    records = buckets.table(mine, case.local_bucket, case.days, len(LOCAL))
    messages = buckets.table(theirs, case.provider_bucket, case.days, len(PROVIDER))
    statuses = buckets.table(theirs, status.cat.codes.to_numpy(), case.days, len(words))
    return [
        AgreedCounts(
            local=records[day],
            provider=messages[day],
            statuses=dict(zip(words, map(int, statuses[day]), strict=True)),
            failures=failures.counted(case, theirs == day),
            national=int(np.count_nonzero(case.links.national & (mine == day))),
            with_id=int(np.count_nonzero(with_id & (mine == day))),
        )
        for day in range(case.days)
    ]


def near_messages(
    pairs: AgreedPairs, left: KeySet, keys: Positions, times: Positions, policy: Policy
) -> NearMessages:
    """Return messages of pairs that an unrecorded message may repeat.

    Args:
        pairs: pairs that were left out.
        left: the set of `keys`.
        keys: of the numbers of the messages that are left.
        times: when these messages were sent, in microseconds, UTC.
        policy: within which time a message repeats another one.
    """
    theirs = pairs.column("keys")
    near = left.rows_in(theirs)
    theirs, sent = theirs[near], pairs.column("provider_time")[near]
    beside = KeySet.of(theirs).rows_in(keys)
    place = np.arange(len(near) + len(beside))
    found = duplicate_sends.nearest_recorded(
        place >= len(near),
        np.concatenate([theirs, keys[beside]]),
        np.concatenate([sent, times[beside]]),
        place,
        policy.duplicate,
    )
    names = pairs.column("names")[near[found.at]]
    return NearMessages(theirs[found.at], sent[found.at], names)
