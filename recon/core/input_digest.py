"""A digest of all that the verdict of a day rests on, to see later whether it has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa

from recon.core import coverage
from recon.core.link import Side
from recon.model import Span

#: What every answer changes, and what says nothing about the message.
_NOT_CONTENT = ("observed_at",)


def digest(
    start: datetime,
    end: datetime,
    local: Side,
    provider: Side,
    spans: Sequence[Span],
    first_contact: Span | None = None,
) -> str:
    """Return what distinguishes the input of a verdict from any other: 32 hexadecimal digits.

    Rows in another order give another digest, which costs no more than judging a day again.

    Args:
        start: the first time that counts, with the margin around the day.
        end: the time after the last.
        local: the records; rows without a readable time do not count, since they belong to
            whichever day is the newest.
        provider: the messages, likewise.
        spans: the time for which the messages are proven complete.
        first_contact: the part of it before the oldest message that was ever listed.
    """
    made = hashlib.blake2b(digest_size=16)
    for side in (local, provider):
        for frame in (side.frame, side.rejects):
            times = frame["sent_at"]
            inside = ((times >= start) & (times < end)).to_numpy(dtype=np.bool_)
            add_rows(made, frame if inside.all() else frame.loc[inside])
    for gap in coverage.gaps(Span(start, end), spans):
        made.update(f"{gap.start} {gap.end}\n".encode())
    if first_contact is not None and (first_contact.end is None or first_contact.end > start):
        made.update(f"before {first_contact.end}\n".encode())
    return made.hexdigest()


def add_rows(made: hashlib.blake2b, rows: pd.DataFrame) -> None:
    """Add rows to a digest, without what every answer changes."""
    made.update(f"{len(rows)}\n".encode())
    for name in rows.columns:
        if name not in _NOT_CONTENT:
            _add(made, name, rows[name])


def _add(made: hashlib.blake2b, name: str, column: pd.Series) -> None:
    """Add a column as Arrow writes it down, which is the same for equal values."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        # By the words in use, whatever else the categories hold, and in whichever order.
        words = column.cat.categories.astype("str").to_numpy(dtype=object)
        codes = column.array.codes
        used = sorted((words[code], code) for code in np.unique(codes) if code >= 0)
        place = np.full(len(words) + 1, -1, dtype=np.int32)
        for rank, (word, code) in enumerate(used):
            made.update(f"{word}\n".encode())
            place[code] = rank
        column = pd.Series(place[codes])
    held = pa.array(column.array, from_pandas=True)
    table = pa.table({name: held}).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    made.update(memoryview(sink.getvalue()))
