"""Whether it is proven that a record has no message, and if not, why.

A record is reported as missing only if nothing harmless explains why no message was found: a gap in
coverage, an item that cannot be read, or a time before anything was listed. An id that Octopods
denies is missing even in a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Final

import numpy as np
import pandas as pd

from recon.core import agreed_rows, coverage, link, number_parts, shields
from recon.core.agreed_rows import AgreedRows
from recon.core.link import Mask, Positions, Side
from recon.core.policy import Policy
from recon.model import Span


class Doubt(IntEnum):
    """Why it is not proven that a row has no partner on the other side.

    Records and messages: `SHIELDED` and `INCOMPARABLE`. Messages only: `STALE` and `OTHER_ID`.
    Records only: the rest.
    """

    NONE = 0
    """It is proven."""
    UNCOVERED = 1
    """The message may lie in a gap."""
    UNREAD_ID = 2
    """An item of the list has the record's id, and cannot be read."""
    SHIELDED = 3
    """A row of the other side that cannot be read may be the partner."""
    STALE = 4
    """The records end before the message."""
    FIRST_CONTACT = 5
    """It is before the oldest message ever listed."""
    OTHER_ID = 6
    """A record with this number and time holds another id, whose message may exist."""
    PURGED_ID = 7
    """The id is so small that its message may have been purged."""
    INCOMPARABLE = 8
    """A row of the other side without a partner may be the partner, see `incomparable_rows`."""


@dataclass(frozen=True, slots=True, eq=False)
class Denials:
    """Ids that Octopods was asked for and does not have: a row for each id and key.

    A key knows only what was sent with it. So a denial says nothing about records before `since`,
    when the key was first known to be used, or from `until` on, when a key that replaced it was
    (microseconds, UTC). Without such a key these are the least and the greatest int64.
    """

    ids: Positions
    """Ascending."""
    since: Positions
    until: Positions

    def cover(
        self, wanted: Positions, has_id: Mask, earliest: Positions, latest: Positions
    ) -> Mask:
        """Say for each record, sent between two times, whether its id is denied."""
        denied = np.zeros(len(wanted), dtype=np.bool_)
        place = np.searchsorted(self.ids, wanted)
        asked = np.searchsorted(self.ids, wanted, side="right") - place
        for row in range(int(asked.max(initial=0))):
            at = np.flatnonzero(has_id & (asked > row))
            found = place[at] + row
            denied[at] |= (earliest[at] >= self.since[found]) & (latest[at] < self.until[found])
        return denied


