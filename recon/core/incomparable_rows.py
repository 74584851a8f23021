"""Records and messages without a partner that may be a pair, but have only times to compare.

A record without an id and a message are compared by their numbers. If one of the two has no number,
or they have a phone number and a WhatsApp user id, nothing says that they do not belong together.
"""

from __future__ import annotations

import numpy as np

from recon.core import link, shields, user_ids
from recon.core.link import Links, Mask, Positions, Side
from recon.core.policy import Policy


def of_both(
    records: Positions,
    messages: Positions,
    links: Links,
    local: Side,
    provider_keys: Positions,
    provider_time: Positions,
    policy: Policy,
) -> tuple[Mask, Mask]:
    """Say for rows of each side whether such a row of the other side is near enough in time.

    Args:
        records: the records without a partner that hold no id, not even one that cannot be
            Octopods', and do not say that nothing was sent.
        messages: the messages without a partner.
        links: who is whose partner.
        local: the records.
        provider_keys: the key of each message's number, -1 for none.
        provider_time: when each was sent, in microseconds, UTC.
        policy: how far apart the two may lie.

    Returns:
        A mask of `records`, and one of `messages`.
    """
    keys = links.local_keys[records]
    may_be_sent = np.zeros(len(records), dtype=np.bool_)
    may_be_recorded = np.zeros(len(messages), dtype=np.bool_)
    if not len(records) or not len(messages):
        return may_be_sent, may_be_recorded
    sent_at = provider_time[messages]
    sent = shields.without_ids(provider_keys[messages], sent_at, sent_at)
    for reading in link.time_readings(local.frame, records):
        recorded = shields.without_ids(keys, *reading)
        may_be_sent |= _near(recorded, sent, policy)
        may_be_recorded |= _near(sent, recorded, policy)
    return may_be_sent, may_be_recorded


def are_incomparable(keys: Positions, others: Positions) -> Mask:
    """Say for pairs of keys of numbers, -1 for none, whether they cannot be compared."""
    sorts = user_ids.key_sorts(keys)
    found: Mask = (sorts < 0) | (sorts != user_ids.key_sorts(others))
    return found


def _near(rows: shields.PartialRows, others: shields.PartialRows, policy: Policy) -> Mask:
    found = np.zeros(len(rows), dtype=np.bool_)
    sorts = user_ids.key_sorts(rows.keys)
    for sort in np.unique(sorts):
        mine = sorts == sort
        theirs = others.where(are_incomparable(rows.keys[mine][:1], others.keys))
        found[mine] = shields.near(rows.where(mine), theirs, policy.tolerance, by_number=False)
    return found
