"""Read records of PostgreSQL as Arrow columns if the result is the same as from the driver."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from recon.core.frames.timestamps import EARLIEST, LATEST
from recon.sqlread.driver_rows import Batch

if TYPE_CHECKING:
    import pyarrow as pa

#: Types whose values are the same through Arrow as through the driver.
_SAME: Final = frozenset({"int2", "int4", "int8", "float8", "bool", "text", "varchar", "bpchar"})
#: And of times.
_TIMES: Final = frozenset({"timestamptz", "timestamp"})
#: Wider than any zone's offset.
_DAY: Final = timedelta(days=1)


def of_domain(kind: sa.types.TypeEngine[Any], dialect: str) -> sa.types.TypeEngine[Any]:
    """Return the base type of a PostgreSQL domain; other types unchanged."""
    if dialect == "sqlite":  # its files need not wait for the import
        return kind
    from sqlalchemy.dialects import postgresql

    return kind.data_type if isinstance(kind, postgresql.DOMAIN) else kind


def readable(column: sa.ColumnClause[Any], kind: sa.types.TypeEngine[Any]) -> sa.ColumnElement[Any]:
    """Return the expression to select for a column: as text if its values are typed from text."""
    is_text = isinstance(kind, sa.Numeric | sa.Uuid | sa.Enum | sa.Date)
    if not is_text or isinstance(kind, sa.Float):
        return column
    return sa.cast(column, sa.Text()).label(column.name)


def settings(zone: str, lock_seconds: float) -> dict[str, str]:
    """Return settings with which the second session reads like the first one.

    Args:
        zone: the zone of the session.
        lock_seconds: how many seconds to wait for a lock: in this session a change of the table may
            wait for the first session.
    """
    return {
        "TimeZone": zone,
        "DateStyle": "ISO, YMD",
        "lock_timeout": f"{int(lock_seconds * 1000)}ms",
    }


def are_same(batch: Batch, mapping: Mapping[str, str]) -> bool:
    """Say whether the mapped columns have the values that the driver would return.

    Not if a column is missing or has a type other than `_SAME` and `_TIMES`, or a time is one that
    no message can have: an error would show it in Arrow's spelling.
    """
    types = dict(zip(batch.names, batch.types, strict=True))
    for field, name in mapping.items():
        kind = types.get(name)
        if kind not in _SAME and not (field == "sent_at" and kind in _TIMES):
            return False
    return _are_plausible(batch.columns[batch.names.index(mapping["sent_at"])])


def _are_plausible(times: pa.Array) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_timestamp(times.type) or times.null_count == len(times):
        return True
    found = pc.min_max(times.cast(pa.int64()))
    low, high = (int((end.timestamp()) * 1_000_000) for end in (EARLIEST + _DAY, LATEST - _DAY))
    return bool(low <= found["min"].as_py() and found["max"].as_py() < high)
