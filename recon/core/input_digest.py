"""A digest of the input of a day's verdict, to see later whether the input has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from recon.core import coverage, time_spans, utf8
from recon.core.frames import concat
from recon.core.link import Side
from recon.model import Span

#: What every answer changes, and what says nothing about the message.
_NOT_CONTENT: Final = ("observed_at",)
#: So many rows enter a digest at a time, by columns.
BLOCK_ROWS: Final = 1 << 18


class RowsDigest:
    """A digest of rows in their order; it does not depend on how they are divided into parts."""

    def __init__(self, start: datetime, end: datetime, *, block_rows: int = BLOCK_ROWS) -> None:
        """Begin with no rows.

        Args:
            start: the first time that counts.
            end: the time after the last.
            block_rows: how many rows are collected before they are added.
        """
        self._span = start, end
        self._block = block_rows
        self._made = hashlib.sha256()
        self._waiting: list[pd.DataFrame] = []
        self._count = 0

    def add(self, rows: pd.DataFrame) -> None:
        """Add the rows that lie in the time that counts."""
        inside = time_spans.inside(rows, *self._span)
        if not inside.any():
            return
        self._waiting.append(rows if inside.all() else rows.loc[inside])
        self._count += len(self._waiting[-1])
        if self._count < self._block:
            return
        held = self._held()
        whole = self._count // self._block * self._block
        for first in range(0, whole, self._block):
            add_rows(self._made, held.iloc[first : first + self._block])
        self._waiting, self._count = [held.iloc[whole:]], self._count - whole

    def digest(self) -> bytes:
        """Return the digest of what was added."""
        made = self._made.copy()
        if self._count:
            add_rows(made, self._held())
        return made.digest()

    def _held(self) -> pd.DataFrame:
        return self._waiting[0] if len(self._waiting) == 1 else concat(self._waiting)


def digest(
    start: datetime,
    end: datetime,
    local: Side,
    provider: Side,
    spans: Sequence[Span],
    first_contact: Span | None = None,
) -> str:
    """Return a digest of the input of a verdict: 32 hexadecimal digits.

    Rows in another order give another digest; then the day is judged again, without other effect.

    Args:
        start: the first time that counts, with the margin around the day.
        end: the time after the last.
        local: the records; rows without a readable time do not count, since they belong to the
            newest day.
        provider: the messages, likewise.
        spans: the time for which the messages are proven complete.
        first_contact: the part of it before the oldest message that was ever listed.
    """
    read = RowsDigest(start, end), RowsDigest(start, end)
    for rows, side in zip(read, (local, provider), strict=True):
        # Rows are nearly sorted by time: a slice of them takes a fraction of a choice.
        found = np.flatnonzero(time_spans.inside(side.frame, start, end))
        rows.add(side.frame.iloc[found[0] : found[-1] + 1] if found.size else side.frame.iloc[:0])
    return of_parts(start, end, read, (local, provider), spans, first_contact)


def of_parts(
    start: datetime,
    end: datetime,
    read: tuple[RowsDigest, RowsDigest],
    sides: tuple[Side, Side],
    spans: Sequence[Span],
    first_contact: Span | None = None,
) -> str:
    """Return the same as `digest` for rows that came in parts.

    Args:
        start: the first time that counts, with the margin around the day.
        end: the time after the last.
        read: all readable records, and all readable messages.
        sides: the records and the messages; only their unreadable rows count.
        spans: the time for which the messages are proven complete.
        first_contact: the part of it before the oldest message that was ever listed.
    """
    made = hashlib.sha256()
    for rows, side in zip(read, sides, strict=True):
        made.update(rows.digest())
        unread = RowsDigest(start, end)
        unread.add(side.rejects)
        made.update(unread.digest())
    for gap in coverage.gaps(Span(start, end), spans):
        made.update(f"{gap.start} {gap.end}\n".encode())
    if first_contact is not None and (first_contact.end is None or first_contact.end > start):
        made.update(f"before {first_contact.end}\n".encode())
    return made.hexdigest()[:32]


def add_rows(made: hashlib._Hash, rows: pd.DataFrame) -> None:
    """Add rows to a digest, without the columns that every answer changes."""
    made.update(f"{len(rows)}\n".encode())
    if rows.empty:
        return  # where nothing was read, types say nothing
    for name in rows.columns:
        if name not in _NOT_CONTENT:
            _add(made, name, rows[name])


def _add(made: hashlib._Hash, name: str, column: pd.Series) -> None:
    """Add a column by its values, which are the same however the column is held in memory."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        # By the words in use, whatever else the categories hold, and in whichever order.
        words = column.cat.categories.astype("str").to_numpy(dtype=object)
        codes = column.array.codes
        used = sorted((words[code], code) for code in np.unique(codes) if code >= 0)
        place = np.full(len(words) + 1, -1, dtype=np.min_scalar_type(-1 - len(used)))
        for rank, (word, code) in enumerate(used):
            made.update(f"{word}\n".encode())
            place[code] = rank
        column = pd.Series(place[codes])
    values = pa.array(column.array, from_pandas=True)
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    made.update(f"{name} {values.type}\n".encode())
    if pa.types.is_null(values.type):
        return
    texts = pa.types.is_large_string(values.type)
    if values.null_count:
        valid = values.is_valid().to_numpy(zero_copy_only=False)
        made.update(np.packbits(valid).data)
        values = values.fill_null("" if texts else 0)
    if texts:
        bounds, data = utf8.byte_bounds(values)
        made.update(np.diff(bounds).astype(np.uint32).data)
        made.update(data.data)
    else:
        # A buffer may not have a time in it, but its bytes.
        made.update(values.to_numpy(zero_copy_only=False).view(np.uint8).data)
