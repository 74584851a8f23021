"""Find one person's number, in any spelling, anywhere in a text."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from recon.core import phones, user_ids
from recon.core.e164 import NONE, country_code_length
from recon.core.number_readings import UNREADABLE, national_digits, readings
from recon.core.number_spellings import one_per_user

#: The replacement of the number.
BLANK: Final = "•••"

#: All spellings of one user end with the same digits; a number has at least this many.
_TAIL: Final = 7
#: A number begins so many characters before its last digits at most, separators counted.
_LONGEST_HEAD: Final = 24
#: What people put between two digits of a number: blanks, dashes, brackets, dots and slashes of any
#: script. (A set that names some of these compiles ten times slower.)
SEPARATOR: Final = r"[^\w+,:;'\"]"
BETWEEN: Final = SEPARATOR + "{0,3}"
_HEAD: Final = re.compile(rf"(?:[+\d]|{SEPARATOR})*$")
#: The prefix that people in America and Australia dial before a country code; elsewhere it is 00.
_DIALLED_ABROAD: Final = re.compile(r"^\D*(?:011|0011)(?=\D*[1-9])")


@lru_cache(maxsize=64)
def _ends(tail: str) -> re.Pattern[str]:
    return re.compile(BETWEEN.join(tail) + r"(?!\d)")


class Person(NamedTuple):
    """A WhatsApp user, by a phone number or a user id."""

    key: int
    """From `phones.keys`: equal for all spellings."""
    text: str
    """As it was given."""
    region: str | None
    """The region of national numbers, also in texts."""

    @classmethod
    def of(cls, text: str, region: str | None) -> Person | None:
        """Read a number or user id; `None` if it is neither, or too short to search for."""
        key = int(one_per_user(np.array([readings(text, region)[0]]))[0])
        if key in (NONE, UNREADABLE) or (key < 10**_TAIL):
            return None
        return cls(key, text.strip(), region)

    @property
    def is_number(self) -> bool:
        """Whether it is a phone number, not a user id."""
        return bool(user_ids.key_sorts(np.array([self.key]))[0] == 0)

    @property
    def tail(self) -> str:
        """The end that all spellings share, without separators."""
        return str(self.key)[-_TAIL:] if self.is_number else self.text

    def may_be_in(self, text: str) -> bool:
        """Say whether a text may contain the number; most texts need no closer search."""
        return self.tail[-2:] in text if self.is_number else self.text in text

    def blanked(self, text: str) -> str:
        """Return a text with each spelling of the number replaced by `BLANK`."""
        return self.replaced(text, lambda _: BLANK)

    def replaced(self, text: str, replacement: Callable[[str], str]) -> str:
        """Return a text with each spelling of the number replaced.

        Args:
            text: any text.
            replacement: returns the replacement of a spelling found in the text.
        """
        if not self.is_number:
            return text.replace(self.text, replacement(self.text))
        ends = _ends(self.tail)
        kept: list[str] = []
        at = 0
        for found in ends.finditer(text):
            start = self._start(text, at, found)
            if start is not None:
                kept += [text[at:start], replacement(text[start : found.end()])]
                at = found.end()
        return "".join([*kept, text[at:]]) if kept else text

    def _start(self, text: str, least: int, tail: re.Match[str]) -> int | None:
        """Return where the number that ends with `tail` begins; `None` if it is another number."""
        before = text[max(least, tail.start() - _LONGEST_HEAD) : tail.start()]
        head = _HEAD.search(before)
        first = tail.start() - (len(head[0]) if head is not None else 0)
        for start in range(first, tail.start() + 1):
            begins = text[start] in "+(" or text[start].isdecimal()
            inside = start > 0 and (text[start - 1].isdecimal() or text[start - 1] == "+")
            if begins and not inside and self._is_meant(text[start : tail.end()]):
                return start
        return None

    def _is_meant(self, spelled: str) -> bool:
        regions = {self.region, None, *_regions(str(self.key))}
        spellings = {spelled, _DIALLED_ABROAD.sub("+", spelled)}
        read = [one for region in regions for each in spellings for one in readings(each, region)]
        users = one_per_user(np.array(read, dtype=np.int64))
        if self.key in users.tolist():
            return True
        national = national_digits(re.sub(r"^\D*0", "", spelled))
        return bool(phones.is_national(np.array([national]), np.array([self.key]))[0])


def _regions(digits: str) -> tuple[str, ...]:
    """Return the main country of a calling code: its trunk prefix may be in a spelling."""
    import phonenumbers

    code = int(digits[: country_code_length(digits)])
    return tuple(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code, ())[:1])
