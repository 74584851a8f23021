"""A file of provider messages as a canonical frame."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from recon.core import utf8
from recon.core.frames import columns, layout
from recon.core.frames.columns import Raw
from recon.core.frames.record_frame import unreadable
from recon.core.frames.timestamps import instants
from recon.model import Status

#: The fields of a provider message. Only `failure_reason` and `status` may be absent.
PROVIDER_FIELDS: Final = ("message_id", "phone_number", "sent_at", "status", "failure_reason")

#: How far a status has come; an undocumented word says more than `unknown`.
_ADVANCED: Final = {
    Status.UNKNOWN: 0,
    Status.SENT: 2,
    Status.FAILED: 3,
    Status.DELIVERED: 4,
    Status.READ: 5,
    Status.DELETED: 6,
}
_FOREIGN: Final = 1


class MessageChunk(NamedTuple):
    """A chunk of rows, typed."""

    frame: pd.DataFrame
    """Readable messages, not yet one row an id; a missing status is null."""
    rejects: pd.DataFrame
    """The columns of `layout.PROVIDER_REJECTS`, without `key`."""
    spelled: list[tuple[str | None, ...]]
    """The text of each reject in its file."""


def provider_frames(
    chunks: Iterable[Raw], *, observed_at: datetime
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Type raw columns: readable messages (`layout.PROVIDER`) and the rest (`PROVIDER_REJECTS`).

    Times without an offset are UTC, a missing status is `unknown`, and upper case becomes lower
    case. Of several rows with one id, the one with the most advanced status is kept. A row is
    rejected if its id is not a positive whole number, its time cannot be read, or its phone number
    has no digit. It may lack a phone number.

    Args:
        chunks: columns by their name in `PROVIDER_FIELDS`, of one length in each chunk. They are
            typed one by one, so that memory never holds all raw columns of a file.
        observed_at: when the statuses were seen, aware.
    """
    typed = [*map(message_chunk, chunks)] or [message_chunk({name: [] for name in PROVIDER_FIELDS})]
    rejects = message_rejects([(chunk.rejects, chunk.spelled) for chunk in typed])
    return one_per_id(layout.concat([chunk.frame for chunk in typed]), observed_at), rejects


def message_rejects(
    chunks: Sequence[tuple[pd.DataFrame, list[tuple[str | None, ...]]]],
) -> pd.DataFrame:
    """Return the rejects of all chunks of a file (`PROVIDER_REJECTS`), each with its key.

    Args:
        chunks: `rejects` and `spelled` of each chunk; at least one.
    """
    rejects = layout.concat([rejects for rejects, _ in chunks])
    keys = _keys([row for _, spelled in chunks for row in spelled])
    rejects.insert(0, "key", pd.Series(keys, dtype="str"))
    return rejects


def message_chunk(raw: Raw) -> MessageChunk:
    """Type some raw rows, see `provider_frames`."""
    fields = {name: raw[name] for name in PROVIDER_FIELDS if name in raw}
    times = instants(fields["sent_at"], "UTC")
    nothing = columns.no_texts(len(times.read))
    ids = columns.whole_numbers(fields["message_id"])
    numbers = columns.phone_numbers(fields["phone_number"])
    dialable = _none_or_with_a_digit(numbers)
    reasons = columns.texts(columns.as_arrow(fields.get("failure_reason", nothing)))
    frame = pd.DataFrame(
        {
            "message_id": pd.Series(ids.values),
            "phone_number": columns.strings(numbers),
            "sent_at": times.column,
            "status": columns.status_words(fields.get("status", nothing), {}, lower=True),
            "failure_reason": columns.strings(columns.without_null_words(reasons)),
        },
        copy=False,
    )
    numbered = ids.held & np.greater(ids.values, 0)
    good = numbered & times.read & dialable
    if good.all():
        return MessageChunk(frame, layout.empty_provider_rejects().drop(columns="key"), [])
    bad = np.flatnonzero(~good)
    rows = {name: columns.as_arrow(fields[name]).take(pa.array(bad)) for name in fields}
    said = _why(rows, [numbered[bad], dialable[bad], times.read[bad]])
    kept = frame.take(np.flatnonzero(good)).reset_index(drop=True)
    rejected = frame.take(bad).assign(message_id=ids.column.take(bad))
    return MessageChunk(kept, _rejects(rejected, said), _spelled(rows))


def _none_or_with_a_digit(numbers: pa.Array) -> NDArray[np.bool_]:
    bounds, text = utf8.byte_bounds(numbers)
    held: NDArray[np.bool_] = numbers.is_valid().to_numpy(zero_copy_only=False) & (
        bounds[1:] > bounds[:-1]
    )
    fine = ~held
    # Nearly all end with one.
    ends = text[bounds[1:][held] - 1] - np.uint8(ord("0")) < 10  # noqa: PLR2004 - ten digits
    if not ends.all():
        others = pa.array(np.flatnonzero(held)[~ends])
        found = pc.match_substring_regex(numbers.take(others), "[0-9]")
        ends[~ends] = found.to_numpy(zero_copy_only=False)
    fine[held] = ends
    return fine


def _why(rows: dict[str, pa.Array], fine: list[NDArray[np.bool_]]) -> pa.Array:
    names = ("message_id", "phone_number", "sent_at")
    parts = [
        pc.if_else(pa.array(good), pa.scalar(None, pa.large_string()), unreadable(name, rows[name]))
        for name, good in zip(names, fine, strict=True)
    ]
    return pc.binary_join_element_wise(
        *parts, pa.scalar("; ", pa.large_string()), null_handling="skip"
    )


def _spelled(rows: dict[str, pa.Array]) -> list[tuple[str | None, ...]]:
    return list(zip(*(columns.texts(row).to_pylist() for row in rows.values()), strict=True))


def _keys(spelled: list[tuple[str | None, ...]]) -> list[str]:
    """Return an identity for each row; it does not depend on the file or on the order of rows.

    Equal rows are numbered to distinguish them.
    """
    seen: dict[tuple[str | None, ...], int] = {}
    keys = []
    for row in spelled:
        seen[row] = seen.get(row, 0) + 1
        keys.append(hashlib.sha256(repr((row, seen[row])).encode()).hexdigest()[:32])
    return keys


def _rejects(rows: pd.DataFrame, reasons: pa.Array) -> pd.DataFrame:
    rejects = rows.astype({"status": "str"}).reset_index(drop=True)
    nowhen = pd.Series(pd.NaT, rejects.index, dtype=rejects["sent_at"].dtype)
    return rejects.assign(reason=columns.strings(reasons), earliest=nowhen, latest=nowhen)


def one_per_id(frame: pd.DataFrame, observed_at: datetime) -> pd.DataFrame:
    """Return one row for each id (`layout.PROVIDER`), see `provider_frames`.

    Args:
        frame: readable messages of chunks, including all rows of each id.
        observed_at: when their statuses were seen, aware.
    """
    ids = frame["message_id"].to_numpy()
    if not (ids[1:] > ids[:-1]).all():
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
    """Keep one row for each id, by the most advanced status, the earliest time and the text."""
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
