"""Everything known of a row: what `recon explain` tells. Times are UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from recon.core.fired_rules import FiredRule
from recon.model import FindingChange, RefusedAnswer, Span, Window, Withdrawal


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A record as it was read; a field that could not be read, or is not kept, is `None`."""

    local_id: str | None
    message_id: str | None
    """As the records hold it, even if it cannot be an id of Octopods."""
    phone_number: str | None
    sent_at: datetime | None
    status: str | None
    other_sent_at: datetime | None = None
    """The second reading of a time that a clock change makes ambiguous."""
    day_ends_at: datetime | None = None
    """If the records hold a date without a time of day: when the day ends. `sent_at` is when it
    begins."""
    unreadable: str | None = None
    """Why it cannot be read."""


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message as it is known now, or an item of an answer that cannot be read."""

    message_id: int | None
    phone_number: str | None
    sent_at: datetime | None
    status: str | None
    failure_reason: str | None = None
    observed_at: datetime | None = None
    """Octopods' clock at the latest answer that showed it."""
    first_seen_at: datetime | None = None
    """Octopods' clock at the first answer that showed it."""
    is_listed: bool = True
    """Whether a list showed it; if not, only a status call did."""
    unreadable: str | None = None
    """Why it cannot be read."""


@dataclass(frozen=True, slots=True)
class SeenStatus:
    """A status of a message, and the time by Octopods' clock of the first answer that showed it."""

    at: datetime
    status: str
    failure_reason: str | None


@dataclass(frozen=True, slots=True)
class Denial:
    """An id that Octopods denied in a status call; times by Octopods' clock."""

    message_id: int
    at: datetime
    again_at: datetime | None
    """When it was denied again, on a later night; `None` if Octopods was not asked again."""


@dataclass(frozen=True, slots=True)
class KeptPoll:
    """An answer to the list call that is still in the log."""

    at: datetime
    """Octopods' clock."""
    items: int
    shared: int
    """Messages that an earlier answer had shown; with at least one, the two answers join."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is proven about the time around a row, and by which polls."""

    at: datetime
    span: Span
    """The proven span that it lies in, or the gap."""
    is_proven: bool
    before_first_listed: bool
    """Whether it is older than every listed message: there only a denied id is missing."""
    first_poll: KeptPoll | None
    """The first poll of a span, or the last one before a gap, if the log goes back that far."""
    last_poll: KeptPoll | None
    """The last poll of a span, or the first one after a gap; `None` without one."""
    refused: Sequence[RefusedAnswer]
    """Answers near it that prove nothing; by our own clock."""
    withdrawn: Sequence[Withdrawal]
    """Proof of its time that was withdrawn."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A row that this one could have been paired with."""

    record: RecordRow | None
    message: MessageRow | None
    same_id: bool
    same_number: bool
    seconds: float | None
    """How much later it is; `None` if its time is not known."""
    why: str
    """Why the two are not a pair."""


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """A finding as it is stored."""

    discrepancy_id: str
    kind: str
    state: str
    day: date
    detail: str | None
    message_id: str | None
    local_id: str | None
    first_seen_on: date
    history: Sequence[FindingChange]
    """The oldest change first."""
    incident_id: str | None = None
    """Of the incident that it is part of."""
    incident: str | None = None
    """What happened, if the latest run of the day reports that incident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One record, message or pair of an account."""

    account: str
    matches: Sequence[str]
    """Which kind of id matched: `discrepancy_id`, `message_id`, `local_id`."""
    zone: str
    """The configured time zone."""
    day: Window | None = None
    """The day that judges it; `None` if the row does not exist any more."""
    verdict: str | None = None
    """The verdict if the day is judged now, a word of `VerdictKind`."""
    suspicions: Sequence[str] = ()
    """Why the day is suspect; then none of its findings are opened or closed."""
    record: RecordRow | None = None
    message: MessageRow | None = None
    statuses: Sequence[SeenStatus] = ()
    surroundings: Surroundings | None = None
    denials: Sequence[Denial] = ()
    alternatives: Sequence[Alternative] = ()
    more_alternatives: int = 0
    """How many more there are."""
    rules: Sequence[FiredRule]
    """The rules that decide about it now."""
    findings: Sequence[StoredFinding]
    differences: Sequence[str]
    """Differences between the stored findings and those of a run now, a sentence each."""
    last_run: datetime | None = None
    """When a run last judged the day; `None` if none has."""
    records_error: str | None = None
    """Why the records could not be read. Then nothing is judged, and only the stored data is
    shown."""
