"""Whether the absence of a record's message is proven, and if not, why.

A record is only said to have no message where nothing harmless could explain that none was found:
the time lies in a gap, the item cannot be read, or nothing of that time was ever listed. An id
that Octopods denies is absent wherever coverage ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from recon.core import coverage, link, shields
from recon.core.link import Mask, Positions, Side
from recon.core.policy import Policy
from recon.model import Span

#: Why the absence of a row's counterpart is not proven; 0 is that it is.
UNCOVERED, UNREAD_ID, SHIELDED, STALE, FIRST_CONTACT, OTHER_ID, PURGED_ID = 1, 2, 3, 4, 5, 6, 7


@dataclass(frozen=True, slots=True, eq=False)
class Denials:
    """Ids that Octopods was asked for singly and does not have, one row a key that was asked with.

    A key only knows what was sent with it. So a denial says nothing of records from before `since`
    (microseconds, UTC), the first time known of that key, nor of those from `until` on, the first
    time known of a key that replaced it; without such a key these are the least and the greatest
    int64.
    """

    ids: Positions
    """Ascending."""
    since: Positions
    until: Positions

    def cover(self, wanted: Positions, has_id: Mask, times: Positions) -> Mask:
        """Say of each record whether its id is denied."""
        denied = np.zeros(len(wanted), dtype=np.bool_)
        place = np.searchsorted(self.ids, wanted)
        asked = np.searchsorted(self.ids, wanted, side="right") - place
        for row in range(int(asked.max(initial=0))):
            at = np.flatnonzero(has_id & (asked > row))
            found = place[at] + row
            denied[at] |= (times[at] >= self.since[found]) & (times[at] < self.until[found])
        return denied


#: No status call was made.
NO_DENIALS: Final = Denials(*(np.zeros(0, dtype=np.int64) for _ in range(3)))


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What is known of messages that are not there."""

    spans: Sequence[Span]
    """The time for which the messages are proven complete."""
    denials: Denials = NO_DENIALS
    """Ids that Octopods does not have, wherever coverage ends."""
    first_contact: Span | None = None
    """The part of `spans` before the oldest message that was ever listed: nothing could have
    contradicted the answers there, so only a denied id is missing."""
    purged_below: int | None = None
    """Smaller ids may be of messages that were purged; `None` where nothing was."""


def of_records(
    rows: Positions,
    links: link.Links,
    local: Side,
    provider: Side,
    holds_id: Mask,
    evidence: Evidence,
    policy: Policy,
) -> tuple[Positions, Mask]:
    """Return why the absence of the messages of some records is not proven, if it is not.

    Args:
        rows: which records, that no id links to a message.
        links: who is whose partner.
        local: the records.
        provider: the messages.
        holds_id: of each record, whether the records hold an id, be it Octopods' or not.
        evidence: what is known of messages that are not there.
        policy: how far apart a pair without a common id may be, and the region of numbers.

    Returns:
        Of each of `rows` the reason, 0 for none, and whether its id is denied.
    """
    times, provider_time = links.local_time, link.microseconds(provider.frame["sent_at"])
    wanted, has_id = link.id_column(local.frame["message_id"].iloc[rows])
    denied = evidence.denials.cover(wanted, has_id, times[rows])
    listed = has_id & _among(wanted, provider.unreadable["message_id"])
    other_times = times
    twice, second = link.second_times(local.frame, link.microseconds(local.frame["sent_at"]))
    if twice.size:
        other_times = times.copy()
        other_times[twice] = second

    def proven(spans: Sequence[Span]) -> Mask:
        found = _proven(rows, links, times, provider_time, spans)
        if twice.size:
            found &= _proven(rows, links, other_times, provider_time, spans)
        return found

    purged = np.zeros(len(rows), dtype=np.bool_)
    if evidence.purged_below is not None:
        purged = has_id & (wanted < evidence.purged_below)
    covered = proven(evidence.spans)
    contradictable = covered
    if evidence.first_contact is not None:
        contradictable = proven(coverage.subtract(evidence.spans, [evidence.first_contact]))
    keys, nameless = links.local_keys[rows], ~holds_id[rows]
    recorded = shields.PartialRows(wanted, has_id, keys, times[rows], times[rows])
    may_be_listed = shields.of_side(recorded, nameless, provider, policy)
    if twice.size:
        again = shields.PartialRows(wanted, has_id, keys, other_times[rows], other_times[rows])
        may_be_listed |= shields.of_side(again, nameless, provider, policy)
    doubt = np.select(
        [denied, listed, ~covered, purged, ~contradictable, may_be_listed],
        [0, UNREAD_ID, UNCOVERED, PURGED_ID, FIRST_CONTACT, SHIELDED],
    )
    return doubt, denied


def _among(wanted: Positions, listed: pd.Series) -> Mask:
    """Say of each id whether it is one of those that were listed; nulls are none."""
    held = listed.dropna().to_numpy(dtype=np.int64)
    return np.isin(wanted, held) if held.size else np.zeros(len(wanted), dtype=np.bool_)


def _proven(
    records: Positions,
    links: link.Links,
    times: Positions,
    provider_time: Positions,
    spans: Sequence[Span],
) -> Mask:
    """Say of each of these records whether its absence is proven: its time is covered.

    Where the records' clock is off (kept in a wrong zone, say), the pairs found by id show by how
    much; a record's true time has to be covered too, else a gap would pass for a lost message.
    """
    times = times[records]
    proven = coverage.covered(spans, times)
    if any(span.start is None and span.end is None for span in spans):
        return proven
    at, partner = links.pairs
    known = links.by_id[at]
    if known.any():
        apart = links.local_time[at[known]] - provider_time[partner[known]]
        proven &= coverage.covered(spans, times - int(np.median(apart)))
    return proven
