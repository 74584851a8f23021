"""A run's outcome as JSON for scripts, with the sums and without personal data."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from recon import __version__
from recon.model import LocalBalance, ProviderBalance, Run, Span, Status, VerdictKind
from recon.report import failure_meanings
from recon.report.labels import iso_time


def content(run: Run) -> bytes:
    """Return the file of a run, in UTF-8."""
    return (json.dumps(summary(run), ensure_ascii=False, indent=2) + "\n").encode()


def summary(run: Run) -> dict[str, Any]:
    """Return the contents of the file, in its order. Times are UTC; a missing bound is null."""
    verdict = run.verdict
    window = verdict.window
    said: dict[str, Any] = {
        "run_id": run.run_id,
        "account": verdict.account,
        "date": window.label,
        "verdict": verdict.kind.value,
        "window": {**_span(window.span), "timezone": window.zone},
        "coverage": {
            "complete": not verdict.gaps,
            "gaps": [_span(gap) for gap in verdict.gaps],
            "refused": [
                {"at": iso_time(one.at), "why": one.why} for one in verdict.evidence.refused
            ],
            "withdrawn": [
                {"start": iso_time(one.start), "end": iso_time(one.end), "why": one.reason}
                for one in verdict.evidence.withdrawn
            ],
        },
        "local": _balance(verdict.local),
        "provider": _balance(verdict.provider),
        "discrepancies": verdict.counts,
        "confirmation": asdict(run.confirmation),
        "unreadable": [asdict(one) for one in verdict.unreadable],
        "statuses": dict.fromkeys(map(str, Status), 0) | dict(verdict.statuses),
        "failure_reasons": [
            {
                "reason": one.text,
                "code": one.reason.code,
                "count": one.count,
                "meaning": one.reason.title,
                "scope": one.reason.scope.value,
                "decision": one.reason.decision.value,
                "advice": one.reason.advice,
            }
            for one in failure_meanings.ranked(run, masked=True)
        ],
        "changes": asdict(run.changes),
        "incidents": [
            asdict(one) | {"start": iso_time(one.start), "end": iso_time(one.end)}
            for one in verdict.incidents
        ],
        "requests": {
            "list": run.requests.list,
            "status": run.requests.status,
            "rate_limited": run.requests.rate_limited,
        },
        "finished_at": iso_time(run.finished_at),
    }
    if run.is_dry_run:
        said["dry_run"] = True
    if run.statements:
        said["notices"] = list(run.statements)
    if verdict.kind is VerdictKind.SUSPECT:
        said["suspicions"] = list(verdict.suspicions)
    if verdict.advice is not None:
        advice = asdict(verdict.advice)
        said["advice"] = advice | {"collected_since": iso_time(verdict.advice.collected_since)}
    if verdict.evidence.notes:
        said["coverage_notes"] = list(verdict.evidence.notes)
    return said | {"version": __version__}


def _span(span: Span) -> dict[str, str | None]:
    return {"start": iso_time(span.start), "end": iso_time(span.end)}


def _balance(balance: LocalBalance | ProviderBalance) -> dict[str, int]:
    return {"total": balance.total, **asdict(balance)}
