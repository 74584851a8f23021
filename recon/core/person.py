"""One person's number, in each spelling, wherever it stands in a text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from recon.core import phones, user_ids
from recon.core.e164 import NONE
from recon.core.number_readings import UNREADABLE, national_digits, readings
from recon.core.number_spellings import one_per_user

#: What stands where the number stood.
BLANK: Final = "•••"

#: All spellings of one user end with the same digits; a number has at least so many.
_TAIL: Final = 7
#: A number begins so many characters before its last digits at most, separators counted.
_LONGEST_HEAD: Final = 24
_BETWEEN: Final = r"[\s().\-/\u00a0]{0,3}"
_HEAD: Final = re.compile(r"[+\d\s().\-/\u00a0]*$")


@cache
def _ends(tail: str) -> re.Pattern[str]:
    return re.compile(_BETWEEN.join(tail) + r"(?!\d)")


@dataclass(frozen=True, slots=True)
class Person:
    """A WhatsApp user, by a phone number or a user id."""

    key: int
    """As `phones.keys` gives it: equal for all spellings."""
    text: str
    """As it was given."""
    region: str | None
    """Of national numbers, in texts too."""

    @classmethod
    def of(cls, text: str, region: str | None) -> Person | None:
        """Read a number or user id; `None` where it is neither, or too short to search for."""
        import pandas as pd

        key = int(phones.keys(pd.Series([text], dtype="str"), region)[0])
        if key in (NONE, UNREADABLE) or (key < 10**_TAIL):
            return None
        return cls(key, text.strip(), region)

    @property
    def is_number(self) -> bool:
        """Whether it is a phone number, not a user id."""
        return bool(user_ids.key_sorts(np.array([self.key]))[0] == 0)

    @property
    def tail(self) -> str:
        """What every spelling holds at its end, separators left out."""
        return str(self.key)[-_TAIL:] if self.is_number else self.text

    def may_be_in(self, text: str) -> bool:
        """Say whether a text is worth a closer search: most hold nothing like it."""
        return self.tail[-2:] in text if self.is_number else self.text in text

    def blanked(self, text: str) -> str:
        """Return a text with each spelling of the number replaced by `BLANK`."""
        if not self.is_number:
            return text.replace(self.text, BLANK)
        ends = _ends(self.tail)
        kept: list[str] = []
        at = 0
        for found in ends.finditer(text):
            start = self._start(text, at, found)
            if start is not None:
                kept += [text[at:start], BLANK]
                at = found.end()
        return "".join([*kept, text[at:]]) if kept else text

    def _start(self, text: str, least: int, tail: re.Match[str]) -> int | None:
        """Return where the number begins that ends with `tail`; `None` where it is another one."""
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
        read = [*readings(spelled, self.region), *readings(spelled, None)]
        users = one_per_user(np.array(read, dtype=np.int64))
        if self.key in users.tolist():
            return True
        national = national_digits(re.sub(r"^\D*0", "", spelled))
        return bool(phones.is_national(np.array([national]), np.array([self.key]))[0])
