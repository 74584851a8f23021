"""Phone numbers as keys: two spellings of one WhatsApp user have one key.

A key is the number's E.164 digits as a whole number, after three countries' double spellings are
brought to one. Numbers are never rewritten for display; keys are only for comparing.

**Reading.** A spelling is *international* where it begins with `+` or `00`, or is a WhatsApp
address (`353871234567@c.us`). 7 to 15 international digits that do not begin with 0 (ITU-T
E.164, section 6) are taken as they stand, whether or not a numbering plan has them: Octopods' own
examples (`+1 555 123 4567`) have none. The parser (`phonenumbers`, the metadata of Google's
libphonenumber) decides the rest: national spellings, a trunk prefix behind the country code
(`+353 (0)87 …`) and Argentina's inner 15. It must call a number *possible*, that is, of a length
its country has.

**One user, two spellings.** WhatsApp identifies users by number and has kept, for old accounts,
the spelling of the day they registered. Each of these is a class of two, so one of the two can
stand for both, and no candidate sets are needed:

- *Brazil.* From 2012 to 2016 each mobile number got a 9 in front (ANATEL, Resolução 553/2010):
  `55 DD XXXX-XXXX` became `55 DD 9XXXX-XXXX`. Eight digits that begin with 2 to 5 are a fixed
  line (so libphonenumber's metadata), with 6 to 9 an old mobile. So the 9 is dropped where 6 to 9
  follows it, and only there: `9 4123-4567` came after the change, and `4123-4567` is
  somebody's fixed line. (Trunked radio on 7 did not get the 9; those networks were shut in 2018,
  before they could matter here.)
- *Mexico.* Until August 2019 mobiles were called with a 1 behind the country code from abroad, and
  with 044 or 045 at home; 01 was the trunk prefix. IFT's numbering plan did away with all of
  them: 52 and ten digits. WhatsApp still reports `52 1 …` for many.
- *Argentina.* A mobile is `54 9`, area code, subscriber from abroad, and `0`, area code, `15`,
  subscriber at home; the 9 and the 15 only say that the called party is a mobile (ENACOM's
  numbering plan: area code and subscriber are ten digits and given out once, to a fixed or
  a mobile line). Both marks are dropped.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

import numpy as np

from recon.core import blocks, e164
from recon.core.e164 import ARGENTINE, LONGEST, NONE, SHORTEST, country_code_length

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

#: What may be taken out of a spelling at once, without looking at the rest of it.
_EASY: Final = r"^(?i:whatsapp:)|[ \x{00A0}()-]"

_SHORTEST_BARE = 8
_SHOWN_AT_THE_END = 3
_LEAST_HIDDEN, _MOST_HIDDEN = 4, 12
_DOT: Final = "•"

#: Marks to drop before ten national digits: (spelled, kept, least first digit of the ten).
_MARKS: Final = (
    (521, 52, 2),
    (5201, 52, 2),
    (52044, 52, 2),
    (52045, 52, 2),
    (549, 54, 1),
)

#: From the least Brazilian number with an area code and a ninth digit to the end of Brazil's.
_BRAZIL: Final = (55_11_9_0000_0000, 56_00_0_0000_0000)
#: The least nine digits that an old Brazilian mobile has become.
_OLD_MOBILE: Final = 9_6000_0000
#: All of the above have thirteen digits or more: most numbers are shorter.
_LEAST_DOUBLE: Final = 10**12

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


def keys(
    numbers: pd.Series, region: str | None, *, block_rows: int = blocks.BLOCK_ROWS
) -> NDArray[np.int64]:
    """Return one key a row, equal for two spellings of one user, -1 where there is no such number.

    Clean international numbers are decided by column, a million in some hundredths of a second;
    each other distinct spelling is read once.

    Args:
        numbers: text, as stored; null and blank have no key.
        region: ISO 3166 code of the country whose national numbers are understood. Digits
            without a country code that are no possible number there are tried as international.
            With `None`, 8 to 15 digits that do not begin with 0 are taken as international.
        block_rows: rows that one thread works on at a time; no result depends on it.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    spelled = _strings(numbers)
    found = np.empty(len(spelled), dtype=np.int64)
    is_clean = np.empty(len(spelled), dtype=np.bool_)

    def read(rows: slice) -> None:
        is_clean[rows], found[rows] = e164.clean(_one(spelled[rows]))

    blocks.map_blocks(len(spelled), read, block_rows=block_rows)
    odd = np.flatnonzero(~is_clean)
    if odd.size:
        coded = _one(spelled.take(pa.array(odd))).dictionary_encode()
        words = coded.dictionary
        is_easy, easy = e164.clean(pc.replace_substring_regex(words, _EASY, ""))
        for place in np.flatnonzero(~is_easy):
            easy[place] = _read(words[int(place)].as_py(), region)
        codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False)
        found[odd] = np.append(easy, NONE)[codes]
    return _one_per_user(found)


