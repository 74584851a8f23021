"""A table or view of the user's database, and the types of its columns."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import sqlalchemy as sa
from sqlalchemy.exc import NoSuchTableError

from recon.records import duckdb_tables
from recon.records.suggestions import not_found_error

#: The type of each column.
Kinds: TypeAlias = Mapping[str, sa.types.TypeEngine[Any]]


def find_table(connection: sa.Connection, asked: str) -> tuple[sa.TableClause, Kinds]:
    """Find a table or view; a dot is part of its name if a table has that name.

    Raises:
        InputError: it does not exist; the error names similar ones.
    """
    looked_for = (_in_duckdb if connection.dialect.name == "duckdb" else _inspected)(
        connection, asked
    )
    schema, name, kinds, names = looked_for
    if not kinds:
        place = "the database" if schema is None else f"schema {schema}"
        raise not_found_error("table", [name], names, where=place)
    return sa.table(name, schema=schema), kinds


def all_tables(connection: sa.Connection) -> list[str]:
    """Return the tables and views of the default schema."""
    if connection.dialect.name == "duckdb":
        default = str(connection.exec_driver_sql("SELECT current_schema()").scalar())
        return [table for place, table in duckdb_tables.tables(connection) if place == default]
    return _names(sa.inspect(connection), None)


class _LookedFor(NamedTuple):
    schema: str | None
    name: str
    kinds: Kinds
    """Its columns; none if it does not exist."""
    names: Sequence[str]
    """The tables and views of its schema, if it does not exist."""


def _inspected(connection: sa.Connection, asked: str) -> _LookedFor:
    inspector = sa.inspect(connection)
    schema, name = None, asked
    with warnings.catch_warnings():
        # A type that SQLAlchemy does not know is read without conversion.
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        if "." in asked and not inspector.has_table(asked):
            schema, name = asked.rsplit(".", 1)
        try:
            columns = inspector.get_columns(name, schema=schema)
        except NoSuchTableError:
            columns = []
    kinds = {str(column["name"]): column["type"] for column in columns}
    return _LookedFor(schema, name, kinds, [] if kinds else _names(inspector, schema))


def _names(inspector: sa.Inspector, schema: str | None) -> list[str]:
    if schema is not None and schema not in inspector.get_schema_names():
        return []
    return [*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)]


def _in_duckdb(connection: sa.Connection, asked: str) -> _LookedFor:
    known = duckdb_tables.tables(connection)
    default = str(connection.exec_driver_sql("SELECT current_schema()").scalar())
    schema, name = None, asked
    if "." in asked and (default, asked) not in known:
        schema, name = asked.rsplit(".", 1)
    inside = schema or default
    names = [table for place, table in known if place == inside]
    return _LookedFor(schema, name, known.get((inside, name), {}), names)
