"""The frozen values that the packages exchange. Every `datetime` here is aware and in UTC."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import pandas as pd


class Status(StrEnum):
    """A message's status, in Octopods' own words (help centre, article 14823960)."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    DELETED = "deleted"
    UNKNOWN = "unknown"


#: The word of the records for a record that never went out.
NOT_SENT: Final = "not_sent"

#: The account of the reports of `recon diff`; no account of a configuration may have this name.
DIFF_ACCOUNT: Final = "diff"

#: What one list call returns at most; the provider caps higher limits at this.
LISTING_LIMIT: Final = 100


class Severity(StrEnum):
    """How bad a finding is; `error` sorts before `warning`."""

    ERROR = "error"
    WARNING = "warning"


class Kind(StrEnum):
    """The kinds of discrepancy."""

    MISSING_AT_PROVIDER = "missing_at_provider"
    MISSING_LOCALLY = "missing_locally"
    DUPLICATE_SEND = "duplicate_send"
    DUPLICATE_LOCAL = "duplicate_local"
    MESSAGE_ID_MISMATCH = "message_id_mismatch"
    RECIPIENT_MISMATCH = "recipient_mismatch"
    STATUS_MISMATCH = "status_mismatch"
    SENT_AT_DRIFT = "sent_at_drift"
    STUCK = "stuck"
    UNVERIFIABLE = "unverifiable"
    INVALID_LOCAL = "invalid_local"
    INVALID_PROVIDER = "invalid_provider"

    @property
    def severity(self) -> Severity:
        """An error needs a correction; a warning needs attention."""
        return Severity.WARNING if self in _WARNINGS else Severity.ERROR


_WARNINGS: Final = frozenset(
    {
        Kind.SENT_AT_DRIFT,
        Kind.STUCK,
        Kind.UNVERIFIABLE,
        Kind.INVALID_LOCAL,
        Kind.INVALID_PROVIDER,
    }
)


class VerdictKind(StrEnum):
    """The conclusion of a run about a window."""

    CLEAN = "clean"
    DISCREPANCIES = "discrepancies"
    INCOMPLETE = "incomplete"
    NOTHING_TO_COMPARE = "nothing_to_compare"
    SUSPECT = "suspect"


class State(StrEnum):
    """The state of a finding. A run reports no resolved findings."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    """A person accepts it; this takes precedence over a rule."""
    EXPECTED = "expected"
    """A rule of the configuration covers it."""
    RESOLVED = "resolved"


class Change(StrEnum):
    """A change of a finding."""

    OPENED = "opened"
    MOVED = "moved"
    """It belongs to another day now."""
    UNVERIFIABLE = "unverifiable"
    """Its claim is no longer proven; it stays open with this kind."""
    PROVEN = "proven"
    """It was unverifiable, and is proven again."""
    RESOLVED = "resolved"
    RETURNED = "returned"
    """It was resolved, and was found again."""
    ACKNOWLEDGED = "acknowledged"
    REOPENED = "reopened"
    """A person took the acknowledgement back."""
    EXPECTED = "expected"
    NOT_EXPECTED = "not_expected"
    """No rule covers it any more."""


class FindingChange(NamedTuple):
    """One entry of a finding's history."""

    at: datetime
    change: Change
    run_id: str | None = None
    """The run that made the change; `None` if a person did, or if it is not known."""
    reason: str | None = None
    """The reason of the person or the rule."""
    from_day: date | None = None
    """The day to which it belonged before."""


class Decision(StrEnum):
    """The proposal for a failed send."""

    RETRY = "retry"
    DO_NOT_RETRY = "do_not_retry"
    REVIEW = "review"
    """A person has to decide, or to repair something first."""


class FailureScope(StrEnum):
    """What the cause of a failure affects."""

    RECIPIENT = "recipient"
    """This number, or this country."""
    TEMPLATE = "template"
    """All sends of the template."""
    ACCOUNT = "account"
    """All sends with the key."""
    PAYLOAD = "payload"
    """Only this message."""


class Permanence(StrEnum):
    """Whether the cause of a failure goes away."""

    PASSING = "passing"
    PERMANENT = "permanent"
    NEEDS_CHANGE = "needs_change"
    """Only if somebody changes something."""
    UNKNOWN = "unknown"


class RetryRule(NamedTuple):
    """A rule of the configuration for failure reasons, which precedes the built-in ones."""

    decision: Decision
    why: str
    wait_hours: float = 0.0
    """How long to wait after the failed send."""
    pattern: str | None = None
    """A regular expression to search for in the reason, ignoring case; if not set, `code` is."""
    code: int | None = None
    """An error number in the reason."""


