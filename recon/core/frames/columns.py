"""Convert raw columns of any source to whole numbers, texts, phone numbers and statuses.

A column is an Arrow array or a plain list, of the type that the source has. All work is done on
whole columns. Python handles single values only if a list mixes types, and then each distinct value
once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from recon.core import utf8
from recon.core.frames import bare_ids
from recon.core.statuses import LOCAL_WORDS, canonical

#: A column as a source gives it: a list of Python values, or an Arrow array, chunked or not.
Column: TypeAlias = Sequence[Any] | pa.Array | pa.ChunkedArray
#: Raw columns by field, all of one length.
Raw: TypeAlias = Mapping[str, Column]

#: What databases, spreadsheets and languages write for null, in lower case.
NULL_WORDS: Final = frozenset(
    {
        "", "null", "none", "nan", "-nan", "nil", "nat", "na", "n/a", "undefined", "\\n",
        "(null)", "[null]", "<null>", "<na>", "(none)", "#null!", "#n/a", "#n/a n/a", "#na",
        "-", "--", "\u2013", "\u2014",
        # A spreadsheet's `#N/A` in other languages, and an empty cell in its pivot tables.
        "#n/d", "#nv", "#n/b", "#\u043d/\u0434", "n.a.", "n/d", "(blank)", "(empty)",
    }
)  # fmt: skip
_LONGEST_NULL_WORD: Final = max(map(len, NULL_WORDS))
_BEGINS_A_NUMBER: Final = np.isin(np.arange(256), [*b"+0123456789"])
#: The first bytes of blanks, of ASCII and beyond.
_BLANK: Final = np.isin(np.arange(256), [*b" \t\r\n\f\v\x1c\x1d\x1e\x1f\xc2\xe1\xe2\xe3"])

#: The largest whole number up to which a float holds every whole number exactly.
_EXACT_FLOAT: Final = 2**53
_MANY_DIGITS: Final = 40
_INT64: Final = range(-(2**63), 2**63)

#: Whole numbers that certainly fit into 64 bits; others are read one by one.
_FITS: Final = r"(?:[0-9]{1,18}|[0-8][0-9]{18}|9[01][0-9]{17}|92[01][0-9]{16})"
_WHOLE: Final = rf"^-?{_FITS}$"
_WHOLE_WITH_POINT: Final = rf"^-?{_FITS}\.0*$"
_ANY_WHOLE: Final = re.compile(r"(-?[0-9]+)(?:\.0*)?", re.ASCII)
#: A whole number in its only spelling: made a number and text again, it is the same.
_WHOLE_FLOAT_ID: Final = r"^(0|-?[1-9][0-9]{0,18})\.0+$"
_CANONICAL_ID: Final = r"^(?:0|-?[1-9][0-9]{0,18})(?:\.0+)?$"
_DIGITS_AND_ZEROS: Final = re.compile(r"([0-9]+)[.]0+", re.ASCII)
_DIGITS_AND_POINT: Final = r"^([0-9]+)\.0+$"

#: Whether a text that begins with this byte may be wrapped.
_MAY_WRAP: Final = np.isin(np.arange(256), [*b"=\"' \t"])


def as_arrow(column: Column, spelled: Callable[[object], str | None] | None = None) -> pa.Array:
    """Return a column as one Arrow array, without loss.

    A list of mixed types that Arrow would not keep apart becomes text, by `spelled` or else by
    `as_text`.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if isinstance(column, pa.Array):
        if isinstance(column.type, pa.ExtensionType):
            return as_arrow(column.to_pylist(), spelled)
        if pa.types.is_dictionary(column.type):
            return column.dictionary_decode()
        return column
    try:
        array = pa.array(column)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return _mixed(column, spelled or as_text)
    kept_apart = pa.types.is_temporal(array.type) or pa.types.is_nested(array.type)
    if kept_apart and _differ(column):
        return _mixed(column, spelled or as_text)
    return array


def _differ(values: Sequence[Any]) -> bool:
    """Say whether a list mixes dates and times, or naive and aware times, or holds other values."""
    kinds = {
        (type(value), value.tzinfo is None if isinstance(value, datetime) else None)
        for value in values
        if value is not None
    }
    return len(kinds) > 1 or not all(issubclass(kind, date) for kind, _ in kinds)


def _mixed(values: Sequence[Any], spelled: Callable[[object], str | None]) -> pa.Array:
    return pa.array([spelled(value) for value in values], pa.large_string())


