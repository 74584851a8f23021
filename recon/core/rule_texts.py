"""The rules that decide about a row, each in a sentence, and what would change its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final

from recon.core.policy import Policy
from recon.model import Kind


class Rule(StrEnum):
    """The rule that decided about a record, a message or a pair."""

    SAME_ID = "same_id"
    SAME_NUMBER = "same_number"
    NOT_SENT = "not_sent"
    FAILED_WITHOUT_ID = "failed_without_id"
    ID_DENIED = "id_denied"
    ABSENT = "absent"
    DUPLICATE_LOCAL = "duplicate_local"
    IN_A_GAP = "in_a_gap"
    ID_UNREADABLE = "id_unreadable"
    ID_MAY_BE_PURGED = "id_may_be_purged"
    BEFORE_FIRST_LISTED = "before_first_listed"
    MAY_BE_AN_UNREADABLE_ITEM = "may_be_an_unreadable_item"
    MAY_BE_AN_UNREADABLE_RECORD = "may_be_an_unreadable_record"
    AFTER_THE_RECORDS = "after_the_records"
    MAY_BE_OF_ANOTHER_ID = "may_be_of_another_id"
    NOT_COMPARABLE = "not_comparable"
    UNRECORDED = "unrecorded"
    REPEATED = "repeated"
    OTHER_ID = "other_id"
    OTHER_NUMBER = "other_number"
    STATUSES_CONTRADICT = "statuses_contradict"
    TIMES_APART = "times_apart"
    NOT_TERMINAL = "not_terminal"
    RECORD_UNREADABLE = "record_unreadable"
    ITEM_UNREADABLE = "item_unreadable"

    @property
    def kind(self) -> Kind | None:
        """The kind of finding that it reports; `None` if nothing is wrong."""
        return _KINDS.get(self)


_KINDS: Final[Mapping[Rule, Kind]] = {
    Rule.ID_DENIED: Kind.MISSING_AT_PROVIDER,
    Rule.ABSENT: Kind.MISSING_AT_PROVIDER,
    Rule.DUPLICATE_LOCAL: Kind.DUPLICATE_LOCAL,
    Rule.IN_A_GAP: Kind.UNVERIFIABLE,
    Rule.ID_UNREADABLE: Kind.UNVERIFIABLE,
    Rule.ID_MAY_BE_PURGED: Kind.UNVERIFIABLE,
    Rule.BEFORE_FIRST_LISTED: Kind.UNVERIFIABLE,
    Rule.MAY_BE_AN_UNREADABLE_ITEM: Kind.UNVERIFIABLE,
    Rule.MAY_BE_AN_UNREADABLE_RECORD: Kind.UNVERIFIABLE,
    Rule.AFTER_THE_RECORDS: Kind.UNVERIFIABLE,
    Rule.MAY_BE_OF_ANOTHER_ID: Kind.UNVERIFIABLE,
    Rule.NOT_COMPARABLE: Kind.UNVERIFIABLE,
    Rule.UNRECORDED: Kind.MISSING_LOCALLY,
    Rule.REPEATED: Kind.DUPLICATE_SEND,
    Rule.OTHER_ID: Kind.MESSAGE_ID_MISMATCH,
    Rule.OTHER_NUMBER: Kind.RECIPIENT_MISMATCH,
    Rule.STATUSES_CONTRADICT: Kind.STATUS_MISMATCH,
    Rule.TIMES_APART: Kind.SENT_AT_DRIFT,
    Rule.NOT_TERMINAL: Kind.STUCK,
    Rule.RECORD_UNREADABLE: Kind.INVALID_LOCAL,
    Rule.ITEM_UNREADABLE: Kind.INVALID_PROVIDER,
}

_STATEMENTS: Final[Mapping[Rule, str]] = {
    Rule.SAME_ID: "A record and the message whose id it holds are a pair.",
    Rule.SAME_NUMBER: "A record and a message that no id links are a pair if they have the same "
    "number and are at most {tolerance} s apart (tolerance_seconds). As many pairs as possible are "
    "made, and of these the ones with the least total difference in time. A record without a time "
    "of day may be a pair with any message of its day.",
    Rule.NOT_SENT: "A record marked not sent that Octopods does not have is not a finding.",
    Rule.FAILED_WITHOUT_ID: "A record that failed before it got an id, and that Octopods does not "
    "have, is not a finding.",
    Rule.ID_DENIED: "A record that says it went out is missing at the provider if Octopods was "
    "asked for its id and denies it.",
    Rule.ABSENT: "A record that says it went out is missing at the provider if coverage of its "
    "time is proven, and no message has its id, or its number within {tolerance} s "
    "(tolerance_seconds).",
    Rule.DUPLICATE_LOCAL: "Of several records with the id of one message, the nearest in time (on "
    "a tie the smallest id) accounts for it; the others are surplus. So is a row that repeats a "
    "record without a message id: it has the same id in your records, number and time.",
    Rule.IN_A_GAP: "A record is not called missing in a gap of coverage, or so near a gap that "
    "its message may be in it, unless Octopods denies its id. If it has no time of day, all of its "
    "day has to be covered.",
    Rule.ID_UNREADABLE: "A record is not called missing if Octopods lists its id in an item that "
    "cannot be read.",
    Rule.ID_MAY_BE_PURGED: "A record is not called missing if its id is smaller than that of every "
    "message that a purge kept, unless Octopods denies the id.",
    Rule.BEFORE_FIRST_LISTED: "Before the oldest message that was ever listed for a key, a record "
    "is only called missing if Octopods denies its id.",
    Rule.MAY_BE_AN_UNREADABLE_ITEM: "A record is not called missing if an item that cannot be read "
    "may be its message: no readable field of the item contradicts the record's id, number or "
    "time (within {tolerance} s).",
    Rule.MAY_BE_AN_UNREADABLE_RECORD: "A message is not called missing in the records if a record "
    "that cannot be read may be its record: no readable field of that record contradicts the "
    "message's id, number or time (within {tolerance} s).",
    Rule.AFTER_THE_RECORDS: "A message after the last record is not called missing in the records "
    "if messages continue for more than an hour after that record, and for longer than the usual "
    "time between records.",
    Rule.MAY_BE_OF_ANOTHER_ID: "A message is not called missing in the records, and is not paired, "
    "if a record has its number within {tolerance} s but holds another id, and it is not known "
    "whether Octopods has that id.",
    Rule.NOT_COMPARABLE: "A record without an id and a message are not called missing if they are "
    "at most {tolerance} s apart and their numbers cannot be compared: one has no number, or they "
    "are of different types (phone number, WhatsApp user id).",
    Rule.UNRECORDED: "A message is missing locally if no record has its id, or its number within "
    "{tolerance} s (tolerance_seconds).",
    Rule.REPEATED: "A message without a record is a duplicate send if the same number got a "
    "recorded message at most {duplicate} s before or after it (duplicate_seconds).",
    Rule.OTHER_ID: "A pair by number and time is a mismatch if the record holds another id.",
    Rule.OTHER_NUMBER: "A pair by id is a mismatch if both sides have a number of the same type, "
    "and no reading of the two agrees.",
    Rule.STATUSES_CONTRADICT: 'The statuses of a pair contradict each other (status_policy = "'
    '{status_policy}").',
    Rule.TIMES_APART: "The times of a pair are more than {drift} s apart (drift_seconds).",
    Rule.NOT_TERMINAL: "A message is stuck if its status was still sent or unknown {stuck:g} h "
    "after the send (stuck_after_hours).",
    Rule.RECORD_UNREADABLE: "A record that cannot be read in full is counted, but not compared.",
    Rule.ITEM_UNREADABLE: "An item of an answer that cannot be read is counted, but not compared.",
}

#: What would change the outcome: a clause that follows "changes if", and perhaps more sentences.
_CHANGES: Final[Mapping[Rule, str]] = {
    Rule.SAME_ID: "another record with the same id is nearer in time: that record then accounts "
    "for the message. The number, the times and the statuses only decide whether something is "
    "wrong with the pair.",
    Rule.SAME_NUMBER: "the record holds the id of another message, or another record holds the id "
    "of this one. An id takes precedence over number and time.",
    Rule.NOT_SENT: "Octopods lists a message with its id, or to its number near its time: the two "
    "are then a pair with status_mismatch. If the status in the records does not mean that it was "
    "not sent, correct accounts.NAME.local.statuses.",
    Rule.FAILED_WITHOUT_ID: "Octopods lists a message to its number near its time: the two are "
    "then a pair with status_mismatch.",
    Rule.ID_DENIED: "a list or a status call shows the id: the denial then no longer counts. A "
    "status that maps to not_sent, or a corrected id in the records, also removes the finding.",
    Rule.ABSENT: "Octopods has a message with its id, or to its number near its time: the two are "
    "then a pair. If the proof of coverage is withdrawn, the record becomes unverifiable. A status "
    "that maps to not_sent removes the finding.",
    Rule.DUPLICATE_LOCAL: "this record holds another id, or the nearer record no longer holds this "
    "one; if the row repeats a record, it is removed.",
    Rule.IN_A_GAP: "a status call asks for its id; a run makes at most status_lookups_per_run of "
    "them. Without an id nothing changes it: Octopods lists only the newest 100 messages, so a "
    "later list cannot close the gap.",
    Rule.ID_UNREADABLE: "a later answer shows the item so that it can be read, or a status call "
    "asks for the id.",
    Rule.ID_MAY_BE_PURGED: "a status call denies the id, or the id or the time is corrected in the "
    "records.",
    Rule.BEFORE_FIRST_LISTED: "a status call asks for its id: if Octopods denies the id, the "
    "record is missing; if Octopods has the message, the two are a pair. Without an id nothing can "
    "decide it.",
    Rule.MAY_BE_AN_UNREADABLE_ITEM: "a later answer shows the item so that it can be read, or "
    "Octopods denies the record's id.",
    Rule.MAY_BE_AN_UNREADABLE_RECORD: "the record that cannot be read is corrected.",
    Rule.AFTER_THE_RECORDS: "the records hold newer sends: the next run then judges the day again.",
    Rule.MAY_BE_OF_ANOTHER_ID: "a status call asks for the id of that record: if Octopods denies "
    "the id, this message and that record are a pair with message_id_mismatch; if Octopods has it, "
    "this message is missing locally.",
    Rule.NOT_COMPARABLE: "the record gets the id of its message, or both get a number of the same "
    "type.",
    Rule.UNRECORDED: "a record has its id, or its number near its time.",
    Rule.REPEATED: "it has a record of its own. Without the recorded message beside it, it would "
    "be missing locally.",
    Rule.OTHER_ID: "the record holds the id of this message.",
    Rule.OTHER_NUMBER: "the number or the id is corrected in the record.",
    Rule.STATUSES_CONTRADICT: "the status changes on either side. The status at Octopods counts: "
    "correct the records.",
    Rule.TIMES_APART: "the time or the time zone is corrected in the records.",
    Rule.NOT_TERMINAL: "a later answer shows a terminal status: delivered, read, failed or "
    "deleted.",
    Rule.RECORD_UNREADABLE: "the record is corrected.",
    Rule.ITEM_UNREADABLE: "a later answer shows the item so that it can be read.",
}


def statement(rule: Rule, policy: Policy) -> str:
    """Return the rule in a sentence, with the limits of the configuration."""
    return _STATEMENTS[rule].format(
        tolerance=_seconds(policy.tolerance),
        drift=_seconds(policy.drift),
        duplicate=_seconds(policy.duplicate),
        stuck=policy.stuck_after / timedelta(hours=1),
        status_policy=policy.status_policy,
    )


def change(rule: Rule) -> str:
    """Return what would change the outcome, to be read after "changes if"."""
    return _CHANGES[rule]


def _seconds(length: timedelta) -> str:
    return f"{length / timedelta(seconds=1):g}"
