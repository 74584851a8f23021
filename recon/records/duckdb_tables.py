"""The tables and columns of a DuckDB file, by DuckDB's own lists; the file is never created.

The dialect `duckdb-engine` reads columns from PostgreSQL's catalogues, which DuckDB has only in
part.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from recon.errors import ConfigError
from recon.records.suggestions import no_such_file

#: DuckDB's types of times and ids that can be compared in the database.
_KINDS: Final[Mapping[str, sa.types.TypeEngine[Any]]] = {
    "TIMESTAMP WITH TIME ZONE": sa.DateTime(timezone=True),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), sa.DateTime()),
    "DATE": sa.Date(),
    "VARCHAR": sa.String(),
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT"), sa.BigInteger()),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT"), sa.Numeric()),
    **dict.fromkeys(("FLOAT", "DOUBLE"), sa.Float()),
}


def require_file(url: sa.URL, setting: str = "") -> None:
    """Check that a URL names an existing file: DuckDB would create it, or give an unclear error.

    Raises:
        ConfigError: it names no file; a database in memory contains no records.
        InputError: the file does not exist.
    """
    name = url.database or ""
    if not name or name.startswith((":memory:", "md:", "motherduck:")):
        raise ConfigError(
            "the url of the records names no DuckDB file",
            hint='Write for example "duckdb:///path/to/records.duckdb".',
        )
    if not Path(name).is_file():
        raise no_such_file(Path(name), f"{setting}.url" if setting else "")


def tables(
    connection: sa.Connection,
) -> Mapping[tuple[str, str], Mapping[str, sa.types.TypeEngine[Any]]]:
    """Return the columns of each table and view, by schema and name, with their types."""
    listed = connection.exec_driver_sql(
        "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns()"
        " WHERE database_name = current_database() AND NOT internal ORDER BY column_index"
    )
    found: dict[tuple[str, str], dict[str, sa.types.TypeEngine[Any]]] = {}
    for schema, table, column, kind in listed:
        plain = "DECIMAL" if kind.startswith("DECIMAL") else kind
        known = sa.Numeric() if plain == "DECIMAL" else _KINDS.get(plain, sa.types.NullType())
        found.setdefault((schema, table), {})[column] = known
    return found
