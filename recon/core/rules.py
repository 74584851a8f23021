"""The rule of each kind of finding: which rows it concerns, and the detail text for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recon.core import arrow_text, blocks, statuses, user_ids
from recon.core.absence_doubts import Doubt
from recon.core.arrow_text import Texts
from recon.core.buckets import Case
from recon.core.finding_rows import FindingRows
from recon.core.link import Mask, Positions, microseconds
from recon.core.policy import Policy
from recon.model import Kind

#: For each kind of finding, the records and the message of each; -1 without one.
RowsByKind: TypeAlias = Mapping[Kind, tuple[Positions, Positions]]

#: The detail of a message that lies after the end of the records.
RECORDS_END: Final = "the records end before this message was sent"
#: The detail of a row for each doubt; a message whose record cannot be read has another one.
_DOUBTS: Final = {
    Doubt.UNCOVERED: "no collected answer proves that everything sent at this time was listed",
    Doubt.UNREAD_ID: "Octopods lists this id, but its item cannot be read",
    Doubt.SHIELDED: "Octopods lists an item that cannot be read and may be this one",
    Doubt.STALE: RECORDS_END,
    Doubt.FIRST_CONTACT: "sent before the oldest message that was ever listed for this key",
    Doubt.OTHER_ID: "a record of this number and time holds another id, and it is not known "
    "whether Octopods has that id",
    Doubt.PURGED_ID: "its id is smaller than that of every message that a purge kept, so its "
    "message may have been deleted",
    Doubt.INCOMPARABLE: "a record without an id and a message of this time may be the same send: "
    "their numbers cannot be compared",
}


def rows_by_kind(case: Case, policy: Policy, *, block_rows: int = blocks.BLOCK_ROWS) -> RowsByKind:
    """Return the rows that each kind concerns, except the kinds of unreadable rows.

    Args:
        case: both sides, linked and classified.
        policy: how strict to be.
        block_rows: rows that one thread works on at a time; no result depends on it.
    """
    kinds: dict[Kind, tuple[Positions, Positions]] = {}
    for kind in (Kind.MISSING_AT_PROVIDER, Kind.DUPLICATE_LOCAL):
        at = case.local_in(kind.value)
        kinds[kind] = at, _nobody(at)
    records, messages = case.local_in("unverifiable"), case.provider_in("unverifiable")
    kinds[Kind.UNVERIFIABLE] = (
        np.concatenate([records, _nobody(messages)]),
        np.concatenate([_nobody(records), messages]),
    )
    for kind in (Kind.MISSING_LOCALLY, Kind.DUPLICATE_SEND):
        at = case.provider_in(kind.value)
        kinds[kind] = _nobody(at), at
    for kind, at in _wrong_pairs(case, policy, block_rows).items():
        kinds[kind] = at, case.links.partner_of_local[at]
    waiting = _stuck(case, policy)
    kinds[Kind.STUCK] = case.links.partner_of_provider[waiting], waiting
    return {kind: rows for kind, rows in kinds.items() if len(rows[0])}


def _nobody(at: Positions) -> Positions:
    return np.full(len(at), -1, dtype=np.int64)


# --- pairs -------------------------------------------------------------------------------------


def _wrong_pairs(case: Case, policy: Policy, block_rows: int) -> dict[Kind, Positions]:
    """Return the records of pairs that have a finding."""
    if case.local.frame.empty or case.provider.frame.empty:
        return {}
    contradict = _contradictions(case, policy)
    drift_us = policy.drift // timedelta(microseconds=1)

    def check(rows: slice) -> dict[Kind, Positions]:
        matched = case.is_matched(rows)
        # A record without a partner (-1) reads the last message here, to no effect: these are few.
        partner = case.links.partner_of_local[rows]
        distance = case.local_time[rows] - case.provider_time[partner]
        wrong = {
            Kind.MESSAGE_ID_MISMATCH: case.holds_id[rows] & ~case.links.by_id[rows],
            Kind.RECIPIENT_MISMATCH: _differ(case.local_keys[rows], case.provider_keys[partner]),
            Kind.STATUS_MISMATCH: contradict(rows, partner),
            Kind.SENT_AT_DRIFT: np.abs(distance, out=distance) > drift_us,
        }
        return {
            kind: rows.start + np.flatnonzero(differs & matched) for kind, differs in wrong.items()
        }

    parts = blocks.map_blocks(len(case.local.frame), check, block_rows=block_rows)
    return {kind: np.concatenate([part[kind] for part in parts]) for kind in parts[0]}


def _differ(keys: Positions, others: Positions) -> Mask:
    """Say for each pair whether both sides have numbers that can be compared, and they differ."""
    differ: Mask = keys != others
    if differ.any():
        differ &= (keys >= 0) & (user_ids.key_sorts(keys) == user_ids.key_sorts(others))
    return differ


def _contradictions(case: Case, policy: Policy) -> Callable[[slice, Positions], Mask]:
    """Compare each pair of words once; return a function that looks rows up by word codes."""
    mine, theirs = case.local.frame["status"].array, case.provider.frame["status"].array
    sent = list(map(str, theirs.categories))
    # The code of a null is -1, which is the place of `None` at the end.
    recorded = [*map(str, mine.categories), None]
    table = np.array(
        [
            case.local.has_statuses and statuses.contradict(word, other, policy.status_policy)
            for word in recorded
            for other in sent
        ],
        dtype=np.bool_,
    )

    def contradict(rows: slice, partner: Positions) -> Mask:
        place = mine.codes[rows].astype(np.intp)
        place *= len(sent)
        place += theirs.codes[partner]
        found: Mask = table.take(place, mode="wrap")
        return found

    return contradict


# --- messages ----------------------------------------------------------------------------------


def _stuck(case: Case, policy: Policy) -> Positions:
    """Return the windows' messages that had waited as long as the policy allows when last seen."""
    frame = case.provider.frame
    status = frame["status"].array
    waits = np.zeros(len(frame), dtype=np.bool_)
    for code, word in enumerate(status.categories):
        if word in statuses.NOT_TERMINAL:
            waits |= status.codes == code
    waiting = np.flatnonzero(waits)
    waiting = waiting[case.provider_owner[waiting] >= 0]
    age = microseconds(frame["observed_at"].iloc[waiting]) - case.provider_time[waiting]
    return waiting[age >= policy.stuck_after // timedelta(microseconds=1)]


# --- words -------------------------------------------------------------------------------------


def _missing_at_provider(case: Case, rows: FindingRows) -> Texts:
    """State the record's status, and why it is known that Octopods has no such message."""
    by_name = arrow_text.join("the records say this went out as message ", rows.recorded_id)
    said = arrow_text.coalesce(by_name, "the records say this went out")
    status = arrow_text.take(case.local.frame["status"], rows.local)
    is_known = pc.is_in(status, value_set=pa.array([*statuses.LOCAL_WORDS, None], arrow_text.TEXT))
    unmapped = ~is_known.to_numpy(zero_copy_only=False)
    if unmapped.any():
        word = arrow_text.join("the records say '", status, f"', {statuses.UNMAPPED}")
        said = arrow_text.if_else(unmapped, word, said)
    absent = arrow_text.if_else(
        case.denied.of(rows.local) > 0,
        "; Octopods was asked for it and has no such message",
        "; Octopods has no such message",
    )
    return arrow_text.join(said, absent)


def _unverifiable(case: Case, rows: FindingRows) -> Texts:
    """State why the row cannot be verified."""
    doubt = np.zeros(len(rows.local), dtype=np.int64)
    message = rows.local < 0
    doubt[~message] = case.local_doubt.of(rows.local[~message])
    doubt[message] = case.provider_doubt.of(rows.provider[message])
    said = pa.array([_DOUBTS.get(one) for one in Doubt], arrow_text.TEXT).take(pa.array(doubt))
    shielded = message & (doubt == Doubt.SHIELDED)
    return arrow_text.if_else(shielded, _unread_record(case, rows), said)


def _duplicate_local(case: Case, rows: FindingRows) -> Texts:
    """State which record belongs to the message, and why."""
    message = case.links.duplicates.of(rows.local)
    winner = case.links.partner_of_provider[message]
    name = arrow_text.coalesce(
        arrow_text.take(case.local.frame["local_id"], winner), "without an id"
    )
    mine, nearest = (
        np.abs(case.local_time[record] - case.provider_time[message])
        for record in (rows.local, winner)
    )
    why = arrow_text.if_else(
        mine == nearest, " is as near in time, comes first", " is nearer in time"
    )
    return arrow_text.join("record ", name, why, " and already accounts for this message")


def _unread_record(case: Case, rows: FindingRows) -> Texts:
    """State that an unreadable record may be the message's own."""
    unread = case.local.unreadable["message_id"].dropna().to_numpy(dtype=np.int64)
    held = rows.provider >= 0
    named = np.zeros(len(held), dtype=np.bool_)
    ids = case.provider.frame["message_id"].to_numpy(dtype=np.int64)[rows.provider[held]]
    named[held] = np.isin(ids, unread)
    return arrow_text.if_else(
        named,
        "the record with its id cannot be read",
        "a record that cannot be read may belong to this message",
    )


def _missing_locally(_case: Case, rows: FindingRows) -> Texts:
    """State that the records lack the message."""
    return pa.array(["Octopods has it, the records do not"] * len(rows.local), arrow_text.TEXT)


def _duplicate_send(case: Case, rows: FindingRows) -> Texts:
    """State which recorded message it repeats."""
    names, times = case.repeats.of(rows.provider)
    recorded = arrow_text.as_text_array(pa.array(names))
    distance = apart(case.provider_time[rows.provider] - times)
    return arrow_text.join(
        "no record of it; sent ", distance, " message ", recorded, ", which is in the records"
    )


def _message_id_mismatch(case: Case, rows: FindingRows) -> Texts:
    """State the id in the records, and why the rows are a pair although the id differs."""
    return arrow_text.join(
        "the records hold id ",
        rows.recorded_id,
        ", which Octopods does not list; recorded ",
        apart(_drift(case, rows)),
        " this message to the same number",
    )


def _recipient_mismatch(_case: Case, rows: FindingRows) -> Texts:
    """State both numbers, as either side spells them."""
    return arrow_text.join("recorded for ", rows.recorded_for, ", sent to ", rows.sent_to)


def _status_mismatch(case: Case, rows: FindingRows) -> Texts:
    """State what each contradiction means for ops."""
    mine, theirs = case.local.frame["status"].array, case.provider.frame["status"].array
    recorded, sent = [*map(str, mine.categories), None], list(map(str, theirs.categories))
    # The code of a null is -1, which is the place of `None` at the end of `recorded`.
    words = mine.codes[rows.local].astype(np.int64) % len(recorded)
    distinct, place = np.unique(
        words * len(sent) + theirs.codes[rows.provider], return_inverse=True
    )
    said = [statuses.explain(recorded[n // len(sent)], sent[n % len(sent)]) for n in distinct]
    return pa.array(said, arrow_text.TEXT).take(pa.array(place))


def _sent_at_drift(case: Case, rows: FindingRows) -> Texts:
    """State how far apart the times of each pair lie."""
    return arrow_text.join("recorded ", apart(_drift(case, rows)), " Octopods' time")


def _stuck_in_words(case: Case, rows: FindingRows) -> Texts:
    """State how long each message had been waiting when it was last seen."""
    frame, at = case.provider.frame, rows.provider
    age = microseconds(frame["observed_at"].iloc[at]) - case.provider_time[at]
    return arrow_text.join(
        "status still ", arrow_text.take(frame["status"], at), " ", apart(age, "after the send")
    )


def _drift(case: Case, rows: FindingRows) -> Positions:
    return case.local_time[rows.local] - case.provider_time[rows.provider]


def apart(distance: Positions, after: str = "after", before: str = "before") -> Texts:
    """Put signed distances (microseconds) in words: '2 min 5 s after', '0 s after'."""
    seconds, place = np.unique(np.round(distance / 1e6).astype(np.int64), return_inverse=True)
    words = [f"{length(abs(n))} {after if n >= 0 else before}" for n in seconds.tolist()]
    return pa.array(words, arrow_text.TEXT).take(pa.array(place))


def length(seconds: int) -> str:
    """Put a length of time in words with its two largest units."""
    parts: list[str] = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


#: What each finding of a kind says, row by row.
DETAILS: Final[Mapping[Kind, Callable[[Case, FindingRows], Texts]]] = {
    Kind.MISSING_AT_PROVIDER: _missing_at_provider,
    Kind.UNVERIFIABLE: _unverifiable,
    Kind.DUPLICATE_LOCAL: _duplicate_local,
    Kind.MISSING_LOCALLY: _missing_locally,
    Kind.DUPLICATE_SEND: _duplicate_send,
    Kind.MESSAGE_ID_MISMATCH: _message_id_mismatch,
    Kind.RECIPIENT_MISMATCH: _recipient_mismatch,
    Kind.STATUS_MISMATCH: _status_mismatch,
    Kind.SENT_AT_DRIFT: _sent_at_drift,
    Kind.STUCK: _stuck_in_words,
}
