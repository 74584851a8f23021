"""Find where affected sends are concentrated: in stretches of time, number ranges or hours.

Each search returns only concentrations that chance does not explain: it weighs their likelihood,
compared with the rest of the day, against the number of places where one could have been found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from recon.core.link import Mask, Positions
from recon.core.number_parts import Ascending, ascending, count, counted_below
from recon.core.phones import calling_codes

#: With fewer findings there is no pattern.
LEAST: Final = 5
#: The least share of affected sends in a place.
MOST: Final = 0.75
#: An hour holds fewer sends than a range of numbers or a stretch shows findings: it takes more.
_LEAST_OF_AN_HOUR: Final = 10
#: How much of the day's sends one hour may hold, if an hour is to mean anything.
_LARGEST_HOUR: Final = 0.5

#: One false incident is expected in this many days.
_FALSE_ONCE_IN: Final = 100_000.0

#: This many consecutive unaffected sends, within this time, do not end a stretch.
_BETWEEN: Final = 2
_PAUSE_US: Final = 15 * 60 * 1_000_000

#: Digits of a number that are tried behind the country code: the networks of most countries.
_NETWORK_DIGITS: Final = 2
_LONGEST: Final = 15
#: One of so many healthy sends is in a sample.
SAMPLED: Final = 16
_HOUR_US: Final = 3_600_000_000
_NOTHING: Final[Positions] = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Concentration:
    """Affected sends that are concentrated in one place."""

    rows: Positions
    """Positions among the affected sends, ascending."""
    sends: int
    """How many sends there are in that place, affected or not."""
    weight: float
    """The logarithm of its likelihood, compared with chance."""
    place: int
    """The leading digits of a number range, or the hour; 0 for a stretch of time."""


def stretch(times: Positions, healthy: Iterable[Ascending]) -> Concentration | None:
    """Return the least likely stretch of time in which most sends are affected.

    A stretch may include a few unaffected sends in a short time, never more.

    Args:
        times: of the affected sends, in microseconds.
        healthy: of all other sends, in one part or several.
    """
    if len(times) < LEAST:
        return None
    order = np.argsort(times, kind="stable")
    ordered = times[order]
    before = counted_below(healthy, ordered)
    after = counted_below(healthy, ordered, "right")
    between = np.maximum(before[1:] - after[:-1], 0)
    ends = (between > _BETWEEN) | ((between > 0) & (np.diff(ordered) > _PAUSE_US))
    first = np.append(0, np.flatnonzero(ends) + 1)
    last = np.append(np.flatnonzero(ends), len(ordered) - 1)
    affected = last - first + 1
    unaffected = np.maximum(before[last] - after[first], 0)
    others = count(healthy)
    weight = _weights(affected, unaffected, len(ordered), others, len(ordered) + others)
    best = _best(weight, affected, first)
    if best is None:
        return None
    rows = np.sort(order[first[best] : last[best] + 1])
    return Concentration(rows, int(affected[best] + unaffected[best]), float(weight[best]), 0)


def number_range(
    keys: Positions,
    healthy: Iterable[Positions],
    sample: Iterable[Positions],
    besides: Positions = _NOTHING,
) -> Concentration | None:
    """Return the least likely country code or network.

    Most sends to these numbers are affected, and sends to other numbers are not.

    Args:
        keys: of the numbers of the affected sends, see `recon.core.phones`; negative is none.
        healthy: likewise of all other sends, in one part or several.
        sample: some of `healthy`, which excludes nearly every place without reading the rest.
        besides: keys that are among `healthy` but are not other sends.
    """
    numbered = np.flatnonzero((keys > 0) & (keys < 10**_LONGEST))
    if len(numbered) < LEAST:
        return None
    codes = calling_codes(keys[numbered])
    lengths = _digits(keys[numbered]) - _digits(codes) - _NETWORK_DIGITS
    networks = keys[numbered] // 10 ** np.maximum(lengths, 0)
    places = np.concatenate([codes, networks])
    prefixes, affected = np.unique(places, return_counts=True)
    least = _beginning_with(prefixes, sample) - _beginning_with(prefixes, [besides])
    if not ((affected >= LEAST) & (affected >= MOST * (affected + least))).any():
        return None
    unaffected = _beginning_with(prefixes, healthy) - _beginning_with(prefixes, [besides])
    others = count(healthy) - len(besides)
    weight = _weights(affected, unaffected, len(numbered), others, len(prefixes))
    # A place without unaffected sends around it may contain all sends.
    weight[others - unaffected < LEAST] = -np.inf
    best = _best(weight, affected, prefixes)
    if best is None:
        return None
    place = int(prefixes[best])
    rows = numbered[(codes == place) | (networks == place)]
    return Concentration(rows, int(affected[best] + unaffected[best]), float(weight[best]), place)


def hour(times: Positions, sends: Iterable[Ascending], start: int) -> Concentration | None:
    """Return the hour with most of the affected sends, but not most of all sends.

    Args:
        times: of the affected sends, in microseconds.
        sends: of all other sends, likewise, in one part or several.
        start: when the hours are counted from.
    """
    if len(times) < _LEAST_OF_AN_HOUR:
        return None
    hours, counts = np.unique((times - start) // _HOUR_US, return_counts=True)
    at = int(np.argmax(counts))
    share = counts[at] / len(times)
    first = start + int(hours[at]) * _HOUR_US
    since, until = counted_below(sends, np.array([first, first + _HOUR_US]))
    inside = int(until - since + counts[at])
    usual = inside / (count(sends) + len(times))
    if share < MOST or usual > _LARGEST_HOUR:
        return None
    weight = len(times) * _divergence(share, usual)
    if weight < np.log(24 * _FALSE_ONCE_IN):
        return None
    rows = np.flatnonzero((times - start) // _HOUR_US == hours[at])
    return Concentration(rows, inside, float(weight), int(hours[at]))


def _weights(
    affected: Positions, unaffected: Positions, all_affected: int, all_unaffected: int, places: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the log-likelihood ratio of each place, minus infinity if it is not a concentration.

    It is that of a scan statistic: two shares, at the place and elsewhere, against one for all.
    """
    sends = affected + unaffected
    share = affected / sends
    usual = all_affected / (all_affected + all_unaffected)
    elsewhere = all_affected + all_unaffected - sends
    rest = (all_affected - affected) / np.maximum(elsewhere, 1)
    weight = sends * _divergence(share, usual) + elsewhere * _divergence(rest, usual)
    enough = (affected >= LEAST) & (share >= MOST) & (share > usual)
    enough &= weight > np.log(places * _FALSE_ONCE_IN)
    return np.where(enough, weight, -np.inf)


