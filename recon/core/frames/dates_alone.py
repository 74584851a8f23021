"""Dates without a time of day, in any spelling: the send may have been at any time of that day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recon.core.frames import timestamps
from recon.core.frames.columns import texts, unwrapped
from recon.core.frames.time_spellings import rewritten
from recon.core.frames.timestamps import DAY, DAY_US, DIGITS_OF_DATES, Instants

if TYPE_CHECKING:
    from numpy.typing import NDArray

MINUTE_US: Final = 60_000_000
#: In every zone a day begins at a whole quarter of an hour, and few times are that.
_QUARTER_US: Final = 15 * MINUTE_US
#: An epoch, which has no colon either.
_EPOCH: Final = r"^\s*[0-9]{9,}(?:[.,][0-9]*)?\s*$"
#: A date, also of a week (`2026-W17-4`) or by its number in the year (`2026-114`).
_ALONE: Final = f"^(?:{DAY}|[0-9]{{8}}|[0-9]{{4}}-?W[0-9]{{2}}-?[0-9]|[0-9]{{4}}-[0-9]{{3}})$"


def days(
    column: pa.Array, times: Instants, zone: str
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return the rows of a column that hold a date alone, and when the day of each ends.

    Args:
        column: as the source gives it.
        times: of the same rows, as `timestamps.instants` read them.
        zone: whose days these are, an IANA name.

    Returns:
        The rows, and the first moment of the following day in microseconds, UTC.
    """
    rows = np.flatnonzero(times.read & (times.microseconds % _QUARTER_US == 0))
    rows = rows[_are_alone(column.take(pa.array(rows)))]
    if not rows.size:
        return rows, np.zeros(0, dtype=np.int64)
    begins = pd.DatetimeIndex(times.microseconds[rows].view("M8[us]")).tz_localize("UTC")
    wall = begins.tz_convert(ZoneInfo(zone)).tz_localize(None).normalize()
    following = wall.to_numpy().astype("M8[us]").view(np.int64) + DAY_US
    ends = timestamps.in_zone(Instants(following, times.read[rows]), zone).microseconds
    # Where a zone leaves out a whole day, that day has no length.
    return rows, np.maximum(ends, times.microseconds[rows] + MINUTE_US)


def _are_alone(column: pa.Array) -> NDArray[np.bool_]:
    kind = column.type
    if pa.types.is_date(kind):
        return np.ones(len(column), dtype=np.bool_)
    if pa.types.is_integer(kind):
        first, beyond = DIGITS_OF_DATES
        return _true(pc.and_(pc.greater_equal(column, first), pc.less(column, beyond)))
    if pa.types.is_timestamp(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return np.zeros(len(column), dtype=np.bool_)
    held = texts(column)
    found = _true(pc.match_substring_regex(held, _ALONE))
    # Times have a colon, and an epoch has none.
    times = _true(pc.or_(pc.match_substring(held, ":"), pc.match_substring_regex(held, _EPOCH)))
    odd = np.flatnonzero(~found & ~times)
    if odd.size:
        distinct = held.take(pa.array(odd)).dictionary_encode()
        spelled = unwrapped(pc.utf8_trim_whitespace(distinct.dictionary))
        spelled = rewritten(pc.utf8_trim_whitespace(spelled))
        alone = _true(pc.match_substring_regex(spelled, _ALONE))
        found[odd] = alone[distinct.indices.to_numpy()]
    return found


def _true(mask: pa.Array) -> NDArray[np.bool_]:
    filled = pc.fill_null(mask, fill_value=False)
    found: NDArray[np.bool_] = filled.to_numpy(zero_copy_only=False).copy()
    return found
