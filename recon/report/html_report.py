"""A run as one self-contained HTML page: no script, no request, for screen, phone and paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from recon import __version__
from recon.model import (
    Changes,
    Kind,
    LocalBalance,
    ProviderBalance,
    Run,
    RunFigures,
    Severity,
    VerdictKind,
)
from recon.report import failure_meanings, finding_states, incident_states, labels, timeline, trends
from recon.report.finding_samples import SampleRow, sample
from recon.report.headline import headline
from recon.report.html_templates import template

#: Findings that the page shows at most, together and of one kind; all are in the CSV file.
MOST_ROWS: Final = 500
MOST_OF_A_KIND: Final = 50
#: How many kinds are shown as the first things to do, the most urgent ones.
_ACTIONS: Final = 3
_INCIDENTS: Final = 20
#: Coverage gaps that the page shows at most; all of them are in the JSON file.
MOST_GAPS: Final = 100


@dataclass(frozen=True, slots=True)
class Term:
    """One bucket of a sum."""

    title: str
    count: int
    tone: str
    """Its colour: `good`, `plain`, `error` or `warning`."""


@dataclass(frozen=True, slots=True)
class Group:
    """The findings of one kind."""

    kind: Kind
    title: str
    meaning: str
    advice: str
    severity: Severity
    count: int
    confirmed: str
    """How many of them Octopods confirms; empty if there was nothing to confirm."""
    rows: list[SampleRow]


def content(
    run: Run, *, mask: bool, history: Sequence[RunFigures] = (), has_files: bool = False
) -> bytes:
    """Return the page in UTF-8.

    Args:
        run: the run.
        mask: whether phone numbers are masked.
        history: the counts of earlier days, for the trends.
        has_files: whether the CSV and JSON files are beside the page, so that it can link them.
    """
    context = _context(run, mask=mask, history=history, has_files=has_files)
    return template("run.html").render(context).encode()


def _context(
    run: Run, *, mask: bool, history: Sequence[RunFigures], has_files: bool
) -> dict[str, Any]:
    verdict = run.verdict
    window = verdict.window
    groups = _groups(run, mask=mask)
    suspect = verdict.kind is VerdictKind.SUSPECT
    incidents = incident_states.to_act_on(run)
    return {
        "run": run,
        "verdict": verdict,
        "word": verdict.kind.value.replace("_", " "),
        "headline": headline(run),
        "explanation": labels.verdict_explanation(run),
        "suspect": suspect,
        "actions": _actions(run, groups),
        "incidents": incidents[:_INCIDENTS],
        "more_incidents": len(incidents[_INCIDENTS:]),
        "known_incidents": incident_states.known(run)[:_INCIDENTS],
        "changes": run.changes if run.first_seen_on or run.changes != Changes() else None,
        "timeline": timeline.of(run),
        "trends": _trends(run, history),
        "history": [one for one in history if one.day.isoformat() <= window.label][: trends.DAYS],
        "has_files": has_files,
        "has_index": bool(history) and has_files,
        "is_remembered": bool(run.first_seen_on),
        "suspicions": verdict.suspicions if suspect else (),
        "day": labels.day_title(window),
        "length_note": labels.length_note(window),
        "sums": [
            ("Your records", "record", verdict.local.total, _terms(verdict.local, suspect=suspect)),
            (
                "Octopods",
                "message",
                verdict.provider.total,
                _terms(verdict.provider, suspect=suspect),
            ),
        ],
        "groups": groups,
        "expected": [
            (labels.EXPLANATIONS[one.kind].title, one.count, one.reason)
            for one in finding_states.expected_counts(run)
        ],
        "confirmed": labels.confirmed,
        "confirmation": labels.confirmation(run),
        "found": sum(group.count for group in groups),
        "shown": sum(len(group.rows) for group in groups),
        "coverage": labels.coverage_of(verdict),
        "gap_advice": labels.gap_advice(run),
        "evidence": labels.evidence(verdict),
        "gaps": [
            (
                gap,
                *labels.gap_bounds(gap, window),
                labels.duration(gap),
                labels.recorded_in_gap(verdict, at),
            )
            for at, gap in enumerate(verdict.gaps[:MOST_GAPS])
        ],
        "failures": failure_meanings.ranked(run, masked=mask),
        "statuses": list(verdict.statuses.items()),
        "masked": mask,
        "instant": labels.iso_time,
        "local_time": lambda moment: labels.local_time(moment, window),
        "version": __version__,
    }


def _actions(run: Run, groups: Sequence[Group]) -> list[Group]:
    """Return the first things to do: the most urgent kinds with open findings."""
    if run.verdict.kind is VerdictKind.SUSPECT:
        return []
    open_kinds = set(run.open_findings["kind"].unique())
    return [group for group in groups if group.kind.value in open_kinds][:_ACTIONS]


def _trends(run: Run, history: Sequence[RunFigures]) -> list[trends.Trend]:
    if not history or run.verdict.window.start is None:
        return []
    return trends.of(history, date.fromisoformat(run.verdict.window.label))


def _terms(balance: LocalBalance | ProviderBalance, *, suspect: bool) -> list[Term]:
    """Return the terms of a sum; if the input is suspect, none is marked as good or bad."""
    return [
        Term(labels.title(name), count, "plain" if suspect or not count else _tone(name))
        for name, count in labels.filled_buckets(balance)
    ]


def _tone(bucket: str) -> str:
    if bucket == "matched":
        return "good"
    return "plain" if bucket == "not_sent" else Kind(bucket).severity.value


def _groups(run: Run, *, mask: bool) -> list[Group]:
    counts = finding_states.counts(run)
    confirmed = labels.confirmed_counts(finding_states.reported(run))
    rows_by_kind = sample(run, MOST_ROWS, masked=mask, of_a_kind=MOST_OF_A_KIND)
    return [
        Group(
            kind=kind,
            title=labels.EXPLANATIONS[kind].title,
            meaning=labels.EXPLANATIONS[kind].meaning,
            advice=labels.EXPLANATIONS[kind].advice,
            severity=kind.severity,
            count=counts[kind],
            confirmed=confirmed if kind is Kind.MISSING_AT_PROVIDER else "",
            rows=list(rows),
        )
        for kind, rows in rows_by_kind.items()
    ]
