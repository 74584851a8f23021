"""The people whom a simulated business writes to: numbers, and the ways to spell them.

Where a country keeps numbers for fiction they are used (Ofcom's 07700 900 for Britain, the 555-01
lines for North America); the others only look right. Nothing is ever sent to any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

#: North American area codes that have the lines 555-0100 to 555-0199.
_AREAS: Final = ("212", "303", "312", "404", "415", "503", "617", "702")


class Contacts:
    """Hands out numbers as Octopods spells them (E.164), none of them twice."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._known: set[str] = set()

    def _new(self, draw: Callable[[], str]) -> str:
        number = draw()
        while number in self._known:
            number = draw()
        self._known.add(number)
        return number

    def _digits(self, count: int) -> str:
        return f"{self._rng.randrange(10**count):0{count}d}"

    def anyone(self) -> str:
        """Return a number of a country at random."""
        return self._rng.choice((self.irish, self.british, self.american))()

    def irish(self) -> str:
        """Return an Irish mobile: `+353` and nine digits."""
        prefix = self._rng.choice(("83", "85", "86", "87", "89"))
        return self._new(lambda: f"+353{prefix}555{self._digits(4)}")

    def british(self) -> str:
        """Return a British mobile: `+44` and ten digits."""
        return self._new(lambda: f"+447700900{self._digits(3)}")

    def american(self) -> str:
        """Return a North American number: `+1` and ten digits."""
        return self._new(lambda: f"+1{self._rng.choice(_AREAS)}55501{self._digits(2)}")

    def brazilian(self) -> str:
        """Return a Brazilian mobile with its ninth digit: `+55`, area, `9` and eight digits."""
        return self._new(lambda: f"+551199555{self._digits(4)}")

    def mexican(self) -> str:
        """Return a Mexican mobile as WhatsApp knows it: `+52 1` and ten digits."""
        return self._new(lambda: f"+521555555{self._digits(4)}")

    def argentine(self) -> str:
        """Return an Argentine mobile as WhatsApp knows it: `+54 9` and ten digits."""
        return self._new(lambda: f"+549115555{self._digits(4)}")


def spaced(number: str) -> str:
    """Spell a number with a space after each three digits: `+353 875 551 234`."""
    digits = number.removeprefix("+")
    return "+" + " ".join(digits[at : at + 3] for at in range(0, len(digits), 3))


def with_zeros(number: str) -> str:
    """Spell a number with `00` where the plus stands."""
    return "00" + number.removeprefix("+")


def irish_national(number: str) -> str:
    """Spell an Irish number as at home: `087 555 1234`."""
    digits = number.removeprefix("+353")
    return f"0{digits[:2]} {digits[2:5]} {digits[5:]}"


def american_style(number: str) -> str:
    """Spell a North American number with brackets and a dash: `+1 (415) 555-0123`."""
    digits = number.removeprefix("+1")
    return f"+1 ({digits[:3]}) {digits[3:6]}-{digits[6:]}"


def whatsapp(number: str) -> str:
    """Spell a number as some messaging libraries do: `whatsapp:+353…`."""
    return f"whatsapp:{number}"


def without_ninth(number: str) -> str:
    """Spell a Brazilian mobile the old way, without the ninth digit."""
    return number[:5] + number[6:]


def without_mobile_digit(number: str) -> str:
    """Spell a Mexican or an Argentine mobile without the digit after the country code."""
    return number[:3] + number[4:]
