"""What is wrong, in words: the findings of a case as one frame, each with a lasting identity."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from recon.core import faults, identity
from recon.core.buckets import Case
from recon.core.pairing import Mask, Positions, microseconds
from recon.core.policy import Policy
from recon.model import FINDING_COLUMNS, Kind

_TIMES: Final = ("local_sent_at", "provider_sent_at")
_UTC: Final = pd.DatetimeTZDtype("us", "UTC")
#: Pairs that are looked at together: few enough to stay in the processor's cache.
_PAIRS: Final = 65_536
#: Columns of whole numbers that a finding has while it is put together.
_NUMBERS: Final = ("place", "day")

#: The kinds in the order of findings, by severity and then by name; a kind's `place` is here.
_KINDS: Final = sorted(Kind, key=lambda kind: (kind.severity.value, kind.value))
_KIND_WORDS: Final = pd.array([kind.value for kind in _KINDS], dtype="str")
_SEVERITY_WORDS: Final = pd.array([kind.severity.value for kind in _KINDS], dtype="str")


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Findings of one kind: whom they are about, and how they are told."""

    kind: Kind
    local: Positions
    """The record of each, -1 where it is about none."""
    provider: Positions
    """The message of each, -1 where it is about none."""
    detail: pd.Series


def empty() -> pd.DataFrame:
    """Return a findings frame without rows: `FINDING_COLUMNS`, typed."""
    return _typed(pd.DataFrame(columns=list(FINDING_COLUMNS)), FINDING_COLUMNS)


def collect(account: str, case: Case, policy: Policy) -> pd.DataFrame:
    """Return the findings of all windows of a case.

    Columns are `FINDING_COLUMNS` and `day`, the position of the window. Sorted by severity, kind,
    time (the message's where there is one) and identity.
    """
    found = _rows(case, list(_parts(case, policy)))
    for kind, rejects, owner in (
        (Kind.INVALID_LOCAL, case.local.rejects, case.local_reject_owner),
        (Kind.INVALID_PROVIDER, case.provider.rejects, case.provider_reject_owner),
    ):
        if (owner >= 0).any():
            unread = _typed(_of_rejects(kind, rejects, owner), found.columns)
            found = pd.concat([found, unread], ignore_index=True)
    names = identity.identify(account, found)
    order = np.lexsort((names, _moments(found), found["place"].to_numpy()))
    found = found.take(order).reset_index(drop=True)
    found["severity"] = _SEVERITY_WORDS.take(found["place"].to_numpy())
    found["discrepancy_id"] = identity.hexadecimal(names[order])
    return found[[*FINDING_COLUMNS, "day"]]


