"""`recon db`: the migrations of the job's own database."""

from __future__ import annotations

import click

from recon.cli import common
from recon.errors import ConfigError


@click.group("db")
def command() -> None:
    """Apply or inspect the migrations of recon's own database."""


@command.command()
@common.pass_session
def upgrade(session: common.Session) -> int:
    """Bring the database to the newest schema."""
    from recon.store import schema

    engine = session.unchecked_engine(session.settings(require_accounts=False))
    schema.upgrade(engine)
    click.echo(f"database is at {schema.current(engine)}")
    return 0


@command.command()
@common.pass_session
def current(session: common.Session) -> int:
    """Show the migration of the database."""
    from recon.store import schema

    engine = session.unchecked_engine(session.settings(require_accounts=False))
    at = schema.current(engine)
    newest = schema.head()
    click.echo(f"database: {at or 'not migrated'}\nprogram:  {newest}")
    return 0


@command.command()
@common.pass_session
def check(session: common.Session) -> int:
    """Check that the schema is the newest; end with 78 if not."""
    from recon.store import schema

    engine = session.unchecked_engine(session.settings(require_accounts=False))
    wrong = schema.check(engine)
    for complaint in wrong:
        click.echo(common.typed(f"database: {complaint}", session.config))
    if wrong:
        return ConfigError.exit_code
    click.echo("database and program agree")
    return 0
