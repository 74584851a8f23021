"""Put every row of a window into exactly one bucket: each side's buckets sum to its rows.

Nothing here depends on the order of the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recon.core import (
    absence_doubts,
    agreed_rows,
    calendar,
    coverage,
    duplicate_sends,
    incomparable_rows,
    link,
    other_ids,
    repeated_rows,
    shields,
    stale_records,
    unlinkable,
)
from recon.core.absence_doubts import NO_DENIALS, Denials, Doubt
from recon.core.agreed_rows import AgreedRows
from recon.core.link import Codes, Mask, Positions, Side
from recon.core.policy import Policy
from recon.model import NOT_SENT, LocalBalance, ProviderBalance, Span, Status, Window

#: The buckets of each side; a bucket's code is its place here. The last one is for rejects.
LOCAL: Final = tuple(LocalBalance.__dataclass_fields__)
PROVIDER: Final = tuple(ProviderBalance.__dataclass_fields__)


@dataclass(frozen=True, slots=True, eq=False)
class Repeats:
    """Each `duplicate_send` and the recorded message that it repeats, as parallel arrays."""

    at: Positions
    """The messages, ascending."""
    names: Positions
    """The id of the recorded message."""
    times: Positions
    """When the recorded message was sent, in microseconds, UTC."""

    def of(self, messages: Positions) -> tuple[Positions, Positions]:
        """Return id and time of the recorded message that each of `messages` repeats."""
        place = np.searchsorted(self.at, messages)
        return self.names[place], self.times[place]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """All that is known of both sides when they are linked and every row has its bucket.

    Arrays run parallel to the rows of `local.frame`, `provider.frame` and their rejects. Times are
    microseconds since the epoch, UTC. An owner is the position of the window that a row belongs to,
    -1 if it belongs to none of the run's.
    """

    local: Side
    provider: Side
    links: link.Links
    local_keys: Positions
    provider_keys: Positions
    local_time: Positions
    provider_time: Positions
    local_owner: Positions
    provider_owner: Positions
    local_reject_owner: Positions
    provider_reject_owner: Positions
    local_bucket: Codes
    provider_bucket: Codes
    repeats: Repeats
    holds_id: Mask
    """For each record, whether it holds any id, even one that cannot be Octopods'. Elsewhere
    `has_id` means an id that Octopods may have given."""
    denied: link.SparseMapping
    """For each record without a partner: 1 if Octopods was asked for its id and does not have it,
    else 0."""
    local_doubt: link.SparseMapping
    """For each record without a partner, a `Doubt`: why it is not proven that it has no message."""
    provider_doubt: link.SparseMapping
    """For each message without a record, likewise: why it is not proven that it has no record."""
    records_end: int | None
    """The newest record's time in microseconds, by Octopods' clock, if the messages go on much
    longer; else `None`."""
    days: int
    agreed: AgreedRows = agreed_rows.NONE
    """Rows that were left out of both sides."""

    @property
    def recorded_at(self) -> Positions:
        """The time of each record as it is shown: without a time of day, when its day begins."""
        dated, _ = link.dates_alone(self.local.frame)
        if not dated.size:
            return self.local_time
        times = self.local_time.copy()
        times[dated] = link.microseconds(self.local.frame["sent_at"])[dated]
        return times

    def is_matched(self, rows: slice) -> Mask:
        """Say for each of these records whether it is part of a pair of the windows."""
        mask: Mask = self.local_bucket[rows] == LOCAL.index("matched")
        mask &= self.local_owner[rows] >= 0
        return mask

    def local_in(self, bucket: str) -> Positions:
        """Return the positions of the windows' records in `bucket`."""
        at = np.flatnonzero(self.local_bucket == LOCAL.index(bucket))
        return at[self.local_owner[at] >= 0]

    def provider_in(self, bucket: str) -> Positions:
        """Return the positions of the windows' messages in `bucket`."""
        at = np.flatnonzero(self.provider_bucket == PROVIDER.index(bucket))
        return at[self.provider_owner[at] >= 0]


