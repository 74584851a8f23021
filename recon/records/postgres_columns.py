"""Records of PostgreSQL as Arrow columns, where they come out just as in the plain way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from recon.arrow import ArrowUnavailable, postgres_arrow
from recon.core.frames.timestamps import EARLIEST, LATEST

if TYPE_CHECKING:
    import pyarrow as pa

    from recon.core.frames import Raw

#: Types of which Arrow's values and the plain way's are the same.
_SAME: Final = frozenset({"int2", "int4", "int8", "float8", "bool", "text", "varchar", "bpchar"})
#: And of times.
_TIMES: Final = frozenset({"timestamptz", "timestamp"})
#: Wider than any zone's offset.
_DAY: Final = timedelta(days=1)


def readable(column: sa.ColumnClause[Any], kind: sa.types.TypeEngine[Any]) -> sa.ColumnElement[Any]:
    """Return what to select for a column: what the plain way reads as text is asked for as text."""
    is_text = isinstance(kind, sa.Numeric | sa.Uuid | sa.Enum | sa.Date)
    if not is_text or isinstance(kind, sa.Float):
        return column
    return sa.cast(column, sa.Text()).label(column.name)


def chunks(
    connection: sa.Connection,
    statement: sa.Select[Any] | sa.TextClause,
    mapping: Mapping[str, str],
    zone: str,
    lock_seconds: float,
) -> Iterator[Raw]:
    """Yield the rows of a statement as raw columns by field.

    Args:
        connection: to the user's database.
        statement: the columns in `mapping`, and perhaps others.
        mapping: the column of each field.
        zone: of the session.
        lock_seconds: how long a lock is waited for, in this second session too: a change of the
            table may be waiting for the first one.

    Raises:
        ArrowUnavailable: a column is not there or of another type than `_SAME` and `_TIMES`, or a
            time is none that a message can have: an error would show it as Arrow spells it.
    """
    settings = {
        "TimeZone": zone,
        "DateStyle": "ISO, YMD",
        "lock_timeout": f"{int(lock_seconds * 1000)}ms",
    }
    with postgres_arrow.read_batches(connection, statement, settings) as batches:
        names = batches.schema.names
        if not set(mapping.values()) <= set(names):
            raise ArrowUnavailable
        places = {field: names.index(name) for field, name in mapping.items()}
        for field, place in places.items():
            kind = postgres_arrow.type_name(batches.schema.field(place))
            if kind not in _SAME and not (field == "sent_at" and kind in _TIMES):
                raise ArrowUnavailable
        for batch in batches:
            if not _are_plausible(batch.column(places["sent_at"])):
                raise ArrowUnavailable
            yield {field: batch.column(place) for field, place in places.items()}


def _are_plausible(times: pa.Array) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_timestamp(times.type) or times.null_count == len(times):
        return True
    found = pc.min_max(times.cast(pa.int64()))
    low, high = (int((end.timestamp()) * 1_000_000) for end in (EARLIEST + _DAY, LATEST - _DAY))
    return bool(low <= found["min"].as_py() and found["max"].as_py() < high)