def as_text(value: object) -> str | None:
    """Return one value as the text that a source of texts would hold for it."""
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, float):
        # From here on two neighbouring integers are one float; `e` keeps it from being
        # taken for a whole number.
        exact = value.is_integer() and abs(value) <= _EXACT_FLOAT
        return (
            str(int(value))
            if exact
            else f"{value:.16e}"
            if abs(value) > _EXACT_FLOAT
            else repr(value)
        )
    if isinstance(value, Decimal):
        # Some exponents would take all memory to write out.
        return format(value, "f") if abs(value.adjusted()) < _MANY_DIGITS else str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value).encode("utf-8", "replace").decode("utf-8")


def id_as_text(value: object) -> str | None:
    """Return one value as `as_text` does, but bytes that are not text as hex: a binary UUID.

    Zero bytes at the end of a text are removed; MySQL pads a column `BINARY` with them. Hex without
    letters begins with `0x`, so that it is not taken for a number.
    """
    if not isinstance(value, bytes | bytearray | memoryview):
        return as_text(value)
    held = bytes(value)
    try:
        text = held.rstrip(b"\0").decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if not held or (text and all(one.isprintable() or one.isspace() for one in text)):
        return text
    return f"0x{held.hex()}" if held.hex().isdigit() else held.hex()


def _ids(column: Column) -> pa.Array:
    """Return a column of ids as one Arrow array, without bytes."""
    array = as_arrow(column, id_as_text)
    return _mixed(array.to_pylist(), id_as_text) if _is_binary(array.type) else array