def classify(
    days: Sequence[Window],
    local: Side,
    provider: Side,
    spans: Sequence[Span],
    policy: Policy,
    denials: Denials = NO_DENIALS,
    first_contact: Span | None = None,
    purged_below: int | None = None,
    agreed: AgreedRows = agreed_rows.NONE,
) -> Case:
    """Link both sides and put every row into its bucket.

    Args:
        days: windows in order and without holes, or one without bounds.
        local: the records of the days and of a margin around them.
        provider: the messages likewise.
        spans: the time for which `provider` is proven complete.
        policy: how strict to be.
        denials: ids that Octopods does not have, in covered time or not.
        first_contact: the part of `spans` before the oldest message that was ever listed. Nothing
            could have contradicted the answers there, so only a denied id is missing.
        purged_below: messages with smaller ids may have been purged.
        agreed: rows that were left out of both sides.
    """
    local, local_keys = unlinkable.separate_unlinkable(local, policy.region)
    provider, provider_keys = unlinkable.separate_unlinkable(
        provider, policy.region, is_provider=True
    )
    provider_time = link.microseconds(provider.frame["sent_at"])
    names = provider.frame["message_id"].to_numpy(dtype=np.int64)
    holds_id = _held(local.frame["message_id"]) | _held(local.frame["odd_message_id"])
    end = days[-1].end
    evidence = absence_doubts.Evidence(
        spans,
        denials,
        first_contact,
        purged_below,
        None if end is None else coverage.microseconds(end),
        agreed,
    )
    links, waiting, given_up = other_ids.link_where_proven(
        local, provider, local_keys, provider_keys, holds_id, evidence, policy
    )
    links = repeated_rows.as_duplicates(links, local.frame, holds_id)
    local_keys, local_time = links.local_keys, links.local_time
    paired = links.partner_of_provider >= 0

    alone = np.flatnonzero(links.partner_of_local < 0)
    doubt, denied = absence_doubts.of_records(
        alone, links, local, provider, holds_id, evidence, policy
    )
    unrecorded = np.flatnonzero(~paired)
    sent = shields.PartialRows(
        names[unrecorded],
        np.ones(len(unrecorded), dtype=np.bool_),
        provider_keys[unrecorded],
        provider_time[unrecorded],
        provider_time[unrecorded],
    )
    numbers = provider.frame["phone_number"].iloc[unrecorded]
    no_ids = np.zeros(len(unrecorded), dtype=np.bool_)
    may_be_recorded = shields.of_side(sent, numbers, no_ids, local, policy)
    may_have_other_id = other_ids.may_be_of(
        waiting, given_up, unrecorded, links, local, provider_keys, provider_time, policy
    )
    records_end = stale_records.records_end(links, local, provider_time, agreed)
    too_late = np.zeros(len(unrecorded), dtype=np.bool_)
    if records_end is not None:
        too_late = provider_time[unrecorded] > records_end
    waits = (local.frame["status"].iloc[alone] == NOT_SENT).to_numpy(dtype=np.bool_)
    nameless = np.flatnonzero(~holds_id[alone] & ~waits)
    may_be_sent, may_be_nameless = incomparable_rows.of_both(
        alone[nameless], unrecorded, links, local, provider_keys, provider_time, policy
    )
    proven = nameless[may_be_sent]
    doubt[proven[doubt[proven] == Doubt.NONE]] = Doubt.INCOMPARABLE
    provider_doubt = np.select(
        [may_be_recorded, may_have_other_id, too_late, may_be_nameless],
        [Doubt.SHIELDED, Doubt.OTHER_ID, Doubt.STALE, Doubt.INCOMPARABLE],
    )
    provider_owner = calendar.window_positions(provider_time, days)
    repeats = _repeats(paired, provider_keys, provider_time, names, policy, agreed)
    return Case(
        local=local,
        provider=provider,
        links=links,
        local_keys=local_keys,
        provider_keys=provider_keys,
        local_time=local_time,
        provider_time=provider_time,
        local_owner=_local_owners(links, local_time, provider_owner, days),
        provider_owner=provider_owner,
        local_reject_owner=_reject_owners(local.rejects, days),
        provider_reject_owner=_reject_owners(provider.rejects, days),
        local_bucket=_local_buckets(local, links, alone, holds_id=holds_id, doubt=doubt),
        provider_bucket=_provider_buckets(paired, repeats, unrecorded[provider_doubt > 0]),
        repeats=repeats,
        holds_id=holds_id,
        denied=link.SparseMapping(alone, denied.astype(np.int64)),
        local_doubt=link.SparseMapping(alone, doubt),
        provider_doubt=link.SparseMapping(unrecorded, provider_doubt),
        records_end=records_end,
        days=len(days),
        agreed=agreed,
    )


def _repeats(
    paired: Mask,
    keys: Positions,
    times: Positions,
    names: Positions,
    policy: Policy,
    agreed: AgreedRows,
) -> Repeats:
    near = agreed.near
    if len(near.names):
        paired = np.concatenate([paired, np.ones(len(near.names), dtype=np.bool_)])
        keys = np.concatenate([keys, near.keys])
        times = np.concatenate([times, near.times])
        names = np.concatenate([names, near.names])
    found = duplicate_sends.nearest_recorded(paired, keys, times, names, policy.duplicate)
    return Repeats(found.at, names[found.to], times[found.to])


def balances(case: Case) -> list[tuple[LocalBalance, ProviderBalance]]:
    """Return the balance of both sides for each window."""
    local = table(case.local_owner, case.local_bucket, case.days, len(LOCAL))
    provider = table(case.provider_owner, case.provider_bucket, case.days, len(PROVIDER))
    local[:, -1] += _per_day(case.local_reject_owner, case.days)
    local[-1, LOCAL.index("not_sent")] += case.local.unsent
    provider[:, -1] += _per_day(case.provider_reject_owner, case.days)
    for day, left_out in enumerate(case.agreed.days):
        local[day] += left_out.local
        provider[day] += left_out.provider
    return [
        (LocalBalance(*map(int, mine)), ProviderBalance(*map(int, theirs)))
        for mine, theirs in zip(local, provider, strict=True)
    ]


