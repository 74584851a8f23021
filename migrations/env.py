"""How Alembic runs the migrations.

`recon db upgrade` comes with a connection, in whose transaction everything happens. A developer's
`alembic` command comes without one, and connects to `-x url=…` or else `RECON_DATABASE__URL`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from recon.store.column_types import Json, SafeText, UtcDateTime
from recon.store.engine import opened, writing
from recon.store.tables import METADATA


def spelt(kind: str, value: object, _context: AutogenContext) -> str | Literal[False]:
    """Spell our own types by what they are made of: a migration outlives the program's code."""
    if kind != "type":
        return False
    if isinstance(value, UtcDateTime):
        return 'sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")'
    if isinstance(value, Json):
        return 'sa.JSON().with_variant(sa.dialects.postgresql.JSONB(), "postgresql")'
    return "sa.Text()" if isinstance(value, SafeText) else False


def numbered(
    _migrations: MigrationContext,
    _revision: str | Iterable[str | None] | Iterable[str],
    scripts: list[MigrationScript],
) -> None:
    """Number a new migration after the last one: the names of the files are their order."""
    head = ScriptDirectory.from_config(context.config).get_current_head()
    for script in scripts:
        script.rev_id = f"{int(head or 0) + 1:04d}"


def run(connection: sa.Connection) -> None:
    """Run what Alembic was asked for on `connection`."""
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=True,
        compare_type=True,
        render_item=spelt,
        process_revision_directives=numbered,
    )
    with context.begin_transaction():
        context.run_migrations()


def url() -> str:
    """Return the database that a developer means."""
    asked = context.get_x_argument(as_dictionary=True).get("url")
    found = asked or os.environ.get("RECON_DATABASE__URL")
    if not found:
        raise SystemExit("Name a database: alembic -x url=sqlite:///recon.db …")
    return str(found)


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
elif context.is_offline_mode():
    context.configure(url=url(), target_metadata=METADATA, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with opened(url()) as engine, writing(engine) as own:
        run(own)
