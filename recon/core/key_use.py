"""Which keys of an account prove something, and for which time.

A key lists only messages sent with it. So if an account has had several keys, a complete list of
one says nothing about the time in which messages were sent with another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from recon.core.coverage import next_second
from recon.model import Span


@dataclass(frozen=True, slots=True)
class KeyUse:
    """One key of an account, and when its answers show that it was in use."""

    key_id: int
    """Ascending: the lowest is the account's first key."""
    started: int
    """The order in which the coverage of the keys started: the highest is the newest key."""
    newest: datetime | None
    """When the newest message in accepted answers was sent."""
    oldest: datetime | None = None
    """When the oldest message in accepted answers was sent."""
    starts_whole: bool = True
    """Whether the answer with which its coverage started was complete."""
    seen: datetime | None = None
    """When the newest known message with this key was sent, including answers that prove nothing.
    The key was in use then."""
    asked: datetime | None = None
    """When the first answer to it came."""

    @property
    def last_used(self) -> datetime | None:
        """When the newest known message was sent with it."""
        return max((time for time in (self.newest, self.seen) if time is not None), default=None)


def trusted_keys(keys: Sequence[KeyUse]) -> frozenset[int]:
    """Return the keys whose proof counts.

    The key that was polled last is in use now, unless another one has listed newer messages. Then
    it may be an old key or the key of another channel, and neither proves anything until a person
    has checked. A key that has listed nothing yet proves nothing, but does not affect the others.
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
    """Return, for each key whose proof counts, the time for which it can prove something.

    A key may be configured before it is used. It then lists nothing while messages are sent with
    the old key. So all keys but the first prove nothing before their first listed message. A host
    may also go on polling a key that was replaced. It then lists nothing new while messages are
    sent with the new key. If the first answer to a later key was cut off, some of these messages
    may be unknown. Then an older key proves nothing from the second of its last listed message on,
    because the first message of the new key may have been sent in that second.
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
    """Return, for each replaced key, the time for which its proof no longer counts.

    Its answers may have proven that time before the later key's first answer, which was cut off:
    see `periods`. Keys whose proof does not count at all are left out.
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
    """Return when a key without messages, which may have replaced this one, was first polled."""
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
