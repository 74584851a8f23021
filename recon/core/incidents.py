"""Group findings with one likely cause into incidents, each with a sentence that says what to do.

The result does not depend on row order. The rows of the findings stay in the report.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recon.core import arrow_text, concentration, coverage, link, number_parts, phones, systemic
from recon.core.buckets import Case
from recon.core.concentration import Concentration
from recon.core.day_findings import DayFindings
from recon.core.link import Mask, Positions
from recon.core.number_parts import Ascending, Parts
from recon.core.policy import Policy
from recon.model import Incident, Kind, Window

if TYPE_CHECKING:
    import pandas as pd

#: More incidents by time or number than this are no help to anybody.
_MOST_INCIDENTS: Final = 12
_HOUR_US: Final = 3_600_000_000

#: The kinds whose findings may be about one country, and how a sentence says so.
_AMONG_NUMBERS: Final = {
    Kind.MISSING_AT_PROVIDER: ("send", "are missing at Octopods"),
    Kind.MISSING_LOCALLY: ("message", "are not in the records"),
    Kind.RECIPIENT_MISMATCH: ("message", "went to another number than recorded"),
}

#: The kinds whose findings may lie together in one hour.
_HOURLY: Final = (
    Kind.RECIPIENT_MISMATCH,
    Kind.MISSING_AT_PROVIDER,
    Kind.DUPLICATE_SEND,
    Kind.STATUS_MISMATCH,
    Kind.MISSING_LOCALLY,
    Kind.MESSAGE_ID_MISMATCH,
    Kind.DUPLICATE_LOCAL,
    Kind.STUCK,
)


class _Draft(NamedTuple):
    """An incident before its identity is known."""

    cause: str
    key: str | None
    """What distinguishes it from others of its cause; `None` if only its findings do."""
    rows: Positions
    summary: str


def of_day(
    account: str, case: Case, day: int, window: Window, policy: Policy, found: pd.DataFrame
) -> tuple[list[Incident], pd.DataFrame]:
    """Return the incidents of a day, the largest first, and its findings with their `incident_id`.

    A finding is part of one incident at most. A stretch of time is an incident only if most of its
    sends are affected. It never includes a time in which sends were covered and healthy.

    Args:
        account: whose findings they are.
        case: both sides, classified.
        day: the position of the day.
        window: the day itself.
        policy: how strict to be.
        found: the findings of the day.
    """
    rows = DayFindings(found, _dates(case))
    drafts = list(_drafts(_Day(case, day, window, policy, rows))) if len(rows) else []
    if not drafts:
        return [], found
    place = np.full(len(found), -1, dtype=np.int64)
    for number, draft in enumerate(drafts):
        place[draft.rows] = number
    made = [_incident(account, draft, rows) for draft in drafts]
    names = pa.array([one.incident_id for one in made], arrow_text.TEXT)
    members = names.take(pa.array(place, mask=place < 0))
    ordered = sorted(made, key=lambda one: (-one.findings, one.incident_id))
    return ordered, found.assign(incident_id=arrow_text.to_series(members))


def _dates(case: Case) -> Positions:
    """Return the times of records that have a date and no time of day."""
    dated, _ = link.dates_alone(case.local.frame)
    return np.unique(link.microseconds(case.local.frame["sent_at"])[dated])


def _incident(account: str, draft: _Draft, found: DayFindings) -> Incident:
    key = draft.key
    if key is None:
        # A hash stays the smallest of many even if some of the findings are resolved.
        key = pc.min(found.texts("discrepancy_id", draft.rows)).as_py()
    name = f"{account}\x1f{draft.cause}\x1f{key}".encode("utf-8", "replace")
    moments = found.moments[draft.rows[found.timed[draft.rows]]]
    return Incident(
        incident_id=blake2b(name, digest_size=8).hexdigest(),
        kinds=found.counts(draft.rows),
        start=coverage.instant(int(moments.min())) if moments.size else None,
        end=coverage.instant(int(moments.max())) if moments.size else None,
        cause=draft.cause,
        summary=draft.summary,
    )


@dataclass(frozen=True, eq=False)
class _Day:
    """The data of a day; the healthy sends are sorted only when needed."""

    case: Case
    day: int
    window: Window
    policy: Policy
    found: DayFindings

    @cached_property
    def recorded(self) -> Parts[Ascending]:
        """When the records of the day's pairs were sent."""
        case = self.case
        paired = (case.local_owner == self.day) & (case.links.partner_of_local >= 0)
        own = number_parts.chosen(case.local_time, paired)
        return case.agreed.with_pair_times(own, "local_time", self.day)

    @cached_property
    def paired(self) -> Mask:
        """Which messages are one of the day's pairs."""
        case = self.case
        paired: Mask = (case.provider_owner == self.day) & (case.links.partner_of_provider >= 0)
        return paired

    @cached_property
    def sent(self) -> Parts[Ascending]:
        """When the messages of the pairs were sent."""
        own = number_parts.chosen(self.case.provider_time, self.paired)
        return self.case.agreed.with_pair_times(own, "provider_time", self.day)

    @cached_property
    def numbers(self) -> Parts[Positions]:
        """The keys of the numbers of the pairs' messages."""
        return self.case.agreed.with_pairs(
            lambda: self.case.provider_keys[self.paired], "keys", self.day
        )

    @cached_property
    def sample(self) -> Sequence[Positions]:
        """A sample of `numbers`, ascending in each part."""
        step = concentration.SAMPLED
        own = self.case.provider_keys[::step][self.paired[::step]]
        left_out = (part.of_day("keys", self.day)[::step] for part in self.case.agreed.pairs)
        return [np.sort(part) for part in (own, *left_out)]

    def goes_on_after(self, kind: Kind, moment: int) -> bool:
        """Say whether a pair was sent after a moment, on this day or in the margin after it."""
        case = self.case
        recorded, sent = case.agreed.newest_pair or (moment, moment)
        if kind is Kind.MISSING_AT_PROVIDER:
            later = case.local_time > moment
            return recorded > moment or bool((later & (case.links.partner_of_local >= 0)).any())
        later = case.provider_time > moment
        return sent > moment or bool((later & (case.links.partner_of_provider >= 0)).any())

    @cached_property
    def keys(self) -> Mapping[Kind, Positions]:
        """The keys of the numbers of all findings of the kinds that may be about numbers."""
        texts = arrow_text.to_series(self.found.texts("phone_number"))
        return {
            kind: phones.keys(texts.take(self.found.of(kind)), self.policy.region)
            for kind in _AMONG_NUMBERS
        }

    def clock(self, moment: int) -> str:
        """Return `10:02` in the zone of the day, with the date if it is another day."""
        there = coverage.instant(moment).astimezone(ZoneInfo(self.window.zone))
        day = "" if there.date().isoformat() == self.window.label else f"{there:%Y-%m-%d} "
        return f"{day}{there:%H:%M}"