def key(number: str, region: str | None) -> int:
    """Return the key of one spelling, by the rules of `keys`; -1 where it is no number."""
    return _user(_read(number, region))


def mask(number: str) -> str:
    """Return a spelling to recognise a number by, not to call it: `+353••••••567`.

    Kept are the country code, where the spelling has one, and up to three last digits. At least
    four digits are always hidden, and of what is no number nothing is shown.
    """
    text = _plain(number)
    digits = "".join(character for character in text if "0" <= character <= "9")
    code = ""
    if text.startswith(("+", "00")) or _ADDRESS.fullmatch(text):
        digits = digits.removeprefix("00")
        code = digits[: country_code_length(digits)]
    spare = len(digits) - len(code) - _LEAST_HIDDEN
    if spare < 0:
        return _DOT * _LEAST_HIDDEN
    shown = min(spare, _SHOWN_AT_THE_END)
    hidden = _DOT * min(len(digits) - len(code) - shown, _MOST_HIDDEN)
    return ("+" + code if code else "") + hidden + digits[len(digits) - shown :]


def _strings(numbers: pd.Series) -> pa.ChunkedArray:
    """Hand the column over to Arrow, without a copy where it lies there already."""
    import pyarrow as pa

    column = pa.array(numbers.astype("str"), from_pandas=True)
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _one_per_user(found: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bring the two spellings of a Brazilian, Mexican or Argentine mobile to one; see the top."""
    long = np.flatnonzero(found >= _LEAST_DOUBLE)
    user = found[long]
    for spelled, kept, least in _MARKS:
        low, high = spelled * 10**10 + least * 10**9, (spelled + 1) * 10**10
        user[(user >= low) & (user < high)] -= (spelled - kept) * 10**10
    brazil = np.flatnonzero((user >= _BRAZIL[0]) & (user < _BRAZIL[1]))
    old_mobile = brazil[user[brazil] % 10**9 >= _OLD_MOBILE]
    user[old_mobile] = user[old_mobile] // 10**9 * 10**8 + user[old_mobile] % 10**8
    found = found.copy()
    found[long] = user
    return found


def _user(number: int) -> int:
    return int(_one_per_user(np.array([number], dtype=np.int64))[0])


def _read(text: str, region: str | None) -> int:
    """Return the E.164 digits that one spelling means, in any spelling of the user; else -1."""
    text = _plain(text)
    if address := _ADDRESS.fullmatch(text):
        return _international(address[1])
    match = _DIGITS.fullmatch(_SEPARATORS.sub("", _EXTENSION.sub("", text)))
    if match is None:
        return NONE
    plus, digits = match.groups()
    if plus or digits.startswith("00"):
        return _international(digits.removeprefix("00"))
    if region is None:
        bare = _SHORTEST_BARE <= len(digits) <= LONGEST and digits[0] != "0"
        return _international(digits) if bare else NONE
    region = region.upper()
    if region == "MX" and (at_home := _MEXICO_AT_HOME.fullmatch(digits)):
        digits = at_home[1]
    number = _parsed(digits, region)
    if number != NONE:
        return number
    number = _international(digits)
    # The metadata knows only today's spelling of a Mexican, hence the user's number.
    known = number != NONE and _parsed(f"+{_user(number)}", None) != NONE
    return number if known else NONE


def _plain(text: str) -> str:
    """Bring a spelling to lower-case ASCII without scheme, blanks, dashes and a float's tail."""
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
    """Return what the parser makes of plain digits, -1 where that is not possible."""
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