class Span(NamedTuple):
    """A stretch of time `[start, end)`; `None` is without bound on that side."""

    start: datetime | None
    end: datetime | None


class Withdrawal(NamedTuple):
    """A stretch of time `[start, end)` whose proof was withdrawn permanently."""

    start: datetime | None
    """`None` is the unbounded past."""
    end: datetime
    reason: str
    """The observation, in a sentence without personal data."""


class RefusedAnswer(NamedTuple):
    """An answer to the list call that proves nothing."""

    at: datetime
    """Our own clock when it came."""
    why: str
    """Why it proves nothing, a clause without personal data."""


@dataclass(frozen=True, slots=True)
class CoverageEvidence:
    """The reasons why a window is not covered more."""

    refused: Sequence[RefusedAnswer] = ()
    """The latest answers that could have proven some of the window, but did not."""
    withdrawn: Sequence[Withdrawal] = ()
    """Proof that the window had and has lost."""
    notes: Sequence[str] = ()
    """Notes on clocks, keys and the listing, in sentences that say what to do."""


class Window(NamedTuple):
    """One calendar day of a zone, `[start, end)` in UTC; the bounds of `all` are `None`."""

    label: str
    """The ISO date, or `all` for two whole files."""
    start: datetime | None
    end: datetime | None
    zone: str

    @property
    def span(self) -> Span:
        """The window's stretch of time, without its name."""
        return Span(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Message:
    """One provider message as the listing reports it, in either shape."""

    message_id: int
    phone_number: str
    """In Octopods' spelling: E.164 with `+`, or a WhatsApp user id; else empty."""
    sent_at: datetime
    status: str
    """Lower case; a word outside `Status` is kept as it is."""
    failure_reason: str | None = None


@dataclass(frozen=True, slots=True)
class RejectedItem:
    """An unreadable item of a listing, with its readable fields."""

    key: str
    """Its identity: the same item in another answer has the same key. It is never the content
    itself."""
    reason: str
    """What is wrong, without the customer's text."""
    message_id: int | None = None
    phone_number: str | None = None
    sent_at: datetime | None = None
    status: str | None = None
    failure_reason: str | None = None
    earliest: datetime | None = None
    """If its time cannot be read: a lower bound, the time of a readable neighbour in the answer;
    `None` is without bound."""
    latest: datetime | None = None
    """Likewise an upper bound."""


@dataclass(frozen=True, slots=True)
class RequestCounts:
    """How many requests were made, which use the same limit as the sends."""

    list: int = 0
    status: int = 0
    rate_limited: int = 0
    waited_seconds: float = field(default=0.0, compare=False)
    """How many seconds it waited before retries, for example after a 429."""

    def __add__(self, other: RequestCounts) -> RequestCounts:
        return RequestCounts(
            self.list + other.list,
            self.status + other.status,
            self.rate_limited + other.rate_limited,
            self.waited_seconds + other.waited_seconds,
        )


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The result of one run's status calls for recorded ids that the list does not show."""

    asked: int = 0
    """Ids with a call; if there are more than in the other two together, some got no usable
    answer."""
    denied: int = 0
    """Ids that Octopods does not have."""
    found: int = 0
    """Ids that it has."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The findings of a run compared with those after the newest run of an earlier date.

    All except `resolved` together are the findings of the run.
    """

    new: int = 0
    """Open findings that did not exist at that time, or were resolved."""
    persisting: int = 0
    """Open findings that were already open."""
    resolved: int = 0
    """Findings of the run's day that were open and are not any more."""
    acknowledged: int = 0
    expected: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """One answer to the list call, read."""

    messages: Sequence[Message]
    """In the order of the answer, the newest first; one for each id."""
    rejects: Sequence[RejectedItem]
    item_count: int
    """Items in the raw answer, readable or not."""
    limit: int
    """How many were requested; an answer with fewer is complete."""
    answered_at: datetime
    """The provider's clock (`Date` header) at the answer, else ours. Proof uses
    `recon.core.listing_evidence.clock` instead, which combines several clocks."""
    request_id: str | None = None
    date: datetime | None = None
    """Only the `Date` header, if there was a plausible one."""
    age_seconds: float = 0.0
    """How long a cache has held the answer, by its `Age` header (RFC 9111)."""
    requested_at: datetime | None = None
    """Our own clock when the request was sent."""
    is_partial: bool = False
    """Whether the answer says that it is only a part: status 206, or a `Content-Range` header."""
    error: str | None = None
    """An error that the answer has in addition to its list, without text of the body: `error code
    3`, or `an error text`; `None` without an error."""

    @property
    def is_full(self) -> bool:
        """Whether older messages may exist that this answer does not show."""
        return self.item_count >= self.limit


@dataclass(frozen=True, slots=True)
class LocalBalance:
    """Every local record of the window, in exactly one bucket.

    The fields are the buckets. A kind about rows without a partner has the name of its bucket.
    """

    matched: int = 0
    not_sent: int = 0
    missing_at_provider: int = 0
    duplicate_local: int = 0
    unverifiable: int = 0
    invalid_local: int = 0

    @property
    def total(self) -> int:
        """The sum of the buckets, which is the number of records read."""
        return sum(astuple(self))


@dataclass(frozen=True, slots=True)
class ProviderBalance:
    """Every provider message of the window, in exactly one bucket."""

    matched: int = 0
    missing_locally: int = 0
    duplicate_send: int = 0
    unverifiable: int = 0
    invalid_provider: int = 0

    @property
    def total(self) -> int:
        """The sum of the buckets, which is the number of messages read."""
        return sum(astuple(self))


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Rows of one side that are unreadable for the same reason."""

    side: str
    """`local` or `provider`."""
    reason: str
    """A text with the value of one of the rows; a number is masked."""
    count: int


@dataclass(frozen=True, slots=True)
class Advice:
    """What a window's gaps contain, and how to avoid gaps."""

    records_in_gaps: Sequence[int]
    """How many recorded sends lie in each gap."""
    tightest_seconds: int | None
    """The shortest time in which `sends_a_poll` messages were sent, and so how often to poll;
    `None` if the whole window had fewer."""
    sends_a_poll: int
    """How many new messages a poll can show."""
    crontab: str
    """A line that polls as often as necessary."""
    collected_since: datetime | None = None
    """When proof begins, if the window or a part of it is before that. `None` if nothing is proven,
    or all gaps are later."""
    before_collection: bool = False
    """Whether a gap is before the first proof."""


#: The columns of `Verdict.findings`, in order. All text but the two times
#: (`datetime64[us, UTC]`); what does not apply is null. `confirmed` is for `missing_at_provider`
#: with an id: `yes` where Octopods denied the id, else `no`. `incident_id` names the incident that
#: a finding is part of, where it is part of one.
FINDING_COLUMNS: Final = (
    "discrepancy_id",
    "kind",
    "severity",
    "message_id",
    "local_id",
    "phone_number",
    "local_phone_number",
    "local_status",
    "provider_status",
    "local_sent_at",
    "provider_sent_at",
    "failure_reason",
    "detail",
    "incident_id",
    "confirmed",
)


@dataclass(frozen=True, slots=True)
class Incident:
    """Findings with one likely cause."""

    incident_id: str
    """The same from night to night."""
    kinds: Mapping[str, int]
    """The number of findings of each of its kinds."""
    start: datetime | None
    """When the first of them was sent; `None` if none of them has a time."""
    end: datetime | None
    """When the last of them was sent."""
    cause: str
    """One word, such as `outage` or `timezone`."""
    summary: str
    """What happened, in a sentence, and what to do; without personal data."""

    @property
    def findings(self) -> int:
        """How many findings it explains."""
        return sum(self.kinds.values())


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """The result for one window of one account."""

    account: str
    window: Window
    kind: VerdictKind
    local: LocalBalance
    provider: ProviderBalance
    findings: pd.DataFrame
    """`FINDING_COLUMNS`, sorted by severity, kind and time; empty if the input is suspect."""
    gaps: Sequence[Span]
    """The parts of the window that are not covered; empty if coverage is complete."""
    statuses: Mapping[str, int]
    """Readable provider messages by status; includes every word of `Status`."""
    advice: Advice | None = None
    """If there are gaps: what they contain, and how often to poll to cover them."""
    suspicions: Sequence[str] = ()
    """If `kind` is `suspect`, what seems wrong: first the observation, then the likely causes."""
    unreadable: Sequence[Unreadable] = ()
    """Why rows of the window cannot be read, the most frequent reason first."""
    notes: Sequence[str] = ()
    """Notes on many rows with one cause, a sentence each."""
    evidence: CoverageEvidence = CoverageEvidence()
    """The reasons why the window is not covered more."""
    expected: Mapping[str, str] = field(default_factory=dict)
    """The rule's reason by the `discrepancy_id` of each finding that a rule covers."""
    is_settled: Callable[[pd.DataFrame], pd.Series[bool]] | None = None
    """Returns for findings, `FINDING_COLUMNS`, whether the missing counterpart exists now: the
    record or message has a partner, or the record is `not_sent`. `None` if only the rows in
    `findings` are known."""
    incidents: Sequence[Incident] = ()
    """Incidents, which explain many findings at once, the largest first."""
    failures: Mapping[str, int] = field(default_factory=dict)
    """Failed messages by Octopods' reason, without long numbers, the most frequent first. Those
    without a reason are under the empty text."""

    @property
    def counts(self) -> dict[str, int]:
        """The number of findings by kind; 0 for a kind without findings."""
        if self.findings.empty:
            return dict.fromkeys(map(str, Kind), 0)
        found: dict[Any, Any] = self.findings["kind"].value_counts().to_dict()
        return {kind.value: int(found.get(kind.value, 0)) for kind in Kind}


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A verdict with its entry in the log of runs, from which reports are written."""

    run_id: str
    verdict: Verdict
    started_at: datetime
    finished_at: datetime
    requests: RequestCounts
    confirmation: Confirmation = Confirmation()
    """The status calls for ids in the records of this window."""
    notices: Sequence[str] = ()
    """Other notices of the run, in sentences."""
    input_digest: str | None = None
    """A digest of the verdict's input, by `recon.core.input_digest`, `None` if unknown."""
    expected_rules: str | None = None
    """A digest of the rules for expected findings; `None` without rules."""
    verdict_basis: str | None = None
    """A digest of everything on which the verdict depends, including settings, by
    `recon.core.verdict_basis`; `None` if unknown."""
    first_seen_on: Mapping[str, date] = field(default_factory=dict)
    """The day on which each finding was first seen, by `discrepancy_id`; the run's day if
    absent."""
    lifecycle: Mapping[str, str] = field(default_factory=dict)
    """The `State` of each finding, by `discrepancy_id`; open if absent."""
    changes: Changes = Changes()
    is_dry_run: bool = False
    """Whether the run was not stored."""
    retry_rules: Sequence[RetryRule] = ()
    """The configured rules for failure reasons."""

    @property
    def figures(self) -> RunFigures:
        """Its counts, as they are stored."""
        verdict = self.verdict
        return RunFigures(
            day=date.fromisoformat(verdict.window.label),
            verdict=verdict.kind,
            records=verdict.local.total,
            messages=verdict.provider.total,
            failed=verdict.statuses.get(Status.FAILED.value, 0),
            findings=sum(verdict.counts.values()),
            gaps=len(verdict.gaps),
        )

    @property
    def open_findings(self) -> pd.DataFrame:
        """The findings that are neither acknowledged nor expected."""
        found = self.verdict.findings
        settled = [one for one, state in self.lifecycle.items() if state != State.OPEN]
        return found.loc[~found["discrepancy_id"].isin(settled)] if settled else found

    @property
    def exit_code_if_asked(self) -> int:
        """The exit code with `--exit-code`: 1 for open findings, 3 for incomplete, else 0.

        Acknowledged and expected findings do not count, and unverifiable ones only make the run
        incomplete.
        """
        if self.verdict.kind not in {VerdictKind.DISCREPANCIES, VerdictKind.INCOMPLETE}:
            return 0
        kinds = self.open_findings["kind"]
        if (kinds != Kind.UNVERIFIABLE.value).any():
            return 1
        return 3 if self.verdict.gaps or len(kinds) else 0

    @property
    def statements(self) -> tuple[str, ...]:
        """The sentences at the top of every report: the verdict's notes and the run's notices."""
        return (*self.verdict.notes, *self.notices)


@dataclass(frozen=True, slots=True)
class Failure:
    """The error that ended a night early, for one account or all accounts."""

    account: str
    """Empty if it is about all accounts."""
    day: date
    """The last day that would have been judged, in the configured zone."""
    at: datetime
    exit_code: int
    message: str
    """What went wrong, without secrets, phone numbers or paths of the machine."""
    hint: str = ""
    """What to do about it; empty if nothing is known."""


@dataclass(frozen=True, slots=True)
class RunFigures:
    """The counts of the latest run of a day, for trends and lists of days."""

    day: date
    verdict: VerdictKind
    records: int
    messages: int
    failed: int
    """Messages that Octopods calls failed."""
    findings: int
    """All findings, including acknowledged and expected ones."""
    gaps: int

    @property
    def failure_rate(self) -> float:
        """The share of the messages that failed, 0 to 1."""
        return self.failed / self.messages if self.messages else 0.0
