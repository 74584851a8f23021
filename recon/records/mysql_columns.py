"""Values of MySQL and MariaDB that their drivers give without saying what they are.

A TIMESTAMP is an instant, but comes without an offset, in the zone of the session. That is UTC (see
`connections`). A BIT comes as bytes. The server says with each answer what its columns are, so
queries are read as tables are.
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
    """Return a column as it is meant: a TIMESTAMP in UTC, a BIT as a number.

    Args:
        values: as the driver gave them, in a session whose zone is UTC.
        kind: the column's type, as the protocol numbers it.
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
