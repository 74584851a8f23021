"""Which findings are expected, by the rules of an account.

A rule covers findings of one kind, and may restrict them by number, time, status or reason. It has
a last day. A rule may also say how many findings a day it expects at most. If a day has more, all
of them are reported, since the known cause does not explain so many.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from recon.core import judge, phones, user_ids
from recon.model import Kind, Verdict, VerdictKind, Window

Mask: TypeAlias = npt.NDArray[np.bool_]
#: Texts.
Reasons: TypeAlias = npt.NDArray[np.object_]

#: The reason where no rule covers a finding; no rule has it.
NOBODY: Final = ""

_DAY_SECONDS: Final = 86_400
_WILD: Final = {"*": ".*", "?": "."}
#: What means something in a regular expression; Arrow's escapes nothing else.
_ODD: Final = re.compile(r"[][\\^$.|+(){}]")


@dataclass(frozen=True, slots=True)
class ExpectedRule:
    """Findings that an account expects. A field that is `None` matches every finding."""

    kind: Kind
    reason: str
    until: date
    """The last day of the rule, included."""
    phone_number: str | None = None
    """A pattern with `*` and `?`, for the number as either side spells it or in E.164."""
    failure_reason: str | None = None
    """Likewise; case does not matter."""
    status: str | None = None
    """Octopods' status; without a message, that of the record."""
    times: tuple[time, time] | None = None
    """Start and end (not included) in the window's zone; may cross midnight."""
    days: tuple[date, date] | None = None
    """First and last day of the window, both included."""
    at_most: int | None = None
    """The most findings a day."""

    def holds_on(self, day: date) -> bool:
        """Say whether the rule covers findings of a day at all."""
        return day <= self.until and (self.days is None or self.days[0] <= day <= self.days[1])


def apply(verdict: Verdict, rules: Sequence[ExpectedRule], region: str | None = None) -> Verdict:
    """Return the verdict with its expected findings marked.

    These do not count: a day with only such findings is clean, or incomplete if it has gaps.

    Args:
        verdict: of one calendar day; one of suspect input is returned as it is.
        rules: those of the account.
        region: the country of numbers without a country code.
    """
    if not rules or verdict.kind is VerdictKind.SUSPECT:
        return verdict
    found = verdict.findings
    reasons, said = cover(rules, found, verdict.window, region)
    notes = (*verdict.notes, *said)
    covered = reasons != NOBODY
    if not covered.any():
        return replace(verdict, notes=notes)
    names = found["discrepancy_id"].loc[covered].tolist()
    return replace(
        verdict,
        kind=judge.verdict_kind(verdict.local, verdict.provider, found.loc[~covered], verdict.gaps),
        expected=dict(zip(names, reasons[covered].tolist(), strict=True)),
        notes=notes,
    )


def cover(
    rules: Sequence[ExpectedRule], found: pd.DataFrame, window: Window, region: str | None = None
) -> tuple[Reasons, list[str]]:
    """Return which rule covers each finding of a day.

    Args:
        rules: those of the account; if several cover a finding, the first one counts.
        found: findings, `FINDING_COLUMNS`.
        window: their day.
        region: the country of numbers without a country code.

    Returns:
        The reason of the rule for each finding, empty without one; and a sentence for each rule
        that has ended, or that expects fewer findings than the day has.
    """
    reasons: Reasons = np.full(len(found), NOBODY, dtype=object)
    said = []
    for rule in rules:
        if date.fromisoformat(window.label) > rule.until:
            said.append(ended(rule))
            continue
        covered = matches(rule, found, window, region)
        count = int(covered.sum())
        if rule.at_most is not None and count > rule.at_most:
            said.append(
                f"{count:,} findings of this day match the rule {name(rule)}, which expects at "
                f"most {rule.at_most:,}: it covers none of them."
            )
            continue
        reasons[covered & (reasons == NOBODY)] = rule.reason
    return reasons, said


def name(rule: ExpectedRule) -> str:
    """Return a short description of a rule for a person."""
    return f"'{rule.reason}' ({rule.kind.value})"


def ended(rule: ExpectedRule) -> str:
    """Say that a rule has ended, and what to do about it."""
    return f"The rule {name(rule)} ended on {rule.until}: remove it, or set a later `until`."


def matches(
    rule: ExpectedRule, found: pd.DataFrame, window: Window, region: str | None = None
) -> Mask:
    """Say which findings of a day a rule covers, however many they are.

    Args:
        rule: the rule.
        found: findings, `FINDING_COLUMNS`.
        window: their day.
        region: the country of numbers without a country code.
    """
    if not rule.holds_on(date.fromisoformat(window.label)):
        return np.zeros(len(found), dtype=np.bool_)
    covered: Mask = (found["kind"] == rule.kind.value).to_numpy(dtype=np.bool_, copy=True)
    at = np.flatnonzero(covered)
    if not at.size:
        return covered
    some, kept = found.take(at), np.ones(at.size, dtype=np.bool_)
    if rule.phone_number is not None:
        kept &= _numbers(rule.phone_number, some, region)
    if rule.failure_reason is not None:
        kept &= _like(some["failure_reason"], rule.failure_reason)
    if rule.status is not None:
        status = some["provider_status"].fillna(some["local_status"])
        kept &= (status == rule.status).to_numpy(dtype=np.bool_)
    if rule.times is not None:
        kept &= _between(some, rule.times, window.zone)
    covered[at] = kept
    return covered


def _numbers(pattern: str, found: pd.DataFrame, region: str | None) -> Mask:
    mask = np.zeros(len(found), dtype=np.bool_)
    for name in ("phone_number", "local_phone_number"):
        spelled = found[name]
        keys = phones.keys(spelled, region)
        is_number = (keys > 0) & (user_ids.key_sorts(keys) == 0)
        digits = pd.Series(np.where(is_number, keys, 0), index=spelled.index).astype("str")
        mask |= _like(spelled, pattern) | (is_number & _like("+" + digits, pattern))
    return mask


def _like(texts: pd.Series[str], pattern: str) -> Mask:
    """Say which whole texts match a pattern with `*` and `?`; null matches none."""
    expression = "".join(_WILD.get(each, _ODD.sub(r"\\\g<0>", each)) for each in pattern)
    like = texts.str.fullmatch(f"(?is:{expression})")
    mask: Mask = like.fillna(value=False).to_numpy(dtype=np.bool_)
    return mask


def _between(found: pd.DataFrame, times: tuple[time, time], zone: str) -> Mask:
    """Say which findings lie between two times of the day; findings without a time do not."""
    moments = found["provider_sent_at"].fillna(found["local_sent_at"])
    there = moments.dt.tz_convert(zone)
    seconds = there.dt.hour * 3600 + there.dt.minute * 60 + there.dt.second
    start, end = (each.hour * 3600 + each.minute * 60 + each.second for each in times)
    # Across midnight: (seconds - start) counts from the beginning, whatever day that was.
    since = (seconds - start) % _DAY_SECONDS
    inside = since < (end - start) % _DAY_SECONDS
    mask: Mask = (inside & moments.notna()).to_numpy(dtype=np.bool_)
    return mask
