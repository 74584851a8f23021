"""Slow and obvious answers to what the core computes fast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations, permutations
from typing import TYPE_CHECKING

import numpy as np

from recon.core.number_readings import readings as number_readings
from recon.core.number_spellings import one_per_user

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


def best_by_trying_all(
    sends: Sequence[int], messages: Sequence[int], tolerance: int
) -> tuple[int, int]:
    """Return the most pairs possible and the least total distance of so many, by trying all."""

    @cache
    def best(send: int, used: int) -> tuple[int, int]:
        """Return pairs and negated distance for the sends from `send` on; `used` is a bit set."""
        if send == len(sends):
            return 0, 0
        answers = [best(send + 1, used)]
        for place, moment in enumerate(messages):
            distance = abs(sends[send] - moment)
            if not used >> place & 1 and distance <= tolerance:
                pairs, total = best(send + 1, used | 1 << place)
                answers.append((pairs + 1, total - distance))
        return max(answers)

    pairs, total = best(0, 0)
    return pairs, -total


def best_without_crossing(
    sends: Sequence[int], messages: Sequence[int], tolerance: int
) -> tuple[int, int]:
    """Return the same where no two pairs cross, by the table of all beginnings of both sides.

    On a line that loses nothing, which a test holds against `best_by_trying_all`; it goes
    further than that one.
    """
    sends, messages = sorted(sends), sorted(messages)
    above = [(0, 0)] * (len(messages) + 1)
    for send in sends:
        row = [(0, 0)]
        for place, message in enumerate(messages):
            answers = [row[place], above[place + 1]]
            distance = abs(send - message)
            if distance <= tolerance:
                pairs, total = above[place]
                answers.append((pairs + 1, total - distance))
            row.append(max(answers))
        above = row
    pairs, total = above[-1]
    return pairs, -total


def all_matchings(sends: int, messages: int) -> Iterator[list[tuple[int, int]]]:
    """Yield every way to pair some of so many sends with as many of so many messages."""
    for count in range(min(sends, messages) + 1):
        for some in combinations(range(sends), count):
            for others in permutations(range(messages), count):
                yield list(zip(some, others, strict=True))


def best_of_all_matchings(
    sends: Ints, messages: Ints, tolerance: int
) -> tuple[Ints, Ints, NDArray[np.int64]]:
    """Return of many small problems which rows are best paired, and the least total distance.

    Each row of `sends` and `messages` is one problem, its moments ascending. All matchings of
    each are tried; among the best that one is taken which pairs the earliest rows: looked at from
    the last row backwards, a row is left alone wherever a best one can do without it. At one
    moment a message is earlier than a send, and of equal rows the first is the earlier.

    Returns:
        For each problem the paired sends and the paired messages as bit sets, and the distance.
    """
    distance = np.abs(sends[:, :, None] - messages[:, None, :])
    send_place = np.arange(sends.shape[1]) + (messages[:, None, :] <= sends[:, :, None]).sum(2)
    message_place = np.arange(messages.shape[1]) + (sends[:, None, :] < messages[:, :, None]).sum(2)
    send_bit, message_bit = 1 << send_place, 1 << message_place

    rows = sends.shape[1] + messages.shape[1]
    most, widest = min(sends.shape[1], messages.shape[1]), 1 << 20
    best = np.full(len(sends), np.iinfo(np.int64).max)
    for matching in all_matchings(sends.shape[1], messages.shape[1]):
        cost, paired = np.zeros(len(sends), dtype=np.int64), np.zeros(len(sends), dtype=np.int64)
        allowed = np.ones(len(sends), dtype=np.bool_)
        for send, message in matching:
            cost += distance[:, send, message]
            paired += send_bit[:, send] + message_bit[:, message]
            allowed &= distance[:, send, message] <= tolerance
        # More pairs, then less distance, then earlier rows: the latest row is the highest bit.
        worth = ((most - len(matching)) * widest + cost << rows) + paired
        best = np.where(allowed, np.minimum(best, worth), best)
    paired = best & ((1 << rows) - 1)
    return (
        (((paired[:, None] & send_bit) > 0) << np.arange(sends.shape[1])).sum(1),
        (((paired[:, None] & message_bit) > 0) << np.arange(messages.shape[1])).sum(1),
        (best >> rows) % widest,
    )


def number_key(number: str, region: str | None) -> int:
    """Return the key of one spelling; `phones.keys` decides whole columns by the same rules."""
    readings = np.array([number_readings(number, region)[0]], dtype=np.int64)
    return int(one_per_user(readings)[0])