#: No status call was made.
NO_DENIALS: Final = Denials(*(np.zeros(0, dtype=np.int64) for _ in range(3)))


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What proves that messages do not exist."""

    spans: Sequence[Span]
    """The time for which the messages are proven complete."""
    denials: Denials = NO_DENIALS
    """Ids that Octopods does not have, covered or not."""
    first_contact: Span | None = None
    """The part of `spans` before the oldest message that was ever listed. Nothing could have
    contradicted the answers there, so only a denied id is missing."""
    purged_below: int | None = None
    """Messages with smaller ids may have been purged; `None` if nothing was purged."""
    read_until: int | None = None
    """The end of the last day, in microseconds, UTC: later messages were not all read. `None` if
    there is no end."""
    agreed: AgreedRows = agreed_rows.NONE
    """Rows that were left out; their pairs too show how far apart both sides are."""


def of_records(
    rows: Positions,
    links: link.Links,
    local: Side,
    provider: Side,
    holds_id: Mask,
    evidence: Evidence,
    policy: Policy,
) -> tuple[Positions, Mask]:
    """Return why it is not proven that some records have no message.

    Args:
        rows: positions of records that no id links to a message.
        links: who is whose partner.
        local: the records.
        provider: the messages.
        holds_id: of each record, whether the records hold an id, of Octopods or another.
        evidence: what is known of messages that are not there.
        policy: how far apart a pair without a common id may be, and the region of numbers.

    Returns:
        For each of `rows` the reason (0 if it is proven), and whether its id is denied.
    """
    provider_time = link.microseconds(provider.frame["sent_at"])
    readings = link.time_readings(local.frame, rows)
    (first, _), (earliest, latest) = readings[0], readings[-1]
    wanted, has_id = link.id_column(local.frame["message_id"].iloc[rows])
    denied = evidence.denials.cover(wanted, has_id, first, np.maximum(first, latest))
    listed = has_id & _among(wanted, provider.unreadable["message_id"])
    bounded = evidence.first_contact or not any(one == Span(None, None) for one in evidence.spans)
    apart = _apart(links, provider_time, policy, evidence.agreed) if bounded else (0, 0)

    def proven(spans: Sequence[Span]) -> Mask:
        found = np.ones(len(rows), dtype=np.bool_)
        for reading in readings:
            found &= _proven(*reading, spans, apart)
        return found

    purged = np.zeros(len(rows), dtype=np.bool_)
    if evidence.purged_below is not None:
        purged = has_id & (wanted < evidence.purged_below)
    covered = proven(evidence.spans)
    if evidence.read_until is not None:
        covered &= (earliest == latest) | (latest < evidence.read_until)
    contradictable = covered
    if evidence.first_contact is not None:
        contradictable = proven(coverage.subtract(evidence.spans, [evidence.first_contact]))
    keys, nameless = links.local_keys[rows], ~holds_id[rows]
    may_be_listed = np.zeros(len(rows), dtype=np.bool_)
    numbers = local.frame["phone_number"].iloc[rows]
    for reading in readings:
        recorded = shields.PartialRows(wanted, has_id, keys, *reading)
        may_be_listed |= shields.of_side(recorded, numbers, nameless, provider, policy)
    doubt = np.select(
        [denied, listed, ~covered, purged, ~contradictable, may_be_listed],
        [
            Doubt.NONE,
            Doubt.UNREAD_ID,
            Doubt.UNCOVERED,
            Doubt.PURGED_ID,
            Doubt.FIRST_CONTACT,
            Doubt.SHIELDED,
        ],
    )
    return doubt, denied


def _among(wanted: Positions, listed: pd.Series) -> Mask:
    """Say for each id whether it was listed; a null was not."""
    held = listed.dropna().to_numpy(dtype=np.int64)
    return np.isin(wanted, held) if held.size else np.zeros(len(wanted), dtype=np.bool_)


def _proven(
    earliest: Positions, latest: Positions, spans: Sequence[Span], apart: tuple[int, int]
) -> Mask:
    """Say for each record's time whether it is proven that its message does not exist.

    The record's own time has to be covered, and all the time in which its message may have been
    sent. Otherwise a message in a gap would be taken for a lost one.

    Args:
        earliest: the record's time, or the beginning of its day; microseconds, UTC.
        latest: the record's time, or the end of its day.
        spans: the time for which the messages are proven complete.
        apart: by how much records are later than their messages, see `_apart`.
    """
    least, most = apart
    proven = coverage.covered(spans, earliest)
    if apart == (0, 0) and np.array_equal(earliest, latest):
        return proven
    return proven & coverage.covered_throughout(spans, earliest - most, latest - least)


def _apart(
    links: link.Links, provider_time: Positions, policy: Policy, agreed: AgreedRows
) -> tuple[int, int]:
    """Return by how many microseconds records are later than their messages, at least and at most.

    It is measured on the pairs by id, or on the other pairs if there are none, so it is right even
    if the records have a wrong clock or zone. A pair whose distance differs from the median by more
    than the tolerance is left out: it is a finding itself.
    """
    local, partner = links.pairs
    known = links.by_id[local]
    by_id = agreed.have_ids or bool(known.any())
    if by_id:
        local, partner = local[known], partner[known]
    own = links.local_time[local] - provider_time[partner]
    apart = agreed.with_apart(own, by_id=by_id)
    if not number_parts.count(apart):
        return 0, 0
    usual = int(number_parts.median(apart))
    tolerance = policy.tolerance // timedelta(microseconds=1)
    near = (part[np.abs(part - usual) <= tolerance] for part in apart)
    bounds = [(int(part.min()), int(part.max())) for part in near if part.size]
    if not bounds:
        return usual, usual
    return min(low for low, _ in bounds), max(high for _, high in bounds)
