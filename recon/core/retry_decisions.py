"""Which failed sends may go out again, which may not, and which a person has to review.

A message that a person gets twice does more harm than a missing one. So a send is never retried if
something about it is not known.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from recon.core import coverage, failure_reasons, phones, rules
from recon.core.buckets import LOCAL, Case
from recon.core.failure_reasons import MOST_ATTEMPTS, FailureReason
from recon.core.link import Mask, Positions
from recon.core.number_regions import are_of_the_us
from recon.core.policy import Policy
from recon.model import Decision, Kind, RetryRule, Status

#: The columns of failed sends, in order. `message_id` is `Int64`, `not_before` a time in UTC (only
#: of a retry), `attempt` a whole number; the others are texts.
COLUMNS: Final = (
    "date",
    "message_id",
    "local_id",
    "phone_number",
    "failure_reason",
    "decision",
    "not_before",
    "scope",
    "why",
    "attempt",
)

#: The columns of earlier proposals: `date` is a text, `exported_at` a time in UTC.
EXPORT_COLUMNS: Final = ("message_id", "local_id", "phone_number", "date", "exported_at", "attempt")

#: A later message counts within so much time, and a number is proposed once in it.
_DAY: Final = timedelta(days=1)
#: Meta's default time to live of a template (its page on time-to-live): so long a message that is
#: `sent` may still be delivered.
TIME_TO_LIVE: Final = timedelta(days=30)

_AUTHENTICATION: Final = "authentication"
_REACHED: Final = frozenset({Status.SENT, Status.DELIVERED, Status.READ, Status.DELETED})
_CONTRADICTIONS: Final = (Kind.STATUS_MISMATCH, Kind.RECIPIENT_MISMATCH, Kind.MESSAGE_ID_MISMATCH)

Texts: TypeAlias = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Hold:
    """Failures with one cause, which somebody has to repair before these messages can be sent."""

    reason: FailureReason
    sends: int


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """The failed sends of an account, each with a decision."""

    sends: pd.DataFrame
    """`COLUMNS`, in order of time."""
    holds: Sequence[Hold]
    """The causes to repair, those with most sends first."""
    on_their_way: int
    """Messages that are `sent`: not failed, and perhaps still delivered."""
    until: datetime | None
    """Until when they may be delivered; `None` without such messages."""


def decide(
    case: Case,
    labels: Sequence[str],
    *,
    policy: Policy,
    categories: Mapping[str, str],
    retry_rules: Sequence[RetryRule],
    exports: pd.DataFrame,
    now: datetime,
    again: bool = False,
) -> Decided:
    """Decide about each failed send of the first days of a case.

    Args:
        case: both sides of the days and of the day after them, classified.
        labels: the days, `2026-04-23`; the first ones of the case.
        policy: how strict to be.
        categories: the category of a record by its id, in lower case.
        retry_rules: the rules of the configuration.
        exports: the earlier proposals, `EXPORT_COLUMNS`.
        now: our own clock.
        again: whether sends that were proposed before are proposed again.
    """
    rows = _Rows.of(case, len(labels))
    day = np.array(labels, dtype=object)[rows.day]
    texts = _texts(case.provider.frame["failure_reason"], rows.provider)
    local_id = _texts(case.local.frame["local_id"], rows.local)
    category = _mapped(local_id, pd.Series(dict(categories), dtype="object"), "")
    explained = _explained(texts, category != "", retry_rules)
    earlier = _Earlier.of(exports, rows, local_id, day, policy.region, now)
    words = _words(case, rows)
    wrong = _contradict(case, rows, policy)
    reached = pd.Series(words).isin([*_REACHED]).to_numpy(dtype=np.bool_)
    cases: list[tuple[Mask, Decision, str | Texts]] = [
        (
            category == _AUTHENTICATION,
            Decision.DO_NOT_RETRY,
            "an authentication code is no longer of use",
        ),
        (
            wrong & reached,
            Decision.DO_NOT_RETRY,
            _joined("the record says failed, Octopods says ", words),
        ),
        (
            _reached_later(case, rows, policy),
            Decision.DO_NOT_RETRY,
            "another message to this number was sent, delivered or read within a day",
        ),
        (wrong, Decision.REVIEW, "the record and Octopods contradict each other"),
        (explained.holds, Decision.REVIEW, explained.said),
        (
            rows.provider < 0,
            Decision.REVIEW,
            "the record says failed, and Octopods has no such message: it gives no reason",
        ),
        (explained.decided(Decision.DO_NOT_RETRY), Decision.DO_NOT_RETRY, explained.said),
        (explained.decided(Decision.REVIEW), Decision.REVIEW, explained.said),
        (
            are_of_the_us(rows.key) & explained.is_("marketing_cap"),
            Decision.DO_NOT_RETRY,
            "Meta delivers no marketing to numbers in the United States",
        ),
        (rows.key <= 0, Decision.REVIEW, "it has no number, so later messages are not known"),
        (
            earlier.is_exported & (not again),
            Decision.REVIEW,
            _joined("already proposed on ", earlier.exported_on),
        ),
        (
            earlier.attempt > explained.attempts,
            Decision.REVIEW,
            "it was proposed as often as is useful: find out why it fails",
        ),
        (
            earlier.number_is_taken,
            Decision.REVIEW,
            "another send to this number was proposed within a day",
        ),
    ]
    decision: Texts = np.full(len(rows.time), Decision.RETRY.value, dtype=object)
    why = explained.said.copy()
    # The first case that holds decides.
    for mask, decided, said in reversed(cases):
        decision[mask] = decided.value
        why[mask] = said if isinstance(said, str) else said[mask]
    surplus = _surplus(rows, decision == Decision.RETRY.value)
    decision[surplus] = Decision.REVIEW.value
    why[surplus] = "a later failed send to this number is proposed"
    sends = _frame(case, rows, day, local_id, texts, decision, why, earlier.attempt, explained)
    return Decided(sends, _holds(explained), *_on_their_way(case, len(labels)))


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Failed sends, in order of time: the record and the message of each, -1 without one."""

    local: Positions
    provider: Positions
    day: Positions
    key: Positions
    """The key of the user; not positive without a number."""
    time: Positions
    """Microseconds, UTC: of the message, else of the record."""
    message_id: Positions
    """-1 where it has no message."""

    @classmethod
    def of(cls, case: Case, days: int) -> _Rows:
        failed = _has(case.provider.frame, {Status.FAILED})
        messages = np.flatnonzero(failed & _inside(case.provider_owner, days))
        counted = np.isin(
            case.local_bucket,
            [LOCAL.index(one) for one in ("matched", "not_sent", "missing_at_provider")],
        )
        records = np.flatnonzero(
            _has(case.local.frame, {Status.FAILED}) & counted & _inside(case.local_owner, days)
        )
        partner = case.links.partner_of_local[records]
        other = partner < 0
        other[~other] = ~failed[partner[~other]]
        local = np.concatenate([case.links.partner_of_provider[messages], records[other]])
        provider = np.concatenate([messages, partner[other]])
        day = _first(provider, case.provider_owner, local, case.local_owner)
        key = _first(provider, case.provider_keys, local, case.local_keys)
        unnamed = (key <= 0) & (local >= 0)
        key[unnamed] = case.local_keys[local[unnamed]]
        time = _first(provider, case.provider_time, local, case.local_time)
        ids = case.provider.frame["message_id"].to_numpy(dtype=np.int64)
        message_id = _first(provider, ids, local, np.full(len(case.local.frame), -1))
        order = np.lexsort((message_id, key, time))
        return cls(*(one[order] for one in (local, provider, day, key, time, message_id)))


