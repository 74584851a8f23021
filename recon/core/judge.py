"""Judge each window: make a verdict from both sides and the coverage.

Pure: nothing here reads a clock, a file or a database, and nothing depends on row order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from recon.core import (
    agreed_rows,
    buckets,
    coverage,
    failures,
    findings,
    incidents,
    link,
    notes,
    polling_advice,
    unreadable_rows,
)
from recon.core.absence_doubts import NO_DENIALS, Denials
from recon.core.agreed_rows import AgreedRows
from recon.core.link import Side
from recon.core.policy import Policy
from recon.model import (
    FINDING_COLUMNS,
    Advice,
    Kind,
    LocalBalance,
    ProviderBalance,
    Span,
    Unreadable,
    Verdict,
    VerdictKind,
    Window,
)

_WRONG_KEY = (
    "The API key may belong to another account, or may have been rotated: Octopods never lists "
    "what was sent with another key."
)
_WRONG_TABLE = (
    "The table, `where`, query or file of your records may hold sends that do not go through "
    "this key."
)
_WRONG_DAY = (
    "The `timezone` of your records or the mapping of `sent_at` may be wrong: then another day is "
    "compared."
)
_WRONG_COLUMNS = (
    "The mapping of `message_id` or `phone_number` may point at the wrong column, or "
    "`default_region` may be missing for numbers stored without a country code."
)


def judge(
    account: str,
    days: Sequence[Window],
    local: Side,
    provider: Side,
    *,
    spans: Sequence[Span],
    policy: Policy,
    denials: Denials = NO_DENIALS,
    first_contact: Span | None = None,
    agreed: AgreedRows = agreed_rows.NONE,
) -> list[Verdict]:
    """Link both sides once and judge each of `days`.

    `recon diff` uses it. A nightly run makes status calls in between, and calls `of_case`.

    Args:
        account: whose messages these are; part of a finding's identity.
        days: windows in order and without holes, or one without bounds.
        local: the records of the days and of a margin around them.
        provider: the messages likewise.
        spans: the time for which `provider` is proven complete.
        policy: how strict to be.
        denials: ids that Octopods was asked for one by one and does not have.
        first_contact: the part of `spans` before the oldest message that was ever listed, where
            only a denied id is missing; without an end where nothing was ever listed.
        agreed: rows that were left out of both sides.

    Returns:
        A verdict for each day, in order. A pair belongs to the day of the message, a row without
        a partner to the day of its own time, a row without a readable time to the last day.
    """
    case = buckets.classify(
        days, local, provider, spans, policy, denials, first_contact, agreed=agreed
    )
    return of_case(account, days, case, spans=spans, policy=policy, first_contact=first_contact)


def of_case(
    account: str,
    days: Sequence[Window],
    case: buckets.Case,
    *,
    spans: Sequence[Span],
    policy: Policy,
    first_contact: Span | None = None,
) -> list[Verdict]:
    """Judge each of `days` of a case as `judge` does: both sides linked and classified."""
    found = findings.collect(account, case, policy)
    verdicts = []
    for at, (day, (mine, theirs), statuses) in enumerate(
        zip(days, buckets.balances(case), buckets.status_counts(case), strict=True)
    ):
        seen, todays = incidents.of_day(account, case, at, day, policy, _of_day(found, at))
        gaps = coverage.gaps(day.span, spans)
        unreadable = _unreadable(case, at)
        # Where nothing was ever listed, a wrong key is the likeliest cause.
        nothing_listed = first_contact is not None and first_contact.end is None
        unlisted = buckets.left_open_by_first_contact(case, at) if nothing_listed else 0
        suspicions = (
            ()
            if policy.trust_input
            else why_suspect(
                mine,
                theirs,
                policy.guard_rows,
                unreadable,
                unlisted=unlisted,
                ended=[one.summary for one in seen if one.cause == "stale_records"],
            )
        )
        verdicts.append(
            Verdict(
                account=account,
                window=day,
                kind=VerdictKind.SUSPECT
                if suspicions
                else verdict_kind(mine, theirs, todays, gaps),
                local=mine,
                provider=theirs,
                findings=findings.empty() if suspicions else todays,
                gaps=gaps,
                statuses=statuses,
                advice=_advice(case, at, gaps, spans, policy),
                suspicions=suspicions,
                unreadable=unreadable,
                notes=notes.of_day(case, at),
                incidents=() if suspicions else tuple(seen),
                failures=failures.of_day(case, at),
            )
        )
    return verdicts


def _of_day(found: pd.DataFrame, day: int) -> pd.DataFrame:
    todays = found[list(FINDING_COLUMNS)]
    mine = found["day"].to_numpy() == day
    return todays if mine.all() else todays.loc[mine].reset_index(drop=True)


def _unreadable(case: buckets.Case, day: int) -> list[Unreadable]:
    reasons = [
        *unreadable_rows.of_day("local", case.local.rejects, case.local_reject_owner, day),
        *unreadable_rows.of_day("provider", case.provider.rejects, case.provider_reject_owner, day),
    ]
    return sorted(reasons, key=lambda one: -one.count)


def _advice(
    case: buckets.Case, day: int, gaps: Sequence[Span], spans: Sequence[Span], policy: Policy
) -> Advice | None:
    if not gaps:
        return None
    mine, theirs = case.local_owner == day, case.provider_owner == day
    alone = case.links.partner_of_local < 0
    dated, _ = link.dates_alone(case.local.frame)
    mine[dated[alone[dated]]] = False  # nothing says in which hour they were sent
    alone &= mine
    own = np.concatenate([case.provider_time[theirs], case.local_time[alone]])
    recorded = case.agreed.with_pairs(lambda: case.local_time[mine], "local_time", day)
    sent = case.agreed.with_pairs(lambda: own, "provider_time", day)
    return polling_advice.advise(gaps, spans, recorded, sent, policy.min_overlap)


def why_suspect(
    local: LocalBalance,
    provider: ProviderBalance,
    guard_rows: int,
    unreadable: Sequence[Unreadable],
    *,
    unlisted: int,
    ended: Sequence[str],
) -> tuple[str, ...]:
    """Say why the input is suspect; return nothing if it is not.

    The observation comes first, then the likely causes. If only one side is empty, or no pair was
    found, a wrong key, table, filter or zone is more likely than so many lost messages. Unreadable
    rows do not count, nor do rows that cannot become an error (not sent, unverifiable). A side
    without a readable row is suspect at any size.

    Args:
        local: the balance of the records.
        provider: the balance of the messages.
        guard_rows: a side with at least this many rows, none with a counterpart, is suspect.
        unreadable: why rows cannot be read, the most frequent reason first.
        unlisted: records that are unverifiable only because nothing was ever listed for the key.
        ended: a sentence that says when the records end, if they do.
    """
    records, messages = (
        local.total - local.invalid_local,
        provider.total - provider.invalid_provider,
    )
    accused = records - local.not_sent - local.unverifiable + unlisted
    reasons = tuple(map(_reason, unreadable))
    if local.total and not records:
        seen = f"{_rows(local.total, 'record')} and not one of them can be read."
        return (seen, *reasons, _WRONG_COLUMNS)
    if provider.total and not messages:
        seen = f"{_rows(provider.total, 'message')} and not one of them can be read."
        return (seen, *reasons, _WRONG_COLUMNS)
    if messages == 0 and accused >= guard_rows:
        seen = (
            f"The database or file has {records:,} records, but Octopods lists no message at all."
        )
        return (seen, *reasons, _WRONG_KEY, _WRONG_TABLE, _WRONG_DAY)
    if records == 0 and messages >= guard_rows:
        seen = f"Octopods lists {messages:,} messages, but there is no record at all."
        return (seen, *reasons, *ended, _WRONG_TABLE, _WRONG_DAY, _WRONG_KEY)
    doubtful = messages - provider.unverifiable
    if min(accused, doubtful) >= guard_rows and local.matched == 0:
        seen = f"{records:,} records and {messages:,} messages, but not one pair."
        return (seen, *reasons, _WRONG_COLUMNS, _WRONG_DAY, _WRONG_KEY)
    return ()


def _rows(count: int, noun: str) -> str:
    return f"{count:,} {noun}," if count == 1 else f"{count:,} {noun}s,"


def _reason(one: Unreadable) -> str:
    """Put a reason why rows cannot be read in a sentence."""
    noun = "record" if one.side == "local" else "message"
    return f"1 {noun}: {one.reason}" if one.count == 1 else f"{one.count:,} {noun}s: {one.reason}"


def verdict_kind(
    local: LocalBalance, provider: ProviderBalance, found: pd.DataFrame, gaps: Sequence[Span]
) -> VerdictKind:
    """Return the verdict of a day whose input is not suspect, from its findings and gaps."""
    if len(found) and (found["kind"] != Kind.UNVERIFIABLE.value).any():
        return VerdictKind.DISCREPANCIES
    if gaps or len(found):
        return VerdictKind.INCOMPLETE
    if local.total == 0 and provider.total == 0:
        return VerdictKind.NOTHING_TO_COMPARE
    return VerdictKind.CLEAN


def is_same_with_more_unreadable_records(verdict: Verdict) -> bool:
    """Say whether a verdict stays the same, whatever other records cannot be read.

    Such a record is a finding, of which a day with discrepancies has one anyway. It makes the input
    suspect only where no record can be read, and is quoted only where the input is suspect.
    """
    return (
        verdict.kind is VerdictKind.DISCREPANCIES
        and verdict.local.total > verdict.local.invalid_local
    )
