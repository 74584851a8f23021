"""Records whose number and time fit a message, but whose id is that of another message.

There are two explanations. The record has a wrong id; or no answer showed the message with its id,
and the message that fits was not recorded. The two are a pair only if it is proven that no message
has the record's id. Otherwise both stay without a partner.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from recon.core import absence_doubts, link, second_readings, shields
from recon.core.absence_doubts import Doubt, Evidence
from recon.core.link import Links, Mask, Positions, Side
from recon.core.policy import Policy

_NONE: Final = np.zeros(0, dtype=np.int64)


def link_where_proven(
    local: Side,
    provider: Side,
    local_keys: Positions,
    provider_keys: Positions,
    holds_id: Mask,
    evidence: Evidence,
    policy: Policy,
) -> tuple[Links, Positions, Positions]:
    """Link both sides, by number only if no other id contradicts the pair.

    1. Both sides are linked. Say record A holds id 7 and is paired by number with message 9.
    2. If it is proven that message 7 does not exist, A and 9 stay a pair, with a wrong id.
    3. Otherwise both sides are linked again without the number of A: 9 may find its own record.
       A stays open, and so does 9 if it finds none.

    Args:
        local: the records.
        provider: the messages.
        local_keys: the key of each record's number, -1 for none.
        provider_keys: likewise for the messages.
        holds_id: for each record, whether it holds any id, of Octopods or not.
        evidence: what proves that messages do not exist.
        policy: how far apart a pair without a common id may be, and the region of numbers.

    Returns:
        The links; the records for which it is not known whether the message of their id exists; and
        the messages that would be their partners without the id.
    """
    links = _linked(local, provider, local_keys, provider_keys, policy)
    by_number = np.flatnonzero((links.partner_of_local >= 0) & ~links.by_id)
    _, has_id = link.id_column(local.frame["message_id"].iloc[by_number])
    others = by_number[has_id]
    if not others.size:
        return links, _NONE, _NONE

    def undecided(rows: Positions) -> tuple[Positions, Positions]:
        doubt, _ = absence_doubts.of_records(
            rows, links, local, provider, holds_id, evidence, policy
        )
        # Where the item of its id is listed, if unreadable, no other message can be a record's.
        return rows[doubt > 0], rows[(doubt > 0) & (doubt != Doubt.UNREAD_ID)]

    left_out, open_ = undecided(others)
    if not left_out.size:
        return links, _NONE, _NONE
    given_up = links.partner_of_local[open_]
    # The messages given up are free again. Any other record with an id of its own, and without a
    # partner so far, must not take them either: so all of these are left out of the second linking.
    _, has_id = link.id_column(local.frame["message_id"])
    has_id = has_id & ~links.by_id
    has_id[links.duplicates.at] = False
    left_out, open_ = undecided(np.flatnonzero(has_id))
    keys = local_keys.copy()
    keys[left_out] = -1
    again = _linked(local, provider, keys, provider_keys, policy)
    keys = again.local_keys.copy()
    keys[left_out] = local_keys[left_out]
    return replace(again, local_keys=keys), open_, given_up


def _linked(
    local: Side, provider: Side, local_keys: Positions, provider_keys: Positions, policy: Policy
) -> Links:
    links = link.link(local.frame, provider.frame, local_keys, provider_keys, policy.tolerance)
    return second_readings.link_by_second_readings(
        links, local.frame, provider.frame, provider_keys, policy.tolerance, policy.region
    )


def may_be_of(
    waiting: Positions,
    given_up: Positions,
    messages: Positions,
    links: Links,
    local: Side,
    provider_keys: Positions,
    provider_time: Positions,
    policy: Policy,
) -> Mask:
    """Say for messages without a record whether a record waiting for another may be theirs.

    Args:
        waiting: the records for which it is open whether the message of their id exists.
        given_up: messages that would be their partners without the id.
        messages: which messages.
        links: who is whose partner.
        local: the records.
        provider_keys: the key of each message's number, -1 for none.
        provider_time: when each was sent, in microseconds, UTC.
        policy: how far apart a pair without a common id may be.
    """
    if not waiting.size:
        return np.zeros(len(messages), dtype=np.bool_)
    sent_at = provider_time[messages]
    sent = shields.without_ids(provider_keys[messages], sent_at, sent_at)
    found: Mask = np.isin(messages, given_up)
    for reading in link.time_readings(local.frame, waiting):
        recorded = shields.without_ids(links.local_keys[waiting], *reading)
        near = shields.near(sent, recorded, policy.tolerance, by_number=True)
        found |= near & (provider_keys[messages] >= 0)
    return found