@dataclass(frozen=True, slots=True, eq=False)
class _Explained:
    """What the reasons mean: each distinct one once."""

    reasons: Sequence[FailureReason]
    codes: Positions
    said: Texts

    def is_(self, name: str) -> Mask:
        return self._taken([one.name == name for one in self.reasons])

    def decided(self, decision: Decision) -> Mask:
        return self._taken([one.decision is decision for one in self.reasons])

    @property
    def holds(self) -> Mask:
        return self._taken([one.holds_others for one in self.reasons])

    @property
    def attempts(self) -> Positions:
        return np.array([one.attempts for one in self.reasons], dtype=np.int64)[self.codes]

    @property
    def scope(self) -> Texts:
        return np.array([one.scope.value for one in self.reasons], dtype=object)[self.codes]

    def wait_us(self, attempt: Positions) -> Positions:
        """Return how long each send has to wait, in microseconds."""
        table = np.array(
            [[one.wait(at + 1) for at in range(MOST_ATTEMPTS)] for one in self.reasons], dtype=float
        ).reshape(-1, MOST_ATTEMPTS)
        hours = table[self.codes, np.clip(attempt - 1, 0, MOST_ATTEMPTS - 1)]
        return np.round(hours * 3_600_000_000).astype(np.int64)

    def _taken(self, values: Sequence[bool]) -> Mask:
        return np.array(values, dtype=np.bool_)[self.codes]


