"""Figures of made-up accounts and days, and their dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from recon.core.day_figures import CostEstimate, DayFigures
from recon.model import RequestCounts, RetryRule
from recon.report import dashboard
from recon.report.dashboard import Dashboard

LAST = date(2026, 4, 23)
MADE_AT = datetime(2026, 4, 24, 5, tzinfo=UTC)
DAY_SECONDS = 86_400.0


def figures(days_ago: int = 0, account: str = "main", **counted: object) -> DayFigures:
    """Return what is counted of a day; it is covered unless told otherwise."""
    given = {"seconds": DAY_SECONDS, "covered_seconds": DAY_SECONDS, **counted}
    day = LAST - timedelta(days=days_ago)
    return DayFigures(account=account, date=day, **given)  # type: ignore[arg-type]


def busy(
    days: int, accounts: Sequence[str], *, sends: int = 2000, distinct: int = 25
) -> list[DayFigures]:
    """Return about so many sends of each account and day, with something of everything.

    They failed for so many `distinct` reasons.
    """
    made = []
    for ago in range(days):
        for nth, account in enumerate(accounts):
            n = ago * 7 + nth * 3
            total = sends - sends // 3 * (ago % 7 > 4) + n % 90
            failed = total // 20 + n % 11
            reasons = {
                f"reason {(n + each) % distinct} of a failure": failed // 30 for each in range(20)
            }
            made.append(
                figures(
                    ago,
                    account,
                    sent=total // 40,
                    delivered=total // 3,
                    read=total // 2 + n % 31,
                    failed=failed,
                    deleted=n % 4,
                    unknown=n % 3,
                    covered_seconds=DAY_SECONDS - n % 5 * 900,
                    failure_reasons={reason: count for reason, count in reasons.items() if count},
                    other_reasons=failed - sum(reasons.values()),
                    findings={"missing_at_provider": n % 3, "stuck": 1 + n % 2},
                    opened=3 + n % 5,
                    resolved=n % 4,
                    incidents=int(n % 9 == 0),
                    requests=RequestCounts(1 + n % 3, n % 40, int(n % 13 == 0)),
                    cost=CostEstimate(total * 0.0512, n % 3 * 0.1, n % 3 * 0.25, n % 2),
                )
            )
    return made


def page(
    made: Sequence[DayFigures],
    *,
    days: int = 30,
    accounts: Sequence[str] = ("main",),
    currency: str | None = None,
    mask: bool = True,
    rules: Sequence[RetryRule] = (),
) -> bytes:
    """Return the dashboard of the last days."""
    return dashboard.content(
        shown(made, days=days, accounts=accounts, currency=currency, mask=mask, rules=rules)
    ).encode()


def shown(
    made: Sequence[DayFigures],
    *,
    days: int = 30,
    accounts: Sequence[str] = ("main",),
    currency: str | None = None,
    mask: bool = True,
    rules: Sequence[RetryRule] = (),
) -> Dashboard:
    """Return what the dashboard of the last days is made of."""
    first = LAST - timedelta(days=days - 1)
    return Dashboard(made, first, LAST, "Europe/Dublin", MADE_AT, accounts, currency, mask, rules)
