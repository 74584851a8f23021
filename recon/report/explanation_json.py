"""The explanation of a row as JSON: the fields of the values, with times in UTC."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Any

from recon.core.explanation import Explanation
from recon.report.explanation_page import masked
from recon.report.labels import iso_time


def content(wanted: str, explained: Sequence[Explanation], *, show_numbers: bool) -> str:
    """Return an object with the requested id, and an array of the rows that have it.

    Args:
        wanted: the id that was asked for.
        explained: what has it.
        show_numbers: whether phone numbers are shown whole.
    """
    told = explained if show_numbers else [masked(one) for one in explained]
    said = {"id": wanted, "rows": [_object(one) for one in told]}
    return json.dumps(said, ensure_ascii=False, indent=2) + "\n"


def _object(one: Explanation) -> dict[str, Any]:
    said: dict[str, Any] = _plain(one)
    for written, fired in zip(said["rules"], one.rules, strict=True):
        written["kind"] = None if fired.kind is None else fired.kind.value
    return {"kinds": [each["kind"] for each in said["rules"] if each["kind"]], **said}


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value of an explanation
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, datetime):
        return iso_time(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return value
