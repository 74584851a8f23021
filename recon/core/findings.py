"""What is wrong, in words: the findings of a case as one frame, each with a lasting identity.

A finding's identity is made of the account, the kind and the rows it is about, never of a run, so
that every run which finds the same thing gives it the same `discrepancy_id`.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

import numpy as np
import pandas as pd

from recon.core import faults
from recon.core.buckets import Case
from recon.core.pairing import Positions
from recon.core.policy import Policy
from recon.model import FINDING_COLUMNS, Kind

#: Columns that a finding has while it is put together: which rows it is about.
_IDENTITY: Final = ("local_key", "provider_key")
_TIMES: Final = ("local_sent_at", "provider_sent_at")
_UTC: Final = pd.DatetimeTZDtype("us", "UTC")


def empty() -> pd.DataFrame:
    """Return a findings frame without rows: `FINDING_COLUMNS`, typed."""
    return _typed(pd.DataFrame(columns=list(FINDING_COLUMNS)), FINDING_COLUMNS)


def collect(account: str, case: Case, policy: Policy) -> pd.DataFrame:
    """Return the findings of all windows of a case.

    Columns are `FINDING_COLUMNS` and `day`, the position of the window. Sorted by severity, kind,
    time (the message's where there is one) and identity.
    """
    parts = [part for part in _all(case, policy) if len(part)]
    columns = (*FINDING_COLUMNS, *_IDENTITY, "day")
    if not parts:
        return empty().assign(day=np.zeros(0, dtype=np.int64))
    found = _typed(pd.concat(parts, ignore_index=True), columns)
    del parts
    found["severity"] = found["kind"].map({kind.value: kind.severity.value for kind in Kind})
    found["discrepancy_id"] = _identify(account, found)
    found["time"] = found["provider_sent_at"].fillna(found["local_sent_at"])
    found = found.sort_values(["severity", "kind", "time", "discrepancy_id"], ignore_index=True)
    return found[[*FINDING_COLUMNS, "day"]]


def _typed(frame: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    frame = frame.reindex(columns=list(columns))
    dtypes = {name: "str" for name in frame.columns if name != "day"}
    return frame.astype(dtypes | dict.fromkeys(_TIMES, _UTC))


def _identify(account: str, found: pd.DataFrame) -> list[str]:
    """Give each finding its identity, 16 hex digits.

    Rows that are alike in all that names them (a table without an id) are told apart by their
    place in time, so that each has an identity and the set of them does not depend on row order.
    """
    names = ["kind", *_IDENTITY]
    alike = found.loc[found.duplicated(names, keep=False)]
    by_content = alike.sort_values([*names, *_TIMES, "message_id", "phone_number", "local_status"])
    place = pd.Series(0, index=found.index)
    place.loc[by_content.index] = by_content.groupby(names, dropna=False).cumcount()
    content = account + "\x1f" + found["kind"]
    for name in _IDENTITY:
        content += "\x1f" + found[name].fillna("")
    content += "\x1f" + place.astype("str")
    return [blake2b(row.encode(), digest_size=8).hexdigest() for row in content.to_list()]


def _all(case: Case, policy: Policy) -> Iterable[pd.DataFrame]:
    yield from _of_records(case)
    yield from _of_messages(case)
    yield from _of_pairs(case, policy)
    yield from _stuck(case, policy)
    yield _of_rejects(Kind.INVALID_LOCAL, case.local.rejects, case.local_reject_owner)
    yield _of_rejects(Kind.INVALID_PROVIDER, case.provider.rejects, case.provider_reject_owner)


# --- the three things a finding can be about ---------------------------------------------------


def _record(case: Case, at: Positions) -> pd.DataFrame:
    """Return the columns of a finding that tell of the records at these positions."""
    rows = case.local.frame.take(at).reset_index(drop=True)
    name = rows["local_id"].astype("str")
    booked = rows["message_id"].astype("str").fillna(rows["odd_message_id"])
    status = rows["status"].astype("str")
    key = name
    if name.hasnans:
        number, time = rows["phone_number"].fillna(""), rows["sent_at"].astype("str")
        content = booked.fillna("") + "|" + number + "|" + time + "|" + status.fillna("")
        key = name.fillna(content)
    return pd.DataFrame(
        {
            "message_id": booked,
            "local_id": name,
            "phone_number": rows["phone_number"],
            "local_phone_number": rows["phone_number"],
            "local_status": status,
            "local_sent_at": rows["sent_at"],
            "local_key": key,
            "day": case.local_owner[at],
        }
    )


def _message(case: Case, at: Positions) -> pd.DataFrame:
    """Return the columns of a finding that tell of the messages at these positions."""
    rows = case.provider.frame.take(at).reset_index(drop=True)
    name = rows["message_id"].astype("str")
    return pd.DataFrame(
        {
            "message_id": name,
            "phone_number": rows["phone_number"],
            "provider_status": rows["status"].astype("str"),
            "provider_sent_at": rows["sent_at"],
            "failure_reason": rows["failure_reason"],
            "provider_key": name,
            "day": case.provider_owner[at],
        }
    )


def _pair(case: Case, local: Positions, provider: Positions) -> pd.DataFrame:
    """Return the columns of a finding that tell of pairs: the message's, then the record's."""
    message = _message(case, provider)
    record = _record(case, local)
    return message.join(record.drop(columns=message.columns.intersection(record.columns)))


# --- the kinds ---------------------------------------------------------------------------------


def _of_records(case: Case) -> Iterable[pd.DataFrame]:
    for kind, words in (
        (Kind.MISSING_AT_PROVIDER, _missing_at_provider),
        (Kind.UNVERIFIABLE, _unverifiable),
        (Kind.DUPLICATE_LOCAL, _duplicate_local),
    ):
        at = case.local_in(kind.value)
        if len(at):
            found = _record(case, at)
            yield found.assign(kind=kind.value, detail=words(case, at, found["message_id"]))


def _missing_at_provider(case: Case, at: Positions, message_id: pd.Series) -> pd.Series:
    by_name = "the books say this went out as message " + message_id
    said = by_name.fillna("the books say this went out")
    absent = pd.Series("; Octopods has no such message", said.index, dtype="str")
    return said + absent.mask(
        case.denied[at], "; Octopods was asked for it and has no such message"
    )


def _unverifiable(case: Case, at: Positions, message_id: pd.Series) -> pd.Series:  # noqa: ARG001
    listed = message_id.isin(case.provider.rejects["message_id"].astype("str").dropna())
    words = pd.Series("nothing that was collected covers this time", message_id.index, dtype="str")
    return words.mask(listed, "Octopods lists this id, but its item cannot be read")


def _duplicate_local(case: Case, at: Positions, message_id: pd.Series) -> pd.Series:  # noqa: ARG001
    message = case.links.duplicate_of[at]
    winner = case.links.partner_of_provider[message]
    name = case.local.frame["local_id"].take(winner).astype("str").reset_index(drop=True)
    named = "record " + name.fillna("without an id")
    mine, nearest = (
        np.abs(case.local_time[rows] - case.provider_time[message]) for rows in (at, winner)
    )
    why = pd.Series(" is nearer in time", name.index, dtype="str")
    why = why.mask(mine == nearest, " is as near in time, comes first")
    return named + why + " and already accounts for this message"


def _of_messages(case: Case) -> Iterable[pd.DataFrame]:
    for kind, words in (
        (Kind.MISSING_LOCALLY, _missing_locally),
        (Kind.DUPLICATE_SEND, _duplicate_send),
    ):
        at = case.provider_in(kind.value)
        if len(at):
            found = _message(case, at)
            yield found.assign(kind=kind.value, detail=words(case, at, found["message_id"]))


def _missing_locally(case: Case, at: Positions, message_id: pd.Series) -> pd.Series:  # noqa: ARG001
    unread = message_id.isin(case.local.rejects["message_id"].astype("str").dropna())
    words = pd.Series("Octopods has it, the books do not", message_id.index, dtype="str")
    return words.mask(
        unread, "Octopods has it; the books name its id only in a record that cannot be read"
    )


def _duplicate_send(case: Case, at: Positions, message_id: pd.Series) -> pd.Series:  # noqa: ARG001
    sibling = case.sibling[at]
    booked = case.provider.frame["message_id"].take(sibling).astype("str").reset_index(drop=True)
    apart = faults.apart(case.provider_time[at] - case.provider_time[sibling], "after", "before")
    return "no record of it; sent " + apart + " message " + booked + ", which is in the books"


def _of_pairs(case: Case, policy: Policy) -> Iterable[pd.DataFrame]:
    local = case.local_in("matched")
    provider = case.links.partner_of_local[local]
    for kind, wrong, words in (
        (Kind.MESSAGE_ID_MISMATCH, faults.ids_differ(case, local), faults.ids_in_words),
        (
            Kind.RECIPIENT_MISMATCH,
            faults.recipients_differ(case, local, provider),
            faults.recipients_in_words,
        ),
        (
            Kind.STATUS_MISMATCH,
            faults.statuses_contradict(case, local, provider, policy),
            faults.statuses_in_words,
        ),
        (
            Kind.SENT_AT_DRIFT,
            faults.drifted(case, local, provider, policy),
            faults.drift_in_words,
        ),
    ):
        mine, theirs = local[wrong], provider[wrong]
        if len(mine):
            detail = words(case, mine, theirs)
            yield _pair(case, mine, theirs).assign(kind=kind.value, detail=detail)


def _stuck(case: Case, policy: Policy) -> Iterable[pd.DataFrame]:
    at = faults.stuck(case, policy)
    partner = case.links.partner_of_provider[at]
    alone, paired = at[partner < 0], at[partner >= 0]
    if len(alone):
        detail = faults.stuck_in_words(case, alone)
        yield _message(case, alone).assign(kind=Kind.STUCK.value, detail=detail)
    if len(paired):
        # The finding is about the message: it stays the same when the books get their record.
        found = _pair(case, partner[partner >= 0], paired).drop(columns="local_key")
        yield found.assign(kind=Kind.STUCK.value, detail=faults.stuck_in_words(case, paired))


def _of_rejects(kind: Kind, rejects: pd.DataFrame, owner: Positions) -> pd.DataFrame:
    inside = owner >= 0
    rows = rejects.loc[inside]
    side = "local" if kind is Kind.INVALID_LOCAL else "provider"
    found = pd.DataFrame(
        {
            "kind": kind.value,
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
