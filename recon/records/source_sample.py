"""Read a sample of a table or file whose mapping is not known yet: its columns and some rows.

As with all access to the user's records, it only reads, and creates nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import sqlalchemy as sa

#: This many rows are enough to recognise the columns.
SAMPLE_ROWS: Final = 5_000

Columns = Mapping[str, Sequence[str | None]]


def table_names(url: str, zone: str) -> list[str]:
    """Return the tables and views of a database's default schema.

    Raises:
        TemporaryError, ConfigError, InputError: see `ReadOnlyDatabase.run`.
    """
    from recon.records.connections import read_only_engine
    from recon.records.table_columns import all_tables

    return sorted(read_only_engine(url, zone).run(all_tables))


def of_table(url: str, table: str, zone: str, *, rows: int = SAMPLE_ROWS) -> Columns:
    """Return the columns of a table or view, each with some values as texts.

    Args:
        url: of the database.
        table: its name; if it does not exist, the error names similar ones.
        zone: of times without an offset.
        rows: how many rows at most, those that the database returns first.

    Raises:
        TemporaryError, ConfigError, InputError: see `ReadOnlyDatabase.run`.
    """
    from recon.records.connections import read_only_engine
    from recon.records.table_columns import find_table

    def read(connection: sa.Connection) -> Columns:
        import sqlalchemy as sa

        place, kinds = find_table(connection, table)
        names = list(kinds)
        columns: list[sa.ColumnElement[Any]] = [sa.column(name) for name in names]
        wanted = sa.select(*columns).select_from(place).limit(rows)
        found = connection.execute(wanted).all()
        return {name: [_text(row[at]) for row in found] for at, name in enumerate(names)}

    return read_only_engine(url, zone).run(read)


def of_file(path: Path) -> Columns:
    """Return the columns of a file, each with some values as texts.

    Raises:
        InputError: the file is not there or cannot be read.
    """
    from recon.records import file_formats

    names = file_formats.column_names(path)
    for chunk in file_formats.chunks(path, list(names)):
        return {name: _texts(chunk.columns[name]) for name in names}
    return {name: [] for name in names}


def _texts(values: Any) -> list[str | None]:  # noqa: ANN401 - as files give them
    some = values[:SAMPLE_ROWS]
    return [_text(value) for value in (some if isinstance(some, list) else some.to_pylist())]


def _text(value: object) -> str | None:
    if value is None or value != value:  # noqa: PLR0124 - NaN alone differs from itself
        return None
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", errors="replace")
    return str(value)
