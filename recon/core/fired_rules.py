"""Which rules decided about a row, in words.

`buckets` and `rules` are the rules themselves; this module only names their outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from recon.core import rule_texts, rules
from recon.core.absence_doubts import Doubt
from recon.core.buckets import LOCAL, Case
from recon.core.finding_rows import rows_of
from recon.core.link import Positions
from recon.core.policy import Policy
from recon.core.rule_texts import Rule
from recon.model import NOT_SENT, Kind

_DOUBTS: Final[Mapping[int, Rule]] = {
    Doubt.UNCOVERED: Rule.IN_A_GAP,
    Doubt.UNREAD_ID: Rule.ID_UNREADABLE,
    Doubt.SHIELDED: Rule.MAY_BE_AN_UNREADABLE_ITEM,
    Doubt.FIRST_CONTACT: Rule.BEFORE_FIRST_LISTED,
    Doubt.PURGED_ID: Rule.ID_MAY_BE_PURGED,
    Doubt.INCOMPARABLE: Rule.NOT_COMPARABLE,
}
_DOUBTS_OF_MESSAGES: Final[Mapping[int, Rule]] = {
    Doubt.SHIELDED: Rule.MAY_BE_AN_UNREADABLE_RECORD,
    Doubt.STALE: Rule.AFTER_THE_RECORDS,
    Doubt.OTHER_ID: Rule.MAY_BE_OF_ANOTHER_ID,
    Doubt.INCOMPARABLE: Rule.NOT_COMPARABLE,
}
_OF_KIND: Final = {
    Kind.DUPLICATE_LOCAL: Rule.DUPLICATE_LOCAL,
    Kind.MISSING_LOCALLY: Rule.UNRECORDED,
    Kind.DUPLICATE_SEND: Rule.REPEATED,
    Kind.MESSAGE_ID_MISMATCH: Rule.OTHER_ID,
    Kind.RECIPIENT_MISMATCH: Rule.OTHER_NUMBER,
    Kind.STATUS_MISMATCH: Rule.STATUSES_CONTRADICT,
    Kind.SENT_AT_DRIFT: Rule.TIMES_APART,
    Kind.STUCK: Rule.NOT_TERMINAL,
    Kind.INVALID_LOCAL: Rule.RECORD_UNREADABLE,
    Kind.INVALID_PROVIDER: Rule.ITEM_UNREADABLE,
}


@dataclass(frozen=True, slots=True)
class FiredRule:
    """A rule that decided about a row."""

    rule: Rule
    statement: str
    """The rule, in a sentence."""
    detail: str
    """What the rule found in this row, a clause: the detail of the finding, if there is one."""
    change: str
    """What would change the outcome."""

    @property
    def kind(self) -> Kind | None:
        """The kind of finding that it reports; `None` if nothing is wrong."""
        return self.rule.kind


def of_row(
    case: Case, found: rules.RowsByKind, policy: Policy, local: int, provider: int
) -> tuple[FiredRule, ...]:
    """Return the rules that decided about a record, a message or a pair.

    First comes the rule of the pair, or of a row that is right without one; then those of findings.

    Args:
        case: both sides, linked and classified.
        found: what `rules.rows_by_kind` found in the case.
        policy: how strict to be.
        local: the position of the record, -1 for none.
        provider: the position of the message, -1 for none.
    """
    kinds = [
        kind
        for kind, (records, messages) in found.items()
        if ((records == local) & (messages == provider)).any()
    ]
    fired = []
    if local >= 0 and provider >= 0:
        fired.append(_pair(case, policy, local, provider, agrees=not kinds))
    elif local >= 0 and case.local_bucket[local] == LOCAL.index("not_sent"):
        fired.append(_made(_unsent(case, local), _status(case, local), policy))
    rows = rows_of(case, _at(local), _at(provider))
    for kind in kinds:
        rule = _rule(case, kind, local, provider)
        fired.append(_made(rule, rules.DETAILS[kind](case, rows)[0].as_py(), policy))
    return tuple(fired)


def of_reject(kind: Kind, reason: str, policy: Policy) -> FiredRule:
    """Return the rule about a row that cannot be read for this reason."""
    return _made(_OF_KIND[kind], reason, policy)


def not_sent(policy: Policy) -> FiredRule:
    """Return the rule about a record without a time that waits to be sent."""
    return _made(Rule.NOT_SENT, "recorded as not_sent, without a time and without an id", policy)


def _made(rule: Rule, detail: str, policy: Policy) -> FiredRule:
    return FiredRule(rule, rule_texts.statement(rule, policy), detail, rule_texts.change(rule))


def _at(position: int) -> Positions:
    return np.array([position], dtype=np.int64)


def _pair(case: Case, policy: Policy, local: int, provider: int, *, agrees: bool) -> FiredRule:
    apart = rules.apart(case.local_time[[local]] - case.provider_time[[provider]])[0].as_py()
    same, rule = "the same number", Rule.SAME_NUMBER
    if case.links.by_id[local]:
        same, rule = "the same id", Rule.SAME_ID
    said = f"{same}; recorded {apart} Octopods' time"
    if agrees:
        said += "; numbers, statuses and times do not contradict each other"
    return _made(rule, said, policy)


def _unsent(case: Case, local: int) -> Rule:
    is_marked = case.local.frame["status"].iloc[local] == NOT_SENT
    return Rule.NOT_SENT if is_marked else Rule.FAILED_WITHOUT_ID


def _status(case: Case, local: int) -> str:
    return f"recorded as {case.local.frame['status'].iloc[local]}, and Octopods has no such message"


def _rule(case: Case, kind: Kind, local: int, provider: int) -> Rule:
    if kind is Kind.MISSING_AT_PROVIDER:
        return Rule.ID_DENIED if case.denied.of(_at(local))[0] > 0 else Rule.ABSENT
    if kind is Kind.UNVERIFIABLE and local >= 0:
        return _DOUBTS[int(case.local_doubt.of(_at(local))[0])]
    if kind is Kind.UNVERIFIABLE:
        return _DOUBTS_OF_MESSAGES[int(case.provider_doubt.of(_at(provider))[0])]
    return _OF_KIND[kind]
