"""How stored findings differ from those that a run would report now."""

from __future__ import annotations

from collections.abc import Sequence

from recon.core.explanation import StoredFinding
from recon.core.fired_rules import FiredRule
from recon.model import State


def differences(
    day: str,
    fired: Sequence[FiredRule],
    stored: Sequence[StoredFinding],
    *,
    is_suspect: bool,
    was_judged: bool,
) -> list[str]:
    """Say how stored findings differ from those that a run would report now, and why.

    Args:
        day: the date of the day that judges the row.
        fired: the rules that decide about it now.
        stored: the findings of the row.
        is_suspect: whether the day is suspect now.
        was_judged: whether a run has judged the day.
    """
    now = [one.kind.value for one in fired if one.kind is not None]
    live = [one for one in stored if one.state != State.RESOLVED]
    said = [
        f"{_stands(one)}, but judged now, it is {' and '.join(now) or 'no finding'}."
        for one in live
        if one.kind not in now
    ]
    known = {one.kind for one in live}
    said += [
        f"Judged now, it is {kind}, but no run has reported that."
        for kind in now
        if kind not in known
    ]
    if not said:
        return []
    if is_suspect:
        return [*said, f"{day} is suspect: no finding of it is opened or resolved."]
    if not was_judged:
        return [*said, f"No run has judged {day} yet."]
    return [*said, f"`recon run --date {day} --offline` judges {day} again."]


def of_row_that_is_gone(stored: Sequence[StoredFinding]) -> list[str]:
    """Say that stored findings are about a row that is no longer there."""
    return [
        f"{_stands(one)}, but no such row is judged now: it was deleted or changed."
        for one in stored
        if one.state != State.RESOLVED
    ]


def _stands(one: StoredFinding) -> str:
    return f"The stored finding is {one.kind} ({one.state}, of {one.day})"
