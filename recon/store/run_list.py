"""The stored runs, a row each, for users' own programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from recon.model import Status
from recon.store.engine import reading
from recon.store.tables import accounts as account_names
from recon.store.tables import runs

if TYPE_CHECKING:
    import pandas as pd

_UTC: Final = "datetime64[us, UTC]"

#: The columns of a listing and their types.
COLUMNS: Final = {
    "run_id": "str",
    "account": "str",
    "date": "str",
    "mode": "str",
    "verdict": "str",
    "window_start": _UTC,
    "window_end": _UTC,
    "timezone": "str",
    "started_at": _UTC,
    "finished_at": _UTC,
    "records": "int64",
    "messages": "int64",
    "matched": "int64",
    "failed": "int64",
    "findings": "int64",
    "acknowledged": "int64",
    "expected": "int64",
    "gaps": "int64",
    "list_requests": "int64",
    "status_requests": "int64",
}


def listing(
    engine: sa.Engine,
    *,
    accounts: Sequence[str] | None = None,
    days: tuple[date, date] | None = None,
    latest: bool = True,
) -> pd.DataFrame:
    """Return stored runs, the earliest day first, then by account, then in the order of storing.

    Args:
        engine: the store.
        accounts: only these; `None` is all.
        days: only those of these days, the first and the last one included.
        latest: only the latest run of each account and day.

    Returns:
        `COLUMNS`; `date` as ISO text.
    """
    import pandas as pd

    wanted: list[sa.ColumnElement[bool]] = []
    if accounts is not None:
        wanted.append(account_names.c.name.in_(accounts))
    if days is not None:
        wanted.append(runs.c.date.between(*days))
    if latest:
        newest = sa.select(sa.func.max(runs.c.id)).group_by(runs.c.account_id, runs.c.date)
        wanted.append(runs.c.id.in_(newest))
    query = (
        sa.select(runs, account_names.c.name.label("account"))
        .join_from(runs, account_names)
        .where(*wanted)
        .order_by(runs.c.date, account_names.c.name, runs.c.id)
    )
    with reading(engine) as connection:
        rows = [_row(row) for row in connection.execute(query)]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def _row(row: sa.Row[Any]) -> dict[str, Any]:
    return {
        "run_id": row.run_id,
        "account": row.account,
        "date": row.date.isoformat(),
        "mode": row.mode,
        "verdict": row.verdict,
        "window_start": row.window_start,
        "window_end": row.window_end,
        "timezone": row.timezone,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "records": sum(row.local.values()),
        "messages": sum(row.provider.values()),
        "matched": row.local.get("matched", 0),
        "failed": row.statuses.get(Status.FAILED.value, 0),
        "findings": len(row.found),
        "acknowledged": len(row.acknowledged),
        "expected": sum(map(len, row.expected.values())),
        "gaps": len(row.gaps),
        "list_requests": row.requests.get("list", 0),
        "status_requests": row.requests.get("status", 0),
    }
