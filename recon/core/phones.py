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
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from recon.core import utf8

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

#: The key of what is no number.
NONE: Final = -1

#: What may be taken out of a spelling at once, without looking at the rest of it.
_EASY: Final = r"^(?i:whatsapp:)|[ \x{00A0}()-]"

_SHORTEST, _LONGEST = 7, 15
_SHORTEST_BARE = 8
_SHOWN_AT_THE_END = 3
#: Rows that are looked at together: few enough to stay in the processor's cache.
_ROWS: Final = 65_536
_LEAST_HIDDEN, _MOST_HIDDEN = 4, 12
_DOT: Final = "•"
#: Bytes of a word; a spelling is read as two of them.
_WORD: Final = 8
#: By the number of digits: what the first seven are multiplied with, and by how many bits what
#: does not belong to the others is shifted out.
_POWERS: Final = 10 ** np.maximum(np.arange(_LONGEST + 1) - _SHORTEST, 0)
_SHIFTS: Final = (_WORD * (_LONGEST - np.arange(_LONGEST + 1))).astype(np.uint64)

#: Eight bytes as one word, the first the lowest: zeros, and with a `+` in front.
_ZEROS: Final = np.uint64(int.from_bytes(b"00000000", "little"))
_PLUS_AND_ZEROS: Final = np.uint64(int.from_bytes(b"+0000000", "little"))
_PLUS: Final = np.uint64(0x00FF)
_FIRST: Final = np.uint64(0xFF00)
#: A byte from 10 on has its highest bit set after this is added, or had it before.
_BEYOND_NINE: Final = np.uint64(0x7676_7676_7676_7676)
_HIGHEST: Final = np.uint64(0x8080_8080_8080_8080)
#: How eight digits become numbers of two, of four and of eight: what counts, its weights at both
#: ends, and how many bits are left over.
_HALVINGS: Final = tuple(
    (np.uint64(mask), np.uint64(weights), np.uint64(bits))
    for mask, weights, bits in (
        (0x0F0F_0F0F_0F0F_0F0F, 1 + (10 << 8), 8),
        (0x00FF_00FF_00FF_00FF, 1 + (100 << 16), 16),
        (0x0000_FFFF_0000_FFFF, 1 + (10_000 << 32), 32),
    )
)

#: Country codes of two digits (ITU-T E.164, list of assigned codes); 1 and 7 have one, all
#: others three.
_TWO_DIGIT_CODES: Final = frozenset(
    str(code)
    for code in (
        *(20, 27, *range(30, 35), 36, 39, 40, 41, *range(43, 50), *range(51, 59)),
        *(*range(60, 67), 81, 82, 84, 86, *range(90, 96), 98),
    )
)

#: Marks to drop before ten national digits: (spelled, kept, least first digit of the ten).
_MARKS: Final = (
    (521, 52, 2),
    (5201, 52, 2),
    (52044, 52, 2),
    (52045, 52, 2),
    (549, 54, 1),
)

#: Digits of an Argentine mobile, 54 9 and ten: one with more has the inner 15.
_ARGENTINE: Final = 13
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


def keys(numbers: pd.Series, region: str | None) -> NDArray[np.int64]:
    """Return one key a row, equal for two spellings of one user, -1 where there is no such number.

    Clean international numbers are decided by column, about a million in a fifth of a second;
    each other distinct spelling is read once.

    Args:
        numbers: text, as stored; null and blank have no key.
        region: ISO 3166 code of the country whose national numbers are understood. Digits
            without a country code that are no possible number there are tried as international.
            With `None`, 8 to 15 digits that do not begin with 0 are taken as international.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    spelled = _strings(numbers)
    found = np.empty(len(spelled), dtype=np.int64)
    is_clean = np.empty(len(spelled), dtype=np.bool_)
    for start in range(0, len(spelled), _ROWS):
        rows = slice(start, start + _ROWS)
        is_clean[rows], found[rows] = _clean(_one(spelled.slice(start, _ROWS)))
    odd = np.flatnonzero(~is_clean)
    if odd.size:
        coded = _one(spelled.take(pa.array(odd))).dictionary_encode()
        words = coded.dictionary
        is_easy, easy = _clean(pc.replace_substring_regex(words, _EASY, ""))
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
        code = digits[: _country_code_length(digits)]
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


def _clean(spelled: pa.Array) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Tell which spellings are clean and stand as they are, and their numbers (else -1).

    Clean is `+` and 7 to 15 digits, the first no 0. That makes sixteen bytes at most, which are
    read as two words of eight: several times faster than a regular expression and a parser.
    """
    bounds, text = utf8.shared(spelled)
    starts, digits = bounds[:-1], np.diff(bounds) - 1
    is_clean = (digits >= _SHORTEST) & (digits <= _LONGEST)
    if spelled.null_count:
        is_clean &= spelled.is_valid().to_numpy(zero_copy_only=False)
    if all_clean := bool(is_clean.all()):
        stands, number = _numbers(text, starts, digits)
    else:
        stands, number = _numbers(text, starts[is_clean], digits[is_clean])
    number[~stands] = NONE
    if all_clean:
        return stands, number
    found = np.full(is_clean.size, NONE, dtype=np.int64)
    found[is_clean] = number
    is_clean[is_clean] = stands
    return is_clean, found


