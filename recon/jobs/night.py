"""The nightly job: poll, store, reconcile, save and report, for each account separately."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from recon import scratch
from recon.core.shards import Share
from recon.errors import expected
from recon.jobs import purging, share_locks, wiring
from recon.jobs.account_night import AccountNight, Night
from recon.jobs.backfill import HERE, Workers
from recon.jobs.held_days import HeldDays
from recon.jobs.run_options import RunOptions
from recon.jobs.run_results import AccountRun, ReportedRun
from recon.jobs.runtime import Runtime
from recon.jobs.waiting import Steps, Waits

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings

log = logging.getLogger(__name__)


def run(
    settings: Settings,
    engine: Engine,
    options: RunOptions,
    runtime: Runtime,
    progress: Callable[[ReportedRun], None] = lambda _: None,
    *,
    live: Engine | None = None,
    workers: Workers = HERE,
) -> Iterator[AccountRun]:
    """Run the job for each account in turn; an error in one does not affect the others.

    While an account waits for Octopods, the requests of the next accounts are made too. Accounts
    with the same key take turns. Days are judged, stored and reported in the order of the accounts.

    Args:
        settings: the configuration.
        engine: the job's own database, its schema ready.
        options: what to do.
        runtime: clock, environment and so on.
        progress: called after each day is reported.
        live: in a dry run the store itself, for locks and pauses; `engine` is then a copy from
            `recon.store.rehearsal`.
        workers: the processes in which the days of a backfill are judged. This process makes the
            requests and stores the results.
    """
    scratch.sweep()
    work = options.work
    one_by_one = len(work) == 1 or options.offline or options.dry_run
    waits = Waits(1 if one_by_one else options.at_once, runtime.sleep)
    night = Night(
        settings, engine, options, replace(runtime, sleep=waits.sleep), workers, live, waits
    )
    requests = (partial(_make_requests, night, *each) for each in work)
    with closing(waits.in_order(requests)) as accounts:
        for (name, _), (held, begun) in zip(work, accounts, strict=True):
            done = HeldDays[ReportedRun]() if options.is_backfill else list[ReportedRun]()
            try:
                with held:
                    account = begun.result()
                    for made in account.days():
                        done.append(made)
                        progress(made)
                    judged_again = account.judge_earlier_days()
            except Exception as error:
                reported = expected(error)
                if reported is None:
                    log.exception("account %s: internal error; its run ended", name)
                yield AccountRun(name, days=done, error=reported or error)
            else:
                yield AccountRun(name, days=done, judged_again=judged_again)
    # Commands that share a range are not done with older days when one of them ends.
    if settings.retention.automatic and not options.dry_run and options.shard is None:
        days = settings.retention.days
        purging.purge_after_night(engine, purging.limit(runtime.clock(), days, settings.timezone))


def _make_requests(
    night: Night, name: str, share: Share | None, held: ExitStack
) -> Steps[AccountNight]:
    """Begin the run of an account, and make its requests."""
    held.enter_context(share_locks.held(night.live or night.engine, name, share))
    session = held.enter_context(wiring.KeptSession())
    account = yield from AccountNight.begin(night, name, share, session)
    return (yield from account.ask(held))
