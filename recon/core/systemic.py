"""Causes that the findings themselves show: a constant offset, records that end, unmapped words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow.compute as pc

from recon.core import coverage, failure_reasons, failures, number_parts
from recon.core.buckets import Case
from recon.core.concentration import LEAST, MOST
from recon.core.day_findings import DayFindings
from recon.core.link import Mask, Positions
from recon.core.policy import Policy
from recon.core.rules import RECORDS_END
from recon.core.statuses import LOCAL_WORDS, PROVIDER_WORDS
from recon.model import FailureScope, Kind, Status, Window

_SECOND_US: Final = 1_000_000
_MINUTE_US: Final = 60 * _SECOND_US
#: Fewer pairs show no pattern.
_LEAST_PAIRS: Final = 3
#: Of ten pairs, this many must have the same offset, to the minute, for a constant offset.
_OF_TEN: Final = 9
#: Zones differ by a multiple of this.
_QUARTER_US: Final = 15 * _MINUTE_US
#: A reason is called a cause if at least this many failures give it; five often do by chance.
_LEAST_FAILURES: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Systemic:
    """Findings with one cause."""

    cause: str
    key: str
    """What distinguishes it from other incidents of this cause, on any day."""
    rows: Positions
    """Positions in the frame of findings."""
    summary: str
    """A sentence that ends with what to do."""


def of_day(
    case: Case, day: int, window: Window, policy: Policy, found: DayFindings
) -> Iterator[Systemic]:
    """Yield findings whose content shows one cause, at any time of the day.

    Args:
        case: both sides, classified.
        day: the position of the day.
        window: the day itself.
        policy: how strict to be.
        found: the findings of the day.
    """
    yield from _constant_offset(case, day, policy, found)
    yield from _records_end(case, window, found)
    contradicting = found.of(Kind.STATUS_MISMATCH)
    yield from _unmapped(found, contradicting)
    yield from _one_failure_reason(found, contradicting)
    yield from _foreign_ids(case, day, found.of(Kind.MESSAGE_ID_MISMATCH))
    yield from _other_numbers(case, day, found.of(Kind.RECIPIENT_MISMATCH))


def _paired(case: Case, day: int) -> Mask:
    """Say for each record whether it is part of one of the day's pairs."""
    paired: Mask = (case.local_owner == day) & (case.links.partner_of_local >= 0)
    return paired