def _drafts(day: _Day) -> Iterator[_Draft]:
    found = day.found
    free = np.ones(len(found), dtype=np.bool_)
    for one in systemic.of_day(day.case, day.day, day.window, day.policy, found):
        rows = one.rows[free[one.rows]]
        if rows.size:
            free[rows] = False
            yield _Draft(one.cause, one.key, rows, one.summary)
    for _ in range(_MOST_INCIDENTS):
        best = max(_concentrated(day, free), key=lambda pair: pair[0], default=None)
        if best is None:
            break
        free[best[1].rows] = False
        yield best[1]
    for kind in _HOURLY:
        rows = found.of(kind)
        yield from _hour(day, kind, rows[free[rows] & found.timed[rows]])


def _concentrated(day: _Day, free: Mask) -> Iterator[tuple[float, _Draft]]:
    """Yield concentrations in time or among the numbers, each with its weight."""
    found = day.found
    for kind in (Kind.MISSING_AT_PROVIDER, Kind.MISSING_LOCALLY):
        rows = found.of(kind)
        rows = rows[free[rows] & found.timed[rows]]
        if len(rows) < concentration.LEAST:
            continue
        healthy = day.recorded if kind is Kind.MISSING_AT_PROVIDER else day.sent
        times = found.moments[rows]
        if (seen := concentration.stretch(times, healthy)) is not None:
            yield seen.weight, _stretch(day, kind, rows[seen.rows], times[seen.rows], seen)
    for kind in _AMONG_NUMBERS:
        rows = found.of(kind)
        if np.count_nonzero(free[rows]) < concentration.LEAST:
            continue
        keys = day.keys[kind][free[rows]]
        besides = keys[:0]
        if kind is Kind.RECIPIENT_MISMATCH:
            besides = _among(keys, day.numbers)
        if (seen := concentration.number_range(keys, day.numbers, day.sample, besides)) is not None:
            yield seen.weight, _numbers(kind, rows[free[rows]][seen.rows], seen)


