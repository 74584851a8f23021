"""Dates without a time of day, in any spelling: the send may have been at any time of that day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recon.core.frames import timestamps
from recon.core.frames.columns import texts, unwrapped
from recon.core.frames.time_spellings import rewritten
from recon.core.frames.timestamps import DAY, DAY_US, DIGITS_OF_DATES, Instants

if TYPE_CHECKING:
    from numpy.typing import NDArray

MINUTE_US: Final = 60_000_000
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
    rows = _rows(column, times.read)
    if not rows.size:
        return rows, np.zeros(0, dtype=np.int64)
    wall = timestamps.instants(column.take(pa.array(rows)), "UTC")
    following = wall._replace(microseconds=wall.microseconds + DAY_US)
    ends = timestamps.in_zone(following, zone).microseconds
    # Where a zone leaves out a whole day, that day has no length.
    return rows, np.maximum(ends, times.microseconds[rows] + MINUTE_US)


def _rows(column: pa.Array, read: NDArray[np.bool_]) -> NDArray[np.intp]:
    kind = column.type
    if pa.types.is_date(kind):
        return np.flatnonzero(read)
    if pa.types.is_integer(kind):
        first, beyond = DIGITS_OF_DATES
        inside = pc.and_(pc.greater_equal(column, first), pc.less(column, beyond))
        return np.flatnonzero(_true(inside) & read)
    if pa.types.is_timestamp(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return np.zeros(0, dtype=np.intp)
    held = texts(column)
    rows = np.flatnonzero(read & ~_true(pc.match_substring(held, ":")))
    held = held.take(pa.array(rows))
    others = ~_true(pc.match_substring_regex(held, _EPOCH))
    rows, held = rows[others], held.filter(pa.array(others))
    if not rows.size:
        return rows
    spelled = rewritten(pc.utf8_trim_whitespace(unwrapped(pc.utf8_trim_whitespace(held))))
    return rows[_true(pc.match_substring_regex(spelled, _ALONE))]


def _true(mask: pa.Array) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = pc.fill_null(mask, fill_value=False).to_numpy(zero_copy_only=False)
    return found
