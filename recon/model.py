"""The frozen values that the packages exchange. Every `datetime` here is aware and in UTC."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
    """What a run concludes about a window."""

    CLEAN = "clean"
    DISCREPANCIES = "discrepancies"
    INCOMPLETE = "incomplete"
    NOTHING_TO_COMPARE = "nothing_to_compare"
    SUSPECT = "suspect"


class State(StrEnum):
    """Where a finding stands. A run reports no resolved ones."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    """A person accepts it; that wins over a rule."""
    EXPECTED = "expected"
    """A rule of the configuration covers it."""
    RESOLVED = "resolved"


class Change(StrEnum):
    """What may happen to a finding."""

    OPENED = "opened"
    MOVED = "moved"
    """It belongs to another day now."""
    UNVERIFIABLE = "unverifiable"
    """What it claims is no longer proven; it stays what it was, of this kind."""
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
    """The run that did it; `None` where a person did, or it is not known."""
    reason: str | None = None
    """The person's, or the rule's."""
    from_day: date | None = None
    """The day that it was moved from."""


class Decision(StrEnum):
    """What is proposed for a failed send."""

    RETRY = "retry"
    DO_NOT_RETRY = "do_not_retry"
    REVIEW = "review"
    """A person decides, or has to repair something first."""


class FailureScope(StrEnum):
    """How far the cause of a failure reaches."""

    RECIPIENT = "recipient"
    """This number, or this country."""
    TEMPLATE = "template"
    """All sends of the template."""
    ACCOUNT = "account"
    """All sends through the key."""
    PAYLOAD = "payload"
    """This message alone."""


class Permanence(StrEnum):
    """Whether the cause of a failure goes away."""

    PASSING = "passing"
    PERMANENT = "permanent"
    NEEDS_CHANGE = "needs_change"
    """Only if somebody changes something."""
    UNKNOWN = "unknown"


class RetryRule(NamedTuple):
    """A rule of the configuration for failure reasons; it goes before what is built in."""

    decision: Decision
    why: str
    wait_hours: float = 0.0
    """From the failed send on."""
    pattern: str | None = None
    """A regular expression that is searched for in the reason, case ignored; or `code` is set."""
    code: int | None = None
    """An error number in the reason."""


class Span(NamedTuple):
    """A stretch of time `[start, end)`; `None` is without bound on that side."""

    start: datetime | None
    end: datetime | None


class Withdrawal(NamedTuple):
    """A stretch of time `[start, end)` whose proof was withdrawn, for good."""

    start: datetime | None
    """`None` is the unbounded past."""
    end: datetime
    reason: str
    """What was seen, in a sentence without personal data."""


class RefusedAnswer(NamedTuple):
    """An answer to the list call that proves nothing."""

    at: datetime
    """Our own clock when it came."""
    why: str
    """What was seen in it, a clause without personal data."""


@dataclass(frozen=True, slots=True)
class CoverageEvidence:
    """What keeps the coverage of a window from being more than it is."""

    refused: Sequence[RefusedAnswer] = ()
    """The latest answers that could have proved something of the window, and do not."""
    withdrawn: Sequence[Withdrawal] = ()
    """Proof that the window had and has lost."""
    notes: Sequence[str] = ()
    """What is known of clocks, keys and the listing, in sentences that say what to do."""


class Window(NamedTuple):
    """One calendar day of a zone, `[start, end)` in UTC; the bounds of `all` are `None`."""

    label: str
    """The ISO date, or `all` for two files taken whole."""
    start: datetime | None
    end: datetime | None
    zone: str

    @property
    def span(self) -> Span:
        """The window's stretch of time, without its name."""
        return Span(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Message:
    """One provider message as the listing reports it, whichever shape it came in."""

    message_id: int
    phone_number: str
    """As Octopods spells it: E.164 with `+`, or a WhatsApp user id; else empty."""
    sent_at: datetime
    status: str
    """Lower case; a word outside `Status` is kept as it is."""
    failure_reason: str | None = None


@dataclass(frozen=True, slots=True)
class RejectedItem:
    """An item of a listing that cannot be read, with what could be read of it."""

    key: str
    """Identity: the same item in another answer has the same key. Never the content itself."""
    reason: str
    """What is wrong, in words, without the customer's text."""
    message_id: int | None = None
    phone_number: str | None = None
    sent_at: datetime | None = None
    status: str | None = None
    failure_reason: str | None = None
    earliest: datetime | None = None
    """Where its time cannot be read: that of the readable item before which it cannot lie, by the
    order of the answer; `None` is without bound."""
    latest: datetime | None = None
    """Likewise the time after which it cannot lie."""


@dataclass(frozen=True, slots=True)
class RequestCounts:
    """How many requests were taken from the limit that the sends share."""

    list: int = 0
    status: int = 0
    rate_limited: int = 0
    waited_seconds: float = field(default=0.0, compare=False)
    """How long answers such as 429 made it wait before it asked again."""

    def __add__(self, other: RequestCounts) -> RequestCounts:
        return RequestCounts(
            self.list + other.list,
            self.status + other.status,
            self.rate_limited + other.rate_limited,
            self.waited_seconds + other.waited_seconds,
        )


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What asking Octopods for recorded ids that its list does not show brought, in one run."""

    asked: int = 0
    """Ids asked for; where this is more than the other two together, some got no usable answer."""
    denied: int = 0
    """Ids that Octopods does not have."""
    found: int = 0
    """Ids that it has."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The findings of a run beside those that the newest run of an earlier date left.

    All but `resolved` together are the findings of the run.
    """

    new: int = 0
    """Open ones that were not there then, or were resolved."""
    persisting: int = 0
    """Open ones that were there."""
    resolved: int = 0
    """Those of the run's day that were there and no longer are."""
    acknowledged: int = 0
    expected: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """One answer to the list call, read."""

    messages: Sequence[Message]
    """Newest first, as they came; one of each id."""
    rejects: Sequence[RejectedItem]
    item_count: int
    """Items in the raw answer, readable or not."""
    limit: int
    """How many were asked for: an answer with fewer is complete."""
    answered_at: datetime
    """The provider's clock (`Date` header), else ours, at the answer. What an answer proves goes
    by `recon.core.listing_evidence.clock`, which trusts no single clock."""
    request_id: str | None = None
    date: datetime | None = None
    """The `Date` header alone, where there was one that makes sense."""
    age_seconds: float = 0.0
    """How long a cache says to have held the answer (`Age` header, RFC 9111)."""
    requested_at: datetime | None = None
    """Our own clock when the request was sent."""
    is_partial: bool = False
    """Whether the answer says that it is a part only: status 206, or a `Content-Range` header."""
    error: str | None = None
    """What the answer says of an error beside its list, without any text of the body: `error code
    3`, or `an error text`; `None` for nothing."""

    @property
    def is_full(self) -> bool:
        """Whether older messages may exist that this answer does not show."""
        return self.item_count >= self.limit


@dataclass(frozen=True, slots=True)
class LocalBalance:
    """Every local record of the window, in exactly one bucket.

    Its fields are the buckets. A kind about rows without a partner has the name of its bucket.
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
        return (
            self.matched
            + self.not_sent
            + self.missing_at_provider
            + self.duplicate_local
            + self.unverifiable
            + self.invalid_local
        )


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
        return (
            self.matched
            + self.missing_locally
            + self.duplicate_send
            + self.unverifiable
            + self.invalid_provider
        )


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Rows of one side that cannot be read for one reason."""

    side: str
    """`local` or `provider`."""
    reason: str
    """In words, with what one of the rows holds, a number masked."""
    count: int


@dataclass(frozen=True, slots=True)
class Advice:
    """What a window's gaps hide, and how to have none."""

    records_in_gaps: Sequence[int]
    """How many recorded sends lie in each gap."""
    tightest_seconds: int | None
    """The shortest time in which as many were sent as one poll may miss, and so how often to poll;
    `None` where the whole window had fewer."""
    sends_a_poll: int
    """How many that is."""
    crontab: str
    """A line that polls often enough, and no more often than it takes."""
    collected_since: datetime | None = None
    """Where the window, or part of it, lies before anything that was collected proves: when that
    begins; `None` where nothing proves anything, or the gaps all lie later."""
    before_collection: bool = False
    """Whether a gap lies before the first proof."""


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
    """How many findings of each kind, for the kinds that it has."""
    start: datetime | None
    """When the first of them was sent; `None` where none of them has a time."""
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
    """What was found of one window of one account."""

    account: str
    window: Window
    kind: VerdictKind
    local: LocalBalance
    provider: ProviderBalance
    findings: pd.DataFrame
    """`FINDING_COLUMNS`, sorted by severity, kind, time; empty where the input is suspect."""
    gaps: Sequence[Span]
    """What of the window is not covered; empty where coverage is complete."""
    statuses: Mapping[str, int]
    """Readable provider messages by status; every word of `Status` is there."""
    advice: Advice | None = None
    """Where there are gaps: what they hide, and what cadence would have covered them."""
    suspicions: Sequence[str] = ()
    """Where `kind` is `suspect`, what seems wrong: first what was seen, then the likely causes."""
    unreadable: Sequence[Unreadable] = ()
    """Why rows of the window cannot be read, the commonest reason first."""
    notes: Sequence[str] = ()
    """What is true of many rows at once and has one cause, a sentence each."""
    evidence: CoverageEvidence = CoverageEvidence()
    """What keeps the coverage from being more than it is."""
    expected: Mapping[str, str] = field(default_factory=dict)
    """`discrepancy_id` of each finding that a rule covers, to the rule's reason."""
    is_settled: Callable[[pd.DataFrame], pd.Series[bool]] | None = None
    """Says of findings, `FINDING_COLUMNS`, whether what is missing by them is there now: the record
    or message has a partner, or the record says itself that it was not sent. `None` where nothing
    is known of other rows than those in `findings`."""
    incidents: Sequence[Incident] = ()
    """What explains many of the findings at once, the largest first."""
    failures: Mapping[str, int] = field(default_factory=dict)
    """Failed messages by the reason that Octopods gives, without long numbers; the commonest first.
    Those without a reason are under the empty text."""

    @property
    def counts(self) -> dict[str, int]:
        """Findings by kind; every kind is there."""
        found: dict[Any, Any] = self.findings["kind"].value_counts().to_dict()
        return {kind.value: int(found.get(kind.value, 0)) for kind in Kind}


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A verdict with its place in the run log: what the reports are written from."""

    run_id: str
    verdict: Verdict
    started_at: datetime
    finished_at: datetime
    requests: RequestCounts
    confirmation: Confirmation = Confirmation()
    """Of the ids that the records of this window hold."""
    notices: Sequence[str] = ()
    """What else the run has to say, in sentences."""
    input_digest: str | None = None
    """A digest of what the verdict rests on, by `recon.core.input_digest`, `None` if unknown."""
    expected_rules: str | None = None
    """Tells the rules for expected findings from others; `None` where there are none."""
    verdict_basis: str | None = None
    """A digest of all that the verdict follows from, settings included, by
    `recon.core.verdict_basis`; `None` if unknown."""
    first_seen_on: Mapping[str, date] = field(default_factory=dict)
    """`discrepancy_id` to the day on which it was first seen; absent is today's."""
    lifecycle: Mapping[str, str] = field(default_factory=dict)
    """`discrepancy_id` to a `State`; absent is open."""
    changes: Changes = Changes()
    is_dry_run: bool = False
    """Whether nothing of it was stored."""
    retry_rules: Sequence[RetryRule] = ()
    """What the configuration says of failure reasons."""

    @property
    def exit_code_if_asked(self) -> int:
        """What `--exit-code` makes of it: 1 open findings, 3 incomplete, else 0.

        What is acknowledged or expected does not count, and open findings that are unverifiable
        only make it incomplete.
        """
        if self.verdict.kind not in {VerdictKind.DISCREPANCIES, VerdictKind.INCOMPLETE}:
            return 0
        kinds = self.verdict.findings["kind"]
        settled = [one for one, state in self.lifecycle.items() if state != State.OPEN]
        if settled:
            kinds = kinds.loc[~self.verdict.findings["discrepancy_id"].isin(settled)]
        if (kinds != Kind.UNVERIFIABLE.value).any():
            return 1
        return 3 if self.verdict.gaps or len(kinds) else 0

    @property
    def statements(self) -> tuple[str, ...]:
        """What stands on top of every report: the verdict's notes and the run's notices."""
        return (*self.verdict.notes, *self.notices)


@dataclass(frozen=True, slots=True)
class Failure:
    """What ended a night early: an account's, or that of all accounts."""

    account: str
    """Empty where it is about all of them."""
    day: date
    """The day that would have been judged last, in the configured zone."""
    at: datetime
    exit_code: int
    message: str
    """What went wrong, without secrets, phone numbers or paths of the machine."""
    hint: str = ""
    """What to do about it; empty where nothing is known."""


@dataclass(frozen=True, slots=True)
class RunFigures:
    """What the latest run of a day counted, for trends and lists of days."""

    day: date
    verdict: VerdictKind
    records: int
    messages: int
    failed: int
    """Messages that Octopods calls failed."""
    findings: int
    """All of them, also those that are acknowledged or expected."""
    gaps: int

    @property
    def failure_rate(self) -> float:
        """The share of the messages that failed, 0 to 1."""
        return self.failed / self.messages if self.messages else 0.0
