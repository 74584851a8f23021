"""Phone numbers as keys: two spellings of one WhatsApp user have one key.

A key is the number's E.164 digits as a whole number, with one spelling for countries that have two.
Numbers are never rewritten for display; keys are only for comparing.

**One user, two spellings.** Some countries have two spellings of one user: see
`recon.core.number_spellings`. WhatsApp user ids (`recon.core.user_ids`) have keys of their own.

**Two readings.** Digits without a country code may be a number of the configured region or an
international one that lost its `+`. `keys` gives the likelier reading, `second_keys` the other.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from recon.core import blocks, e164
from recon.core.e164 import LONGEST, NONE, country_code_length
from recon.core.number_readings import (
    TRUNK_ZERO,
    UNREADABLE,
    is_international,
    national_digits,
    readings,
    strip_formatting,
)
from recon.core.number_spellings import one_per_user

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

#: What may be taken out of a spelling at once, without regard to the rest of it.
_EASY: Final = r"^(?i:whatsapp:)|[ \x{00A0}()-]"

#: With one of these in front a spelling has its country code, or is no phone number at all.
_MARKED: Final = r"^[^0-9]*(?:\+|00|[^0-9()\s.'-])"
_LONGEST_CODE: Final = 3
_TRUNK: Final = 8
_TENS: Final = 10 ** np.arange(LONGEST + 2, dtype=np.int64)

_SHOWN_AT_THE_END = 3
_LEAST_HIDDEN, _MOST_HIDDEN = 4, 12
_DOT: Final = "•"


def keys(
    numbers: pd.Series, region: str | None, *, block_rows: int = blocks.BLOCK_ROWS
) -> NDArray[np.int64]:
    """Return a key for each row, equal for two spellings of one user.

    It is `NONE` without a text, and `UNREADABLE` for a text that is neither a number nor a user id.

    Clean international numbers are read as a whole column, a million in some hundredths of a
    second. Each other distinct spelling is read once.

    Args:
        numbers: text, as stored.
        region: ISO 3166 code of the country whose national numbers are understood. Digits without a
            country code that are not a possible number there, or are more likely an international
            one, are read as international. With `None`, these are 8 to 15 digits that do not begin
            with 0, and seven digits that are a number of some country.
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
            easy[place] = readings(words[int(place)].as_py(), region)[0]
        codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False)
        found[odd] = np.append(easy, NONE)[codes]
    return one_per_user(found)


def second_keys(numbers: pd.Series, region: str | None) -> NDArray[np.int64]:
    """Return the key of the other reading of each number, `NONE` if it has only one.

    Each distinct spelling without a country code is parsed, so pass only the few numbers whose
    first reading found no partner.

    Args:
        numbers: text, as stored.
        region: as in `keys`. With `None` no number has a second reading: see `bare_digits`.
    """
    if region is None:
        return np.full(len(numbers), NONE)
    return one_per_user(_each_bare(numbers, lambda word: readings(word, region)[1]))


def bare_digits(numbers: pd.Series) -> NDArray[np.int64]:
    """Return the digits of numbers spelled without a country code, else `NONE`.

    They may be a national number of any country, see `number_readings.national_digits`.
    """
    return _each_bare(numbers, national_digits)


