"""Mask phone numbers in their own cells, and in texts that repeat them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from recon.core.person import BETWEEN, SEPARATOR, Person
from recon.core.phones import mask

#: Any number with its country code, also one that no column names.
_INTERNATIONAL: Final = re.compile(rf"\+\d(?:{BETWEEN}\d){{6,14}}(?!\d)")

#: The same, to take it out.
_SEPARATORS: Final = re.compile(rf"{SEPARATOR}+")
_DIGIT: Final = re.compile(r"\d")

#: A text with fewer digits counts as a number only if nothing else is around it.
_FEW_DIGITS: Final = 5
#: All spellings of a number end with the same digits, at least this many.
_END: Final = 7
#: If one spelling lacks the country code, this many equal last digits mean the same number.
_SAME_END: Final = 8


def mask_numbers(text: str, numbers: Iterable[str | None]) -> str:
    """Mask each of `numbers` in `text`, in any spelling, and any `+…` number.

    A spelling may be national or international, with or without trunk prefix, in any grouping. The
    same digits within more digits are not masked, unless those may be the number too.
    """
    spelled = {number.strip() for number in numbers if number and number.strip()}
    for number in sorted(spelled, key=len, reverse=True):
        if _may_repeat(text, number):
            text = _pattern(number).sub(lambda found: mask(found[0]), text)
            person = Person.of(number, None) if _may_repeat(text, number) else None
            text = text if person is None else person.replaced(text, mask)
    return _INTERNATIONAL.sub(lambda found: mask(found[0]), text)


def _may_repeat(text: str, number: str) -> bool:
    """Say whether `text` may contain a number; most texts need no closer search."""
    if number in text:
        return True
    if _DIGIT.search(text) is None:
        return False
    digits = _digits(number)
    # All spellings of a number end alike.
    return len(digits) >= _FEW_DIGITS and digits[-_END:] in _SEPARATORS.sub("", text)


def _digits(number: str) -> str:
    return "".join(character for character in number if character.isdecimal())


def _pattern(number: str) -> re.Pattern[str]:
    digits = _digits(number)
    if len(digits) < _FEW_DIGITS:
        return re.compile(rf"(?<!\w){re.escape(number)}(?!\w)")
    prefix = r"(?:\+|00)?"
    if not number.startswith(("+", "00")) and len(digits) >= _SAME_END:
        # It may be national, with a trunk prefix that nothing tells, and spelled with its code.
        abroad = rf"(?:(?:\+|00|0?011){BETWEEN})?"
        prefix, digits = rf"{abroad}(?:\d{BETWEEN}){{0,6}}", digits[-_SAME_END:]
    grouped = BETWEEN.join(digits.removeprefix("00"))
    return re.compile(rf"{re.escape(number)}|(?<!\d){prefix}{grouped}(?!\d)")
