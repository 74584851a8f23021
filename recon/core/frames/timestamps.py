"""Convert times in any spelling to microseconds since the epoch, UTC.

It reads native times and dates, ISO 8601 texts as `dateutil.parser.isoparse` reads them (with a
`T`, `t` or blank before the time of day), spellings that `time_spellings` rewrites to that, and
seconds, milliseconds or microseconds since the epoch. A date alone is read as the beginning of its
day; `dates_alone` says which these are. A time without an offset is in the zone that
the caller names; `clock_changes` reads it again if it occurs twice or is skipped. A message's time
must be in the years 2009 (when WhatsApp began) to 2200; within them, seconds, milliseconds and
microseconds cannot be confused.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from dateutil.parser import isoparse
from numpy.typing import NDArray

from recon.core.frames.columns import Column, as_arrow, texts, unwrapped, without_null_words
from recon.core.frames.time_spellings import rewritten

#: The first moment that is read, and the first that no longer is.
EARLIEST: Final = datetime(2009, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2201, 1, 1, tzinfo=UTC)
_EARLIEST_US: Final = int(EARLIEST.timestamp()) * 1_000_000
_LATEST_US: Final = int(LATEST.timestamp()) * 1_000_000
DAY_US: Final = 86_400_000_000
_DAY_MS: Final = 86_400_000
#: Beyond all years that are read, and few enough to be counted in microseconds.
_MANY_DAYS: Final = 1_000_000

#: What one of an epoch's units is in microseconds: seconds, milliseconds, microseconds.
EPOCH_UNITS: Final = (1_000_000, 1_000, 1)

# A text of one of these shapes is a time: no 30 February, no hour 24. They are written so that the
# regular expressions of databases (POSIX extended) know them too.
_DATE: Final = (
    "(2009|20[1-9][0-9]|21[0-9][0-9]|2200)-"
    "((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
)
_LEAP_DAY: Final = "(20([13579][26]|[2468][048])|21(0[48]|[13579][26]|[2468][048]))-02-29"
_HOUR_MINUTE: Final = "([01][0-9]|2[0-3]):[0-5][0-9]"
_OFFSET: Final = "[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?"

#: Texts that are surely read, and of which the first ten characters are the date, whatever the
#: rest of them. (Leap days are read as well; they are only not of this shape.)
TEXT_SHAPE: Final = f"^{_DATE}([Tt ]{_HOUR_MINUTE}(:[0-5][0-9]([.,][0-9]+)?)?([Zz]|{_OFFSET})?)?$"


def _quiet(pattern: str) -> str:
    """Return a pattern whose groups do not count."""
    return pattern.replace("(", "(?:")


DAY: Final = f"({_quiet(_DATE)}|{_quiet(_LEAP_DAY)})"
_MOMENT: Final = f"{DAY}[Tt ]({_quiet(_HOUR_MINUTE)})(?:(:[0-5][0-9])(?:([.][0-9]{{1,6}})[0-9]*)?)?"
_SAMPLE: Final = 64
_NAIVE_TYPE: Final = pa.timestamp("us")
_ZONED_TYPE: Final = pa.timestamp("us", "UTC")


class _Spelling(NamedTuple):
    """A family of texts, and how to spell them so that Arrow reads them."""

    pattern: str
    arrow: str
    kind: pa.DataType | None
    """`None` for digits: an epoch."""


_SPELLINGS: Final = (
    _Spelling(f"^{_MOMENT} ?(?:[Zz]|UTC|GMT)$", r"\1T\2\3\4Z", _ZONED_TYPE),
    _Spelling(f"^{_MOMENT} ?({_quiet(_OFFSET)})$", r"\1T\2\3\4\5", _ZONED_TYPE),
    _Spelling(f"^{_MOMENT}$", r"\1T\2\3\4", _NAIVE_TYPE),
    _Spelling(f"^{DAY}$", r"\1", _NAIVE_TYPE),
    _Spelling(r"^(?:[0-9]{9,13}|[0-9]{15,16})(?:\.[0-9]*)?$", "", None),
)

#: Numbers whose digits are those of a date, or of a date and time; no epoch has this many digits.
DIGITS_OF_DATES: Final = (20090101, 22010101)
_DIGITS_OF_TIMES: Final = (20090101_000000, 22010101_000000)

#: What is left to `isoparse`, which itself takes any character before the time of day, eight
#: digits or more as a date, and a month or a week as its first day. Digits alone are an epoch, but
#: for a date of eight.
_LEFT_OVER: Final = re.compile(
    r"(?![0-9]{4}-[0-9]{2}$|[0-9]{4}-?W[0-9]{2}$)(?=[0-9]{8}$|[0-9]*[-W]|[0-9]{8}[Tt ])"
    r"[0-9W-]{4,10}([Tt ][0-9:.,]+ ?([Zz]|[+-][0-9:]+)?)?",
    re.ASCII,
)


class Instants(NamedTuple):
    """Times of a column, row by row."""

    microseconds: NDArray[np.int64]
    """Since the epoch, UTC; 0 without a time."""
    read: NDArray[np.bool_]
    """Whether the row holds a readable time."""

    @property
    def column(self) -> pd.Series[pd.Timestamp]:
        """The times as `datetime64[us, UTC]`, null without a time."""
        times = np.where(self.read, self.microseconds, np.iinfo(np.int64).min)
        return pd.Series(pd.DatetimeIndex(times.view("M8[us]")).tz_localize("UTC"))


def instants(column: Column, zone: str) -> Instants:
    """Read the times of a column; those without an offset are in `zone` (an IANA name)."""
    array = as_arrow(column)
    kind = array.type
    if pa.types.is_timestamp(kind):
        times = _native(array)
        return _checked(times if kind.tz is not None else in_zone(times, zone))
    if pa.types.is_date(kind):
        days, read = _held(array if pa.types.is_date64(kind) else array.cast(pa.int32()))
        if pa.types.is_date64(kind):
            days = days // _DAY_MS
        days = np.clip(days, -_MANY_DAYS, _MANY_DAYS)
        return _checked(in_zone(Instants(days * DAY_US, read), zone))
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return _numbers(array, zone)
    if pa.types.is_floating(kind):
        seconds = array.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return _epoch(seconds, ~np.isnan(seconds))
    if pa.types.is_boolean(kind):
        return Instants(np.zeros(len(array), np.int64), np.zeros(len(array), np.bool_))
    return _checked(_texts(without_null_words(texts(array)), zone))


def _numbers(array: pa.Array, zone: str) -> Instants:
    """Read whole numbers: an epoch, or the digits of a date and time (`20260424100000`)."""
    numbers, held = _held(array)
    microseconds, read = _epoch(numbers, held)
    dated = np.zeros(len(numbers), dtype=np.bool_)
    for low, high in (DIGITS_OF_DATES, _DIGITS_OF_TIMES):
        dated |= (numbers >= low) & (numbers < high)
    rows = np.flatnonzero(dated & held)
    if rows.size:
        digits = array.take(pa.array(rows)).cast(pa.large_string())
        microseconds[rows], read[rows] = _checked(_texts(digits, zone))
    return Instants(microseconds, read)


def _held(array: pa.Array) -> Instants:
    values = pc.fill_null(array.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    return Instants(values, array.is_valid().to_numpy(zero_copy_only=False))


def _checked(times: Instants) -> Instants:
    """Drop times outside the years in which messages are sent."""
    plausible = (times.microseconds >= _EARLIEST_US) & (times.microseconds < _LATEST_US)
    return Instants(times.microseconds, times.read & plausible)


def _native(array: pa.Array) -> Instants:
    values, read = _held(array)
    if array.type.unit == "ns":
        return Instants(values // 1_000, read)
    factor = {"s": 1_000_000, "ms": 1_000, "us": 1}[array.type.unit]
    fits = np.abs(values) < np.iinfo(np.int64).max // factor
    return Instants(np.where(fits, values, 0) * factor, read & fits)


def in_zone(times: Instants, zone: str) -> Instants:
    """Read wall-clock times as times of a zone: the first of two, or the next if there is none."""
    if zone == "UTC" or not len(times.read):
        return times
    # Far away times only cost time, and might overflow; they are dropped anyway.
    near = (times.microseconds >= _EARLIEST_US - DAY_US) & (times.microseconds < _LATEST_US)
    near &= times.read
    wall = pd.DatetimeIndex(np.where(near, times.microseconds, 0).view("M8[us]"))
    # To pandas, `True` of an ambiguous time is the first of the two, in whatever zone.
    first = np.ones(len(wall), dtype=np.bool_)
    there = wall.tz_localize(ZoneInfo(zone), ambiguous=first, nonexistent="shift_forward")
    utc = there.tz_convert("UTC").tz_localize(None).to_numpy().astype("M8[us]")
    return Instants(utc.view(np.int64), near)


def _epoch(numbers: NDArray[np.int64] | NDArray[np.float64], held: NDArray[np.bool_]) -> Instants:
    microseconds = np.zeros(len(numbers), dtype=np.int64)
    read = np.zeros(len(numbers), dtype=np.bool_)
    for unit in EPOCH_UNITS:
        these = held & (numbers >= _EARLIEST_US // unit) & (numbers < _LATEST_US // unit)
        # A float's fraction is read separately: a product of this many digits would be rounded.
        whole = np.floor(numbers[these])
        fraction = np.rint((numbers[these] - whole) * unit)
        microseconds[these] = whole.astype(np.int64) * unit + fraction.astype(np.int64)
        read |= these
    return Instants(microseconds, read)


def _texts(array: pa.Array, zone: str) -> Instants:
    """Read texts: all at once if they have one regular spelling, else spelling by spelling."""
    for kind in (_NAIVE_TYPE, _ZONED_TYPE):
        try:
            # A cast that fails does so for each row, at a price; so it fails on a few first.
            array.slice(0, _SAMPLE).cast(kind)
            times = _native(array.cast(kind))
        except pa.ArrowInvalid:
            continue
        return times if kind is _ZONED_TYPE else in_zone(times, zone)
    return _spelling_by_spelling(pc.utf8_trim_whitespace(array), zone)


def _spelling_by_spelling(array: pa.Array, zone: str) -> Instants:
    microseconds, read, left = _regular(array, zone)
    for odd_ones in (_one_by_one, _other_spellings):
        rows = np.flatnonzero(left & ~read)
        if len(rows):
            microseconds[rows], read[rows] = odd_ones(array.take(pa.array(rows)), zone)
    return Instants(microseconds, read)


def _regular(
    array: pa.Array, zone: str
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Read texts that have one of `_SPELLINGS`; the last array marks texts that have none."""
    microseconds = np.zeros(len(array), dtype=np.int64)
    read = np.zeros(len(array), dtype=np.bool_)
    left = array.is_valid().to_numpy(zero_copy_only=False)
    pointed = pc.replace_substring(array, ",", ".")
    # Most columns have one spelling: the one of the first row goes first.
    first = pointed[int(np.argmax(left))].as_py() or ""
    for spelling in sorted(_SPELLINGS, key=lambda one: re.match(one.pattern, first) is None):
        rows = _matching(pointed, spelling.pattern, left)
        if len(rows):
            times = _spelled(pointed.take(pa.array(rows)), spelling, zone)
            microseconds[rows], read[rows], left[rows] = *times, False
    return microseconds, read, left


