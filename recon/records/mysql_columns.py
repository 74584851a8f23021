"""Convert values of MySQL and MariaDB whose type the drivers do not show.

A TIMESTAMP is an instant, but has no offset and is in the session's zone, which is UTC (see
`connections`). A BIT is returned as bytes. The server returns the types of columns with each
result, so queries are read like tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from recon.core.frames.columns import Column

#: SQLAlchemy's names of them.
DIALECTS: Final = frozenset({"mysql", "mariadb"})

#: Types as the protocol numbers them, which all drivers pass on (MariaDB's documentation,
#: "Result Set Packets", field types).
_TIMESTAMP: Final = 7
_BIT: Final = 16


def convert(values: Sequence[Any], kind: object) -> Column:
    """Return a column with its meaning: a TIMESTAMP in UTC, a BIT as a number.

    Args:
        values: from the driver, in a session whose zone is UTC.
        kind: the number of the column's type in the protocol.
    """
    if kind == _TIMESTAMP:
        return _instants(values)
    if kind == _BIT:
        return [int.from_bytes(one) if isinstance(one, bytes) else one for one in values]
    return values


def _instants(values: Sequence[Any]) -> Column:
    import pyarrow as pa

    try:
        return pa.array(values, pa.timestamp("us", "UTC"))
    except (pa.ArrowException, TypeError, ValueError):
        # Some are no times: a date of zeros comes as text.
        return [one.replace(tzinfo=UTC) if isinstance(one, datetime) else one for one in values]
