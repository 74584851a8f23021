"""`recon check`: the doctor."""

from __future__ import annotations

from collections.abc import Sequence

import click

from recon.cli import common, common_options
from recon.errors import ConfigError, worst
from recon.report.terminal_text import plain


@click.command("check")
@common_options.account_option
@click.option(
    "--send-test", is_flag=True, help="Also send a test mail, and a test text to [notify]."
)
@common.pass_session
def command(session: common.Session, accounts: Sequence[str], *, send_test: bool) -> int:
    """Check everything that a run needs; say how to fix it.

    Checks the configuration and who can read it, database, directories, API key and mail server.
    Compares yesterday's records (or the newest) with what Octopods lists now: one request for
    each account, none during a pause. Ends with the exit code that a run would end with. Stores
    nothing.
    """
    from recon import config
    from recon.jobs import doctor

    settings = session.settings()
    names = common.chosen_accounts(settings, accounts)
    count = len(settings.accounts)
    accounts_text = "1 account" if count == 1 else f"{count} accounts"
    click.echo(f"ok    configuration: {accounts_text}, {settings.timezone}")
    if send_test and settings.email is None and settings.notify is None:
        raise ConfigError(
            "--send-test needs [email] or [notify] in the configuration",
            hint="Add one of them; see docs/configuration.md.",
        )
    codes = []
    for line in doctor.check(
        settings,
        names,
        session.runtime,
        config_file=session.config or config.DEFAULT_PATH,
        send_test=send_test,
    ):
        mark = "WRONG" if line.error else "note " if line.needs_attention else "ok   "
        said = common.typed(f"{mark} {line.name}: {line.message}", session.config) or ""
        click.echo("\n".join(plain(one) for one in said.split("\n")))
        codes.append(line.exit_code)
    return worst(codes)
