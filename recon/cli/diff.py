"""`recon diff`: two files against each other."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import click

from recon.cli import common, common_options
from recon.errors import InputError
from recon.model import VerdictKind


@click.command("diff")
@click.argument("local", type=common_options.PathParam())
@click.argument("provider", type=common_options.PathParam())
@common_options.day_options
@click.option(
    "--account",
    metavar="NAME",
    help="Read LOCAL with this account's columns and settings. Default: the only account.",
)
@common_options.output_option
@common_options.memory_option("Work")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Process partitions in N processes. Default: 1.",
)
@common_options.exit_code_option
@common_options.trust_option
@common.pass_session
def command(
    session: common.Session,
    local: Path,
    provider: Path,
    day: date | None,
    first: date | None,
    last: date | None,
    account: str | None,
    output: Path | None,
    memory_limit: int | None,
    workers: int,
    *,
    exit_code: bool,
    trust_input: bool,
) -> int:
    """Compare two files: your records and Octopods' messages.

    LOCAL holds your records, PROVIDER holds Octopods' messages.

    The files are CSV, Parquet or JSON; no network and no database are used. Without dates both
    files are compared as a whole. LOCAL has the columns id, message_id, phone_number, sent_at and
    status, or those of a configured account; PROVIDER has message_id, phone_number, sent_at, status
    and, if you have it, failure_reason. PROVIDER is taken as complete for the compared time, and
    its statuses as current.
    """
    from recon.core import calendar
    from recon.jobs import file_diff, memory_budget, wiring

    chosen = common_options.day_range(day, first, last)
    settings = session.settings(require_accounts=False)
    days = (
        (calendar.unbounded(settings.timezone),)
        if chosen is None
        else calendar.windows(*chosen, settings.timezone)
    )
    options = file_diff.DiffOptions(
        local=common.file_source(settings, account, local),
        provider=provider,
        days=days,
        policy=wiring.policy(settings, trust_input=trust_input),
        directory=output or settings.report.directory,
        mask=settings.report.mask_phone_numbers,
        budget=memory_budget.MemoryBudget(
            memory_budget.default_limit() if memory_limit is None else memory_limit, workers
        ),
    )
    with click.progressbar(
        length=file_diff.step_count(options),
        label="Diff",
        item_show_func=lambda part: part,
        file=sys.stderr,
        hidden=common.hides_progress(),
    ) as bar:
        done = file_diff.diff(options, session.runtime.clock(), lambda part: bar.update(1, part))
    common.show_runs(done)
    runs = [run for run, _ in done]
    if any(run.verdict.kind is VerdictKind.SUSPECT for run in runs):
        return InputError.exit_code
    codes = {run.exit_code_if_asked for run in runs} if exit_code else set()
    return min(codes - {0}, default=0)