def _typed(frame: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    frame = frame.reindex(columns=list(columns))
    dtypes = {name: "str" for name in frame.columns if name not in _NUMBERS}
    return frame.astype(dtypes | dict.fromkeys(_TIMES, _UTC))


def _moments(found: pd.DataFrame) -> Positions:
    """Return the time that each finding is sorted by, the message's or the record's; last none."""
    time = np.full(len(found), np.iinfo(np.int64).max)
    for name in _TIMES:
        held = found[name].notna().to_numpy()
        time[held] = microseconds(found[name])[held]
    return time


# --- what a finding tells of the rows that it is about -----------------------------------------


def _rows(case: Case, parts: Sequence[_Part]) -> pd.DataFrame:
    """Return the findings of all parts, with what names the rows that each is about.

    A pair goes by its message. All rows are taken at once: a column's many takes are what costs.
    """
    none = np.zeros(0, dtype=np.int64)
    local = np.concatenate([none, *(part.local for part in parts)])
    provider = np.concatenate([none, *(part.provider for part in parts)])
    place = np.repeat(
        np.array([_KINDS.index(part.kind) for part in parts], dtype=np.int64),
        [len(part.local) for part in parts],
    )
    details = [pd.Series([], dtype="str"), *(part.detail for part in parts)]
    messages, records = case.provider.frame, case.local.frame
    message_id, sent_to = (
        _texts(messages[name], provider) for name in ("message_id", "phone_number")
    )
    record_id, booked_for = (_texts(records[name], local) for name in ("local_id", "phone_number"))
    booked_id = _booked(case, local)
    status, time = _words(records["status"], local), _taken(records["sent_at"], local)
    # As text, a time is spelled by pandas as the fractions of all the others ask for.
    moment = pd.Series(microseconds(time))
    # A message's being stuck stays the same finding when the books get their record.
    named = (local >= 0) & (place != _KINDS.index(Kind.STUCK))
    return pd.DataFrame(
        {
            "kind": _KIND_WORDS.take(place),
            "message_id": message_id.fillna(booked_id),
            "local_id": record_id,
            "phone_number": sent_to.where(provider >= 0, booked_for),
            "local_phone_number": booked_for,
            "local_status": status,
            "provider_status": _words(messages["status"], provider),
            "local_sent_at": time,
            "provider_sent_at": _taken(messages["sent_at"], provider),
            "failure_reason": _texts(messages["failure_reason"], provider),
            "detail": pd.concat(details, ignore_index=True),
            "local_key": _record_key(named, record_id, (booked_id, booked_for, moment, status)),
            "provider_key": message_id,
            "place": place,
            "day": _owners(case, local, provider),
        },
        copy=False,
    )


def _taken(column: pd.Series, at: Positions) -> pd.Series:
    """Return the rows at these positions, null where the position is -1."""
    if not isinstance(column.dtype, np.dtype):
        return pd.Series(column.array.take(at, allow_fill=True))
    held = at >= 0
    numbers = np.zeros(len(at), dtype=np.int64)
    numbers[held] = column.to_numpy()[at[held]]
    return pd.Series(pd.arrays.IntegerArray(numbers, ~held))


def _texts(column: pd.Series, at: Positions) -> pd.Series:
    return _taken(column, at).astype("str")


def _words(column: pd.Series, at: Positions) -> pd.Series:
    """Return categories as texts."""
    codes = column.array.take(at, allow_fill=True).codes
    return pd.Series(column.cat.categories.astype("str").array.take(codes, allow_fill=True))


def _booked(case: Case, at: Positions) -> pd.Series:
    """Return the message ids that the records hold, also those that are none."""
    records = case.local.frame
    return _texts(records["message_id"], at).fillna(_texts(records["odd_message_id"], at))


def _record_key(named: Mask, name: pd.Series, content: Sequence[pd.Series]) -> pd.Series:
    """Return what identifies the record: its id; where it has none, its content."""
    key = name.where(named)
    nameless = np.flatnonzero(named & name.isna().to_numpy())
    if nameless.size:
        held, *others = (column.iloc[nameless].astype("str").fillna("") for column in content)
        for other in others:
            held = held + "|" + other
        key.iloc[nameless] = held
    return key


def _owners(case: Case, local: Positions, provider: Positions) -> Positions:
    owner = np.empty(len(local), dtype=np.int64)
    for at, owners in ((local, case.local_owner), (provider, case.provider_owner)):
        owner[at >= 0] = owners[at[at >= 0]]
    return owner


# --- the kinds ---------------------------------------------------------------------------------


def _parts(case: Case, policy: Policy) -> Iterable[_Part]:
    yield from _of_records(case)
    yield from _of_messages(case)
    yield from _of_pairs(case, policy)
    yield from _stuck(case, policy)


def _none_of(at: Positions) -> Positions:
    return np.full(len(at), -1, dtype=np.int64)


def _of_records(case: Case) -> Iterable[_Part]:
    for kind, words in (
        (Kind.MISSING_AT_PROVIDER, _missing_at_provider),
        (Kind.UNVERIFIABLE, _unverifiable),
        (Kind.DUPLICATE_LOCAL, _duplicate_local),
    ):
        at = case.local_in(kind.value)
        if len(at):
            yield _Part(kind, at, _none_of(at), words(case, at))


def _missing_at_provider(case: Case, at: Positions) -> pd.Series:
    by_name = "the books say this went out as message " + _booked(case, at)
    said = by_name.fillna("the books say this went out")
    absent = pd.Series("; Octopods has no such message", said.index, dtype="str")
    return said + absent.mask(
        case.denied[at], "; Octopods was asked for it and has no such message"
    )


def _unverifiable(case: Case, at: Positions) -> pd.Series:
    listed = _booked(case, at).isin(case.provider.rejects["message_id"].astype("str").dropna())
    words = pd.Series("nothing that was collected covers this time", listed.index, dtype="str")
    return words.mask(listed, "Octopods lists this id, but its item cannot be read")


def _duplicate_local(case: Case, at: Positions) -> pd.Series:
    message = case.links.duplicates.of(at)
    winner = case.links.partner_of_provider[message]
    named = "record " + _texts(case.local.frame["local_id"], winner).fillna("without an id")
    mine, nearest = (
        np.abs(case.local_time[rows] - case.provider_time[message]) for rows in (at, winner)
    )
    why = pd.Series(" is nearer in time", named.index, dtype="str")
    why = why.mask(mine == nearest, " is as near in time, comes first")
    return named + why + " and already accounts for this message"


def _of_messages(case: Case) -> Iterable[_Part]:
    for kind, words in (
        (Kind.MISSING_LOCALLY, _missing_locally),
        (Kind.DUPLICATE_SEND, _duplicate_send),
    ):
        at = case.provider_in(kind.value)
        if len(at):
            yield _Part(kind, _none_of(at), at, words(case, at))


def _missing_locally(case: Case, at: Positions) -> pd.Series:
    unread = case.local.rejects["message_id"].dropna().to_numpy(dtype=np.int64)
    booked = np.isin(case.provider.frame["message_id"].to_numpy(dtype=np.int64)[at], unread)
    words = pd.Series("Octopods has it, the books do not", range(len(at)), dtype="str")
    return words.mask(
        booked, "Octopods has it; the books name its id only in a record that cannot be read"
    )


def _duplicate_send(case: Case, at: Positions) -> pd.Series:
    sibling = case.siblings.of(at)
    booked = _texts(case.provider.frame["message_id"], sibling)
    apart = faults.apart(case.provider_time[at] - case.provider_time[sibling], "after", "before")
    return "no record of it; sent " + apart + " message " + booked + ", which is in the books"


def _of_pairs(case: Case, policy: Policy) -> Iterable[_Part]:
    checks: dict[Kind, Callable[[Case, Positions, Positions], Mask]] = {
        Kind.MESSAGE_ID_MISMATCH: faults.ids_differ,
        Kind.RECIPIENT_MISMATCH: faults.recipients_differ,
        Kind.STATUS_MISMATCH: partial(faults.statuses_contradict, policy=policy),
        Kind.SENT_AT_DRIFT: partial(faults.drifted, policy=policy),
    }
    words = {
        Kind.MESSAGE_ID_MISMATCH: faults.ids_in_words,
        Kind.RECIPIENT_MISMATCH: faults.recipients_in_words,
        Kind.STATUS_MISMATCH: faults.statuses_in_words,
        Kind.SENT_AT_DRIFT: faults.drift_in_words,
    }
    wrong: dict[Kind, list[Positions]] = {kind: [] for kind in checks}
    for start in range(0, len(case.local.frame), _PAIRS):
        local = start + case.local_in("matched", slice(start, start + _PAIRS))
        provider = case.links.partner_of_local[local]
        for kind, check in checks.items():
            wrong[kind].append(local[check(case, local, provider)])
    for kind, found in wrong.items():
        if any(map(len, found)):
            local = np.concatenate(found)
            provider = case.links.partner_of_local[local]
            yield _Part(kind, local, provider, words[kind](case, local, provider))


def _stuck(case: Case, policy: Policy) -> Iterable[_Part]:
    at = faults.stuck(case, policy)
    if len(at):
        partner = case.links.partner_of_provider[at]
        yield _Part(Kind.STUCK, partner, at, faults.stuck_in_words(case, at))


def _of_rejects(kind: Kind, rejects: pd.DataFrame, owner: Positions) -> pd.DataFrame:
    inside = owner >= 0
    rows = rejects.loc[inside]
    side = "local" if kind is Kind.INVALID_LOCAL else "provider"
    found = pd.DataFrame(
        {
            "kind": kind.value,
            "place": _KINDS.index(kind),
            "message_id": rows["message_id"].astype("str"),
            "phone_number": rows["phone_number"],
            f"{side}_status": rows["status"],
            f"{side}_sent_at": rows["sent_at"],
            "detail": rows["reason"],
            "day": owner[inside],
        }
    )
    if kind is Kind.INVALID_PROVIDER:
        return found.assign(failure_reason=rows["failure_reason"], provider_key=rows["key"])
    unnamed = found["message_id"].fillna("") + "|" + found["detail"]
    name = rows["local_id"].astype("str")
    return found.assign(
        local_id=name,
        local_phone_number=rows["phone_number"],
        local_key=name.where(name.notna(), unnamed),
    )