def _divergence(share: np.ndarray | float, usual: np.ndarray | float) -> np.ndarray:
    """Return the Kullback-Leibler divergence of two shares, in nats."""
    share, usual = np.asarray(share, dtype=float), np.asarray(usual, dtype=float)
    rest = np.where(share < 1, 1 - share, 1)
    lacking = np.where(share < 1, rest * np.log(rest / np.maximum(1 - usual, 1e-300)), 0)
    having = share * np.log(np.where(share > 0, share, 1) / usual)
    diverging: np.ndarray = np.where(share > 0, having, 0) + lacking
    return diverging


def _best(weight: np.ndarray, affected: Positions, place: Positions) -> int | None:
    """Return the one with the greatest weight; of equal ones the larger, then the first."""
    best = int(np.lexsort((place, -affected, -weight))[0])
    return best if np.isfinite(weight[best]) else None


def _digits(numbers: Positions) -> Positions:
    return np.searchsorted(10 ** np.arange(19, dtype=np.int64), numbers, side="right")


def _beginning_with(prefixes: Positions, parts: Iterable[Positions]) -> Positions:
    """Count the keys that begin with each prefix, of any length."""
    width = _digits(prefixes)
    found = np.zeros(len(prefixes), dtype=np.int64)
    for keys in map(ascending, parts):
        for length in range(4, _LONGEST + 1):
            scale = 10 ** np.maximum(length - width, 0)
            within: Mask = length > width
            low, high = (np.searchsorted(keys, bound * scale) for bound in (prefixes, prefixes + 1))
            found += np.where(within, high - low, 0)
    return found
