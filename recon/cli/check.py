"""`recon check`: the doctor."""

from __future__ import annotations

from collections.abc import Sequence

import click

from recon.cli import common
from recon.errors import worst


@click.command("check")
@common.account_option
@common.pass_session
def command(session: common.Session, accounts: Sequence[str]) -> int:
    """Check all that a run needs, and say how to fix what is wrong.

    Checks configuration, database, migrations, your records and their columns, the API key (one
    request each) and the mail server. Writes nothing.
    """
    from recon.jobs import doctor

    settings = session.settings()
    names = common.chosen_accounts(settings, accounts)
    click.echo(f"ok    configuration: {len(settings.accounts)} account(s), {settings.timezone}")
    codes = []
    for line in doctor.check(settings, names, session.runtime):
        mark = "ok   " if line.error is None else "WRONG"
        click.echo(f"{mark} {line.name}: {line.message}")
        codes.append(line.exit_code)
    return worst(codes)
