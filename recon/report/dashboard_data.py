"""The figures of a dashboard in compact form, for the script of the page.

A column of an account is a text: a number for each day in base 36, separated by commas. An empty
text means 0, and `-` means not known. If all days have the same value, it occurs only once. So 400
days of 50 accounts fit into a page that a phone can load.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from operator import attrgetter
from typing import Any, Final

from recon.core.day_figures import DayFigures, ranked

#: Bytes that the figures take at most, where fewer failure reasons can make it so.
MOST_BYTES: Final = 1_250_000
#: The most distinct reasons of an account; fewer if the page would become too large.
_MOST_REASONS: Final = (20, 12, 8, 5, 2, 0)
#: Bytes of the meaning of a reason on the page.
_MEANING: Final = 200
#: A reason is cut there: some are whole answers of another system.
_MOST_CHARACTERS: Final = 200
#: Money is kept in parts of the currency's unit, so that a column holds whole numbers.
MONEY_UNIT: Final = 10_000
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"

_PLAIN: Final = (
    *("sent", "delivered", "read", "failed", "deleted", "unknown"),
    *("opened", "resolved", "incidents"),
)
_COUNTS: Final[Mapping[str, Callable[[DayFigures], int]]] = {
    **{name: attrgetter(name) for name in _PLAIN},
    **{name: attrgetter(f"requests.{name}") for name in ("list", "status", "rate_limited")},
    "spent": lambda one: round(one.cost.spent * MONEY_UNIT) if one.cost else 0,
    "twice": lambda one: round(one.cost.twice * MONEY_UNIT) if one.cost else 0,
    "wasted": lambda one: round(one.cost.wasted * MONEY_UNIT) if one.cost else 0,
    "unpriced": lambda one: one.cost.unpriced if one.cost else 0,
}


@dataclass(frozen=True, slots=True)
class PageData:
    """The figures of a page."""

    content: Mapping[str, Any]
    """All figures by account, for the script."""
    reasons: Mapping[str, int]
    """Failed messages of all days by reason as the page shows it, the most frequent first."""
    other_reasons: int
    """Failed messages with any other reason."""


def page_data(
    figures: Sequence[DayFigures],
    days: Sequence[date],
    accounts: Sequence[str],
    *,
    shown: Callable[[str], str],
    most_bytes: int = MOST_BYTES,
) -> PageData:
    """Return the figures of a page, with as many failure reasons as fit.

    Args:
        figures: of the accounts and days, in any order. The values of an absent day are 0, and its
            coverage is not known.
        days: all days, without a break.
        accounts: the accounts, in the order of the page.
        shown: returns the text of a reason on the page; reasons with the same text are one.
        most_bytes: the limit for the size of the figures, if possible.
    """
    at = {day: n for n, day in enumerate(days)}
    rows: dict[str, list[DayFigures | None]] = {name: [None] * len(days) for name in accounts}
    seconds = [0] * len(days)
    for one in figures:
        rows[one.account][at[one.date]] = one
        seconds[at[one.date]] = max(seconds[at[one.date]], round(one.seconds))
    content: dict[str, Any] = {
        "first": days[0].isoformat(),
        "days": len(days),
        "seconds": column(seconds),
        "accounts": [_account(name, rows[name]) for name in accounts],
    }
    texts = {
        reason: _cut(shown(reason))
        for reason in {reason for one in figures for reason in one.failure_reasons}
    }
    tallies = [_by_reason(rows[name], texts) for name in accounts]
    most = _room_for(tallies, most_bytes - len(in_script(content)))
    kept = sorted({reason for by_reason in tallies for reason in list(by_reason)[:most]})
    places = {reason: n for n, reason in enumerate(kept)}
    total, others = Counter[str](), 0
    for account, name, by_reason in zip(content["accounts"], accounts, tallies, strict=True):
        order = list(by_reason)
        other = [0 if one is None else one.other_reasons for one in rows[name]]
        for reason in order[most:]:
            other = [a + b for a, b in zip(other, by_reason[reason], strict=True)]
        account["columns"] |= _filled({"other_reasons": other})
        account["reasons"] = {places[reason]: column(by_reason[reason]) for reason in order[:most]}
        total.update({reason: sum(by_reason[reason]) for reason in order[:most]})
        others += sum(other)
    commonest, rest = ranked(total)
    return PageData(content | {"reasons": kept}, commonest, others + rest)


def in_script(value: object) -> str:
    """Return a value as JSON that is safe inside a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def column(values: Sequence[int | None]) -> str:
    """Return the values of all days as a text."""
    same = values[:1] if len(set(values)) == 1 else values
    return ",".join(map(_base36, same))


@cache
def _base36(number: int | None) -> str:
    if number is None:
        return "-"
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits


def _account(name: str, rows: Sequence[DayFigures | None]) -> dict[str, Any]:
    there = [one for one in rows if one is not None]
    kinds = sorted({kind for one in there for kind in one.findings})
    return {
        "name": name,
        "columns": _filled(
            {
                key: [0 if one is None else value(one) for one in rows]
                for key, value in _COUNTS.items()
            }
        ),
        "uncovered": column([None if one is None else _uncovered(one) for one in rows]),
        "findings": _filled(
            {
                kind: [0 if one is None else one.findings.get(kind, 0) for one in rows]
                for kind in kinds
            }
        ),
    }


def _filled(columns: Mapping[str, Sequence[int]]) -> dict[str, str]:
    return {key: column(values) for key, values in columns.items() if any(values)}


def _uncovered(one: DayFigures) -> int | None:
    """Return the seconds that are not covered, rounded up; `None` if not known."""
    if one.covered_seconds is None:
        return None
    return max(math.ceil(round(one.seconds) - one.covered_seconds), 0)


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"


def _by_reason(rows: Sequence[DayFigures | None], texts: Mapping[str, str]) -> dict[str, list[int]]:
    """Return an account's failed messages of each day by reason, the most frequent reason first."""
    found: dict[str, list[int]] = {}
    for day, one in enumerate(rows):
        for reason, count in ({} if one is None else one.failure_reasons).items():
            found.setdefault(texts[reason], [0] * len(rows))[day] += count
    order = sorted(found, key=lambda reason: (-sum(found[reason]), reason))
    return {reason: found[reason] for reason in order}


def _room_for(tallies: Sequence[Mapping[str, Sequence[int]]], room: int) -> int:
    """Return how many reasons of each account there is room for."""
    sizes = [
        [
            _MEANING + len(reason.encode()) + len(column(counts))
            for reason, counts in by_reason.items()
        ]
        for by_reason in tallies
    ]
    return next(
        (most for most in _MOST_REASONS if sum(sum(one[:most]) for one in sizes) <= room),
        _MOST_REASONS[-1],
    )