def _constant_offset(
    case: Case, day: int, policy: Policy, found: DayFindings
) -> Iterator[Systemic]:
    drifting = found.of(Kind.SENT_AT_DRIFT)
    if len(drifting) < _LEAST_PAIRS:
        return
    pairs = np.flatnonzero((case.local_owner == day) & case.links.by_id)
    own = case.local_time[pairs] - case.provider_time[case.links.partner_of_local[pairs]]
    apart = case.agreed.with_apart(own, day)
    count = number_parts.count(apart)
    distance = found.recorded[drifting] - found.sent[drifting]
    offset = int(number_parts.median(apart)) if count >= _LEAST_PAIRS else 0
    same = sum(int(np.count_nonzero(np.abs(part - offset) <= _MINUTE_US)) for part in apart)
    if abs(offset) <= policy.drift // timedelta(microseconds=1) or 10 * same < _OF_TEN * count:
        yield from _zones(drifting, distance, count)
        return
    quarters = (offset + _QUARTER_US // 2) // _QUARTER_US
    is_zone = quarters != 0 and abs(offset - quarters * _QUARTER_US) <= _MINUTE_US
    yield Systemic(
        "timezone" if is_zone else "clock",
        str(quarters) if is_zone else "",
        drifting[np.abs(distance - offset) <= _MINUTE_US],
        f"{_apart(same, count, offset)}: check "
        f"{'`timezone`' if is_zone else 'the clock of the sender'}.",
    )


def _zones(drifting: Positions, distance: Positions, pairs: int) -> Iterator[Systemic]:
    """Yield each zone offset, if such offsets explain nearly all pairs whose times differ.

    One of two programs uses another zone, or there is a clock change on that day.
    """
    quarters = (distance + _QUARTER_US // 2) // _QUARTER_US
    exact = (quarters != 0) & (np.abs(distance - quarters * _QUARTER_US) <= _MINUTE_US)
    zones, counts = np.unique(quarters[exact], return_counts=True)
    often = counts >= LEAST
    if 10 * int(counts[often].sum()) < _OF_TEN * len(drifting):
        return
    for zone, count in zip(zones[often].tolist(), counts[often].tolist(), strict=True):
        said = _apart(count, pairs, zone * _QUARTER_US)
        rows = drifting[exact & (quarters == zone)]
        yield Systemic("timezone", str(zone), rows, f"{said}: check `timezone`.")


def _apart(count: int, pairs: int, offset: int) -> str:
    hours, minutes = divmod(round(abs(offset) / _MINUTE_US), 60)
    return f"The times of {count:,} of {pairs:,} pairs differ by {hours} h {minutes} min"


def _records_end(case: Case, window: Window, found: DayFindings) -> Iterator[Systemic]:
    if case.records_end is None:
        return
    rows = found.of(Kind.UNVERIFIABLE)
    rows = rows[found.are("detail", RECORDS_END, rows)]
    if not rows.size:
        return
    end = coverage.instant(case.records_end)
    there = f"{end.astimezone(ZoneInfo(window.zone)):%Y-%m-%d %H:%M:%S}"
    later = "1 later message" if rows.size == 1 else f"{rows.size:,} later messages"
    yield Systemic(
        "stale_records",
        "",
        rows,
        f"The records end at {there}; {later} cannot be compared: the database may be a replica "
        "that lags, or the export was made too early. Run again when the records are complete.",
    )


def _unmapped(found: DayFindings, rows: Positions) -> Iterator[Systemic]:
    """Yield each unmapped status word that occurs often enough."""
    for column, known in (("local_status", LOCAL_WORDS), ("provider_status", PROVIDER_WORDS)):
        counted = pc.value_counts(found.texts(column, rows)).to_pylist()
        often = {one["values"] for one in counted if one["counts"] >= _LEAST_PAIRS}
        for word in sorted(often - {None} - known):
            at = rows[found.are(column, word, rows)]
            yield Systemic(
                "status_word",
                f"{column}:{word}",
                at,
                f"{len(at):,} records have the status '{word}', which maps to no status of "
                "Octopods: map it under [accounts.….local.statuses]."
                if column == "local_status"
                else f"{len(at):,} messages have the status '{word}', which this program does not "
                "know: install a newer version, or report it.",
            )


def _one_failure_reason(found: DayFindings, rows: Positions) -> Iterator[Systemic]:
    """Yield the reason of most failures that the records do not show."""
    failed = rows[found.are("provider_status", Status.FAILED.value, rows)]
    if len(failed) < _LEAST_FAILURES:
        return
    reasons = failures.without_numbers(found.texts("failure_reason", failed)).dictionary_encode()
    codes = pc.fill_null(reasons.indices, -1).to_numpy(zero_copy_only=False)
    counts = np.bincount(codes[codes >= 0])
    if counts.max(initial=0) < max(MOST * len(failed), _LEAST_FAILURES):
        return
    commonest = int(counts.argmax())
    reason = reasons.dictionary[commonest].as_py()
    yield Systemic(
        "failure_reason",
        reason,
        failed[codes == commonest],
        f"{counts[commonest]:,} of {len(failed):,} failed messages give the same reason: "
        f"{reason.rstrip('.')}. {_what_to_do(reason)}",
    )


def _what_to_do(reason: str) -> str:
    """Say what a reason means, and what has to be repaired first."""
    found = failure_reasons.explain(reason)
    match found.scope:
        case FailureScope.ACCOUNT:
            return f"It is about the account ({found.title}): {_lower(found.advice)}"
        case FailureScope.TEMPLATE:
            return f"It is about the template ({found.title}): {_lower(found.advice)}"
    if found.name == failure_reasons.UNKNOWN:
        return "If it is about the account or the template, fix that first."
    return f"It means: {found.title}. {found.advice}"


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _foreign_ids(case: Case, day: int, rows: Positions) -> Iterator[Systemic]:
    if len(rows) < LEAST:
        return
    with_id = int(np.count_nonzero(_paired(case, day) & case.holds_id))
    if (left_out := case.agreed.count(day)) is not None:
        with_id += left_out.with_id
    if len(rows) >= MOST * with_id:
        yield Systemic(
            "foreign_ids",
            "",
            rows,
            f"{len(rows):,} of {with_id:,} recorded ids are not ids of Octopods: the column mapped "
            f"to `message_id` has the ids of another system. Map the column with Octopods' ids.",
        )


def _other_numbers(case: Case, day: int, rows: Positions) -> Iterator[Systemic]:
    if len(rows) < LEAST:
        return
    pairs = int(np.count_nonzero(_paired(case, day))) + case.agreed.pairs_of(day)
    if len(rows) >= MOST * pairs:
        yield Systemic(
            "numbers",
            "",
            rows,
            f"{len(rows):,} of {pairs:,} messages went to another number than recorded: check the "
            "column mapped to `phone_number`, and `matching.default_region`.",
        )
