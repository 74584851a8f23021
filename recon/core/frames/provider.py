"""A file of provider messages as a canonical frame."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from recon.core.frames import columns
from recon.core.frames.columns import Raw
from recon.core.frames.instants import instants
from recon.core.frames.local import unreadable
from recon.model import Status

#: What is read of a provider message. Only `failure_reason` and `status` may be absent.
PROVIDER_FIELDS: Final = ("message_id", "phone_number", "sent_at", "status", "failure_reason")

#: How far a status has come; a word that nobody knows says more than `unknown`.
_ADVANCED: Final = {
    Status.UNKNOWN: 0,
    Status.SENT: 2,
    Status.FAILED: 3,
    Status.DELIVERED: 4,
    Status.READ: 5,
    Status.DELETED: 6,
}
_FOREIGN: Final = 1


def provider_frame(raw: Raw, *, observed_at: datetime) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Type raw columns: readable messages (`layout.PROVIDER`) and the rest (`PROVIDER_REJECTS`).

    Times without an offset are UTC, a missing status is `unknown`, upper case is lowered. Of rows
    with one id the one whose status is most advanced is kept. A row without a whole-number id, a
    phone number with a digit in it, or a readable time is rejected.

    Args:
        raw: columns by their name in `PROVIDER_FIELDS`, of one length.
        observed_at: when the statuses were seen, aware.
    """
    fields = {name: columns.as_arrow(raw[name]) for name in raw if name in PROVIDER_FIELDS}
    nothing = columns.no_texts(len(fields["sent_at"]))
    times = instants(fields["sent_at"], "UTC")
    ids = columns.whole_numbers(fields["message_id"])
    numbers = columns.phone_numbers(fields["phone_number"])
    dialable = pc.fill_null(pc.match_substring_regex(numbers, "[0-9]"), fill_value=False)
    dialable = dialable.to_numpy(zero_copy_only=False)
    reasons = columns.without_null_words(columns.texts(fields.get("failure_reason", nothing)))
    statuses = pc.utf8_lower(columns.texts(fields.get("status", nothing)))
    frame = pd.DataFrame(
        {
            "message_id": ids.column,
            "phone_number": columns.strings(numbers),
            "sent_at": times.column,
            "status": columns.status_words(statuses, {}),
            "failure_reason": columns.strings(reasons),
        },
        copy=False,
    )
    good = ids.held & times.read & dialable
    if good.all():
        return _messages(frame, observed_at), _rejects(frame.iloc[:0], nothing.slice(0, 0), [])
    bad = np.flatnonzero(~good)
    rows = {name: column.take(pa.array(bad)) for name, column in fields.items()}
    said = _why(rows, [ids.held[bad], dialable[bad], times.read[bad]])
    kept = frame.take(np.flatnonzero(good)).reset_index(drop=True)
    return _messages(kept, observed_at), _rejects(frame.take(bad), said, _keys(rows))


def _why(rows: dict[str, pa.Array], fine: list[NDArray[np.bool_]]) -> pa.Array:
    names = ("message_id", "phone_number", "sent_at")
    parts = [
        pc.if_else(pa.array(good), pa.scalar(None, pa.large_string()), unreadable(name, rows[name]))
        for name, good in zip(names, fine, strict=True)
    ]
    return pc.binary_join_element_wise(
        *parts, pa.scalar("; ", pa.large_string()), null_handling="skip"
    )


def _keys(rows: dict[str, pa.Array]) -> list[str]:
    """Return an identity for each row: the same row has the same one in any file and order.

    Equal rows are told apart by being the first, the second, and so on.
    """
    spelled = [columns.texts(rows[name]).to_pylist() for name in PROVIDER_FIELDS if name in rows]
    seen: dict[tuple[str | None, ...], int] = {}
    keys = []
    for row in zip(*spelled, strict=True):
        seen[row] = seen.get(row, 0) + 1
        keys.append(hashlib.sha256(repr((row, seen[row])).encode()).hexdigest()[:32])
    return keys


def _rejects(rows: pd.DataFrame, reasons: pa.Array, keys: list[str]) -> pd.DataFrame:
    rejects = rows.astype({"status": "str"}).reset_index(drop=True)
    rejects = rejects.assign(reason=columns.strings(reasons))
    rejects.insert(0, "key", pd.Series(keys, dtype="str"))
    return rejects


def _messages(frame: pd.DataFrame, observed_at: datetime) -> pd.DataFrame:
    frame = frame.astype({"message_id": "int64"})
    repeated = frame["message_id"].duplicated(keep=False).to_numpy()
    if repeated.any():
        frame = _most_advanced(frame, repeated)
    status = frame["status"].cat
    if frame["status"].hasnans:
        words = sorted({*map(str, status.categories), Status.UNKNOWN.value})
        known = status.set_categories(pd.Index(words, dtype="str"))
        frame = frame.assign(status=known.fillna(Status.UNKNOWN.value))
    seen = pd.Timestamp(observed_at).tz_convert("UTC").as_unit("us")
    return frame.assign(observed_at=pd.Series(seen, index=frame.index, dtype="datetime64[us, UTC]"))


def _most_advanced(frame: pd.DataFrame, repeated: NDArray[np.bool_]) -> pd.DataFrame:
    """Keep one row an id: the furthest status, then the earliest time, then by the text."""
    words = frame["status"].cat.categories
    # The code of a null is -1, which is the last place of the table.
    table = np.array([_ADVANCED.get(word, _FOREIGN) for word in words] + [0])
    rows = frame.loc[repeated]
    order = rows.assign(advance=-table[rows["status"].cat.codes.to_numpy()]).sort_values(
        ["message_id", "advance", "sent_at", "phone_number", "failure_reason", "status"]
    )
    kept = order.drop_duplicates("message_id").index.to_numpy()
    mask = ~repeated
    mask[kept] = True
    return frame.loc[mask].reset_index(drop=True)