def _explained(texts: Texts, is_template: Mask, retry_rules: Sequence[RetryRule]) -> _Explained:
    given = pd.Series(np.where(pd.isna(texts), "", texts), dtype="object")
    codes, distinct = pd.factorize(np.where(is_template, "1", "0") + given)
    reasons = [
        failure_reasons.explain(one[1:], tuple(retry_rules), is_template=one[0] == "1")
        for one in distinct
    ]
    said = np.array([f"{one.title}: {one.advice}" for one in reasons], dtype=object)
    return _Explained(reasons, codes.astype(np.int64), said[codes])


@dataclass(frozen=True, slots=True, eq=False)
class _Earlier:
    """What was proposed before."""

    is_exported: Mask
    exported_on: Texts
    attempt: Positions
    """The number of the attempt that a proposal would be, or was; the first one is 1."""
    number_is_taken: Mask
    """Whether another send to the number was proposed for the same day, or in the last 24 hours."""

    @classmethod
    def of(
        cls,
        exports: pd.DataFrame,
        rows: _Rows,
        local_id: Texts,
        labels: Texts,
        region: str | None,
        now: datetime,
    ) -> _Earlier:
        by_id = exports.drop_duplicates("message_id").set_index("message_id")
        is_exported = np.isin(rows.message_id, by_id.index)
        on = _mapped(rows.message_id, by_id["exported_at"].dt.strftime("%Y-%m-%d"), "")
        stored = _mapped(rows.message_id, by_id["attempt"], 0).astype(np.int64)
        before = _mapped(local_id, exports["local_id"].dropna().value_counts(), 0).astype(np.int64)
        keys = phones.keys(exports["phone_number"], region)
        recent = (exports["exported_at"] > now - _DAY).to_numpy(dtype=np.bool_)
        days = exports["date"].to_numpy(dtype=object)
        taken = np.zeros(len(rows.key), dtype=np.bool_)
        # A proposal of the send itself takes its number from other sends only.
        other = pd.DataFrame({"key": keys, "day": days, "id": exports["message_id"].to_numpy()})
        for chosen, by in (
            (recent, ["key"]),
            (np.ones(len(exports), dtype=np.bool_), ["key", "day"]),
        ):
            found = other.loc[chosen & (keys > 0)].drop_duplicates([*by, "id"])
            sends = pd.DataFrame({"key": rows.key, "day": labels, "own": rows.message_id})
            joined = sends.assign(row=np.arange(len(sends))).merge(
                found[[*by, "id"]], how="inner", on=by
            )
            taken[joined.loc[joined["id"] != joined["own"], "row"].to_numpy()] = True
        return cls(is_exported, on, np.where(is_exported, stored, before + 1), taken)