def _among(keys: Positions, numbers: Iterable[Positions]) -> Positions:
    """Return the keys that are also among the `numbers`, each as often as there."""
    values, counts = np.unique(keys, return_counts=True)
    there = np.zeros(len(values), dtype=np.int64)
    for part in map(number_parts.ascending, numbers):
        there += np.searchsorted(part, values, "right") - np.searchsorted(part, values, "left")
    return np.repeat(values, np.minimum(counts, there))


def _stretch(
    day: _Day, kind: Kind, rows: Positions, times: Positions, seen: Concentration
) -> _Draft:
    start, end = int(times.min()), int(times.max())
    since = day.clock(start)
    goes_on = day.goes_on_after(kind, end)
    when = f"between {since} and {day.clock(end)}" if goes_on else f"since {since}"
    if goes_on and since == day.clock(end):
        when = f"at {since}"
    if kind is Kind.MISSING_AT_PROVIDER:
        said = f"{_share(len(rows), seen.sends, 'send')} {when} are missing at Octopods: "
        if goes_on:
            said += "an outage. Find its cause in the sender's log, and send again what is still "
            said += "wanted."
            return _Draft("outage", None, rows, said)
        said += "the key was changed, or the sending process stopped. Check both."
        return _Draft("key_or_process", None, rows, said)
    said = f"{_share(len(rows), seen.sends, 'message')} {when} are not in the records: "
    if goes_on:
        said += (
            "the process that records the sends was down. Record them before anything is sent "
            "again."
        )
        return _Draft("recording_outage", None, rows, said)
    said += (
        "the process that records the sends has stopped, or another process sends with this key."
    )
    return _Draft("recording_stopped", None, rows, said)


def _numbers(kind: Kind, rows: Positions, seen: Concentration) -> _Draft:
    noun, what = _AMONG_NUMBERS[kind]
    return _Draft(
        "country",
        f"{kind.value}:{seen.place}",
        rows,
        f"{_share(len(rows), seen.sends, noun)} to numbers that begin with +{seen.place} {what}, "
        "others are not: check how these numbers are recorded, and `matching.default_region`.",
    )


def _hour(day: _Day, kind: Kind, rows: Positions) -> Iterator[_Draft]:
    first = 0 if day.window.start is None else coverage.microseconds(day.window.start)
    seen = concentration.hour(day.found.moments[rows], day.sent, first)
    if seen is None:
        return
    start = first + seen.place * _HOUR_US
    word = kind.value.replace("_", " ")
    yield _Draft(
        "hour",
        f"{kind.value}:{start}",
        rows[seen.rows],
        f"{len(seen.rows):,} of {len(rows):,} findings of the kind {word} lie between "
        f"{day.clock(start)} and {day.clock(start + _HOUR_US)}: find out what ran then.",
    )


def _share(affected: int, sends: int, noun: str) -> str:
    """Return `312 of 315 sends`, or `All 315 sends`."""
    return f"All {sends:,} {noun}s" if affected == sends else f"{affected:,} of {sends:,} {noun}s"
