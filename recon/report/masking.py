"""Phone numbers out of sight: in cells of their own and wherever a text repeats them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from recon.core.phones import mask

#: What people put between the digits of a number.
_BETWEEN: Final = r"[\s().\-/]{0,3}"

#: Any number with its country code, also one that no column names.
_INTERNATIONAL: Final = re.compile(rf"\+\d(?:{_BETWEEN}\d){{6,14}}(?!\d)")

#: The same, to take it out.
_SEPARATORS: Final = re.compile(r"[\s().\-/]+")
_DIGIT: Final = re.compile(r"\d")

#: With fewer digits than this a text is only taken for a number where it stands alone.
_FEW_DIGITS: Final = 5


def mask_numbers(text: str, numbers: Iterable[str | None]) -> str:
    """Mask each of `numbers` wherever `text` repeats it, in whatever grouping, and any `+…` number.

    The same digits inside a longer run of digits (an id) are left alone.
    """
    spelled = {number.strip() for number in numbers if number and number.strip()}
    for number in sorted(spelled, key=len, reverse=True):
        if _may_repeat(text, number):
            text = _pattern(number).sub(lambda found: mask(found[0]), text)
    return _INTERNATIONAL.sub(lambda found: mask(found[0]), text)


def _may_repeat(text: str, number: str) -> bool:
    """Say whether `text` is worth a pattern of its own: most texts repeat no number."""
    if number in text:
        return True
    has_digits = _DIGIT.search(text) is not None
    return has_digits and _digits(number).removeprefix("00") in _SEPARATORS.sub("", text)


def _digits(number: str) -> str:
    return "".join(character for character in number if character.isdecimal())


def _pattern(number: str) -> re.Pattern[str]:
    digits = _digits(number)
    if len(digits) < _FEW_DIGITS:
        return re.compile(rf"(?<!\w){re.escape(number)}(?!\w)")
    grouped = _BETWEEN.join(digits.removeprefix("00"))
    anyhow = rf"(?<!\d)(?:\+|00)?{grouped}(?!\d)"
    return re.compile(rf"{re.escape(number)}|{anyhow}")