def _reached_later(case: Case, rows: _Rows, policy: Policy) -> Mask:
    """Say for each send whether its number got another message within a day.

    A message shortly before counts too, since it is not always known which of two belongs to a
    record.
    """
    alone = case.links.partner_of_local < 0
    sent = _has(case.provider.frame, _REACHED), _has(case.local.frame, _REACHED) & alone
    keys = np.concatenate([case.provider_keys[sent[0]], case.local_keys[sent[1]]])
    times = np.concatenate([case.provider_time[sent[0]], case.local_time[sent[1]]])
    named = keys > 0
    reached = pd.DataFrame({"key": keys[named], "at": times[named]}).sort_values("at")
    slack = 2 * (policy.tolerance // timedelta(microseconds=1))
    since = pd.DataFrame({"key": rows.key, "at": rows.time - slack})
    since["row"] = np.arange(len(since))
    found = pd.merge_asof(
        since.sort_values("at", kind="stable"),
        reached.assign(there=1),
        on="at",
        by="key",
        direction="forward",
        tolerance=_DAY // timedelta(microseconds=1) + slack,
    )
    later = np.zeros(len(rows.key), dtype=np.bool_)
    later[found["row"].to_numpy()] = found["there"].notna().to_numpy(dtype=np.bool_)
    return later & (rows.key > 0)


def _contradict(case: Case, rows: _Rows, policy: Policy) -> Mask:
    """Say for each send whether the record and the message of its pair contradict each other."""
    kinds = rules.rows_by_kind(case, policy)
    wrong = [kinds[kind][0] for kind in _CONTRADICTIONS if kind in kinds]
    wrong += [kinds[Kind.MISSING_AT_PROVIDER][0]] if Kind.MISSING_AT_PROVIDER in kinds else []
    among = np.concatenate(wrong) if wrong else np.zeros(0, dtype=np.int64)
    return np.isin(rows.local, among) & (rows.local >= 0)


def _surplus(rows: _Rows, proposed: Mask) -> Positions:
    """Return the proposals of numbers that have a later one."""
    at = np.flatnonzero(proposed)
    return at[pd.Series(rows.key[at]).duplicated(keep="last").to_numpy(dtype=np.bool_)]


def _holds(explained: _Explained) -> list[Hold]:
    counts = np.bincount(explained.codes[explained.holds], minlength=len(explained.reasons))
    sums: dict[str, Hold] = {}
    for reason, count in zip(explained.reasons, counts.tolist(), strict=True):
        if count:
            before = sums.get(reason.name)
            sums[reason.name] = Hold(reason, count + (0 if before is None else before.sends))
    return sorted(sums.values(), key=lambda one: (-one.sends, one.reason.name))


def _on_their_way(case: Case, days: int) -> tuple[int, datetime | None]:
    sent = _has(case.provider.frame, {Status.SENT}) & _inside(case.provider_owner, days)
    if not sent.any():
        return 0, None
    last = coverage.instant(int(case.provider_time[sent].max()))
    return int(sent.sum()), last + TIME_TO_LIVE


def _frame(
    case: Case,
    rows: _Rows,
    labels: Texts,
    local_id: Texts,
    texts: Texts,
    decision: Texts,
    why: Texts,
    attempt: Positions,
    explained: _Explained,
) -> pd.DataFrame:
    numbers = _texts(case.provider.frame["phone_number"], rows.provider)
    empty = pd.isna(numbers) | (numbers == "")
    numbers = np.where(empty, _texts(case.local.frame["phone_number"], rows.local), numbers)
    retried = decision == Decision.RETRY.value
    wait = explained.wait_us(attempt) if len(attempt) else attempt
    not_before = pd.Series((rows.time + wait).astype("datetime64[us]")).dt.tz_localize("UTC")
    absent = rows.provider < 0
    return pd.DataFrame(
        {
            "date": pd.Series(labels, dtype="str"),
            "message_id": pd.Series(pd.arrays.IntegerArray(rows.message_id.copy(), absent)),
            "local_id": pd.Series(local_id, dtype="str"),
            "phone_number": pd.Series(numbers, dtype="str"),
            "failure_reason": pd.Series(texts, dtype="str"),
            "decision": pd.Series(decision, dtype="str"),
            "not_before": not_before.where(retried),
            "scope": pd.Series(explained.scope, dtype="str"),
            "why": pd.Series(why, dtype="str"),
            "attempt": attempt,
        },
        columns=list(COLUMNS),
    )


def _has(frame: pd.DataFrame, words: Collection[str]) -> Mask:
    status = frame["status"].array
    wanted = [place for place, word in enumerate(status.categories) if word in words]
    return np.isin(status.codes, wanted)


def _inside(owner: Positions, days: int) -> Mask:
    inside: Mask = (owner >= 0) & (owner < days)
    return inside


def _first(at: Positions, of: Positions, other_at: Positions, of_other: Positions) -> Positions:
    """Return the values of one side's rows, or without a row those of the other side's."""
    found = np.zeros(len(at), dtype=np.int64)
    found[at >= 0] = of[at[at >= 0]]
    found[at < 0] = of_other[other_at[at < 0]]
    return found


def _texts(column: pd.Series[Any], at: Positions) -> Texts:
    """Return the texts of some rows, `None` for a row without one."""
    found: Texts = np.full(len(at), None, dtype=object)
    there = np.flatnonzero(at >= 0)
    taken = column.iloc[at[there]].astype("str").astype("object")
    found[there] = taken.where(taken.notna(), None).to_numpy()
    return found


def _words(case: Case, rows: _Rows) -> Texts:
    """Return Octopods' status of each send, empty without a message."""
    words = _texts(case.provider.frame["status"], rows.provider)
    words[rows.provider < 0] = ""
    return words


def _mapped(values: npt.NDArray[Any], to: pd.Series[Any], otherwise: object) -> Texts:
    """Return the value that `to` has for each of `values`, else `otherwise`."""
    found = pd.Series(values).map(to).astype("object")
    mapped: Texts = found.where(found.notna(), otherwise).to_numpy()
    return mapped


def _joined(before: str, words: Texts) -> Texts:
    return np.array(before + pd.Series(words, dtype="object"), dtype=object)
