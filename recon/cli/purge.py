"""`recon purge`: delete what is past its retention."""

from __future__ import annotations

import sys

import click

from recon.cli import common


@click.command("purge")
@click.option(
    "--older-than",
    "days",
    type=click.IntRange(10, 36_500),
    metavar="DAYS",
    help="Delete what is older than this, instead of retention.days.",
)
@click.option("--dry-run", is_flag=True, help="Only count what would be deleted.")
@common.pass_session
def command(session: common.Session, days: int | None, *, dry_run: bool) -> int:
    """Delete what is stored and past its retention.

    That is messages, findings and runs. The coverage of the deleted time is withdrawn first, so
    that nothing deleted is ever reported as missing: a later run over that time calls records there
    unverifiable. Findings go whatever their status. It may be interrupted; the next purge goes on.
    """
    from recon.jobs import purging

    settings = session.settings(require_accounts=False)
    engine = session.engine(settings)
    now = session.runtime.clock()
    before = purging.limit(now, days or settings.retention.days, settings.timezone)
    done = "would be deleted" if dry_run else "deleted"
    click.echo(f"what is older than {before.day} ({settings.timezone}):")
    hidden = dry_run or not sys.stderr.isatty()
    total = 0
    if not hidden:
        counted = purging.purge(engine, before, dry_run=True)
        total = sum(sum(counts.values()) for _, counts in counted)
    with click.progressbar(length=total, label="Rows", file=sys.stderr, hidden=hidden) as bar:
        found = list(purging.purge(engine, before, dry_run=dry_run, progress=bar.update))
    for account, counts in found:
        told = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
        click.echo(f"{account}: {told or 'nothing'} {done}")
    if not found:
        click.echo("nothing is stored")
    return 0
