"""Of equally good pairs by number and time, prefer those whose statuses agree.

If two sends to one number have the same time, or both records are earlier than both messages, time
does not say which record belongs to which message. A pair that contradicts a status is wrong if
another choice, with as many pairs and the same total difference in time, does not contradict one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recon.core import statuses

Ints: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]
#: Rows without a partner, by number and time, and then by the code of their status.
_Free: TypeAlias = dict[tuple[int, int], dict[int, list[int]]]


class Rows(NamedTuple):
    """One side, row by row; all arrays run parallel."""

    keys: Ints
    """Of the numbers; negative for none."""
    times: Ints
    """In microseconds, UTC."""
    ranks: Ints
    """Decide ties; different for each row."""
    status: pd.Categorical

    def codes(self, rows: Ints) -> NDArray[np.intp]:
        """Return the status of some rows as codes; -1 for null."""
        return np.asarray(self.status.codes[rows], dtype=np.intp)


def prefer_agreement(
    pairs: tuple[Ints, Ints],
    free: tuple[Ints, Ints],
    local: Rows,
    provider: Rows,
    tolerance_us: int,
) -> tuple[Ints, Ints]:
    """Return the pairs, some of them changed so that fewer contradict a status.

    Each has the same number as before. Neither the number of pairs nor their total difference in
    time changes.

    Args:
        pairs: the records and the message of each, sorted by number and then time.
        free: the records and the messages that are in no pair and may be in one. A record that
            holds an id is not one of them: as part of a pair by number it would be a finding.
        local: all records.
        provider: all messages.
        tolerance_us: the longest difference of a pair, inclusive.
    """
    words, sent = [*map(str, local.status.categories), None], map(str, provider.status.categories)
    # The code of a null is -1, which is the place of `None` at the end.
    contradict = np.array(
        [[statuses.contradict(word, other, "compatible") for word in words] for other in sent],
        dtype=np.bool_,
    ).T
    mine, theirs = local.codes(pairs[0]), provider.codes(pairs[1])
    at = np.flatnonzero(contradict[mine, theirs])
    if not at.size:
        return pairs
    records, messages = pairs[0].copy(), pairs[1].copy()
    _exchange(records, at, theirs, _by_moment(local, free[0], records[at]), local, contradict.T)
    at = at[contradict[local.codes(records[at]), theirs[at]]]
    mine = local.codes(records)
    _exchange(messages, at, mine, _by_moment(provider, free[1], messages[at]), provider, contradict)
    _cross(records, messages, local, provider, contradict, tolerance_us)
    return records, messages


def _by_moment(side: Rows, free: Ints, concerned: Ints) -> _Free:
    """Return the free rows with the number of a row that is concerned."""
    found: _Free = defaultdict(lambda: defaultdict(list))
    same = free[np.isin(side.keys[free], side.keys[concerned])]
    same = same[np.argsort(-side.ranks[same])]
    for row, code in zip(same.tolist(), side.codes(same).tolist(), strict=True):
        found[int(side.keys[row]), int(side.times[row])][code].append(row)
    return found


def _exchange(
    rows: Ints, at: Ints, partners: NDArray[np.intp], free: _Free, side: Rows, contradict: Mask
) -> None:
    """Replace a row of some pairs by a free one of the same number and time that agrees.

    Args:
        rows: the row of each pair; changed in place.
        at: the pairs that contradict a status.
        partners: the code of the status of the other row of each pair.
        free: the rows without a partner.
        side: of the rows.
        contradict: by codes, first the partner's.
    """
    for place in at.tolist() if free else ():
        row = int(rows[place])
        moment = free.get((int(side.keys[row]), int(side.times[row])), {})
        agreeing = [
            code for code, some in moment.items() if some and not contradict[partners[place], code]
        ]
        if agreeing:
            # Of equal status, the first by rank.
            best = min(agreeing, key=lambda code: int(side.ranks[moment[code][-1]]))
            rows[place] = moment[best].pop()


def _cross(
    records: Ints,
    messages: Ints,
    local: Rows,
    provider: Rows,
    contradict: Mask,
    tolerance_us: int,
) -> None:
    """Exchange the messages of two neighbouring pairs if then fewer contradict; in place."""
    mine, theirs = local.codes(records), provider.codes(messages)
    recorded, sent = local.times[records], provider.times[messages]
    keys = provider.keys[messages]
    straight = np.abs(recorded - sent)
    down, up = np.abs(recorded[:-1] - sent[1:]), np.abs(recorded[1:] - sent[:-1])
    before = contradict[mine, theirs].astype(np.int8)
    after = contradict[mine[:-1], theirs[1:]].astype(np.int8) + contradict[mine[1:], theirs[:-1]]
    better = (keys[:-1] == keys[1:]) & (after < before[:-1] + before[1:])
    better &= down + up == straight[:-1] + straight[1:]
    better &= (down <= tolerance_us) & (up <= tolerance_us)
    for place in _apart(np.flatnonzero(better).tolist()):
        messages[[place, place + 1]] = messages[[place + 1, place]]


def _apart(places: Sequence[int]) -> Iterable[int]:
    """Return places of which none follows another one directly: a pair is exchanged once."""
    last = -2
    for place in places:
        if place > last + 1:
            last = place
            yield place
