"""Figures of sends as the rows of JSON and CSV: one for each day, hour, country or reason."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from recon.core.day_figures import (
    CostEstimate,
    CountryFigures,
    DayFigures,
    DeliveryTimes,
    HourFigures,
    ReasonFigures,
    SendFigures,
)
from recon.model import Kind, Status

Row = DayFigures | HourFigures | CountryFigures | ReasonFigures

#: The columns that distinguish the rows of a day, by the grouping.
_GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "day": (),
    "hour": ("hour",),
    "country": ("country", "calling_code"),
    "reason": ("reason", "class", "meaning", "decision"),
}
_TEXTS: Final = {
    "date",
    "account",
    "cost_estimate_currency",
    *(name for group in _GROUPS.values() for name in group if name != "hour"),
}
_COUNTS: Final = ("total", *map(str, Status))
_RATES: Final = ("failure_rate", "delivered_rate", "read_rate", "coverage")
_DAY_COLUMNS: Final = (
    "opened",
    "resolved",
    "incidents",
    *(f"requests_{what}" for what in ("list", "status", "rate_limited")),
    "retries_proposed",
    "retries_delivered",
    "delivery_measured",
    *(f"delivery_{what}_{end}" for what in ("median", "percentile_90") for end in ("min", "max")),
    *(f"cost_estimate_{what}" for what in ("currency", "spent", "twice", "wasted", "unpriced")),
    *map(str, Kind),
)


def as_json(rows: Iterable[Row], currency: str | None = None) -> str:
    """Return rows as a JSON array of objects. Unknown values are null; rates are 0 to 1.

    Args:
        rows: of one sort.
        currency: of the cost estimates, where there are any.
    """
    found = [content(one, currency) for one in rows]
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


def as_csv(rows: Sequence[Row], by: str, currency: str | None = None) -> str:
    """Return rows as CSV with a header; unknown values are empty cells.

    Args:
        rows: of one sort.
        by: what they are grouped by: `day`, `hour`, `country` or `reason`.
        currency: of the cost estimates, where there are any.
    """
    import pandas as pd

    from recon.report import csv_report

    names = ["date", "account", *_GROUPS[by], *_COUNTS, *_RATES]
    names += _DAY_COLUMNS if by == "day" else ()
    flat = [_flat(content(one, currency)) for one in rows]
    columns = {
        name: pd.Series([one.get(name) for one in flat], dtype=_dtype(name)) for name in names
    }
    return b"".join(csv_report.encode(pd.DataFrame(columns), names)).decode()


def content(one: Row, currency: str | None = None) -> dict[str, Any]:
    """Return a row as an object for JSON."""
    found: dict[str, Any] = {"date": one.date.isoformat(), "account": one.account}
    match one:
        case HourFigures():
            found["hour"] = one.hour
        case CountryFigures():
            found |= {"country": one.country or None, "calling_code": one.calling_code or None}
        case ReasonFigures():
            about = one.meaning
            found |= {"reason": one.reason or None, "class": about.name, "meaning": about.title}
            found["decision"] = about.decision.value
    found |= _counts(one)
    return found | (_of_day(one, currency) if isinstance(one, DayFigures) else {})


def _counts(one: SendFigures) -> dict[str, Any]:
    counts = {name: getattr(one, name) if one.is_known else None for name in _COUNTS}
    return counts | {name: _rounded(getattr(one, name)) for name in _RATES}


def _of_day(one: DayFigures, currency: str | None) -> dict[str, Any]:
    reasons = [{"reason": text or None, "count": n} for text, n in one.failure_reasons.items()]
    return {
        "failure_reasons": reasons,
        "other_failure_reasons": one.other_reasons,
        "findings": dict.fromkeys(map(str, Kind), 0) | dict(one.findings),
        "opened": one.opened,
        "resolved": one.resolved,
        "incidents": one.incidents,
        "requests": {
            "list": one.requests.list,
            "status": one.requests.status,
            "rate_limited": one.requests.rate_limited,
        },
        "retries": {"proposed": one.retries.proposed, "delivered": one.retries.delivered},
        "delivery_seconds": one.delivery and _delivery(one.delivery),
        "cost_estimate": one.cost and _cost(one.cost, currency),
    }


def _delivery(times: DeliveryTimes) -> dict[str, Any]:
    bounds = {"median": times.median, "percentile_90": times.percentile_90}
    said = {name: {"min": least, "max": most} for name, (least, most) in bounds.items()}
    return {"measured": times.messages, **said}


def _cost(cost: CostEstimate, currency: str | None) -> dict[str, Any]:
    money = {name: round(getattr(cost, name), 4) for name in ("spent", "twice", "wasted")}
    return {"currency": currency, **money, "unpriced": cost.unpriced}


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the values of nested objects at the top level."""
    flat = dict(row)
    flat |= row.get("findings") or {}
    for group in ("requests", "retries", "cost_estimate"):
        flat |= {f"{group}_{name}": value for name, value in (row.get(group) or {}).items()}
    for name, value in (row.get("delivery_seconds") or {}).items():
        ends = value.items() if isinstance(value, dict) else [("", value)]
        flat |= {f"delivery_{name}_{end}".rstrip("_"): each for end, each in ends}
    return flat


def _dtype(name: str) -> str:
    if name in _TEXTS:
        return "str"
    is_fraction = name in _RATES or name.endswith(("_min", "_max", "_spent", "_twice", "_wasted"))
    return "Float64" if is_fraction else "Int64"
