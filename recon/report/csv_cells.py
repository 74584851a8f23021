"""Columns of a frame as the cells of a CSV file: whole columns at a time, no loop over rows.

A cell is text, neutralised if a spreadsheet would read it as a formula, and quoted if RFC 4180
requires it. A null is an empty cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import numpy.typing as npt

#: What starts a formula (https://owasp.org/www-community/attacks/CSV_Injection): four ASCII
#: characters with their full-width and small forms, and the blanks at which a cell may be split.
#: Other blanks, controls and invisible characters before it do not count: programs strip them.
_FORMULA: Final = r"^[\pZ\pC]*[=+\-@\t\r\n＝＋－＠﹦﹢﹣﹫]"  # noqa: RUF001 - the look-alikes are meant
_PLAIN_NUMBER: Final = r"^\+[0-9]+$"
_QUOTED: Final = r'[",\r\n]'

#: By the first byte of a cell: whether it is worth asking the expression above.
_MAY_START_A_FORMULA: Final = np.isin(np.arange(256), [*b"=+-@", *range(0x21), *range(0x7F, 0x100)])


def text(column: pd.Series[Any]) -> pa.LargeStringArray:
    """Return a column as text, with nulls kept."""
    cells = pa.array(column, from_pandas=True)
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    return cells.cast(pa.large_string())


def instants(column: pd.Series[Any]) -> pa.LargeStringArray:
    """Return a column of times as `2026-04-23T10:00:00Z`, with a fraction only where one is."""
    # Arrow writes naive times several times faster than zoned ones; the zone here is UTC anyway.
    naive = pd.to_datetime(column, utc=True).dt.tz_localize(None).astype("datetime64[us]")
    coded = pa.array(naive, from_pandas=True).dictionary_encode()
    return _written(coded.dictionary).take(coded.indices)


def _written(times: pa.TimestampArray) -> pa.LargeStringArray:
    seconds = pc.floor_temporal(times, unit="second")
    cells = seconds.cast(pa.timestamp("s")).cast(pa.large_string())
    fractional = pc.not_equal(times, seconds)
    if pc.any(fractional).as_py():
        cells = pc.if_else(fractional, times.cast(pa.large_string()), cells)
    return joined([pc.binary_replace_slice(cells, 10, 11, "T"), "Z"])


def neutral(cells: pa.LargeStringArray, *, numbers: bool = False) -> pa.LargeStringArray:
    """Return `cells` with a leading `'` for each that a spreadsheet would read as a formula.

    With `numbers`, a plain `+` and digits does not change.
    """
    starts, ends, data = _raw(cells)
    filled = starts < ends
    if numbers and _are_plain_numbers(starts[filled], ends[filled], data):
        return cells
    needed = np.zeros(len(cells), dtype=np.bool_)
    needed[filled] = _MAY_START_A_FORMULA[data[starts[filled]]]
    if not needed.any():
        return cells
    doubtful = cells.filter(pa.array(needed))
    formula = pc.match_substring_regex(doubtful, _FORMULA)
    if numbers:
        formula = pc.and_not(formula, pc.match_substring_regex(doubtful, _PLAIN_NUMBER))
    needed[needed] = formula.to_numpy(zero_copy_only=False)
    return _changed(cells, needed, lambda found: joined(["'", found]))


def _are_plain_numbers(
    starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64], data: npt.NDArray[np.uint8]
) -> bool:
    """Say whether each filled cell is only digits, or a `+` and digits, by looking at the bytes."""
    plus = data == ord("+")
    if not (plus | (data - np.uint8(ord("0")) < 10)).all():  # noqa: PLR2004 - ten digits
        return False
    leading = plus[starts]
    return bool(leading.sum() == plus.sum() and (ends - starts > leading).all())


def quoted(cells: pa.LargeStringArray) -> pa.LargeStringArray:
    """Return `cells` in quotes, with inner quotes doubled, if RFC 4180 requires it."""
    _, _, data = _raw(cells)
    if not any((data == ord(character)).any() for character in '",\r\n'):
        return cells
    coded = cells.dictionary_encode()  # sentences come again and again
    words = coded.dictionary
    needed = pc.match_substring_regex(words, _QUOTED).to_numpy(zero_copy_only=False)
    return _changed(
        words,
        needed,
        lambda found: joined(['"', pc.replace_substring(found, '"', '""'), '"']),
    ).take(coded.indices)


def safe(column: pd.Series[Any], *, numbers: bool = False) -> pa.LargeStringArray:
    """Return a column of text as cells, neutralised and quoted; `numbers` as in `neutral`."""
    return quoted(neutral(text(column), numbers=numbers))


def joined(pieces: Sequence[pa.LargeStringArray | str], separator: str = "") -> pa.LargeStringArray:
    """Join the pieces of each row; a `str` is the same in all rows, a null is empty."""
    arguments = [
        pa.scalar(piece, pa.large_string()) if isinstance(piece, str) else piece for piece in pieces
    ]
    return pc.binary_join_element_wise(
        *arguments, pa.scalar(separator, pa.large_string()), null_handling="replace"
    )


def content(cells: pa.LargeStringArray) -> memoryview:
    """Return the UTF-8 text of all cells, one after another, without copying it."""
    return _raw(cells)[2].data


def _raw(
    cells: pa.LargeStringArray,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Return where each cell starts and ends in the bytes, and the bytes; a null has no length."""
    _, offsets, data = cells.buffers()
    if len(cells) == 0 or data is None:
        nothing = np.zeros(len(cells), dtype=np.int64)
        return nothing, nothing, np.zeros(0, dtype=np.uint8)
    bounds = np.frombuffer(offsets, dtype=np.int64)[cells.offset : cells.offset + len(cells) + 1]
    inside = np.frombuffer(data, dtype=np.uint8)[bounds[0] : bounds[-1]]
    return bounds[:-1] - bounds[0], bounds[1:] - bounds[0], inside


def _changed(
    cells: pa.LargeStringArray,
    where: npt.NDArray[np.bool_],
    change: Callable[[pa.LargeStringArray], pa.LargeStringArray],
) -> pa.LargeStringArray:
    if not where.any():
        return cells
    mask = pa.array(where)
    return pc.replace_with_mask(cells, mask, change(cells.filter(mask)))
