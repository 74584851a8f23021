"""The calling code of a number, and its country."""

from __future__ import annotations

from typing import Final, NamedTuple

#: So much of a number tells its country: `+` and three digits (ITU-T E.164), or the country of a
#: user id, such as `US.`.
PREFIX_LENGTH: Final = 4

#: The number parser's value for codes that belong to no country, such as those of satellites.
_NO_COUNTRY: Final = "001"
_LONGEST_CODE: Final = 3


class Country(NamedTuple):
    """Where a number is from; both texts are empty if that is not known."""

    calling_code: str
    """Digits without `+`; empty for a user id."""
    country: str
    """ISO 3166 code. If countries share a calling code, it is the main one: `US` for +1."""


def country(number: str) -> Country:
    """Return where a number or WhatsApp user id is from.

    Args:
        number: E.164 with `+`, a user id such as `US.1349`, or the first `PREFIX_LENGTH`
            characters of one.
    """
    if number[2:3] == "." and number[:2].isalpha():
        return Country("", number[:2].upper())
    if not number.startswith("+"):
        return Country("", "")
    import phonenumbers

    for length in range(1, _LONGEST_CODE + 1):
        code = number[1 : 1 + length]
        if not (code.isascii() and code.isdigit() and len(code) == length):
            break
        # No code is the beginning of another one.
        if (regions := phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code))) is not None:
            return Country(code, "" if regions[0] == _NO_COUNTRY else regions[0])
    return Country("", "")
