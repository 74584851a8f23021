"""The figures of a dashboard as JSON, for pages and programs of one's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from recon.core.day_figures import DayFigures
from recon.report.dashboard import Dashboard, reason_text
from recon.report.labels import iso_time


def content(shown: Dashboard) -> str:
    """Return an object: what the figures are of, and one row for each account and day.

    Rates and coverage are 0 to 1, and null where nothing is known, as are the counts of messages.
    """
    period = shown.period
    said = {
        "made_at": iso_time(period.made_at),
        "timezone": period.zone,
        "first": period.first.isoformat(),
        "last": period.last.isoformat(),
        "currency": shown.currency,
        "accounts": list(shown.accounts),
        "days": [_row(one, mask=shown.mask) for one in shown.figures],
    }
    return json.dumps(said, ensure_ascii=False, indent=1) + "\n"


def _row(one: DayFigures, *, mask: bool) -> Mapping[str, Any]:
    def known(count: int) -> int | None:
        return count if one.is_known else None

    reasons: dict[str, int] = {}
    for reason, count in one.failure_reasons.items():
        text = reason_text(reason, mask=mask)
        reasons[text] = reasons.get(text, 0) + count
    return {
        "date": one.date.isoformat(),
        "account": one.account,
        "total": known(one.total),
        "sent": known(one.sent),
        "delivered": known(one.delivered),
        "read": known(one.read),
        "failed": known(one.failed),
        "deleted": known(one.deleted),
        "unknown": known(one.unknown),
        "failure_rate": one.failure_rate,
        "delivered_rate": one.delivered_rate,
        "read_rate": one.read_rate,
        "coverage": one.coverage,
        "findings": dict(one.findings),
        "opened": one.opened,
        "resolved": one.resolved,
        "incidents": one.incidents,
        "requests": {
            "list": one.requests.list,
            "status": one.requests.status,
            "rate_limited": one.requests.rate_limited,
        },
        "failure_reasons": reasons,
        "other_reasons": one.other_reasons,
        "delivery_seconds": one.delivery and asdict(one.delivery),
        "cost": one.cost and asdict(one.cost),
    }
