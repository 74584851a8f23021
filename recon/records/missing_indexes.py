"""Find indexes that a large table of records lacks, as statements for the table's owner.

A record is looked up by its id or message id, a day by its times. Without an index, the whole table
is read each time.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from recon.records import mysql_columns, postgres_columns

#: A table of no more rows is read through in no time.
LARGE_ROWS: Final = 50_000

#: The sentence before the statements.
READ_WHOLE: Final = "each look-up reads the whole table of your records. Its owner can add:"

_DATABASES: Final = mysql_columns.DIALECTS | {"sqlite", "postgresql"}
_NUMBERS: Final = (sa.Integer, sa.Numeric)
#: Types that are looked up by an index. Of texts that hold times or message ids every row is read,
#: since no index knows how they may be spelled.
_SERVED: Final[Mapping[str, tuple[type[sa.types.TypeEngine[Any]], ...]]] = {
    "id": (*_NUMBERS, sa.String, sa.Uuid),
    "message_id": _NUMBERS,
    "sent_at": (sa.Date, sa.DateTime, *_NUMBERS),
}


def statements(
    connection: sa.Connection,
    table: sa.TableClause,
    kinds: Mapping[str, sa.types.TypeEngine[Any]],
    mapping: Mapping[str, str],
    *,
    filtered: bool,
    large: int = LARGE_ROWS,
) -> list[str]:
    """Return a statement for each index that would avoid reading the whole table.

    Args:
        connection: to the user's database.
        table: the records; for a view nothing is returned.
        kinds: the type of each column.
        mapping: the column of each field.
        filtered: whether a condition selects the records. A partial index may then cover exactly
            these.
        large: a table with at most this many rows needs no index.
    """
    dialect = connection.dialect.name
    if dialect not in _DATABASES:
        return []
    wanted = dict.fromkeys(
        mapping[field]
        for field in _SERVED
        if field in mapping and _is_served(field, kinds[mapping[field]], dialect)
    )
    with warnings.catch_warnings():
        # An index of an expression is not an index of a column.
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        inspector = sa.inspect(connection)
        if table.name not in inspector.get_table_names(schema=table.schema):
            return []
        known = set(_first_columns(inspector, table, filtered=filtered))
    lacking = [column for column in wanted if column.casefold() not in known]
    if not lacking or not _is_large(connection, table, large):
        return []
    create = "CREATE INDEX"
    if dialect == "postgresql" and not _is_partitioned(connection, table):
        # The application goes on writing meanwhile.
        create = "CREATE INDEX CONCURRENTLY"
    preparer = connection.dialect.identifier_preparer
    quote, place = preparer.quote, preparer.format_table(table)
    return [
        f"{create} {quote(f'{table.name}_{column}_idx')} ON {place} ({quote(column)});"
        for column in lacking
    ]


def _is_served(field: str, kind: sa.types.TypeEngine[Any], dialect: str) -> bool:
    if dialect == "sqlite":
        return True
    kind = postgres_columns.of_domain(kind, dialect)
    if dialect in mysql_columns.DIALECTS and isinstance(kind, sa.String):
        # Longer texts can only be indexed in part.
        return field == "id" and isinstance(kind, sa.VARCHAR | sa.CHAR)
    return isinstance(kind, _SERVED[field]) and not isinstance(kind, sa.Enum)


def _first_columns(
    inspector: sa.Inspector, table: sa.TableClause, *, filtered: bool
) -> Iterator[str]:
    """Yield the first column of each index; names in SQLite and MySQL do not depend on case."""
    name, schema = table.name, table.schema
    primary = inspector.get_pk_constraint(name, schema=schema)
    found: list[Sequence[str | None]] = [primary.get("constrained_columns") or []]
    found += [one["column_names"] for one in inspector.get_unique_constraints(name, schema=schema)]
    for index in inspector.get_indexes(name, schema=schema):
        options = index.get("dialect_options", {})
        is_partial = any(key.endswith("_where") for key in options)
        if filtered or not is_partial:
            found.append(index["column_names"])
    for columns in found:
        # An index may begin with an expression, which is of no column.
        if columns and (first := columns[0]) is not None:
            yield first.casefold()


def _is_large(connection: sa.Connection, table: sa.TableClause, rows: int) -> bool:
    one: sa.Label[int] = sa.literal_column("1").label("one")
    some = sa.select(one).select_from(table).limit(rows + 1)
    counted = connection.execute(sa.select(sa.func.count()).select_from(some.subquery()))
    return int(counted.scalar_one()) > rows


def _is_partitioned(connection: sa.Connection, table: sa.TableClause) -> bool:
    name = connection.dialect.identifier_preparer.format_table(table)
    query = sa.text("SELECT relkind::text FROM pg_class WHERE oid = to_regclass(:name)")
    return connection.execute(query, {"name": name}).scalar() == "p"
