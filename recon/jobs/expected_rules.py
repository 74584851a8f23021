"""An account's rules for expected findings, applied to runs and to stored findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from recon.core import calendar, expected
from recon.core.expected import ExpectedRule
from recon.model import Kind, Run, State, Verdict
from recon.store import expected_findings, finding_list, runs

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Engine

    from recon.config import Expected, Settings
    from recon.model import Window

#: A rule that matched no finding for this many days is named.
UNUSED_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class ExpectedRules:
    """The rules of an account, with the zone and region in which they apply."""

    account: str
    rules: Sequence[ExpectedRule]
    region: str | None
    """The region of numbers without a country code."""
    zone: str

    @classmethod
    def of(cls, settings: Settings, account: str) -> ExpectedRules:
        """Return the rules in the `[[accounts.….expected]]` sections of an account."""
        sections = settings.accounts[account].expected
        region = settings.matching.default_region or None
        return cls(account, tuple(map(_rule, sections)), region, settings.timezone)

    @property
    def digest(self) -> str | None:
        """A digest of the rules; `None` without rules."""
        if not self.rules:
            return None
        return blake2b(repr((self.rules, self.region)).encode(), digest_size=16).hexdigest()

    def apply(self, verdict: Verdict) -> Verdict:
        """Return the verdict with its expected findings marked."""
        return expected.apply(verdict, self.rules, self.region)

    def with_notices(self, engine: Engine, run: Run) -> Run:
        """Return the run with a notice of each rule that has matched no finding for long."""
        window, found = run.verdict.window, run.verdict.findings
        rules = [one for one in self.rules if not self._matches(one, found, window)]
        before = date.fromisoformat(window.label)
        return replace(run, notices=(*run.notices, *self.unused(engine, before, rules)))

    def unused(
        self, engine: Engine, day: date, rules: Sequence[ExpectedRule] | None = None
    ) -> list[str]:
        """Say which rules match no finding of the days up to `day`, and what to do.

        Nothing is returned until enough days have been judged: a rule may be about a rare event.

        Args:
            engine: the store, its schema ready.
            day: the last day; the run that judges it need not be stored.
            rules: which rules; all without it. Rules that have ended or not begun are left out.
        """
        left = [rule for rule in (self.rules if rules is None else rules) if rule.holds_on(day)]
        if not left or not self.can_tell_unused(engine, day):
            return []
        for back in range(UNUSED_DAYS):
            if not left:
                break
            at = day - timedelta(days=back)
            found = finding_list.listing(
                engine,
                accounts=[self.account],
                kinds=sorted({rule.kind for rule in left}),
                days=(at, at),
            )
            window = calendar.window(at, self.zone)
            if len(found):
                left = [rule for rule in left if not self._matches(rule, found, window)]
        what = f"check what it names in accounts.{self.account}.expected, or remove it."
        since = f"matches no finding of the last {UNUSED_DAYS} days"
        return [f"The rule {expected.name(rule)} {since}: {what}" for rule in left]

    def can_tell_unused(self, engine: Engine, day: date) -> bool:
        """Say whether so many days have been judged, up to `day`, that rules may be unused."""
        return runs.day_count(engine, self.account, day) >= UNUSED_DAYS - 1

    def _matches(self, rule: ExpectedRule, found: pd.DataFrame, window: Window) -> bool:
        return bool(expected.matches(rule, found, window, self.region).any())

    def renew(self, engine: Engine, now: datetime) -> None:
        """Update the stored findings if the rules have changed since the last run."""
        if runs.last_expected_rules(engine, self.account) == self.digest:
            return
        found = finding_list.listing(
            engine,
            accounts=[self.account],
            states=[State.OPEN, State.ACKNOWLEDGED, State.EXPECTED],
        )
        covered: dict[str, str] = {}
        for day, findings in found.groupby("date"):
            covered |= self._covered(date.fromisoformat(str(day)), findings)
        ids, states = found["discrepancy_id"], found["state"]
        is_covered = ids.isin(covered)
        news = ids.loc[(states == State.OPEN) & is_covered]
        over = ids.loc[(states == State.EXPECTED) & ~is_covered & ~self._in_doubt(engine, found)]
        expected_findings.change(
            engine, self.account, {one: covered[one] for one in news}, over.tolist(), now
        )

    def _in_doubt(self, engine: Engine, found: pd.DataFrame) -> pd.Series[bool]:
        """Say which unverifiable findings a rule covers, by the kind that they had before."""
        in_doubt = found["kind"] == Kind.UNVERIFIABLE
        doubted = found.loc[(found["state"] == State.EXPECTED) & in_doubt, "discrepancy_id"]
        reasons = expected_findings.reasons(engine, self.account, doubted.tolist())
        days = dict(zip(found["discrepancy_id"], found["date"], strict=True))
        kept = [
            one
            for one, reason in reasons.items()
            if any(
                rule.reason == reason and rule.holds_on(date.fromisoformat(days[one]))
                for rule in self.rules
            )
        ]
        return found["discrepancy_id"].isin(kept)

    def _covered(self, day: date, found: pd.DataFrame) -> dict[str, str]:
        window: Window = calendar.window(day, self.zone)
        reasons, _ = expected.cover(self.rules, found, window, self.region)
        pairs = zip(found["discrepancy_id"].tolist(), reasons.tolist(), strict=True)
        return {one: reason for one, reason in pairs if reason != expected.NOBODY}


def _rule(one: Expected) -> ExpectedRule:
    start, end = one.start, one.end
    times = days = None
    if isinstance(start, time) and isinstance(end, time):
        times = start, end
    elif isinstance(start, date) and isinstance(end, date):
        days = start, end
    return ExpectedRule(
        kind=one.kind,
        reason=one.reason,
        until=one.until,
        phone_number=one.phone_number,
        failure_reason=one.failure_reason,
        status=one.status,
        times=times,
        days=days,
        at_most=one.at_most,
    )
