"""Find the pairs that need a second reading of a time or a number.

A wall-clock time that occurs twice or is skipped may be two moments, and a date without a time of
day any moment of its day. Digits without a country code may be a national number or an
international one; without a configured region, a national number of any country. Such a row may be
linked by either reading. `recon.core.link` has linked whole columns by their first readings before.
This module links the few rows that are left, one by one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import product
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from recon.core import arrow_text, blocks, link, phones, statuses, user_ids
from recon.core.e164 import NONE
from recon.core.link import Links

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

#: For each row the keys that its number may have.
Readings: TypeAlias = dict[int, list[int]]
#: The earliest and the latest moment of a reading of a time, in microseconds.
TimeSpan: TypeAlias = tuple[int, int]


class Recorded(NamedTuple):
    """All readings of one record."""

    keys: Sequence[int]
    """The keys that its number may have."""
    times: Sequence[TimeSpan]
    status: str | None = None

    @property
    def is_date_alone(self) -> bool:
        """Whether its time of day is not known."""
        return any(earliest < latest for earliest, latest in self.times)

    def nearest(self, moment: int) -> int:
        """Return the moment of its times that is nearest to another."""
        return min(
            (min(max(moment, earliest), latest) for earliest, latest in self.times),
            key=lambda time: abs(time - moment),
        )


class SentMessage(NamedTuple):
    """A message that a record may belong to."""

    keys: Sequence[int]
    """The keys that its number may have."""
    time: int
    name: int
    """Its id."""
    status: str = ""


#: Whether a record and a message may be a pair.
MayBe: TypeAlias = Callable[[Recorded, SentMessage], bool]


def link_by_second_readings(
    links: Links,
    local: pd.DataFrame,
    provider: pd.DataFrame,
    provider_keys: Ints,
    tolerance: timedelta,
    region: str | None,
) -> Links:
    """Return the links with those by a second reading added, and with the readings that were used.

    Args:
        links: the links by first readings, and for links by id also by both readings of a time.
        local: a local frame.
        provider: a provider frame.
        provider_keys: the key of each message's number.
        tolerance: how far apart a pair without a common id may be, inclusive.
        region: of national numbers, where one is configured.
    """
    links = _agreed(links, local, provider, provider_keys, region)
    free = np.flatnonzero(links.partner_of_local < 0)
    free = free[links.local_keys[free] >= 0]
    free = np.setdiff1d(free, links.duplicates.at, assume_unique=True)
    open_ = np.flatnonzero(links.partner_of_provider < 0)
    open_ = open_[provider_keys[open_] >= 0]
    if not free.size or not open_.size:
        return links
    first = link.microseconds(local["sent_at"])
    times = dict[int, list[TimeSpan]]()
    twice = link.other_times(first, local["other_minutes"].to_numpy())
    for row, *other in zip(*(column.tolist() for column in twice), strict=True):
        times[row] = [(int(first[row]),) * 2, (other[0], other[1])]
    mine = _keys(local, free, links.local_keys, provider_keys[open_], region)
    theirs = _keys(provider, open_, provider_keys, links.local_keys[free], region)
    if not (mine or theirs or times):
        return links

    named = links.by_id.copy()
    named[links.duplicates.at] = True
    rest = np.flatnonzero(~named & (links.local_keys >= 0))
    rest_times = np.intersect1d(rest, np.fromiter(times, dtype=np.int64)).tolist()
    touched = {key for keys in (*mine.values(), *theirs.values()) for key in keys}
    touched |= {int(links.local_keys[row]) for row in rest_times}
    concerned = rest[np.isin(links.local_keys[rest], list(touched))]
    concerned = np.union1d(concerned, np.fromiter(mine, dtype=np.int64))
    wanted = touched | set(links.local_keys[concerned].tolist())
    theirs_all = np.flatnonzero(
        (provider_keys >= 0) & np.isin(provider_keys, list(wanted)) & ~_by_id(links, named)
    )
    theirs_all = np.union1d(theirs_all, np.fromiter(theirs, dtype=np.int64))
    sent = link.microseconds(provider["sent_at"])
    names = provider["message_id"].to_numpy(dtype=np.int64)
    records = {
        row: Recorded(
            mine.get(row) or [int(links.local_keys[row])],
            times.get(row) or [(int(first[row]),) * 2],
            word,
        )
        for row, word in zip(concerned.tolist(), _words(local, concerned), strict=True)
    }
    messages = {
        row: SentMessage(
            theirs.get(row) or [int(provider_keys[row])], int(sent[row]), int(names[row]), word
        )
        for row, word in zip(theirs_all.tolist(), _words(provider, theirs_all), strict=True)
    }
    partner = {
        row: int(links.partner_of_local[row])
        for row in concerned.tolist()
        if links.partner_of_local[row] >= 0
    }
    ranks = link.local_ranks(local)
    waiting = sorted(
        (row for row in records if row not in partner), key=lambda row: (first[row], ranks[row])
    )
    dated = [row for row in waiting if records[row].is_date_alone]
    for may_be in (_say_the_same, _agree, _any) if dated else ():
        rematch(dated, partner, records, messages, 0, may_be)
        dated = [row for row in dated if row not in partner]
    waiting = [row for row in waiting if row not in partner]
    rematch(waiting, partner, records, messages, tolerance // timedelta(microseconds=1))
    return _with(links, partner, records, provider_keys, sent, mine, theirs, region)


# A customer may get several messages a day. If records have no times of day, a pair of a record and
# a message is wrong if it contradicts a status and another pair would not.


def _say_the_same(record: Recorded, message: SentMessage) -> bool:
    return record.status == message.status


def _agree(record: Recorded, message: SentMessage) -> bool:
    return not statuses.contradict(record.status, message.status, "compatible")


def _any(_: Recorded, __: SentMessage) -> bool:
    return True


def _words(frame: pd.DataFrame, rows: Ints) -> list[Any]:
    """Return the statuses of some rows, `None` for null."""
    words = [*map(str, frame["status"].cat.categories), None]
    return [words[code] for code in frame["status"].cat.codes.to_numpy()[rows].tolist()]


def _by_id(links: Links, named: Mask) -> Mask:
    """Say which messages an id accounts for."""
    found = np.zeros(len(links.partner_of_provider), dtype=np.bool_)
    partners = links.partner_of_local[named]
    found[partners[partners >= 0]] = True
    return found


def _keys(
    frame: pd.DataFrame, rows: Ints, keys: Ints, others: Ints, region: str | None
) -> Readings:
    """Return the keys of rows whose number has more than one reading."""
    numbers = _numbers(frame, rows)
    if region is None:
        more = _national_keys(phones.bare_digits(numbers), others)
    else:
        second = phones.second_keys(numbers, region)
        more = {place: [int(second[place])] for place in np.flatnonzero(second != NONE).tolist()}
    return {int(rows[place]): [int(keys[rows[place]]), *found] for place, found in more.items()}


def _numbers(frame: pd.DataFrame, rows: Ints) -> pd.Series:
    """Return the numbers of some rows; pandas would copy the whole column first."""
    return arrow_text.to_series(arrow_text.take(frame["phone_number"], rows))


def _with(
    links: Links,
    partner: Mapping[int, int],
    records: Mapping[int, Recorded],
    provider_keys: Ints,
    sent: Ints,
    mine: Readings,
    theirs: Readings,
    region: str | None,
) -> Links:
    """Return the links with new partners, and the readings that agree with them."""
    of_local, of_provider = links.partner_of_local.copy(), links.partner_of_provider.copy()
    times, keys, national = links.local_time.copy(), links.local_keys.copy(), links.national.copy()
    for row, message in partner.items():
        of_local[row], of_provider[message] = message, row
        times[row] = records[row].nearest(int(sent[message]))
        if keys[row] != provider_keys[message]:
            national[row] = region is None and (row in mine or message in theirs)
            keys[row] = provider_keys[message]
    return replace(
        links,
        partner_of_local=of_local,
        partner_of_provider=of_provider,
        local_time=times,
        local_keys=keys,
        national=national,
    )


def _agreed(
    links: Links,
    local: pd.DataFrame,
    provider: pd.DataFrame,
    provider_keys: Ints,
    region: str | None,
) -> Links:
    """For pairs by id, use the reading in which both numbers are equal."""
    if not len(provider_keys):
        return links

    def differing(rows: slice) -> Ints:
        partner = links.partner_of_local[rows]
        # A record without a partner is compared with the last message, and left out at the end.
        differ = links.local_keys[rows] != provider_keys[partner]
        found: Ints = rows.start + np.flatnonzero(differ & (partner >= 0))
        return found

    rows = np.concatenate([np.empty(0, dtype=np.int64), *blocks.map_blocks(len(local), differing)])
    messages = links.partner_of_local[rows]
    mine, theirs = links.local_keys[rows], provider_keys[messages]
    numbers = (user_ids.key_sorts(mine) == 0) & (user_ids.key_sorts(theirs) == 0)
    if not numbers.any():
        return links
    rows, messages = rows[numbers], messages[numbers]
    same, as_national = agree(
        _numbers(local, rows),
        _numbers(provider, messages),
        mine[numbers],
        theirs[numbers],
        region,
    )
    if not same.any():
        return links
    keys, national = links.local_keys.copy(), links.national.copy()
    keys[rows[same]] = provider_keys[messages[same]]
    national[rows[as_national]] = True
    return replace(links, local_keys=keys, national=national)


def agree(
    local: pd.Series,
    provider: pd.Series,
    local_keys: Ints,
    provider_keys: Ints,
    region: str | None,
) -> tuple[Mask, Mask]:
    """Say for pairs whose first readings differ whether any readings of the two numbers are equal.

    Args:
        local: the numbers of the records.
        provider: the number of the message of each.
        local_keys: keys of the first readings of phone numbers.
        provider_keys: likewise.
        region: of national numbers, where one is configured.

    Returns:
        Which agree, and which of these only as national numbers without a configured region.
    """
    mine, theirs = phones.second_keys(local, region), phones.second_keys(provider, region)
    same = (mine == provider_keys) | (local_keys == theirs) | ((mine == theirs) & (mine != NONE))
    if region is not None:
        return same, np.zeros(len(same), dtype=np.bool_)
    national = phones.is_national(phones.bare_digits(local), provider_keys)
    national |= phones.is_national(phones.bare_digits(provider), local_keys)
    return same | national, national & ~same


def _national_keys(digits: Ints, others: Ints) -> Readings:
    """Return, for numbers without a country code, the keys among `others` that each may have.

    Args:
        digits: see `phones.bare_digits`.
        others: the keys of the other side.
    """
    bare = np.flatnonzero(digits != NONE)
    found: Readings = {}
    if not bare.size:
        return found
    wanted = np.unique(others[user_ids.key_sorts(others) == 0])
    for code in np.unique(phones.calling_codes(wanted)).tolist():
        for candidates in phones.with_code(digits[bare], np.full(len(bare), code)):
            for place in np.flatnonzero(np.isin(candidates, wanted)).tolist():
                found.setdefault(int(bare[place]), []).append(int(candidates[place]))
    return found


def rematch(
    free: Iterable[int],
    partner: dict[int, int],
    local: Mapping[int, Recorded],
    provider: Mapping[int, SentMessage],
    tolerance_us: int,
    may_be: MayBe = _any,
) -> None:
    """Give a message to as many free records as possible; other records may get another message.

    Each free record takes the nearest free message that it may be paired with, or a message whose
    record can take another one: Kuhn's augmenting paths.

    Args:
        free: the records without a message, in the order in which they choose.
        partner: the message of each other record; changed in place.
        local: the records.
        provider: the messages.
        tolerance_us: how far apart a pair may be, inclusive.
        may_be: which pairs are made.
    """
    reachable = _reaches(local, provider, tolerance_us, may_be)
    record_of = {message: record for record, message in partner.items()}
    for first in free:
        came_from: dict[int, int] = {}
        waiting = deque([first])
        while waiting:
            record = waiting.popleft()
            options = [message for message in reachable(record) if message not in came_from]
            came_from.update(dict.fromkeys(options, record))
            end = next((message for message in options if message not in record_of), None)
            if end is not None:
                _flip(end, first, came_from, partner, record_of)
                break
            waiting.extend(record_of[message] for message in options)


def _reaches(
    local: Mapping[int, Recorded],
    provider: Mapping[int, SentMessage],
    tolerance_us: int,
    may_be: MayBe,
) -> Callable[[int], list[int]]:
    """Return a function that returns the possible messages of a record, the nearest first."""
    by_key: dict[int, list[tuple[int, int]]] = {}
    for place, message in provider.items():
        for key in message.keys:
            by_key.setdefault(key, []).append((message.time, place))
    for moments in by_key.values():
        moments.sort()

    def reachable(record: int) -> list[int]:
        mine = local[record]
        found: dict[int, tuple[int, int, int]] = {}
        for key, (earliest, latest) in product(mine.keys, mine.times):
            moments = by_key.get(key, [])
            start = bisect_left(moments, earliest - tolerance_us, key=itemgetter(0))
            end = bisect_right(moments, latest + tolerance_us, key=itemgetter(0))
            for moment, place in moments[start:end]:
                if may_be(mine, provider[place]):
                    apart = abs(mine.nearest(moment) - moment)
                    found[place] = apart, moment, provider[place].name
        return sorted(found, key=found.__getitem__)

    return reachable


def _flip(
    message: int,
    first: int,
    came_from: Mapping[int, int],
    partner: dict[int, int],
    record_of: dict[int, int],
) -> None:
    """Give each record on the path to `message` the message found for it."""
    while True:
        record = came_from[message]
        before = partner.get(record)
        partner[record], record_of[message] = message, record
        if record == first or before is None:
            return
        message = before