def keys_of_any_country(numbers: pd.Series, keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return `keys` of numbers without a configured region, also of those that begin with a 0.

    `0871234567` is no international number, but a national one of some country. It gets a key that
    no other number has, so that it counts as a number, and is compared by its `bare_digits`.
    """
    unread = np.flatnonzero(keys == UNREADABLE)
    if not unread.size:
        return keys
    keys = keys.copy()
    digits = bare_digits(numbers.iloc[unread])
    keys[unread[digits != NONE]] = digits[digits != NONE]
    return keys


def certain_keys(
    numbers: pd.Series, keys: NDArray[np.int64], region: str | None
) -> NDArray[np.int64]:
    """Return `keys` without those of numbers that have a second reading: `NONE` for these."""
    others = bare_digits(numbers) if region is None else second_keys(numbers, region)
    return np.where(others == NONE, keys, NONE)


def begin_with_plus(numbers: pd.Series) -> NDArray[np.bool_]:
    """Say for each number whether it begins with a plus: then it has only one reading."""
    import pyarrow.compute as pc

    begin = pc.fill_null(pc.starts_with(_one(_strings(numbers)), "+"), fill_value=False)
    found: NDArray[np.bool_] = begin.to_numpy(zero_copy_only=False)
    return found


def _each_bare(numbers: pd.Series, read: Callable[[str], int]) -> NDArray[np.int64]:
    """Read each distinct spelling that does not begin with `+` or `00`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    spelled = _one(_strings(numbers))
    found = np.full(len(spelled), NONE)
    # Nearly all begin with a plus, which takes a tenth of the time to see.
    rows = _unlike(pc.starts_with(spelled, "+"))
    rows = rows[_unlike(pc.match_substring_regex(spelled.take(pa.array(rows)), _MARKED))]
    if rows.size:
        coded = spelled.take(pa.array(rows)).dictionary_encode()
        values = np.array([read(word) for word in coded.dictionary.to_pylist()], dtype=np.int64)
        found[rows] = values[coded.indices.to_numpy()]
    return found


def _unlike(matches: pa.Array) -> NDArray[np.intp]:
    """Return the positions of texts that do not match; nulls are left out."""
    import pyarrow.compute as pc

    others = pc.fill_null(pc.invert(matches), fill_value=False)
    return np.flatnonzero(others.to_numpy(zero_copy_only=False))


def calling_codes(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the country code of each phone number's key."""
    digits = np.searchsorted(_TENS, keys, side="right")
    leading = keys // _TENS[np.maximum(digits - _LONGEST_CODE, 0)]
    lengths = _code_lengths()[leading]
    codes: NDArray[np.int64] = leading // 10 ** (_LONGEST_CODE - lengths)
    return codes


@cache
def _code_lengths() -> NDArray[np.int64]:
    """Return the length of the country code of numbers that begin with 0 to 999."""
    return np.array([country_code_length(str(n)) for n in range(1000)])


def with_code(
    digits: NDArray[np.int64], codes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the keys of national digits in the countries of `codes`, else `NONE`.

    The second key leaves out a leading 8, the trunk prefix of some countries. Of digits that begin
    with a 0, the first key leaves it out, and the second one keeps it, as Italy does.
    """
    with_zero = digits >= TRUNK_ZERO
    digits = np.where(with_zero, digits - TRUNK_ZERO, digits)
    length = np.searchsorted(_TENS, digits, side="right")
    tens = _TENS[np.maximum(length - 1, 0)]
    trunk = (length > 1) & (digits // np.maximum(tens, 1) == _TRUNK)
    whole = np.where(digits > 0, codes * tens * 10 + digits, NONE)
    without = np.where(trunk, codes * tens + digits - _TRUNK * tens, NONE)
    without = np.where(with_zero, codes * tens * 100 + digits, without)
    first, second = (
        one_per_user(np.where(found < _TENS[LONGEST], found, NONE)) for found in (whole, without)
    )
    return first, second


def is_national(digits: NDArray[np.int64], keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say for each number without a country code whether it is the national form of a key."""
    whole, without = with_code(digits, calling_codes(keys))
    found: NDArray[np.bool_] = (digits != NONE) & ((whole == keys) | (without == keys))
    return found


def mask(number: str) -> str:
    """Return a masked number, such as `+353••••••567`.

    It shows the country code, if there is one, and up to three last digits. At least four digits
    are always hidden, and nothing is shown of a text that is not a number.
    """
    text = strip_formatting(number)
    digits = "".join(character for character in text if "0" <= character <= "9")
    code = ""
    if is_international(text):
        digits = digits.removeprefix("00")
        code = digits[: country_code_length(digits)]
    spare = len(digits) - len(code) - _LEAST_HIDDEN
    if spare < 0:
        return _DOT * _LEAST_HIDDEN
    shown = min(spare, _SHOWN_AT_THE_END)
    hidden = _DOT * min(len(digits) - len(code) - shown, _MOST_HIDDEN)
    return ("+" + code if code else "") + hidden + digits[len(digits) - shown :]


def _strings(numbers: pd.Series) -> pa.ChunkedArray:
    """Return the column as an Arrow array, without a copy if it already is one."""
    import pyarrow as pa

    column = pa.array(numbers.astype("str"), from_pandas=True)
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
