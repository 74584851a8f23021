"""Which keys of an account prove anything, and about what time.

A key lists only what was sent with it. So where an account has had several keys, a complete list of
one says nothing of the time in which messages were sent with another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from recon.core.coverage import next_second
from recon.model import Span


@dataclass(frozen=True, slots=True)
class KeyUse:
    """One key of an account, as far as its answers tell when it was the one in use."""

    key_id: int
    """Rises: the lowest is the account's first key."""
    started: int
    """Orders the keys by when their coverage started: the highest is the newest key."""
    newest: datetime | None
    """When the newest message was sent that accepted answers listed."""
    oldest: datetime | None = None
    """When the oldest one was."""
    starts_whole: bool = True
    """Whether the answer with which its coverage started showed all there was."""
    seen: datetime | None = None
    """When the newest message was sent that is known of it, also from answers that prove nothing:
    it was in use then."""
    asked: datetime | None = None
    """When the first answer to it came."""

    @property
    def last_used(self) -> datetime | None:
        """When the newest message was sent with it, as far as is known."""
        return max((time for time in (self.newest, self.seen) if time is not None), default=None)


def trusted_keys(keys: Sequence[KeyUse]) -> frozenset[int]:
    """Return the keys whose proof counts.

    A key that was polled later is the one in use now, unless another one has listed newer
    messages: then the later one may be an old key or one of another channel. Neither proves
    anything until a person has checked. A later key that has listed nothing yet proves nothing
    itself; that takes nothing from the others.
    """
    if not keys:
        return frozenset()
    newest = max(keys, key=lambda one: one.started)
    others = [one for one in keys if one is not newest]
    last = max((one.last_used for one in others if one.last_used is not None), default=None)
    every = frozenset(one.key_id for one in keys)
    if last is None or (newest.last_used is not None and newest.last_used >= last):
        return every
    if newest.last_used is None:
        return every - {newest.key_id}
    return every - {newest.key_id, *(one.key_id for one in others if one.last_used == last)}


def periods(keys: Sequence[KeyUse]) -> Mapping[int, Span]:
    """Return of each key whose proof counts the time that it can prove anything of.

    A key that was configured before it was used lists nothing, while messages are sent with the
    old one: all but the first key prove nothing before the first message that they listed. A key
    that a host went on polling after it had been replaced lists nothing new, while messages are
    sent with the new one: if the first answer to a later key was cut off, there may be such
    messages that nothing shows, and an older key proves nothing from the second of the last one on
    that it listed: the first message of the new key may have been sent in that second.
    """
    trusted = trusted_keys(keys)
    first = min((one.key_id for one in keys), default=None)
    found = {}
    for one in keys:
        if one.key_id not in trusted:
            continue
        is_cut = _is_cut(one, keys)
        if one.newest is None or one.oldest is None:
            if one.key_id == first and not is_cut:
                found[one.key_id] = Span(None, _replaced(one, keys))
            continue
        start = None if one.key_id == first else next_second(one.oldest)
        end = _second(one.newest) if is_cut else _replaced(one, keys)
        if start is None or end is None or start < end:
            found[one.key_id] = Span(start, end)
    return found


def lost(keys: Sequence[KeyUse]) -> Mapping[int, Span]:
    """Return, for each replaced key, the time about which it no longer proves anything.

    Its answers may have proven that time before the first answer to the later key came, which was
    cut off: see `periods`. Keys whose proof does not count at all are left out.
    """
    trusted = trusted_keys(keys)
    first = min((one.key_id for one in keys), default=None)
    # A later key that has listed nothing never proved anything.
    return {
        one.key_id: Span(None if one.newest is None else _second(one.newest), None)
        for one in keys
        if one.key_id in trusted
        and _is_cut(one, keys)
        and (one.newest is not None or one.key_id == first)
    }


def _is_cut(one: KeyUse, keys: Sequence[KeyUse]) -> bool:
    """Say whether the first answer to a later key may have left out messages."""
    return any(not later.starts_whole for later in keys if later.started > one.started)


def _replaced(one: KeyUse, keys: Sequence[KeyUse]) -> datetime | None:
    """Return when a key without messages was first polled that may have replaced this one."""
    silent = [
        other.asked
        for other in keys
        if other is not one and other.last_used is None and other.asked is not None
    ]
    return min(
        (time for time in silent if one.last_used is None or one.last_used < time), default=None
    )


def _second(time: datetime) -> datetime:
    """Return the beginning of the second that `time` lies in."""
    return time.replace(microsecond=0)
