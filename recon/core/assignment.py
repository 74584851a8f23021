"""Exact one-to-one matching of two kinds of moments on one line of time.

**The task.** Sends and messages lie on a line. A send and a message may be paired when they are at
most `T` apart. The task is to find as many pairs as possible and, among such pairings, the least
total distance: exactly, and in about the time that sorting takes.

**The walk.** Go along the line from the left; a send is a step up, a message a step down. The
*height* before a row is the number of sends less the number of messages passed so far. An
*excursion* is the stretch between a visit of a height and the next visit of that same height. It
stays above that height (begins with a send) or below it (begins with a message), and has as many
sends as messages.

**Claim.** Some best pairing leaves some rows alone and cuts all others into excursions, in each
of which the first send goes with the first message, the second with the second, and so on.

1. *No row is left alone inside a pair.* If a row is left alone between a paired send and message,
   it can take the place of the one of its kind: the number of pairs stays the same, no pair becomes
   longer, and one becomes shorter on the sorted line. This can be repeated only finitely often, so
   some best pairing has no such row. The rows inside or at the end of pairs then form stretches in
   which all rows are paired with each other.
2. *First with first.* For sends `s <= s'` and messages `m <= m'`, the pairs `(s, m)` and
   `(s', m')` together are no longer than `(s, m')` and `(s', m)`, and neither is longer than the
   longer one of those. Uncrossing in this way ends with the k-th send of the stretch on its k-th
   message, costs nothing, and breaks no limit that held before.
3. *Cut into excursions.* Such a stretch starts and ends at the same height. Cut it at each visit of
   that height: each piece has as many sends as messages, so "first with first" pairs rows within
   the pieces, and each piece is an excursion.

**What an excursion costs.** Above its height the k-th send comes before the k-th message, so the
sum of the distances is the sum of the messages' moments less that of the sends' moments; below, it
is the reverse. Both are differences of two prefix sums.

**Whether it is allowed.** Take an excursion above height `h`, and its k-th send, at `t`. Its
partner is near enough if, and only if, at least k messages of the excursion lie at or before
`t + T`. Counted from the beginning of the line rather than of the excursion: with `S` the rank
of that send and `M` the number of messages up to `t + T`, the condition is `S - M <= h`. (If
`t + T` lies beyond the excursion, all its messages are counted and the condition holds, as it
should.) `S - M` is a property of the row alone. So an excursion is allowed when the largest
`S - M` of its sends is at most `h`: one range maximum. Below the height, change the roles.

**The choice.** The best pairing of the rows up to a place is either the best one without the last
row, or, if an allowed excursion ends here, the best one up to its beginning plus that excursion. At
most one excursion ends at a place, so this is one comparison for each row.

In most real stretches there is no choice: they have as many sends as messages, all near enough if
the first is paired with the first. These are recognised at once; only the others are walked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST: Final = np.iinfo(np.int64).min


def paired(
    line_us: NDArray[np.int64], is_send: NDArray[np.bool_], tolerance_us: int
) -> NDArray[np.bool_]:
    """Return which rows are paired; the k-th paired send goes with the k-th paired message.

    If several pairings are best, the result is the one that, from the last row backwards, leaves a
    row alone whenever some best pairing does: earlier rows are paired rather than later ones.

    Args:
        line_us: moments in microseconds, ascending; `line_us + tolerance_us` must fit in 64 bits.
        is_send: which of the rows are sends; the others are messages.
        tolerance_us: the longest distance of a pair, inclusive; not negative.
    """
    if not line_us.size:
        return np.zeros(0, dtype=np.bool_)
    starts = np.flatnonzero(np.diff(line_us, prepend=line_us[0] - tolerance_us - 1) > tolerance_us)
    sizes = np.diff(starts, append=line_us.size)
    sends = np.add.reduceat(is_send, starts, dtype=np.int64)
    cluster = np.repeat(np.arange(starts.size), sizes)

    whole: NDArray[np.bool_] = 2 * sends == sizes
    inside = whole[cluster]
    apart = np.abs(line_us[inside & is_send] - line_us[inside & ~is_send])
    whole[cluster[inside & is_send][apart > tolerance_us]] = False

    chosen: NDArray[np.bool_] = whole[cluster]
    walked = (~whole & (sends > 0) & (sends < sizes))[cluster]
    if walked.any():
        chosen[walked] = _choose(line_us[walked], is_send[walked], tolerance_us)
    return chosen


def _choose(
    line_us: NDArray[np.int64], is_send: NDArray[np.bool_], tolerance_us: int
) -> NDArray[np.bool_]:
    """Choose among the excursions of the walk; places are the gaps between rows, 0 to n."""
    step = np.where(is_send, 1, -1)
    height = np.concatenate(([0], np.cumsum(step)))
    # Far along the line these sums may pass 64 bits and wrap; the difference of two of them is
    # an allowed excursion's cost, which is small, and wraps back to the truth.
    moments = np.concatenate(([0], np.cumsum(step * line_us)))

    by_height = np.argsort(height, kind="stable")
    again = np.flatnonzero(height[by_height][1:] == height[by_height][:-1])
    begins, ends = by_height[again], by_height[again + 1]
    allowed = np.zeros(begins.size, dtype=np.bool_)
    for rows, sign in ((is_send, 1), (~is_send, -1)):
        ours = np.flatnonzero(step[begins] == sign)
        highest = _range_max(_needs(line_us, rows, tolerance_us), begins[ours], ends[ours])
        allowed[ours] = highest <= sign * height[begins[ours]]
    begins, ends = begins[allowed], ends[allowed]

    begun = np.full(height.size, -1)
    begun[ends] = begins
    cost = np.zeros(height.size, dtype=np.int64)
    cost[ends] = np.abs(moments[ends] - moments[begins])

    # One more pair is worth more than all distances together.
    a_pair = tolerance_us * line_us.size + 1
    best = [0]
    taken = [False]
    for place, (begin, price) in enumerate(
        zip(begun[1:].tolist(), cost[1:].tolist(), strict=True), start=1
    ):
        worth = best[-1]
        take = False
        if begin >= 0:
            gain = best[begin] + (place - begin) // 2 * a_pair - price
            if gain > worth:
                worth, take = gain, True
        best.append(worth)
        taken.append(take)

    chosen = np.zeros(line_us.size, dtype=np.bool_)
    place = line_us.size
    while place > 0:
        if taken[place]:
            begin = int(begun[place])
            chosen[begin:place] = True
            place = begin
        else:
            place -= 1
    return chosen


def _needs(
    line_us: NDArray[np.int64], rows: NDArray[np.bool_], tolerance_us: int
) -> NDArray[np.int64]:
    """For each of `rows`, its rank less the number of other rows up to the end of its reach."""
    ours, others = line_us[rows], line_us[~rows]
    needs = np.full(line_us.size, _LEAST)
    in_reach = np.searchsorted(others, ours + tolerance_us, side="right")
    needs[rows] = np.arange(1, ours.size + 1) - in_reach
    return needs


def _range_max(
    values: NDArray[np.int64], begins: NDArray[np.intp], ends: NDArray[np.intp]
) -> NDArray[np.int64]:
    """Return the maximum of `values[begin:end]` for each of the ranges, none of them empty.

    Two overlapping blocks of one power of two cover a range; the maxima of all blocks of a
    width come from those of half the width.
    """
    result = np.empty(begins.size, dtype=np.int64)
    lengths = ends - begins
    width, blocks = 1, values
    while True:
        fits = np.flatnonzero((lengths >= width) & (lengths < 2 * width))
        result[fits] = np.maximum(blocks[begins[fits]], blocks[ends[fits] - width])
        if blocks.size <= width:
            return result
        blocks = np.maximum(blocks[:-width], blocks[width:])
        width *= 2
