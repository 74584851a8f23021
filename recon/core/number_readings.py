"""Which numbers one spelling of a phone number or WhatsApp user id may mean.

A spelling is *international* if it begins with `+` or `00`, or is a WhatsApp address
(`353871234567@c.us`). 7 to 15 international digits that do not begin with 0 (ITU-T E.164, section
6) are accepted unchanged, even if no numbering plan has them, as in Octopods' own example (`+1 555
123 4567`). The parser (`phonenumbers`, the metadata of Google's libphonenumber) decides the rest:
national spellings, a trunk prefix behind the country code (`+353 (0)87 …`) and Argentina's inner
15. It must find the number *possible*: its country has numbers of this length.

Digits without a country code may be a number of the configured region or an international one that
lost its `+`. If both are possible, the spelling has two readings.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import numpy as np

from recon.core import user_ids
from recon.core.e164 import ARGENTINE, LONGEST, NONE, SHORTEST, country_code_length
from recon.core.number_spellings import EIGHT_DIGITS, one_per_user

#: The key of a text that is neither a number nor a user id; of no text at all it is `NONE`.
UNREADABLE: Final = -2

#: Added to digits that begin with a trunk 0, which is left out: more than any number has.
TRUNK_ZERO: Final = 10 ** (LONGEST + 1)
_SHORTEST_BARE: Final = 8
#: Digits of a number of Côte d'Ivoire or Benin before it grew to ten.
_EIGHT: Final = 8

_DROPPED: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Pd"})
_PLUSES: Final = frozenset("+\uff0b\ufe62")
_SCHEME: Final = re.compile(r"(?:whatsapp:|tel:)*")
_ADDRESS: Final = re.compile(r"\+?([0-9]+)(?::[0-9]+)?@(?:c\.us|s\.whatsapp\.net)")
_EXTENSION: Final = re.compile(r"(?:;ext=|ext\.?|x|#)[0-9]{1,7}$")
_FLOAT: Final = re.compile(r"(\+?[0-9]{5,})\.0+")
#: Also the minus sign, two marks used as dashes, and the full-width forms of the others.
_SEPARATORS: Final = re.compile(r"[./()\[\]'\u2212\u2043\u30fc\uff0e\uff08\uff09\uff0f]")
_DIGITS: Final = re.compile(r"(\+?)([0-9]+)")
_MEXICO_AT_HOME: Final = re.compile(r"(?:01|04[45]|1)([2-9][0-9]{9})")


def readings(text: str, region: str | None) -> tuple[int, int]:
    """Return the one or two readings of a spelling, the more likely one first.

    Each is E.164 digits as a whole number, or the key of a user id. The second is usually `NONE`;
    the first is `UNREADABLE` without any reading.
    """
    if (user := user_ids.user_id_key(text)) is not None:
        return user, NONE
    spelled = strip_formatting(text)
    if not spelled:
        # A dash or an invisible character is dropped.
        return (UNREADABLE if any(map(str.isalnum, text)) else NONE), NONE
    if address := _ADDRESS.fullmatch(spelled):
        return _or_unreadable(_international(address[1])), NONE
    match = _DIGITS.fullmatch(_SEPARATORS.sub("", _EXTENSION.sub("", spelled)))
    if match is None:
        return UNREADABLE, NONE
    plus, digits = match.groups()
    if plus or digits.startswith("00"):
        return _or_unreadable(_international(digits.removeprefix("00"))), NONE
    if region is None:
        return _or_unreadable(_without_region(digits)), NONE
    return _with_region(digits, region.upper())


def _without_region(digits: str) -> int:
    """Read digits as an international number; seven digits only if a country has that number.

    Seven digits are usually a number without its area code. Only Niue, Tokelau and Saint Helena
    have numbers of seven digits with the country code.
    """
    if len(digits) == SHORTEST and digits[0] != "0" and _is_valid(int(digits)):
        return int(digits)
    whole = _SHORTEST_BARE <= len(digits) <= LONGEST and digits[0] != "0"
    return _international(digits) if whole else NONE


def is_international(spelled: str) -> bool:
    """Say whether a spelling, as `strip_formatting` returns it, has its country code."""
    return spelled.startswith(("+", "00")) or _ADDRESS.fullmatch(spelled) is not None


def _user(number: int) -> int:
    return int(one_per_user(np.array([number], dtype=np.int64))[0])


def _or_unreadable(number: int) -> int:
    return UNREADABLE if number == NONE else number


def _with_region(digits: str, region: str) -> tuple[int, int]:
    """Read digits that may be a national number of `region` or an international one."""
    national = _national(digits, region)
    number = _international(digits)
    # The metadata knows only today's spelling of a Mexican, hence the user's number.
    if number != NONE and not _is_possible(number):
        number = NONE
    if NONE in (national, number) or _user(national) == _user(number):
        return _or_unreadable(number if national == NONE else national), NONE
    if _is_valid(number) and (digits.startswith(_calling_code(region)) or not _is_valid(national)):
        return number, national
    return national, number


def _national(digits: str, region: str) -> int:
    """Read digits as a national number of `region`; `NONE` if they are not one."""
    if region == "MX" and (at_home := _MEXICO_AT_HOME.fullmatch(digits)):
        digits = at_home[1]
    number = _parsed(digits, region)
    if number == NONE and region in EIGHT_DIGITS and len(digits) == _EIGHT:
        return EIGHT_DIGITS[region] * 10**_EIGHT + int(digits)
    return number


def national_digits(text: str) -> int:
    """Return the digits of a spelling without a country code, else `NONE`.

    They may be a national number of any country. If they begin with 0, in most countries the prefix
    of a long-distance call, the rest is returned plus `TRUNK_ZERO`.
    """
    digits = _SEPARATORS.sub("", _EXTENSION.sub("", strip_formatting(text)))
    if not (digits.isdecimal() and _SHORTEST_BARE <= len(digits) <= LONGEST):
        return NONE
    if digits[0] != "0":
        return int(digits)
    return NONE if digits[1] == "0" else TRUNK_ZERO + int(digits)


def _calling_code(region: str) -> str:
    import phonenumbers

    return str(phonenumbers.country_code_for_region(region))


def _is_possible(number: int) -> bool:
    """Say whether a number has a length that its country has, or had."""
    if _parsed(f"+{number}", None) != NONE or _parsed(f"+{_user(number)}", None) != NONE:
        return True
    return number // 10**_EIGHT in EIGHT_DIGITS.values()


def _is_valid(number: int) -> bool:
    import phonenumbers

    spelled = phonenumbers.parse(f"+{number}", None)
    return phonenumbers.is_valid_number(spelled) or number // 10**_EIGHT in EIGHT_DIGITS.values()


def strip_formatting(text: str) -> str:
    """Convert a spelling to lower-case ASCII without scheme, spaces, dashes and a float's `.0`."""
    if text.isascii() and text.isprintable():
        text = text.replace(" ", "").replace("-", "").lower()
    else:
        text = "".join(map(_plain_character, text))
    text = _SCHEME.sub("", text, count=1)
    integer = _FLOAT.fullmatch(text)
    return integer[1] if integer else text


