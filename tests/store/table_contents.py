"""Reading whole tables, to compare what is in them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from recon.store.engine import reading
from recon.store.tables import METADATA


def rows(engine: sa.Engine, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """Return these columns (or all) of a table, in the order of its primary key."""
    chosen = METADATA.tables[table]
    wanted = [chosen.c[name] for name in columns] or list(chosen.c)
    with reading(engine) as connection:
        found = connection.execute(sa.select(*wanted).order_by(*chosen.primary_key))
        return [tuple(row) for row in found]


def everything(
    engine: sa.Engine, *, without: frozenset[str] = frozenset(), polled: bool = True
) -> dict[str, Any]:
    """Return all rows of all tables but some; unless `polled`, not by which poll a message came."""
    return {
        name: rows(
            engine,
            name,
            *(column.name for column in table.c if polled or column.name != "listed_by"),
        )
        for name, table in METADATA.tables.items()
        if name not in without
    }
