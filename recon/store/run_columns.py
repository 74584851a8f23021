"""Convert parts of a run to JSON for storing, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from recon.model import Advice, CoverageEvidence, Incident, RefusedAnswer, Status, Withdrawal


def incidents_as_json(incidents: Sequence[Incident]) -> list[dict[str, Any]]:
    """Return incidents as they are stored, in their order."""
    return [{**asdict(one), "start": iso(one.start), "end": iso(one.end)} for one in incidents]


def incidents(stored: list[dict[str, Any]] | None) -> tuple[Incident, ...]:
    """Return the stored incidents of a run; runs of earlier versions have none."""
    return tuple(
        Incident(**{**one, "start": time(one["start"]), "end": time(one["end"])})
        for one in stored or ()
    )


def advice_as_json(advice: Advice | None) -> dict[str, Any] | None:
    """Return the advice for a day with gaps as it is stored."""
    if advice is None:
        return None
    return {**asdict(advice), "collected_since": iso(advice.collected_since)}


def advice(stored: dict[str, Any] | None) -> Advice | None:
    """Return the stored advice of a run; runs of earlier versions have none."""
    if stored is None:
        return None
    return Advice(**{**stored, "collected_since": time(stored["collected_since"])})


def evidence_as_json(evidence: CoverageEvidence) -> dict[str, Any]:
    """Return the evidence of coverage as it is stored."""
    return {
        "refused": [[iso(one.at), one.why] for one in evidence.refused],
        "withdrawn": [[iso(one.start), iso(one.end), one.reason] for one in evidence.withdrawn],
        "notes": list(evidence.notes),
    }


def evidence(stored: dict[str, Any] | None) -> CoverageEvidence:
    """Return the stored evidence of a run; runs of earlier versions have none."""
    if stored is None:
        return CoverageEvidence()
    iso = datetime.fromisoformat
    return CoverageEvidence(
        tuple(RefusedAnswer(iso(at), why) for at, why in stored["refused"]),
        tuple(Withdrawal(time(start), iso(end), why) for start, end, why in stored["withdrawn"]),
        tuple(stored["notes"]),
    )


def iso(time: datetime | None) -> str | None:
    """Return a time as it is stored in JSON; null is without bound."""
    return None if time is None else time.isoformat()


def time(text: str | None) -> datetime | None:
    """Return a stored time, in UTC."""
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def in_order(statuses: Mapping[str, int]) -> dict[str, int]:
    """Return counts by status in the order of reports; PostgreSQL does not keep the order."""
    known = {one.value: statuses[one.value] for one in Status if one.value in statuses}
    return known | dict(statuses)
