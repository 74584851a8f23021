"""The user's records as a canonical frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from recon.core.frames import clock_changes, columns, dates_alone, layout
from recon.core.frames.columns import Raw
from recon.core.frames.time_spellings import causes
from recon.core.frames.timestamps import instants

_LONGEST_QUOTE: Final = 60


def local_frame(
    raw: Raw, *, zone: str, statuses: Mapping[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Type raw columns: the readable rows (`layout.LOCAL`) and the others (`LOCAL_REJECTS`).

    Args:
        raw: the columns `id`, `message_id`, `phone_number`, `sent_at` and `status`, of one length;
            `sent_at` is required; another column that is missing is null in every row.
        zone: of times that are stored without an offset, an IANA name.
        statuses: the user's word to Octopods' word or `not_sent`, in upper or lower case.
    """
    sent_at = columns.as_arrow(raw["sent_at"])
    count = len(sent_at)
    times = instants(sent_at, zone)

    def in_zone(rows: NDArray[np.intp], other: str) -> NDArray[np.int64]:
        return instants(sent_at.take(pa.array(rows)), other).microseconds

    first, other_minutes = clock_changes.two_readings(*times, zone, in_zone)
    times = times._replace(microseconds=first)
    dated, ends = dates_alone.days(sent_at, times, zone)
    if dated.size:
        lengths = (ends - first[dated]) // dates_alone.MINUTE_US
        other_minutes = other_minutes.copy()
        other_minutes[dated] = layout.DATE_ALONE + lengths
    nothing = columns.no_texts(count)
    ids = columns.message_ids(raw.get("message_id", nothing))
    numbers = columns.phone_numbers(raw.get("phone_number", nothing))
    words = columns.status_words(raw.get("status", nothing), statuses)
    own_ids = columns.local_ids(raw.get("id", nothing))
    frame = pd.DataFrame(
        {
            "local_id": own_ids,
            "message_id": ids.column,
            "odd_message_id": columns.strings(ids.odd),
            "phone_number": columns.strings(numbers),
            "sent_at": times.column,
            "other_minutes": other_minutes,
            "status": words,
        },
        copy=False,
    )
    if times.read.all():
        return frame, layout.empty_local_rejects()
    unread = np.flatnonzero(~times.read)
    reasons = unreadable("sent_at", sent_at.take(pa.array(unread)))
    rejects = _rejects(frame.take(unread), reasons)
    return frame.take(np.flatnonzero(times.read)).reset_index(drop=True), rejects


def _rejects(rows: pd.DataFrame, reasons: pa.Array) -> pd.DataFrame:
    return (
        rows.astype({"local_id": "str", "status": "str"})
        .reset_index(drop=True)
        .drop(columns="other_minutes")
        .assign(reason=columns.strings(reasons))
    )


def unreadable(field: str, raw: pa.Array) -> pa.Array:
    """Return, for each raw value, why its row was rejected, as a text for people."""
    held = columns.without_null_words(columns.unwrapped(columns.texts(raw)))
    quoted = pc.utf8_slice_codeunits(held, 0, _LONGEST_QUOTE)
    end = pa.scalar("'", pa.large_string())
    if field == "sent_at":
        end = pc.binary_join_element_wise(end, causes(held), pa.scalar("", pa.large_string()))
    said = pc.binary_join_element_wise(
        pa.scalar(f"{field} cannot be read: '", pa.large_string()),
        quoted,
        end,
        pa.scalar("", pa.large_string()),
    )
    return pc.fill_null(said, f"{field} is missing")
