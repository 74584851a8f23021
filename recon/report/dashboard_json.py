"""The figures of a dashboard as JSON, for users' own pages and programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from recon.core import failure_reasons
from recon.core.day_figures import DayFigures
from recon.report import stats_rows
from recon.report.dashboard import Dashboard, reason_text
from recon.report.labels import iso_time


def content(shown: Dashboard) -> str:
    """Return an object with the period, and one row for each account and day.

    The rows are those of the JSON of `recon stats`. Rates and coverage are 0 to 1. They and the
    counts of messages are null if nothing is known.
    """
    said = {
        "made_at": iso_time(shown.made_at),
        "timezone": shown.zone,
        "first": shown.first.isoformat(),
        "last": shown.last.isoformat(),
        "currency": shown.currency,
        "accounts": list(shown.accounts),
        "failure_reasons": _meanings(shown),
        "days": [_row(one, shown.currency, mask=shown.mask) for one in shown.figures],
    }
    return json.dumps(said, ensure_ascii=False, indent=1) + "\n"


def _row(one: DayFigures, currency: str | None, *, mask: bool) -> Mapping[str, Any]:
    reasons: dict[str, int] = {}
    for reason, count in one.failure_reasons.items():
        text = reason_text(reason, mask=mask)
        reasons[text] = reasons.get(text, 0) + count
    return stats_rows.content(replace(one, failure_reasons=reasons), currency)


def _meanings(shown: Dashboard) -> list[Mapping[str, Any]]:
    """Return what the reasons of all days mean."""
    texts = {
        reason_text(reason, mask=shown.mask)
        for one in shown.figures
        for reason in one.failure_reasons
    }
    found = [(text, failure_reasons.explain(text, tuple(shown.rules))) for text in sorted(texts)]
    return [
        {
            "reason": text or None,
            "code": one.code,
            "meaning": one.title,
            "scope": one.scope.value,
            "decision": one.decision.value,
            "advice": one.advice,
        }
        for text, one in found
    ]
