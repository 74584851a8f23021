"""The migrations, to go back to earlier schemas."""

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
