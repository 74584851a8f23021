"""`recon purge`: delete data past its retention."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click

from recon.cli import common
from recon.errors import UsageError

if TYPE_CHECKING:
    from recon.config import Settings

#: Up to this many rows of a kind are counted, so that nobody waits for a number on the screen.
_COUNTED: Final = 500_000


@click.command("purge")
@click.option(
    "--older-than",
    "days",
    type=click.IntRange(10, 36_500),
    metavar="DAYS",
    help="Delete data older than this, instead of retention.days.",
)
@click.option(
    "--phone-number", "number", metavar="N", help="Instead, remove this number everywhere."
)
@click.option("--dry-run", is_flag=True, help="Only count what would be deleted.")
@common.pass_session
def command(session: common.Session, days: int | None, number: str | None, *, dry_run: bool) -> int:
    """Delete stored data that is past its retention.

    Deletes messages, findings and runs. The coverage of the deleted time is withdrawn first, so
    that nothing deleted is ever reported as missing: a later run over that time reports records
    there as unverifiable. Findings of any status are deleted. If a purge is interrupted, the next
    one continues.

    With --phone-number only the number is deleted: ids, times and statuses stay. A keyed hash
    keeps later polls and runs from storing it again. Lists the reports that contain the number.
    """
    from recon.jobs import purging
    from recon.jobs.account_errors import AccountErrors

    if number is not None and days is not None:
        raise UsageError("Give --older-than or --phone-number, not both.")
    settings = session.settings(require_accounts=False)
    if number is not None:
        return _forget(session, settings, number, dry_run=dry_run)
    engine = session.engine(settings)
    now = session.runtime.clock()
    before = purging.limit(now, days or settings.retention.days, settings.timezone)
    done = "would be deleted" if dry_run else "deleted"
    click.echo(f"what is older than {before.day} ({settings.timezone}):")
    hidden = dry_run or common.hides_progress()
    total = 0
    if not hidden:
        counted = purging.purge(engine, before, dry_run=True, errors=AccountErrors())
        total = sum(sum(counts.values()) for _, counts in counted)
    errors = AccountErrors()
    with click.progressbar(length=total, label="Rows", file=sys.stderr, hidden=hidden) as bar:
        most = _COUNTED if dry_run else None
        found = list(
            purging.purge(
                engine, before, dry_run=dry_run, most=most, progress=bar.update, errors=errors
            )
        )
    for account, counts in found:
        told = ", ".join(_told(name, count, most) for name, count in counts.items() if count)
        click.echo(f"{account}: {told or 'nothing'} {done}")
    if not found and not errors.met:
        click.echo("nothing is stored")
    return common.end_with(errors.met, several=len(found) + len(errors.met) > 1)


def _told(name: str, count: int, most: int | None) -> str:
    if most is not None and count > most:
        return f"more than {most:,} {name}"
    return f"{count:,} {name.removesuffix('s') if count == 1 else name}"


def _forget(session: common.Session, settings: Settings, number: str, *, dry_run: bool) -> int:
    from recon.jobs import forgetting

    whom = forgetting.person(number, settings.matching.default_region or None)
    # In a store that is not kept, nothing would keep the number from being stored later.
    engine, runtime = session.engine(settings, required=not dry_run), session.runtime
    with click.progressbar(
        length=forgetting.step_count(),
        label="Search",
        item_show_func=lambda table: table,
        file=sys.stderr,
        hidden=common.hides_progress(),
    ) as bar:
        counts = forgetting.forget(
            engine,
            whom,
            runtime.clock(),
            runtime.rng,
            dry_run=dry_run,
            progress=lambda table: bar.update(1, table),
        )
    told = ", ".join(
        f"{count:,} value{'' if count == 1 else 's'} in {name}"
        for name, count in sorted(counts.items())
    )
    done = "would be blanked" if dry_run else "blanked"
    click.echo(f"{done}: {told or 'the number is stored nowhere'}")
    if not dry_run:
        click.echo("later polls and runs do not store it again")
    files = list(forgetting.files_with(whom, settings.report.directory.absolute()))
    if files:
        click.echo("these reports contain it; delete or edit them:")
        for path in files:
            click.echo(f"  {path}")
    click.echo("your own records, mails and backups are not searched")
    return 0
