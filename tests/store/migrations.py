"""The migrations, to go back to earlier schemas, and what they build."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from recon.store import schema
from recon.store.engine import writing


def alembic(connection: sa.Connection | None = None) -> Config:
    """Return what Alembic's commands need, to work in the transaction of a connection."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(schema.location()))
    return config


def downgrade(engine: sa.Engine, version: str) -> None:
    """Bring a store back to an earlier schema."""
    with writing(engine, foreign_keys=False) as connection:
        command.downgrade(alembic(connection), version)


def described(engine: sa.Engine) -> dict[str, object]:
    """Return all that the database itself says of its tables."""
    look = sa.inspect(engine)
    return {
        table: {
            "columns": [
                (column["name"], str(column["type"]), column["nullable"], column["default"])
                for column in look.get_columns(table)
            ],
            "key": look.get_pk_constraint(table),
            "foreign": sorted(look.get_foreign_keys(table), key=str),
            "unique": sorted(look.get_unique_constraints(table), key=str),
            "checks": sorted(look.get_check_constraints(table), key=str),
            "indexes": sorted(look.get_indexes(table), key=str),
            "options": look.get_table_options(table),
        }
        for table in look.get_table_names()
        if table != "alembic_version"
    }
