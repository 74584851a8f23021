"""Rewrite other spellings of a time to ISO 8601 if they have only one meaning.

It reads dates with the year first (`2026/4/24 9:05`, `2026-4-24 9:05 PM`), with the month as a word
(RFC 2822: `Fri, 24 Apr 2026 10:00:00 +0000`; `Fri Apr 24 10:00:00 UTC 2026`; `Apr 24, 2026 10:00
AM`), fourteen digits (`20260424100000`), and a few that one program writes (Go, DB2, Java,
JavaScript, .NET, MongoDB). It does not read day and month as two numbers, a year of two digits,
serial numbers or nanoseconds: they could mean something else, so they are only named in the reason.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

#: Each month's short name and the rest of its long one.
_MONTHS: Final = (
    ("Jan", "uary"), ("Feb", "ruary"), ("Mar", "ch"), ("Apr", "il"), ("May", ""), ("Jun", "e"),
    ("Jul", "y"), ("Aug", "ust"), ("Sep", "t(?:ember)?"), ("Oct", "ober"), ("Nov", "ember"),
    ("Dec", "ember"),
)  # fmt: skip
_HAS_MONTH: Final = rf"(?i)\b(?:{'|'.join(name for name, _ in _MONTHS)})"
_WEEKDAY: Final = "(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*[,.]? +)?"
_CLOCK: Final = "[0-9]{1,2}:[0-9:.]+(?: ?[AP][.]?M[.]?)?"
_ZONE: Final = " +[A-Z]{1,3}| +[+-][0-9:]+"


def _month_rules(number: int, month: str) -> tuple[tuple[str, str], ...]:
    """Return patterns and replacements that turn the name of a month into its number."""
    return (
        (rf"^{_WEEKDAY}([0-9]{{1,2}})[ -]+{month},?[ -]+([0-9]{{4}})\b", rf"\2-{number:02}-\1"),
        (
            rf"^{_WEEKDAY}{month} +([0-9]{{1,2}}) +({_CLOCK})({_ZONE})? +([0-9]{{4}})$",
            rf"\4-{number:02}-\1 \2\3",
        ),
        (rf"^{_WEEKDAY}{month} +([0-9]{{1,2}}),? +([0-9]{{4}})\b", rf"\2-{number:02}-\1"),
        (rf"^([0-9]{{4}})[ -]+{month}[ -]+([0-9]{{1,2}})\b", rf"\1-{number:02}-\2"),
    )


_MONTH_RULES: Final = tuple(
    rule
    for number, (name, rest) in enumerate(_MONTHS, start=1)
    for rule in _month_rules(number, f"{name}(?:{rest})?[.]?")
)
#: Zones that RFC 2822 (4.3) gives an offset.
_RFC_ZONES: Final = {
    "EST": "-0500", "EDT": "-0400", "CST": "-0600", "CDT": "-0500",
    "MST": "-0700", "MDT": "-0600", "PST": "-0800", "PDT": "-0700",
}  # fmt: skip

#: Pattern and replacement, one after the other.
_RULES: Final = (
    # Blanks that do not break, as `toLocaleString` and spreadsheets write them.
    (r"[\x{a0}\x{2009}\x{202f}]", " "),
    # The shell of MongoDB.
    (r"""^(?:ISODate|new Date)\(["']([^"']+)["']\)$""", r"\1"),
    (r"^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([.][0-9]+)?$",
     r"\1-\2-\3 \4:\5:\6\7"),
    (r" ?\((?:UTC|GMT)\)$", "Z"),
    # Java's `[Europe/Dublin]` and JavaScript's `(Irish Standard Time)` after an offset.
    (r"((?:[Zz]|[+-][0-9]{2}:?[0-9]{2})) *(?:\[[^\]]*\]|\([^)]*\))$", r"\1"),
    (r"([+-][0-9]{2}:?[0-9]{2}) (?:UTC|GMT|Z)$", r"\1"),
    (r" ?(?:UTC|GMT) ?([+-][0-9]{2}:?[0-9]{2})$", r"\1"),
    (r" ?UT$", "Z"),
    # `\/Date(1776938400000+0100)\/`: milliseconds since the epoch, whatever the offset.
    (r"^\\?/Date\(([0-9]{13})(?:[+-][0-9]{4})?\)\\?/$", r"\1"),
    (r"^([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})([^0-9]|$)", r"\1-\2-\3\4"),
    (r"^([0-9]{4})[.] ?([0-9]{1,2})[.] ?([0-9]{1,2})[.]?([^0-9]|$)", r"\1-\2-\3\4"),
    (r"^([0-9]{4})-([0-9])-", r"\1-0\2-"),
    (r"^([0-9]{4}-[0-9]{2})-([0-9])(\D|$)", r"\1-0\2\3"),
    (r"^(.{10})-([0-9]{2})[.]([0-9]{2})[.]([0-9]{2})", r"\1 \2:\3:\4"),
    (r"^(.{10}) ([0-9]{1,2})[.]([0-9]{2})[.]([0-9]{2})\b", r"\1 \2:\3:\4"),
    (r"^([0-9]{4}-[0-9]{2}-[0-9]{2})(?: *[Tt,] *| +)([0-9])", r"\1 \2"),
    (r"^(.{10}) ([0-9]):", r"\1 0\2:"),
    (r"^(.{10} [0-9]{2}):([0-9])(\D|$)", r"\1:0\2\3"),
    (r"^(.{10} [0-9]{2}:[0-9]{2}):([0-9])(\D|$)", r"\1:0\2\3"),
)  # fmt: skip

_HALF_DAY: Final = (
    r"(?i)^(.{10} )(0[1-9]|1[0-2])(:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]+)?)?)"
    r"[ \x{a0}\x{202f}]?%s[.]?m[.]?\b[.]?"
)

_SERIAL: Final = r"^(?:39[89][0-9]{2}|[4-9][0-9]{4}|10[0-9]{4})(?:[.,][0-9]+)?$"
#: What a text that is not a readable time may be, and what to do about it.
_CAUSES: Final = (
    (_SERIAL, "; is it a spreadsheet's serial number? Export it as a date: 2026-04-24 10:00:00"),
    (
        r"^[1-7][0-9]{18}$|^[1-7][.][0-9]+e[+]18$",
        "; nanoseconds since the epoch? Write them as seconds, milliseconds or microseconds",
    ),
    (
        r"^[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2}([0-9]{2})?\b",
        "; which number is the month? Write the year first, as in 2026-04-24",
    ),
    (r"(?i)^[0-9]{1,2}[ -][a-z]{3}[ -][0-9]{2}\b", "; write the year with four digits"),
    (r"[0-9] ?[A-Z]{3,5}$", "; write the zone as an offset, as in +01:00"),
)


def rewritten(texts: pa.Array) -> pa.Array:
    """Return times in ISO 8601 if they have only one meaning; others stay as they are.

    Args:
        texts: `large_string` without blanks around them; nulls stay null.
    """
    if pc.any(pc.match_substring_regex(texts, _HAS_MONTH)).as_py():
        for pattern, form in _MONTH_RULES:
            texts = pc.replace_substring_regex(texts, f"(?i){pattern}", form)
        for zone, offset in _RFC_ZONES.items():
            texts = pc.replace_substring_regex(texts, f" {zone}$", offset)
    for pattern, form in _RULES:
        texts = pc.replace_substring_regex(texts, pattern, form)
    return _of_24_hours(texts)


def _of_24_hours(texts: pa.Array) -> pa.Array:
    half = pc.match_substring_regex(texts, _HALF_DAY % "[ap]")
    if not pc.any(half).as_py():
        return texts
    afternoon = pc.match_substring_regex(texts, _HALF_DAY % "p")
    plain = pc.replace_substring_regex(texts, _HALF_DAY % "[ap]", r"\1\2\3")
    early = pc.replace_substring_regex(plain, "^(.{10}) 12", r"\1 00")
    late = plain
    # From the last hour on: what has become 13 is not to be taken for 01 again.
    for hour in range(11, 0, -1):
        late = pc.replace_substring_regex(late, f"^(.{{10}}) {hour:02}", f"\\1 {hour + 12}")
    return pc.if_else(half, pc.if_else(afternoon, late, early), texts)


def causes(texts: pa.Array) -> pa.Array:
    """Return, for each text that is not a readable time, what it may be; empty if unknown."""
    found = pa.array([""] * len(texts), pa.large_string())
    for pattern, cause in reversed(_CAUSES):
        matches = pc.fill_null(pc.match_substring_regex(texts, pattern), fill_value=False)
        found = pc.if_else(matches, pa.scalar(cause, pa.large_string()), found)
    return found