def _numbers(
    text: NDArray[np.uint8], starts: NDArray[np.int64], digits: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Read a `+` and so many digits from each place on; tell where they are that, and stand."""
    plus_and_seven, rest = _words(text, starts)
    plus_and_seven ^= _PLUS_AND_ZEROS
    rest ^= _ZEROS
    # What follows the spelling goes out at the end of the word.
    rest <<= _SHIFTS.take(digits)

    stands = _are_digits(plus_and_seven, rest)
    stands &= (plus_and_seven & _PLUS == 0) & (plus_and_seven & _FIRST != 0)
    number = _eight_digits(plus_and_seven)
    stands &= digits <= _longest().take(number // 1000, mode="clip")
    number *= _POWERS.take(digits)
    number += _eight_digits(rest)
    return stands, number


def _words(
    text: NDArray[np.uint8], starts: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the sixteen bytes from each place on as two words, an earlier byte a lower one."""
    if not starts.size:
        return np.zeros(0, dtype="<u8"), np.zeros(0, dtype="<u8")
    if starts[-1] + 2 * _WORD > text.size:
        text = np.append(text[starts[0] :], np.zeros(2 * _WORD, dtype=np.uint8))
        starts = starts - starts[0]
    apart = np.diff(starts)
    if apart.size and apart.min() == apart.max():
        # Spellings of one length, as in a business of one country: no place is looked up.
        first, second = (
            np.ndarray(starts.size, "<u8", text, int(starts[0]) + skipped, int(apart[0]))
            for skipped in (0, _WORD)
        )
        return first.copy(), second.copy()
    every = np.ndarray(text.size - _WORD + 1, "<u8", text, strides=1)
    return every[starts], every[_WORD:][starts]


def _are_digits(*words: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Tell in which rows all bytes of all words are 0 to 9."""
    high = np.zeros(words[0].size, dtype=np.uint64)
    for word in words:
        high |= word + _BEYOND_NINE
        high |= word
    fine: NDArray[np.bool_] = high & _HIGHEST == 0
    return fine


def _eight_digits(word: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the number that eight bytes of 0 to 9 spell, as simdjson's number parser does."""
    for mask, weights, bits in _HALVINGS:
        word = word & mask
        word *= weights
        word >>= bits
    return word.view(np.int64)


@cache
def _longest() -> NDArray[np.int64]:
    """Return by the first four digits how many a number may have that stands as it is spelled.

    Those with a 0 behind the country code never do, an Argentine one not with the inner 15.
    """
    table = np.zeros(10_000, dtype=np.int64)
    for number in range(1000, 10_000):
        digits = str(number)
        if digits[_country_code_length(digits)] != "0":
            table[number] = _ARGENTINE if digits.startswith("54") else _LONGEST
    return table


def _country_code_length(digits: str) -> int:
    if digits[:1] in ("1", "7"):
        return 1
    return 2 if digits[:2] in _TWO_DIGIT_CODES else 3


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
        bare = _SHORTEST_BARE <= len(digits) <= _LONGEST and digits[0] != "0"
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
    as_it_stands = int(digits) if _SHORTEST <= len(digits) <= _LONGEST else NONE
    trunk_zero = digits[_country_code_length(digits) :].startswith("0")
    inner_15 = digits.startswith("54") and len(digits) > _ARGENTINE
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
    return int(digits) if len(digits) <= _LONGEST else NONE