def left_open_by_first_contact(case: Case, day: int) -> int:
    """Count a day's records that are unverifiable only because nothing older was ever listed."""
    doubted = np.compress(case.local_doubt.to == Doubt.FIRST_CONTACT, case.local_doubt.at)
    is_open = case.local_bucket[doubted] == LOCAL.index("unverifiable")
    return int((is_open & (case.local_owner[doubted] == day)).sum())


def status_counts(case: Case) -> list[dict[str, int]]:
    """Return, for each window, how many readable messages have each status.

    Every word of `Status` is included; other words follow if they occur.
    """
    status = case.provider.frame["status"]
    words = [str(word) for word in status.cat.categories]
    codes = status.cat.codes.to_numpy()
    counts = []
    for day, row in enumerate(table(case.provider_owner, codes, case.days, len(words))):
        seen = Counter(dict(zip(words, map(int, row), strict=True)))
        if (left_out := case.agreed.count(day)) is not None:
            seen.update(left_out.statuses)
        known = {word.value: seen.pop(word.value, 0) for word in Status}
        counts.append(known | {word: count for word, count in sorted(seen.items()) if count})
    return counts


def _local_owners(
    links: link.Links, local_time: Positions, provider_owner: Positions, days: Sequence[Window]
) -> Positions:
    """Return the window of each record: its message's, or without a message its own time's."""
    owner = calendar.window_positions(local_time, days)
    if days[0].start is None:
        return owner
    at, partner = links.pairs
    owner[at] = provider_owner[partner]
    return owner


def _held(column: pd.Series) -> Mask:
    held: Mask = column.notna().to_numpy(dtype=np.bool_)
    return held


def _local_buckets(
    local: Side, links: link.Links, alone: Positions, *, holds_id: Mask, doubt: Positions
) -> Codes:
    """Return the bucket of each record; it is missing only if that is proven.

    Args:
        local: the records.
        links: who is whose partner.
        alone: the records without one.
        holds_id: for each record, whether it holds an id.
        doubt: for each record in `alone`, why it is not proven that it has no message; 0 if it is.
    """
    status = local.frame["status"].iloc[alone]
    says_not_sent = (status == NOT_SENT).to_numpy(dtype=np.bool_)
    failed = (status == Status.FAILED.value).to_numpy(dtype=np.bool_)
    # The first that holds. A record that was not sent agrees with its absence, unless its message
    # may lie in a gap, is listed with its id and cannot be read, or may have been purged
    # (docs/decisions.md).
    # What no case takes is `missing_at_provider`.
    cases = [
        (np.isin(doubt, [Doubt.UNCOVERED, Doubt.UNREAD_ID, Doubt.PURGED_ID]), "unverifiable"),
        (says_not_sent | (failed & ~holds_id[alone]), "not_sent"),
        (
            np.isin(doubt, [Doubt.SHIELDED, Doubt.FIRST_CONTACT, Doubt.INCOMPARABLE]),
            "unverifiable",
        ),
    ]
    bucket: Codes = np.full(len(local.frame), LOCAL.index("matched"), dtype=np.int8)
    bucket[alone] = np.select(
        [holds for holds, _ in cases],
        [LOCAL.index(name) for _, name in cases],
        LOCAL.index("missing_at_provider"),
    )
    bucket[links.duplicates.at] = LOCAL.index("duplicate_local")
    return bucket


def _provider_buckets(paired: Mask, repeats: Repeats, doubtful: Positions) -> Codes:
    bucket: Codes = np.full(len(paired), PROVIDER.index("missing_locally"), dtype=np.int8)
    bucket[repeats.at] = PROVIDER.index("duplicate_send")
    bucket[doubtful] = PROVIDER.index("unverifiable")
    bucket[paired] = PROVIDER.index("matched")
    return bucket


def _reject_owners(rejects: pd.DataFrame, days: Sequence[Window]) -> Positions:
    """Return each reject's window: that of its own time, or the newest if it has no time."""
    owner: Positions = np.full(len(rejects), len(days) - 1, dtype=np.int64)
    timed = rejects["sent_at"].notna().to_numpy(dtype=np.bool_)
    owner[timed] = calendar.window_positions(link.microseconds(rejects.loc[timed, "sent_at"]), days)
    return owner


def table(owner: Positions, code: npt.NDArray[np.integer[Any]], days: int, codes: int) -> Positions:
    """Count rows by window and code; rows outside the windows do not count."""
    if owner.size and owner.min() < 0:
        inside = owner >= 0
        owner, code = owner[inside], code[inside]
    if days == 1:
        return np.array([[np.count_nonzero(code == cell) for cell in range(codes)]])
    return np.bincount(owner * codes + code, minlength=days * codes).reshape(days, codes)


def _per_day(owner: Positions, days: int) -> Positions:
    return np.bincount(owner[owner >= 0], minlength=days).astype(np.int64)
