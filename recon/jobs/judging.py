"""Judge stretches of days, in any process: read both sides, and store nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar

import recon
from recon.core import lookup_priority
from recon.core.lookup_priority import Candidates
from recon.core.policy import Policy
from recon.jobs import reconcile, wiring
from recon.jobs.both_sides import BothSides
from recon.jobs.expected_rules import ExpectedRules
from recon.jobs.memory_budget import RunMemory
from recon.model import Verdict, Window
from recon.store.engine import connect

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings
    from recon.model import CoverageEvidence
    from recon.records.reader import RecordsReader

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days of an account that are read and linked together."""

    days: Sequence[Window]
    """In order and without holes."""
    untimed: bool
    """Whether rows without a readable time belong to the last day."""
    done: Mapping[str, str] = field(default_factory=dict)
    """The basis of the verdict of each day that was judged before."""


@dataclass(frozen=True, slots=True, eq=False)
class DayVerdict:
    """A verdict and its basis."""

    window: Window
    input_digest: str
    """See `recon.core.input_digest`."""
    basis: str
    """See `recon.core.verdict_basis`."""
    verdict: Verdict | None
    """`None` if the day was judged before on the same basis."""


@dataclass(frozen=True, slots=True, eq=False)
class StretchCandidates:
    """The recorded ids of a stretch for which status calls may be made."""

    accused: Candidates
    left_open: Candidates
    unchanged: bool
    """Whether every day was judged before on the same basis; then no calls are made."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the days of one account, with connections that are already open."""

    account: str
    engine: Engine
    reader: RecordsReader
    policy: Policy
    settings: str
    """Distinguishes the settings and the version of the program, see `settings_digest`."""
    memory: RunMemory | None = None
    """How much memory a stretch may take; `None` is without limit."""

    def judge(self, stretch: Stretch) -> list[DayVerdict]:
        """Judge each day of a stretch whose basis has changed."""
        with self._read(stretch) as both_sides:
            return judged(both_sides, self.engine, self.settings, stretch.done)

    def candidates(self, stretch: Stretch) -> StretchCandidates:
        """Return which recorded ids of a stretch Octopods may be asked for."""
        with self._read(stretch) as both_sides:
            evidence = both_sides.coverage_evidence(self.engine)
            days = _days(both_sides, evidence, self.settings)
            if all(stretch.done.get(day.window.label) == day.basis for day in days):
                none = lookup_priority.joined([])
                return StretchCandidates(none, none, unchanged=True)
            found = lookup_priority.of_case(both_sides.case, stretch.days, self.policy)
            return StretchCandidates(*found, unchanged=False)

    def _read(self, stretch: Stretch) -> BothSides:
        return reconcile.read(
            self.account,
            stretch.days,
            reader=self.reader,
            engine=self.engine,
            policy=self.policy,
            untimed=stretch.untimed,
            memory=self.memory,
        )


@dataclass(frozen=True, slots=True)
class RemoteJudge:
    """Judges the days of one account in another process, with its own connections."""

    account: str
    configuration: Settings
    trust_input: bool
    memory: RunMemory | None = None
    """See `Judge`."""

    def judge(self, stretch: Stretch) -> list[DayVerdict]:
        """Judge each day of a stretch whose basis has changed."""
        return self._with_connections(Judge.judge, stretch)

    def candidates(self, stretch: Stretch) -> StretchCandidates:
        """Return which recorded ids of a stretch Octopods may be asked for."""
        return self._with_connections(Judge.candidates, stretch)

    def _with_connections(self, do: Callable[[Judge, Stretch], T], stretch: Stretch) -> T:
        configuration = self.configuration
        engine = _engine(configuration.database.url.get_secret_value())
        try:
            policy = wiring.policy(configuration, trust_input=self.trust_input)
            rules = ExpectedRules.of(configuration, self.account)
            reader = wiring.open_reader(configuration, self.account)
            settings = settings_digest(policy, rules)
            return do(Judge(self.account, engine, reader, policy, settings, self.memory), stretch)
        finally:
            engine.dispose()


@lru_cache(maxsize=1)
def _engine(url: str) -> Engine:
    """Return the engine of a store, the same for all tasks: it holds the compiled statements."""
    return connect(url)


def settings_digest(policy: Policy, rules: ExpectedRules) -> str:
    """Return a digest of the version and of the settings on which verdicts depend."""
    told = repr((recon.__version__, policy, rules.digest, rules.zone))
    return blake2b(told.encode(), digest_size=16).hexdigest()


def judged(
    both_sides: BothSides, engine: Engine, settings: str, done: Mapping[str, str] | None = None
) -> list[DayVerdict]:
    """Judge each day that was read, unless the basis of its verdict is the same as before.

    Args:
        both_sides: both sides of some days of an account.
        engine: the database of the collected messages.
        settings: the result of `settings_digest`.
        done: the basis of the verdict of each day that was judged before.
    """
    known = done or {}

    def is_unchanged(day: DayVerdict) -> bool:
        return known.get(day.window.label) == day.basis

    evidence = both_sides.coverage_evidence(engine)
    if known or not both_sides.is_in_memory:
        days = _days(both_sides, evidence, settings)
        if all(map(is_unchanged, days)):
            return days
        verdicts = both_sides.verdicts(evidence)
    else:
        # All days are judged, whatever their digests. One after the other, it would take 5 % of a
        # whole night longer.
        with ThreadPoolExecutor(1) as other:
            digesting = other.submit(_days, both_sides.with_own_frames(), evidence, settings)
            verdicts = both_sides.verdicts(evidence)
            days = digesting.result()
    return [
        day if is_unchanged(day) else replace(day, verdict=verdict)
        for day, verdict in zip(days, verdicts, strict=True)
    ]


def _days(
    both_sides: BothSides, evidence: Sequence[CoverageEvidence], settings: str
) -> list[DayVerdict]:
    """Return what the verdict of each day follows from."""
    found = []
    for day, its in zip(both_sides.days, evidence, strict=True):
        digest = both_sides.digest(day)
        basis = both_sides.basis(day, input_digest=digest, evidence=its, settings=settings)
        found.append(DayVerdict(day, digest, basis, None))
    return found
