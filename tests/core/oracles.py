"""Slow and obvious answers to what the core computes fast."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache


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
