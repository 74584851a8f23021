"""Decide which failed sends of some days may be sent again, from the store and the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from recon.core import calendar, coverage
from recon.jobs import reconcile, wiring
from recon.model import Span

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Engine

    from recon.config import Settings
    from recon.core.retry_decisions import Decided
    from recon.jobs.account_errors import AccountErrors
    from recon.jobs.runtime import Runtime
    from recon.model import Window


@dataclass(frozen=True, slots=True, eq=False)
class AccountRetries:
    """The failed sends of one account."""

    account: str
    decided: Decided
    advice: str
    """Advice to stop if few of the earlier proposals were delivered; else empty."""
    uncovered: timedelta
    """How much of the time of these days that has passed is not proven complete."""


def retries(
    settings: Settings,
    engine: Engine,
    accounts: Sequence[str],
    days: tuple[date, date],
    runtime: Runtime,
    errors: AccountErrors,
    *,
    again: bool = False,
) -> list[AccountRetries]:
    """Decide about the failed sends of some days. Makes no request and stores nothing.

    Args:
        settings: the configuration.
        engine: the store.
        accounts: whose sends.
        days: the first and the last day, in the configured zone.
        runtime: its clock.
        errors: gets the error of each account that is left out, because its records cannot be read
            or the store failed.
        again: whether sends that were proposed before are proposed again.
    """
    from recon.core import retry_decisions, retry_outcomes
    from recon.store import retry_exports

    # Later messages to a number are looked for on the day after, too.
    windows = calendar.windows(days[0], days[1] + timedelta(days=1), settings.timezone)
    policy = wiring.policy(settings)
    found = []
    for account in accounts:
        with errors.kept(account):
            both = reconcile.read(
                account,
                windows,
                reader=wiring.open_reader(settings, account),
                engine=engine,
                policy=policy,
                all_rejects=False,
            )
            decided = retry_decisions.decide(
                both.case,
                [window.label for window in windows[:-1]],
                policy=policy,
                categories=categories(settings, account, windows),
                retry_rules=settings.retries.as_rules,
                exports=retry_exports.proposed(engine, account),
                now=runtime.clock(),
                again=again,
            )
            outcomes = retry_exports.outcomes(engine, [account], None)
            advice = retry_outcomes.advice(retry_outcomes.summed(one.counts for one in outcomes))
            uncovered = _uncovered(both.evidence.proof.spans, windows[:-1], runtime.clock())
            found.append(AccountRetries(account, decided, advice, uncovered))
    return found


def _uncovered(spans: Sequence[Span], days: Sequence[Window], now: datetime) -> timedelta:
    parts = [
        Span(day.start, min(day.end, now))
        for day in days
        if day.start is not None and day.end is not None and day.start < now
    ]
    covered = coverage.covered_seconds(parts, spans)
    length = sum((one.end - one.start for one in parts if one.end and one.start), timedelta())
    return length - timedelta(seconds=sum(covered))


def export(
    settings: Settings,
    engine: Engine,
    found: Sequence[AccountRetries],
    runtime: Runtime,
    errors: AccountErrors,
) -> list[AccountRetries]:
    """Store the proposals, and return the sends to write out.

    A crash after this and before the output loses proposals; `--again` repeats them. In the other
    order a send could be proposed twice. A send that another export has proposed meanwhile becomes
    `review`. An account whose proposals could not be stored is left out, and `errors` has its
    error.
    """
    written = []
    for one in found:
        with errors.kept(one.account):
            written.append(_exported(settings, engine, one, runtime.clock()))
    return written


def _exported(
    settings: Settings, engine: Engine, one: AccountRetries, now: datetime
) -> AccountRetries:
    from recon.model import Decision
    from recon.store import retry_exports

    sends = one.decided.sends
    proposed = sends.loc[sends["decision"] == Decision.RETRY.value]
    known = set(retry_exports.proposed(engine, one.account)["message_id"])
    fresh = proposed.loc[~proposed["message_id"].isin(known)]
    region = settings.matching.default_region
    taken = retry_exports.store(engine, one.account, fresh, now, region)
    if taken:
        other = sends["message_id"].isin(taken)
        sends = sends.copy()
        sends.loc[other, "decision"] = Decision.REVIEW.value
        sends.loc[other, "why"] = "already proposed by another export"
        sends["not_before"] = sends["not_before"].mask(other)
    return replace(one, decided=replace(one.decided, sends=sends))


def categories(settings: Settings, account: str, days: Sequence[Window]) -> Mapping[str, str]:
    """Return the category of each record by its id, in lower case; nothing if records have none.

    They are read in place of the statuses, so that the nightly run does not read a column that it
    does not need.
    """
    from recon.records.reader_factory import open_reader

    local = settings.accounts[account].local
    if not local.columns.category:
        return {}
    source = wiring.source(local, account)
    columns = {**source.columns, "status": local.columns.category}
    start, end = days[0].start, days[-1].end
    assert start is not None
    assert end is not None
    margin = timedelta(days=1)
    read = open_reader(replace(source, columns=columns, statuses={})).read(
        start - margin, end + margin, all_rejects=False
    )
    frame: pd.DataFrame = read.frame.dropna(subset=["local_id", "status"])
    words = frame["status"].astype("str").str.lower()
    return dict(zip(frame["local_id"].astype("str"), words, strict=True))