def _plain_character(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if character in _PLUSES:
        return "+"
    return "" if unicodedata.category(character) in _DROPPED else character.lower()


def _international(digits: str) -> int:
    """Read digits that begin with a country code."""
    if not digits or digits[0] == "0":
        return NONE
    as_it_stands = int(digits) if SHORTEST <= len(digits) <= LONGEST else NONE
    trunk_zero = digits[country_code_length(digits) :].startswith("0")
    inner_15 = digits.startswith("54") and len(digits) > ARGENTINE
    if not (trunk_zero or inner_15):
        return as_it_stands
    if inner_15 and digits.startswith("549"):
        digits = "54" + digits[3:]  # the parser knows the 9 or the 15, not both
    number = _parsed("+" + digits, None)
    return as_it_stands if number == NONE else number


def _parsed(spelled: str, region: str | None) -> int:
    """Return the parser's result for plain digits, -1 if the number is not possible."""
    import phonenumbers

    try:
        number = phonenumbers.parse(spelled, region)
    except phonenumbers.NumberParseException:
        return NONE
    possible = phonenumbers.ValidationResult.IS_POSSIBLE
    if phonenumbers.is_possible_number_with_reason(number) != possible:
        return NONE
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    digits = written.removeprefix("+")
    return int(digits) if len(digits) <= LONGEST else NONE