def _is_binary(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_binary_view(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def texts(array: pa.Array) -> pa.Array:
    """Return an array as `large_string`; whole floats and decimals are their digits."""
    kind = array.type
    if array.null_count == len(array):
        return no_texts(len(array))
    if pa.types.is_large_string(kind):
        return array
    if pa.types.is_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind):
        return array.cast(pa.large_string())
    if _is_binary(kind):
        try:
            return array.cast(pa.large_binary()).cast(pa.large_string())
        except pa.ArrowInvalid:
            return _mixed(array.to_pylist(), as_text)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return array.cast(pa.large_string())
    if pa.types.is_floating(kind):
        return _float_texts(array.cast(pa.float64()))
    if pa.types.is_decimal(kind):
        return pc.replace_substring_regex(array.cast(pa.large_string()), r"\.0+$", "")
    try:
        return _mixed(array.to_pylist(), as_text)
    except (ValueError, OverflowError):
        return _mixed([_value(item) for item in array], as_text)


def _value(item: pa.Scalar) -> object:
    """Return one value; for a time that Python cannot hold (`infinity`), a text that says so."""
    try:
        return item.as_py()
    except (ValueError, OverflowError):
        return "a time beyond the years 1 to 9999"


def _float_texts(array: pa.Array) -> pa.Array:
    values = array.to_numpy(zero_copy_only=False)
    whole = _is_whole(values)
    digits = pa.array(np.where(whole, values, 0).astype(np.int64)).cast(pa.large_string())
    if whole.all():
        return digits
    other = pa.array(
        [None if np.isnan(value) else as_text(value) for value in values[~whole].tolist()],
        pa.large_string(),
    )
    return pc.replace_with_mask(digits, pa.array(~whole), other)


def _is_whole(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        whole: NDArray[np.bool_] = (np.abs(values) <= _EXACT_FLOAT) & (np.floor(values) == values)
    return whole


def without_null_words(array: pa.Array) -> pa.Array:
    """Return texts, with null for blanks and for words that exports write for null."""
    if not _may_hold_null_words(array):
        return array
    words = pc.utf8_lower(pc.utf8_trim_whitespace(array))
    null = pc.is_in(words, value_set=pa.array(sorted(NULL_WORDS), pa.large_string()))
    return pc.if_else(null, pa.scalar(None, pa.large_string()), array)


def _may_hold_null_words(array: pa.Array) -> bool:
    """Say whether a text may be blank or a word for null, by its first byte and its length."""
    bounds, data = utf8.byte_bounds(array)
    lengths = np.diff(bounds)
    filled = lengths > 0
    if not filled.all():
        valid = array.is_valid().to_numpy(zero_copy_only=False)
        if (valid & ~filled).any():
            return True
        lengths, bounds = lengths[filled], bounds[:-1][filled]
    firsts = data[bounds[: len(lengths)]]
    # No such word begins with a digit or a plus, as nearly every cell does.
    suspect = ~_BEGINS_A_NUMBER[firsts]
    if not suspect.any():
        return False
    return bool((lengths[suspect] <= _LONGEST_NULL_WORD).any() or _BLANK[firsts[suspect]].any())


def _all_begin_a_number(array: pa.Array) -> bool:
    """Say whether each text begins with a digit or a plus: then none is a null word or wrapped."""
    bounds, data = utf8.byte_bounds(array)
    starts = bounds[:-1]
    filled = bounds[1:] > starts
    if not filled.all():
        if np.count_nonzero(~filled) > array.null_count:
            return False
        starts = starts[filled]
    return bool(_BEGINS_A_NUMBER.take(data[starts], mode="clip").all())


@dataclass(frozen=True, slots=True)
class WholeNumbers:
    """A column of ids: the whole numbers in it, and the rest as text."""

    values: NDArray[np.int64]
    """0 in rows without a whole number."""
    held: NDArray[np.bool_]
    """Whether the row holds a whole number."""
    odd: pa.Array
    """`large_string`: the content of a row that is not a whole number of 64 bits, else null."""

    @property
    def column(self) -> pd.Series[int]:
        """The whole numbers as `Int64`."""
        return pd.Series(pd.arrays.IntegerArray(self.values, ~self.held))


def whole_numbers(column: Column) -> WholeNumbers:
    """Read ids: integers, whole floats, and texts of either, without converting them to floats.

    A float above 2**53 is odd: it may stand for several ids.
    """
    array = _ids(column)
    if pa.types.is_integer(array.type) and array.type != pa.uint64():
        return _held(array.cast(pa.int64()))
    if pa.types.is_floating(array.type):
        values = array.cast(pa.float64()).to_numpy(zero_copy_only=False)
        whole = _is_whole(values)
        numbers = np.where(whole, values, 0).astype(np.int64)
        return WholeNumbers(numbers, whole, _where(~whole, texts(array)))
    spelled = texts(array)
    plain = pc.match_substring_regex(spelled, _WHOLE)
    if pc.all(plain).as_py():
        return _held(spelled.cast(pa.int64()))
    return _whole_texts(without_null_words(unwrapped(spelled)))


def message_ids(column: Column) -> WholeNumbers:
    """Read ids of messages as `whole_numbers` does, but take 0 and -1 for no id.

    Octopods' ids are positive. A column that cannot be null holds 0 or -1 in a row without an id.
    """
    ids = whole_numbers(column)
    held = ids.held & np.not_equal(ids.values, 0) & np.not_equal(ids.values, -1)
    return replace(ids, held=held)


def _held(numbers: pa.Array) -> WholeNumbers:
    held = numbers.is_valid().to_numpy(zero_copy_only=False)
    values = pc.fill_null(numbers, 0).to_numpy(zero_copy_only=False)
    return WholeNumbers(values, held, no_texts(len(numbers)))


def _where(mask: NDArray[np.bool_], array: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(mask), array, pa.scalar(None, pa.large_string()))


def unwrapped(array: pa.Array) -> pa.Array:
    """Return texts without the marks that spreadsheets put around them: `="7"`, `'7`, `"7"`."""
    bounds, data = utf8.byte_bounds(array)
    held = bounds[1:] > bounds[:-1]
    if not _MAY_WRAP[data[bounds[:-1][held]]].any():
        return array
    return pc.replace_substring_regex(array, bare_ids.WRAPPED, r"\1\2\3")


def _whole_texts(array: pa.Array) -> WholeNumbers:
    plain = pc.match_substring_regex(array, _WHOLE)
    if pc.all(plain).as_py():
        return _held(array.cast(pa.int64()))
    trimmed = pc.utf8_trim_whitespace(array)
    if not pc.all(pc.match_substring_regex(trimmed, bare_ids.NUMBER)).as_py():
        odd = pc.invert(pc.match_substring_regex(trimmed, bare_ids.NUMBER))
        odd = pc.fill_null(odd, fill_value=False)
        trimmed = pc.replace_with_mask(trimmed, odd, bare_ids.bare(trimmed.filter(odd)))
    pointed = pc.match_substring_regex(trimmed, _WHOLE_WITH_POINT)
    if pc.any(pointed).as_py():
        trimmed = pc.if_else(pointed, pc.replace_substring_regex(trimmed, r"\.0*$", ""), trimmed)
    plain = pc.match_substring_regex(trimmed, _WHOLE)
    easy = _held(pc.if_else(plain, trimmed, pa.scalar(None, pa.large_string())).cast(pa.int64()))
    hard = pc.fill_null(pc.invert(plain), fill_value=False).to_numpy(zero_copy_only=False)
    if not hard.any():
        return easy
    values, held = np.copy(easy.values), np.copy(easy.held)
    encoded = trimmed.filter(pa.array(hard)).dictionary_encode()
    numbers = [_whole(text) for text in encoded.dictionary.to_pylist()]
    place = encoded.indices.to_numpy()
    values[hard] = np.array([number or 0 for number in numbers], dtype=np.int64)[place]
    held[hard] = np.array([number is not None for number in numbers], dtype=np.bool_)[place]
    return WholeNumbers(values, held, _where(~held, array))


def _whole(text: str) -> int | None:
    match = _ANY_WHOLE.fullmatch(text)
    # Python reads no whole number of thousands of digits; nor is one an id.
    if match is None or len(match[1].lstrip("-0")) > len(str(_INT64.stop)):
        return None
    number = int(match[1].lstrip("-0") or "0") * (-1 if match[1].startswith("-") else 1)
    return number if number in _INT64 else None


def local_ids(column: Column) -> pd.Series[Any]:
    """Return the user's own ids: `int64` if every id is a whole number, else `str`.

    Texts become numbers only if nothing of their spelling except a `.0` is lost.
    """
    array = _ids(column)
    if pa.types.is_integer(array.type) and array.type != pa.uint64() and not array.null_count:
        return pd.Series(array.cast(pa.int64()).to_numpy(zero_copy_only=False))
    spelled = without_null_words(texts(array))
    if len(spelled) and not spelled.null_count:
        canonical_spelling = pc.match_substring_regex(spelled, _CANONICAL_ID)
        numbers = _whole_texts(spelled) if pc.all(canonical_spelling).as_py() else None
        if numbers is not None and numbers.held.all():
            return pd.Series(numbers.values)
    # What one row's id is does not depend on the ids of others: 7.0 is 7 in any column.
    return strings(pc.replace_substring_regex(spelled, _WHOLE_FLOAT_ID, r"\1"))


def phone_numbers(column: Column) -> pa.Array:
    """Return numbers as stored, null for blanks; the `.0` of a float is removed."""
    spelled = texts(as_arrow(column))
    if not _all_begin_a_number(spelled):
        spelled = without_null_words(unwrapped(spelled))
    _, text = utf8.byte_bounds(spelled)
    if (text == ord(".")).any():
        return pc.replace_substring_regex(spelled, _DIGITS_AND_POINT, r"\1")
    return spelled


def status_words(
    column: Column, mapping: Mapping[str, str], *, lower: bool = False
) -> pd.Categorical:
    """Return statuses as categories, null for blanks.

    Args:
        column: the raw words.
        mapping: the user's word to Octopods' word or `not_sent`, in upper or lower case. It takes
            precedence. Octopods' own words and `not_sent` stand for themselves; any other word is
            kept as it is.
        lower: whether other words are converted to lower case.
    """
    known = {canonical(word): canonical(meaning) for word, meaning in mapping.items()}
    coded: Any = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not isinstance(coded, pa.DictionaryArray):
        coded = texts(as_arrow(coded)).dictionary_encode()
    spelled = unwrapped(texts(coded.dictionary))
    spelled = pc.utf8_lower(spelled) if lower else spelled
    words = [_meaning(word, known) for word in spelled.to_pylist()]
    categories = sorted({word for word in words if word is not None})
    place = {word: code for code, word in enumerate(categories)}
    # The code of a null is -1, which is also the last place of the table.
    table = np.array([-1 if word is None else place[word] for word in words] + [-1], dtype=np.int32)
    codes = pc.fill_null(coded.indices.cast(pa.int32()), -1).to_numpy(zero_copy_only=False)
    return pd.Categorical.from_codes(table[codes], categories=pd.Index(categories, dtype="str"))


def _meaning(word: str | None, known: Mapping[str, str]) -> str | None:
    if word is None:
        return None
    plain = canonical(word)
    if plain in known:
        return known[plain]
    if (code := _DIGITS_AND_ZEROS.fullmatch(plain)) and code[1] in known:
        # An export writes the code 1 as 1.0 if another row of the column is empty.
        return known[code[1]]
    if plain in NULL_WORDS:
        return None
    return plain if plain in LOCAL_WORDS else word


def strings(array: pa.Array) -> pd.Series[str]:
    """Return texts as a `str` column."""
    return pd.Series(pd.array(array, dtype="str"))


@lru_cache(maxsize=2)
def no_texts(count: int) -> pa.Array:
    """Return a column of `count` null texts; chunks of one length share it."""
    return pa.nulls(count, pa.large_string())