def _other_spellings(array: pa.Array, zone: str) -> Instants:
    microseconds, read, _ = _regular(rewritten(pc.utf8_trim_whitespace(unwrapped(array))), zone)
    return Instants(microseconds, read)


def _spelled(array: pa.Array, spelling: _Spelling, zone: str) -> Instants:
    if spelling.kind is None:
        return _epoch_texts(array)
    regular = pc.replace_substring_regex(array, spelling.pattern, spelling.arrow)
    times = _native(regular.cast(spelling.kind))
    return times if spelling.kind is _ZONED_TYPE else in_zone(times, zone)


def _matching(array: pa.Array, pattern: str, left: NDArray[np.bool_]) -> NDArray[np.intp]:
    if not left.any():
        return np.flatnonzero(left)
    matches = pc.fill_null(pc.match_substring_regex(array, pattern), fill_value=False)
    return np.flatnonzero(matches.to_numpy(zero_copy_only=False) & left)


def _epoch_texts(array: pa.Array) -> Instants:
    """Read digits, with or without a fraction, exactly, without the rounding of a float."""
    whole = pc.replace_substring_regex(array, r"\..*$", "").cast(pa.int64())
    numbers = whole.to_numpy(zero_copy_only=False)
    fraction = pc.utf8_rpad(pc.replace_substring_regex(array, r"^[0-9]*\.?", ""), 6, "0")
    millionths = pc.utf8_slice_codeunits(fraction, 0, 6).cast(pa.int64())
    times = _epoch(numbers, np.ones(len(numbers), dtype=np.bool_))
    # The unit that was taken for each row: how many times the number went into the time.
    unit = np.where(times.read, times.microseconds // np.maximum(numbers, 1), 0)
    extra = millionths.to_numpy(zero_copy_only=False) * unit // 1_000_000
    return Instants(times.microseconds + extra, times.read)


def _one_by_one(array: pa.Array, zone: str) -> Instants:
    """Read what is left, each distinct text once."""
    encoded = array.dictionary_encode()
    moments = [_isoparse(text) for text in encoded.dictionary.to_pylist()]
    place = encoded.indices.to_numpy()
    naive = np.array([m is not None and m.tzinfo is None for m in moments], dtype=np.bool_)
    read = np.array([m is not None for m in moments], dtype=np.bool_)
    times = Instants(np.array([_since_epoch(m) for m in moments], dtype=np.int64), read)
    there = in_zone(Instants(times.microseconds, read & naive), zone)
    return Instants(
        np.where(naive, there.microseconds, times.microseconds)[place],
        np.where(naive, there.read, read)[place],
    )


def _isoparse(text: str) -> datetime | None:
    if _LEFT_OVER.fullmatch(text) is None:
        return None
    try:
        return isoparse(text.replace(" +", "+").replace(" -", "-").replace(" Z", "Z"))
    except (ValueError, OverflowError):
        return None


def _since_epoch(moment: datetime | None) -> int:
    if moment is None:
        return 0
    epoch = datetime(1970, 1, 1, tzinfo=UTC if moment.tzinfo else None)
    span = moment - epoch
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds
